#include "ebgrasp/training/trainer.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numeric>
#include <optional>
#include <torch/torch.h>
#include <torch/version.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/evaluation/calibration_fit.hpp"
#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
#include "ebgrasp/training/event_log.hpp"
#include "ebgrasp/training/loss.hpp"
#include "ebgrasp/training/optimizer.hpp"
#include "ebgrasp/training/trainable.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using torch::Tensor;

constexpr const char* state_suffix = "-training-state";  ///< of the model's name in a state
constexpr std::int64_t validation_batch = 8192;          ///< bounds the memory of maps

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

double unix_time() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
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
    return fmt::format("{:x}", hash);
}

/// Indices of examples as a tensor.
Tensor index_tensor(std::span<const std::size_t> indices) {
    Tensor tensor = torch::empty({static_cast<std::int64_t>(indices.size())}, torch::kLong);
    std::ranges::copy(indices, tensor.data_ptr<std::int64_t>());
    return tensor;
}

std::size_t batch_size_for(const TrainingConfig& config, std::size_t training_examples) {
    return std::min(static_cast<std::size_t>(config.batch_size), training_examples);
}

// --------------------------------------------------------------------------------------------------------------- files

fs::path with_suffix(const fs::path& path, const char* suffix) { return path.string() + suffix; }
fs::path state_path(const fs::path& output) { return with_suffix(output, ".state"); }
/// TensorBoard takes a folder for a run, and files with "tfevents" in their names for its logs.
fs::path event_path(const fs::path& output) { return with_suffix(output, ".events") / "events.out.tfevents.ebgrasp"; }

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
            "training_seconds",
            "seconds"};
}

void write_csv(const std::vector<EpochReport>& epochs, const fs::path& path) {
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
                        e.failure_energies[2], e.training_seconds, e.seconds});
    });
}

/// The sums are those of the bins' centres.
EventHistogram event_histogram(const EnergyHistogram& energies, const std::array<int, EnergyHistogram::bins>& counts) {
    const double width = (energies.high - energies.low) / EnergyHistogram::bins;
    EventHistogram histogram{.min = energies.low, .max = energies.high, .limits = {}, .counts = {}};
    for (std::size_t bin = 0; bin < EnergyHistogram::bins; ++bin) {
        const double limit = energies.low + width * static_cast<double>(bin + 1), center = limit - width / 2;
        histogram.limits.push_back(limit);
        histogram.counts.push_back(counts[bin]);
        histogram.sum += counts[bin] * center;
        histogram.sum_squares += counts[bin] * center * center;
    }
    return histogram;
}

std::string epoch_events(const EpochReport& e) {
    const auto scalar = [&](const char* tag, double value) { return scalar_event(e.finished, e.epoch, tag, value); };
    const auto histogram = [&](const char* tag, const auto& counts) {
        return histogram_event(e.finished, e.epoch, tag, event_histogram(e.energies, counts));
    };
    return scalar("loss/training", e.training_loss) + scalar("loss/validation", e.validation_loss) +
           scalar("alignment/validation", e.validation_alignment) + scalar("seconds/training", e.training_seconds) +
           histogram("energy/successes", e.energies.successes) + histogram("energy/failures", e.energies.failures);
}

/// Adds the last of `epochs` to TensorBoard's log. TensorBoard goes on reading the file that it has open, so the log is
/// appended to; only the first epoch of a process writes it anew, without what a killed one left unfinished.
void write_events(const std::vector<EpochReport>& epochs, const fs::path& path, bool anew) {
    if (anew) {
        std::string log = event_log_start(epochs.front().finished);
        for (const EpochReport& report : epochs) log += epoch_events(report);
        return write_file_atomically(path, log);
    }
    std::ofstream log(path, std::ios::binary | std::ios::app);
    log << epoch_events(epochs.back()) << std::flush;
    require(log.good(), path.string(), ": cannot be appended to; is the disk full?");
}

StoredTensor stored(const Tensor& flat) {
    const Tensor values = flat.to(torch::kCPU, torch::kFloat).contiguous();
    const float* data = values.data_ptr<float>();
    return {{static_cast<std::size_t>(values.numel())}, std::vector<float>(data, data + values.numel())};
}

void restore(const StoredTensor& from, const Tensor& to) {
    to.copy_(torch::from_blob(const_cast<float*>(from.values.data()), to.sizes(), torch::kFloat));
}

Checkpoint read_state(const fs::path& output) {
    const fs::path path = state_path(output);
    Checkpoint state = read_checkpoint(path);
    require(state.model.ends_with(state_suffix), path.string(), ": is no training state; choose another output");
    return state;
}

/// Runs `body`, which reads the JSON of a state.
template <typename Body>
auto reading_state(const fs::path& output, const Body& body) {
    try {
        return body();
    } catch (const json::exception& error) {
        fail(state_path(output).string(), ": is damaged or of another version (", error.what(), "); delete it");
    }
}

// ------------------------------------------------------------------------------------------------------------- reports

std::array<double, 3> percentiles(std::vector<float> values) {
    std::ranges::sort(values);
    const auto at = [&](double share) -> double {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    return {at(0.1), at(0.5), at(0.9)};
}

EnergyHistogram energy_histogram(std::span<const float> energies, std::span<const std::uint8_t> success) {
    constexpr double left_out = 0.001;  // on either side
    std::vector<float> sorted(energies.begin(), energies.end());
    std::ranges::sort(sorted);
    const auto beyond = static_cast<std::size_t>(left_out * static_cast<double>(sorted.size()));
    EnergyHistogram histogram;
    histogram.low = sorted[beyond];
    histogram.high = sorted[sorted.size() - 1 - beyond];
    if (histogram.high <= histogram.low) histogram.high = histogram.low + 1;
    constexpr auto bins = static_cast<double>(EnergyHistogram::bins);
    for (std::size_t i = 0; i < energies.size(); ++i) {
        const double position = bins * (energies[i] - histogram.low) / (histogram.high - histogram.low);
        const auto bin = static_cast<std::size_t>(std::clamp(position, 0.0, bins - 1));
        ++(success[i] ? histogram.successes : histogram.failures)[bin];
    }
    return histogram;
}

// ------------------------------------------------------------------------------------------------------------- the run

class Run {
  public:
    Run(const WindowDataset& dataset, const TrainingConfig& config, const fs::path& output)
        : dataset_(dataset), config_(config), output_(output), device_(choose_device(config.device)) {
        const SplitBy by = training_split(config, dataset);
        config_.split_by = to_string(by);
        training_ = dataset.indices(Split::train, by, config.seed);
        const std::vector<std::size_t> validation = dataset.indices(Split::validation, by, config.seed);
        require_both_labels(training_, "training");
        require_both_labels(validation, "validation");
        identity_ = {{"examples", training_.size()}, {"fingerprint", fingerprint(dataset.examples, training_)}};
        validation_ = index_tensor(validation).to(device_);
        validation_labels_ = example_labels(dataset.examples, validation);
        std::vector<std::size_t> all(dataset.examples.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        const std::vector<std::uint8_t> labels = example_labels(dataset.examples, all);
        success_ = torch::tensor(labels, torch::kByte).to(torch::kBool).to(device_);

        seed_torch(config, Purpose::weights, 0);
        network_ = make_trainable(config, dataset, training_, device_);
        optimizer_ = make_optimizer(config, network_->module(), network_->rate_factors());
        if (fs::exists(state_path(output_))) load_state();
    }

    std::size_t examples_left() const {
        const auto wanted = static_cast<std::size_t>(config_.epochs);
        return (wanted - std::min(wanted, epochs_.size())) * steps_per_epoch() * batch_size();
    }

    TrainingResult run(const std::function<void(const EpochReport&)>& on_epoch, Progress& progress) {
        const auto done = static_cast<int>(epochs_.size());
        for (int epoch = done + 1; epoch <= config_.epochs; ++epoch) {
            const auto start = std::chrono::steady_clock::now();
            const auto elapsed = [&] {
                return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            };
            EpochReport report;
            report.epoch = epoch;
            report.training_loss = train_epoch(epoch, progress);
            report.training_seconds = elapsed();
            validate_epoch(report);
            report.seconds = elapsed();
            report.finished = unix_time();
            epochs_.push_back(report);
            write_csv(epochs_, with_suffix(output_, ".csv"));
            write_events(epochs_, event_path(output_), /*anew=*/epoch == done + 1);
            save_state();  // last: a run killed before does the epoch again, and all of its files
            if (on_epoch) on_epoch(report);
        }
        return {best_epoch_, read_checkpoint(output_).info.at("metrics"), epochs_};
    }

  private:
    std::size_t batch_size() const { return batch_size_for(config_, training_.size()); }
    /// An epoch is whole batches; which examples are left over changes with the order.
    std::size_t steps_per_epoch() const { return training_.size() / batch_size(); }

    void require_both_labels(std::span<const std::size_t> indices, const char* split) const {
        const auto successes =
            std::count_if(indices.begin(), indices.end(), [&](std::size_t i) { return dataset_.examples.success(i); });
        require(successes > 0 && successes < static_cast<std::ptrdiff_t>(indices.size()), "the ", split, " split has ",
                successes, " successes among ", indices.size(),
                " examples; training needs both successes and failures, generate more data");
    }

    double train_epoch(int epoch, Progress& progress) {
        seed_torch(config_, Purpose::dropout, epoch);
        network_->module().train();
        const Tensor order = epoch_order(epoch), turned = turned_grasps(epoch);
        const auto batch = static_cast<std::int64_t>(batch_size()),
                   steps = static_cast<std::int64_t>(steps_per_epoch());
        Tensor loss_sum = torch::zeros({}, device_);
        for (std::int64_t step = 0; step < steps; ++step) {
            const auto of_batch = [&](const Tensor& all) {
                return all.defined() ? all.narrow(0, step * batch, batch) : Tensor();
            };
            const Tensor examples = of_batch(order);
            optimizer_->zero_gradients();
            const Tensor loss =
                batch_loss(network_->energies(examples, of_batch(turned)), success_.index_select(0, examples));
            loss.backward();
            optimizer_->step(rate_factor());
            loss_sum += loss.detach();
            progress.advance(batch_size(), remark());
        }
        const double mean = loss_sum.item<double>() / static_cast<double>(steps);
        require(std::isfinite(mean), "training diverged in epoch ", epoch, ": the loss is ", mean,
                "; lower learning_rate (", config_.learning_rate, ")");
        return mean;
    }

    double rate_factor() const {
        const double epochs = static_cast<double>(optimizer_->steps) / static_cast<double>(steps_per_epoch());
        return std::pow(config_.learning_rate_decay, std::floor(epochs / config_.decay_epochs));
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

        std::vector<std::size_t> order;
        order.reserve(training_.size());
        for (const std::size_t start : starts) {
            std::size_t i = start;
            do order.push_back(training_[i++]);
            while (config_.batch_by == "window" && i < training_.size() && window_of(i) == window_of(start));
        }
        return index_tensor(order).to(device_);
    }

    std::int32_t window_of(std::size_t i) const { return dataset_.examples.grasp_window[training_[i]]; }

    /// Which of an epoch's grasps are turned by pi: each with probability 0.5. Undefined: none.
    Tensor turned_grasps(int epoch) const {
        if (!config_.augment) return {};
        Tensor turned = torch::empty({static_cast<std::int64_t>(training_.size())}, torch::kBool);
        RandomStream stream(config_.seed, static_cast<int>(Purpose::turn), epoch);
        for (bool& value : std::span(turned.data_ptr<bool>(), training_.size())) value = stream.bernoulli(0.5);
        return turned.to(device_);
    }

    std::vector<float> validation_energies() {
        const torch::NoGradGuard no_grad;
        network_->module().eval();
        std::vector<Tensor> energies;
        for (const Tensor& examples : validation_.split(validation_batch))
            energies.push_back(network_->energies(examples, {}));
        const Tensor all = torch::cat(energies).to(torch::kCPU, torch::kFloat).contiguous();
        return {all.data_ptr<float>(), all.data_ptr<float>() + all.numel()};
    }

    void validate_epoch(EpochReport& report) {
        const std::vector<float> energies = validation_energies();
        EvaluationOptions options{.temperature = config_.temperature, .batch_size = batch_size()};
        options.calibration = fit_platt(energies, validation_labels_);
        const Evaluation evaluation = evaluate(energies, validation_labels_, options);
        report.validation_loss = evaluation.loss;
        report.validation_alignment = evaluation.alignment;
        std::array<std::vector<float>, 2> by_label;
        for (std::size_t i = 0; i < energies.size(); ++i) by_label[validation_labels_[i]].push_back(energies[i]);
        report.failure_energies = percentiles(by_label[0]);
        report.success_energies = percentiles(by_label[1]);
        report.energies = energy_histogram(energies, validation_labels_);
        if (best_epoch_ != 0 && !(report.validation_loss < best_loss_)) return;
        best_epoch_ = report.epoch;
        best_loss_ = report.validation_loss;
        write_best(*options.calibration, evaluation);
    }

    void write_best(const Calibration& calibration, const Evaluation& evaluation) const {
        Checkpoint checkpoint = network_->checkpoint();
        checkpoint.info.update({{"calibration", calibration},
                                {"metrics", evaluation},
                                {"config", config_},
                                {"provenance",
                                 {{"epoch", best_epoch_},
                                  {"training_examples", training_.size()},
                                  {"validation_examples", validation_labels_.size()},
                                  {"dataset", identity_},
                                  {"dataset_config", dataset_.config},
                                  {"libtorch", TORCH_VERSION}}}});
        write_checkpoint(checkpoint, output_);
    }

    /// The configuration without what does not change the result.
    json config_for_identity() const {
        json config = config_;
        for (const char* key : {"epochs", "device", "threads"}) config.erase(key);
        return config;
    }

    void save_state() {
        Checkpoint state = network_->checkpoint();
        state.model += state_suffix;
        for (const auto& [name, tensor] : optimizer_->state()) state.tensors[name] = stored(tensor);
        state.info = {
            {"config", config_for_identity()}, {"dataset", identity_},    {"optimizer_steps", optimizer_->steps},
            {"best_epoch", best_epoch_},       {"best_loss", best_loss_}, {"epochs", epochs_}};
        write_checkpoint(state, state_path(output_));
    }

    void load_state() {
        const std::string path = state_path(output_).string();
        Checkpoint state = read_state(output_);
        reading_state(output_, [&] {
            require(state.info.at("config") == config_for_identity() && state.info.at("dataset") == identity_, path,
                    ": belongs to a run with another configuration or data set; delete it or choose another output");
            require(fs::exists(output_), path, ": its checkpoint ", output_.string(), " is gone; delete the state too");
            state.model.resize(state.model.size() - std::string_view(state_suffix).size());
            network_->load(state);
            for (const auto& [name, tensor] : optimizer_->state())
                restore(state.tensor(name, {static_cast<std::size_t>(tensor.numel())}), tensor);
            state.info.at("optimizer_steps").get_to(optimizer_->steps);
            state.info.at("best_epoch").get_to(best_epoch_);
            state.info.at("best_loss").get_to(best_loss_);
            state.info.at("epochs").get_to(epochs_);
        });
        info("going on after epoch {} of {}", epochs_.size(), path);
    }

    std::string remark() const {
        const std::string where = fmt::format("{}: epoch {}", output_.stem().string(), epochs_.size() + 1);
        if (epochs_.empty()) return where;
        return fmt::format("{}, validation loss {:.3f}, alignment {:.1f} %", where, epochs_.back().validation_loss,
                           100 * epochs_.back().validation_alignment);
    }

    const WindowDataset& dataset_;
    TrainingConfig config_;
    const fs::path& output_;
    torch::Device device_;
    std::vector<std::size_t> training_;
    Tensor validation_;
    std::vector<std::uint8_t> validation_labels_;
    Tensor success_;  ///< of all examples, on the device
    json identity_;   ///< of the training data
    std::unique_ptr<TrainableNetwork> network_;
    std::unique_ptr<Optimizer> optimizer_;
    int best_epoch_ = 0;
    double best_loss_ = 0;
    std::vector<EpochReport> epochs_;
};

}  // namespace

SplitBy training_split(const TrainingConfig& config, const WindowDataset& dataset) {
    if (config.split_by != "data") return parse_split_by(config.split_by);
    const auto found = dataset.config.find("split_by");
    if (found == dataset.config.end()) return SplitBy::object;
    require(found->is_string(), "the data set's config.split_by is ", found->dump(), "; name object, image or example");
    return parse_split_by(found->get<std::string>());
}

std::size_t examples_per_epoch(const TrainingConfig& config, const WindowDataset& dataset) {
    const std::size_t count = dataset.indices(Split::train, training_split(config, dataset), config.seed).size();
    const std::size_t batch = batch_size_for(config, count);
    return batch > 0 ? count / batch * batch : 0;
}

std::vector<EpochReport> finished_epochs(const fs::path& output) {
    if (!fs::exists(state_path(output))) return {};
    return reading_state(output, [&] { return read_state(output).info.at("epochs").get<std::vector<EpochReport>>(); });
}

TrainingResult train(const WindowDataset& dataset, const TrainingConfig& config, const fs::path& output,
                     const std::function<void(const EpochReport&)>& on_epoch, Progress* progress) {
    config.validate();
    const ThreadLimit limit(config.threads);
    const TorchThreadLimit torch_limit(config.threads);
    Run run(dataset, config, output);
    if (progress) return run.run(on_epoch, *progress);
    Progress own("training", run.examples_left(), "examples");
    return run.run(on_epoch, own);
}

}  // namespace ebgrasp
