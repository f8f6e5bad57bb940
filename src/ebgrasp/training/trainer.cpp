#include "ebgrasp/training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <torch/torch.h>
#include <torch/version.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/training/adam.hpp"
#include "ebgrasp/training/allocator.hpp"
#include "ebgrasp/training/loss.hpp"
#include "ebgrasp/training/metrics.hpp"
#include "ebgrasp/training/seed_network.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using torch::Tensor;

constexpr const char* state_model = "seed-training-state";
constexpr int grasp_columns = 5;  ///< of WindowExamples::grasps

/// What a random stream is for.
enum class Purpose : int { weights, order, turn, dropout };

torch::Device choose_device(const std::string& name) {
    const bool available = torch::cuda::is_available();
    require(name != "cuda" || available, "device 'cuda' was asked for, but libtorch sees none; use 'cpu' or 'auto'");
    return name == "cuda" || (name == "auto" && available) ? torch::kCUDA : torch::kCPU;
}

void seed_torch(const TrainingConfig& config, Purpose purpose, int epoch) {
    torch::manual_seed(RandomStream(config.seed, static_cast<int>(purpose), epoch)() >> 1);
}

/// ThreadLimit for libtorch's own pool.
class TorchThreadLimit {
  public:
    explicit TorchThreadLimit(int threads) {
        if (threads > 0) torch::set_num_threads(threads);
    }
    ~TorchThreadLimit() { torch::set_num_threads(previous_); }
    TorchThreadLimit(const TorchThreadLimit&) = delete;
    TorchThreadLimit& operator=(const TorchThreadLimit&) = delete;

  private:
    int previous_ = torch::get_num_threads();
};

// ---------------------------------------------------------------------------------------------------------------- data

/// Mean and standard deviation of `count` values; a constant is left at deviation 1.
template <typename Value>
std::pair<double, double> moments(std::size_t count, const Value& value) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < count; ++i) {  // Welford, "Note on a method for calculating corrected sums", 1962
        const double difference = value(i) - mean;
        mean += difference / static_cast<double>(i + 1);
        squares += difference * (value(i) - mean);
    }
    const double deviation = count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0.0;
    return {mean, deviation > 1e-9 ? deviation : 1.0};
}

WindowNormalization normalization_from(const WindowExamples& examples, std::span<const std::size_t> training) {
    WindowNormalization normalization;
    for (std::size_t column = 0; column < 4; ++column)
        std::tie(normalization.grasp_mean[column], normalization.grasp_std[column]) = moments(
            training.size(), [&](std::size_t i) { return examples.grasps[training[i] * grasp_columns + column]; });

    std::vector<std::int32_t> windows;
    for (const std::size_t i : training) windows.push_back(examples.grasp_window[i]);
    std::sort(windows.begin(), windows.end());
    windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
    std::tie(normalization.depth_mean, normalization.depth_std) =
        moments(windows.size() * window_pixels, [&](std::size_t i) {
            return examples
                .windows[static_cast<std::size_t>(windows[i / window_pixels]) * window_pixels + i % window_pixels];
        });
    return normalization;
}

/// The training split on the device, normalised, so that a batch is gathered by index.
struct TrainingData {
    Tensor windows;  ///< all windows, n x 1 x 32 x 32
    Tensor window;   ///< m, of each training example
    Tensor grasps;   ///< 2 m x 4: as labelled, then turned by pi
    Tensor success;  ///< m, bool
};

TrainingData upload(const WindowExamples& examples, std::span<const std::size_t> training,
                    const WindowNormalization& normalization, torch::Device device) {
    const auto count = static_cast<std::int64_t>(training.size());
    TrainingData data{torch::empty({static_cast<std::int64_t>(examples.window_count()), 1, window_size, window_size}),
                      torch::empty({count}, torch::kLong), torch::empty({2 * count, 4}),
                      torch::empty({count}, torch::kBool)};
    const auto mean = static_cast<float>(normalization.depth_mean),
               scale = static_cast<float>(1 / normalization.depth_std);
    std::transform(examples.windows.begin(), examples.windows.end(), data.windows.data_ptr<float>(),
                   [&](float depth) { return (depth - mean) * scale; });

    auto window = data.window.accessor<std::int64_t, 1>();
    auto grasps = data.grasps.accessor<float, 2>();
    auto success = data.success.accessor<bool, 1>();
    for (std::int64_t i = 0; i < count; ++i) {
        const std::size_t example = training[static_cast<std::size_t>(i)];
        window[i] = examples.grasp_window[example];
        success[i] = examples.success(example);
        for (std::size_t column = 0; column < 4; ++column) {
            const auto normalize = [&](double value) {
                return static_cast<float>((value - normalization.grasp_mean[column]) / normalization.grasp_std[column]);
            };
            const double value = examples.grasps[example * grasp_columns + column];
            const double turned = column < 3 ? value : value > 0 ? value - std::numbers::pi : value + std::numbers::pi;
            grasps[i][static_cast<std::int64_t>(column)] = normalize(value);
            grasps[count + i][static_cast<std::int64_t>(column)] = normalize(turned);
        }
    }
    return {data.windows.to(device), data.window.to(device), data.grasps.to(device), data.success.to(device)};
}

/// A number that tells data sets apart: labels, grasps, windows and the split.
std::string fingerprint(const WindowExamples& examples, std::span<const std::size_t> training) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a over 64-bit words
    const auto add = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
    for (const float depth : examples.windows) add(std::bit_cast<std::uint32_t>(depth));
    for (const float value : examples.grasps) add(std::bit_cast<std::uint32_t>(value));
    for (const std::int32_t window : examples.grasp_window) add(static_cast<std::uint32_t>(window));
    for (const std::uint8_t verdict : examples.verdict) add(verdict);
    for (const std::size_t i : training) add(i);
    std::ostringstream text;
    text << std::hex << hash;
    return text.str();
}

// --------------------------------------------------------------------------------------------------------------- files

json csv_header() {
    return {"epoch",
            "training_loss",
            "validation_loss",
            "validation_alignment",
            "success_energy_p10",
            "success_energy_p50",
            "success_energy_p90",
            "failure_energy_p10",
            "failure_energy_p50",
            "failure_energy_p90",
            "seconds"};
}

void write_log(const std::vector<EpochReport>& epochs, const fs::path& path) {
    write_file_atomically(path, [&](std::ostream& out) {
        const auto write_line = [&](const json& fields) {
            const char* separator = "";
            for (const json& field : fields) {
                out << separator << (field.is_string() ? field.get<std::string>() : field.dump());
                separator = ",";
            }
            out << '\n';
        };
        write_line(csv_header());
        for (const EpochReport& e : epochs)
            write_line({e.epoch, e.training_loss, e.validation_loss, e.validation_alignment, e.success_energies[0],
                        e.success_energies[1], e.success_energies[2], e.failure_energies[0], e.failure_energies[1],
                        e.failure_energies[2], e.seconds});
    });
}

fs::path with_suffix(const fs::path& path, const char* suffix) { return path.string() + suffix; }

StoredTensor stored(const Tensor& flat) {
    const Tensor values = flat.to(torch::kCPU, torch::kFloat).contiguous();
    const float* data = values.data_ptr<float>();
    return {{static_cast<std::size_t>(values.numel())}, std::vector<float>(data, data + values.numel())};
}

void restore(const StoredTensor& from, const Tensor& to) {
    to.copy_(torch::from_blob(const_cast<float*>(from.values.data()), to.sizes(), torch::kFloat));
}

// ------------------------------------------------------------------------------------------------------------- the run

std::array<double, 3> percentiles(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    return {at(0.1), at(0.5), at(0.9)};
}

class Run {
  public:
    Run(const WindowDataset& dataset, const TrainingConfig& config, const fs::path& output)
        : dataset_(dataset), config_(config), output_(output), device_(choose_device(config.device)) {
        const SplitBy by = parse_split_by(config.split_by);
        training_ = dataset.indices(Split::train, by, config.seed);
        validation_ = dataset.indices(Split::validation, by, config.seed);
        require_both_labels(training_, "training");
        require_both_labels(validation_, "validation");
        normalization_ = normalization_from(dataset.examples, training_);
        data_ = upload(dataset.examples, training_, normalization_, device_);
        identity_ = {{"examples", training_.size()}, {"fingerprint", fingerprint(dataset.examples, training_)}};

        seed_torch(config, Purpose::weights, 0);
        network_ = SeedNetwork(config.dropout);
        network_->to(device_);
        // Why the factor: see SeedNetworkImpl::grasp_weight.
        adam_.emplace(*network_, config.learning_rate,
                      std::map<std::string, double>{{"head.grasp.weight", config.grasp_rate}});
        if (fs::exists(state_path())) load_state();
    }

    TrainingResult run(const std::function<void(const EpochReport&)>& on_epoch) {
        const auto done = static_cast<int>(epochs_.size());
        Progress progress("training",
                          static_cast<std::size_t>(std::max(0, config_.epochs - done)) * examples_per_epoch(),
                          "examples");
        for (int epoch = done + 1; epoch <= config_.epochs; ++epoch) {
            const auto start = std::chrono::steady_clock::now();
            EpochReport report;
            report.epoch = epoch;
            report.training_loss = train_epoch(epoch, progress);
            validate_epoch(report);
            report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            epochs_.push_back(report);
            write_log(epochs_, with_suffix(output_, ".csv"));
            save_state();  // last: a run killed before does the epoch again, and all of its files
            if (on_epoch) on_epoch(report);
        }
        return {best_epoch_, read_checkpoint(output_).info.at("metrics"), epochs_};
    }

  private:
    fs::path state_path() const { return with_suffix(output_, ".state"); }

    std::size_t batch_size() const { return std::min(static_cast<std::size_t>(config_.batch_size), training_.size()); }
    /// An epoch is whole batches; which examples are left over changes with the order.
    std::size_t examples_per_epoch() const { return training_.size() / batch_size() * batch_size(); }

    void require_both_labels(std::span<const std::size_t> indices, const char* split) const {
        const auto successes =
            std::count_if(indices.begin(), indices.end(), [&](std::size_t i) { return dataset_.examples.success(i); });
        require(successes > 0 && successes < static_cast<std::ptrdiff_t>(indices.size()), "the ", split, " split has ",
                successes, " successes among ", indices.size(),
                " examples; training needs both successes and failures, generate more data");
    }

    double train_epoch(int epoch, Progress& progress) {
        seed_torch(config_, Purpose::dropout, epoch);
        network_->train();
        const Tensor order = epoch_order(epoch), rows = grasp_rows(order, epoch);
        const auto batch = static_cast<std::int64_t>(batch_size()),
                   end = static_cast<std::int64_t>(examples_per_epoch());
        Tensor loss_sum = torch::zeros({}, device_);
        for (std::int64_t begin = 0; begin < end; begin += batch) {
            const Tensor examples = order.narrow(0, begin, batch);
            const Tensor grasps = data_.grasps.index_select(0, rows.narrow(0, begin, batch));
            adam_->zero_gradients();
            const Tensor energies = network_->energies(encode_windows(data_.window.index_select(0, examples)), grasps);
            const Tensor loss = batch_loss(energies, data_.success.index_select(0, examples));
            loss.backward();
            adam_->step();
            loss_sum += loss.detach();
            progress.advance(batch_size(), remark());
        }
        const double mean = loss_sum.item<double>() * static_cast<double>(batch) / static_cast<double>(end);
        require(std::isfinite(mean), "training diverged in epoch ", epoch, ": the loss is ", mean,
                "; lower learning_rate (", config_.learning_rate, ")");
        return mean;
    }

    /// One code per example; examples of one window that follow one another share its encoding in batches of windows.
    Tensor encode_windows(const Tensor& window) {
        if (config_.batch_by == "example") return network_->encode(data_.windows.index_select(0, window));
        const auto [distinct, index, counts] = torch::unique_consecutive(window, /*return_inverse=*/true);
        return network_->encode(data_.windows.index_select(0, distinct)).index_select(0, index);
    }

    Tensor batch_loss(const Tensor& energies, const Tensor& success) const {
        return config_.loss == "nce" ? nce_loss(energies, success, config_.temperature)
                                     : bce_loss(energies, success, config_.temperature);
    }

    /// The training examples in random order; in batches of windows, random windows with all of their examples.
    Tensor epoch_order(int epoch) const {
        std::vector<std::size_t> starts;  // of what is shuffled: examples, or runs of examples of one window
        for (std::size_t i = 0; i < training_.size(); ++i)
            if (i == 0 || config_.batch_by == "example" || window_of(i) != window_of(i - 1)) starts.push_back(i);
        RandomStream(config_.seed, static_cast<int>(Purpose::order), epoch).shuffle(std::span(starts));

        Tensor order = torch::empty({static_cast<std::int64_t>(training_.size())}, torch::kLong);
        auto* next = order.data_ptr<std::int64_t>();
        for (const std::size_t start : starts) {
            std::size_t i = start;
            do *next++ = static_cast<std::int64_t>(i++);
            while (config_.batch_by == "window" && i < training_.size() && window_of(i) == window_of(start));
        }
        return order.to(device_);
    }

    std::int32_t window_of(std::size_t i) const { return dataset_.examples.grasp_window[training_[i]]; }

    /// Rows of data_.grasps for the examples in `order`: each turned by pi with probability 0.5.
    Tensor grasp_rows(const Tensor& order, int epoch) const {
        if (!config_.augment) return order;
        Tensor offset = torch::zeros({order.size(0)}, torch::kLong);
        RandomStream stream(config_.seed, static_cast<int>(Purpose::turn), epoch);
        for (std::int64_t& value : std::span(offset.data_ptr<std::int64_t>(), training_.size()))
            value = stream.bernoulli(0.5) ? order.size(0) : 0;
        return order + offset.to(device_);
    }

    void validate_epoch(EpochReport& report) {
        const WindowExamples& examples = dataset_.examples;
        const TorchWindowNetwork network(network_, normalization_);
        const std::vector<float> energies = example_energies(network, examples, validation_);
        const std::vector<std::uint8_t> labels = example_labels(examples, validation_);
        EvaluationOptions options{.temperature = config_.temperature, .batch_size = batch_size()};
        options.calibration = fit_platt(energies, labels);
        const Evaluation evaluation = evaluate(energies, labels, options);
        report.validation_loss = evaluation.loss;
        report.validation_alignment = evaluation.alignment;
        std::array<std::vector<double>, 2> by_label;
        for (std::size_t i = 0; i < energies.size(); ++i) by_label[labels[i]].push_back(energies[i]);
        report.failure_energies = percentiles(by_label[0]);
        report.success_energies = percentiles(by_label[1]);
        if (best_epoch_ != 0 && !(report.validation_loss < best_loss_)) return;
        best_epoch_ = report.epoch;
        best_loss_ = report.validation_loss;
        write_best(*options.calibration, evaluation);
    }

    void write_best(const Calibration& calibration, const Evaluation& evaluation) const {
        Checkpoint checkpoint = to_checkpoint(network_);
        checkpoint.info = {{"normalization", normalization_},
                           {"calibration", {{"slope", calibration.slope}, {"offset", calibration.offset}}},
                           {"metrics", evaluation},
                           {"config", config_},
                           {"provenance",
                            {{"epoch", best_epoch_},
                             {"training_examples", training_.size()},
                             {"validation_examples", validation_.size()},
                             {"dataset", identity_},
                             {"dataset_config", dataset_.config},
                             {"libtorch", TORCH_VERSION}}}};
        const ViewSpec view;
        checkpoint.info["view"] = {{"focal_length", view.focal_length}, {"distance", view.distance}};
        write_checkpoint(checkpoint, output_);
    }

    /// The configuration without what does not change the result.
    json config_for_identity() const {
        json config = config_;
        for (const char* key : {"epochs", "device", "threads"}) config.erase(key);
        return config;
    }

    void save_state() const {
        Checkpoint state = to_checkpoint(network_);
        state.model = state_model;
        state.tensors["adam.first_moment"] = stored(adam_->first_moment);
        state.tensors["adam.second_moment"] = stored(adam_->second_moment);
        state.info = {{"config", config_for_identity()}, {"dataset", identity_},    {"adam_steps", adam_->steps},
                      {"best_epoch", best_epoch_},       {"best_loss", best_loss_}, {"epochs", epochs_}};
        write_checkpoint(state, state_path());
    }

    void load_state() {
        const std::string path = state_path().string();
        Checkpoint state = read_checkpoint(path);
        require(state.model == state_model, path, ": is no training state; choose another output");
        try {
            require(state.info.at("config") == config_for_identity() && state.info.at("dataset") == identity_, path,
                    ": belongs to a run with another configuration or data set; delete it or choose another output");
            require(fs::exists(output_), path, ": its checkpoint ", output_.string(), " is gone; delete the state too");
            state.model = "seed";
            load_checkpoint(network_, state);
            const auto count = static_cast<std::size_t>(adam_->first_moment.numel());
            restore(state.tensor("adam.first_moment", {count}), adam_->first_moment);
            restore(state.tensor("adam.second_moment", {count}), adam_->second_moment);
            state.info.at("adam_steps").get_to(adam_->steps);
            state.info.at("best_epoch").get_to(best_epoch_);
            state.info.at("best_loss").get_to(best_loss_);
            state.info.at("epochs").get_to(epochs_);
        } catch (const json::exception& error) {
            fail(path, ": is damaged (", error.what(), "); delete it");
        }
        info("going on after epoch {} of {}", epochs_.size(), path);
    }

    std::string remark() const {
        if (epochs_.empty()) return "epoch 1";
        const EpochReport& last = epochs_.back();
        return fmt::format("epoch {}, validation loss {:.3f}, alignment {:.1f} %", last.epoch + 1, last.validation_loss,
                           100 * last.validation_alignment);
    }

    const WindowDataset& dataset_;
    const TrainingConfig& config_;
    const fs::path& output_;
    torch::Device device_;
    std::vector<std::size_t> training_, validation_;
    WindowNormalization normalization_;
    TrainingData data_;
    json identity_;  ///< of the training data
    SeedNetwork network_{nullptr};
    std::optional<Adam> adam_;
    int best_epoch_ = 0;
    double best_loss_ = 0;
    std::vector<EpochReport> epochs_;
};

}  // namespace

void TrainingConfig::validate() const {
    const auto check = [](bool ok, const char* field, const auto& value, const char* bound) {
        require(ok, "training: ", field, " is ", value, ", must be ", bound);
    };
    check(model == "seed", "model", model, "seed");
    check(loss == "nce" || loss == "bce", "loss", loss, "nce or bce");
    check(temperature > 0 && temperature <= 1e6, "temperature", temperature, "in (0, 1e6]");
    check(epochs >= 1 && epochs <= 1'000'000, "epochs", epochs, "in [1, 1e6]");
    check(batch_size >= 2 && batch_size <= 65536, "batch_size", batch_size, "in [2, 65536]");
    check(batch_by == "example" || batch_by == "window", "batch_by", batch_by, "example or window");
    check(learning_rate > 0 && learning_rate <= 1, "learning_rate", learning_rate, "in (0, 1]");
    check(grasp_rate > 0 && grasp_rate <= SeedNetworkImpl::grasp_repeats, "grasp_rate", grasp_rate, "in (0, 256]");
    check(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
    check(device == "auto" || device == "cpu" || device == "cuda", "device", device, "auto, cpu or cuda");
    check(threads >= 0 && threads <= 1024, "threads", threads, "in [0, 1024]");
    parse_split_by(split_by);
}

TrainingResult train(const WindowDataset& dataset, const TrainingConfig& config, const fs::path& output,
                     const std::function<void(const EpochReport&)>& on_epoch) {
    config.validate();
    tune_allocator();
    const ThreadLimit limit(config.threads);
    const TorchThreadLimit torch_limit(config.threads);
    return Run(dataset, config, output).run(on_epoch);
}

}  // namespace ebgrasp
