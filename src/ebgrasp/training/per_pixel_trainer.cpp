#include "ebgrasp/training/per_pixel_trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
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
#include "ebgrasp/training/module_checkpoint.hpp"
#include "ebgrasp/training/per_pixel_network.hpp"
#include "ebgrasp/training/session.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using torch::Tensor;

constexpr const char* model_name = "percnn";
constexpr const char* state_model = "percnn-training-state";

/// What a random stream is for.
enum class Purpose : int { weights, order, turn };

/// The labelled angle next to that of (cos2, sin2).
int nearest_angle(double cos2, double sin2) {
    const double steps = 0.5 * std::atan2(sin2, cos2) / (std::numbers::pi / per_pixel_angles);
    return (static_cast<int>(std::lround(steps)) + per_pixel_angles) % per_pixel_angles;
}

/// Of the angles that hold the one nearest to `angle`; some must.
int nearest_success(const std::array<bool, per_pixel_angles>& success, int angle) {
    for (int away = 0;; ++away)
        for (const int other : {angle + away, angle - away + per_pixel_angles})
            if (success[static_cast<std::size_t>(other % per_pixel_angles)]) return other % per_pixel_angles;
}

// ------------------------------------------------------------------------------------------------------------- batches

/// One of the eight ways to lay a square on itself: mirrored along columns, rows, and then the diagonal.
struct Turn {
    bool mirror_cols = false, mirror_rows = false, transpose = false;

    /// Where the pixel of a rows x cols grid comes to lie.
    std::pair<int, int> pixel(int row, int col, int rows, int cols) const {
        if (mirror_cols) col = cols - 1 - col;
        if (mirror_rows) row = rows - 1 - row;
        return transpose ? std::pair(col, row) : std::pair(row, col);
    }
    int angle(int k) const {
        if (mirror_cols != mirror_rows) k = per_pixel_angles - k;
        if (transpose) k = per_pixel_angles / 2 - k + per_pixel_angles;
        return k % per_pixel_angles;
    }
};

/// Examples laid into equal squares, on a plane.
struct Batch {
    struct Label {
        std::int64_t at;  ///< flat index into the batch's n x height x width
        const PixelLabels* labels;
        Turn turn;
    };
    Tensor heights;  ///< n x 1 x side x side, as the network reads them
    std::vector<Label> labels;
};

Batch make_batch(std::span<const PerPixelExample* const> examples, bool augment, RandomStream& random) {
    Eigen::Index side = 0;
    for (const PerPixelExample* example : examples)
        side = std::max({side, example->grid.depth.rows(), example->grid.depth.cols()});
    Batch batch{torch::zeros({std::ssize(examples), 1, side, side}), {}};
    for (std::int64_t i = 0; i < std::ssize(examples); ++i) {
        const PerPixelExample& example = *examples[static_cast<std::size_t>(i)];
        Turn turn;
        if (augment) turn = {random.bernoulli(0.5), random.bernoulli(0.5), random.bernoulli(0.5)};
        const int rows = static_cast<int>(example.grid.depth.rows()),
                  cols = static_cast<int>(example.grid.depth.cols());
        // Anywhere in the square, so that its border is no sign of anything.
        const auto place = [&](int extent) {
            return static_cast<std::int64_t>(random.index(static_cast<std::size_t>(side - extent + 1)));
        };
        const std::int64_t top = place(turn.transpose ? cols : rows), left = place(turn.transpose ? rows : cols);
        const auto flat = [&](int row, int col) {
            const auto [r, c] = turn.pixel(row, col, rows, cols);
            return (i * side + top + r) * side + left + c;
        };
        const std::vector<float> input = per_pixel_input(example.grid);
        for (int row = 0; row < rows; ++row)
            for (int col = 0; col < cols; ++col)
                batch.heights.data_ptr<float>()[flat(row, col)] = input[static_cast<std::size_t>(row * cols + col)];
        for (const PixelLabels& labels : example.pixels)
            batch.labels.push_back({flat(labels.row, labels.col), &labels, turn});
    }
    return batch;
}

/// What the network ought to have said at the labelled pixels, given what it said.
struct Targets {
    Tensor success;            ///< of its own angle
    Tensor cos2, sin2, width;  ///< of the nearest angle that holds ...
    Tensor some;               ///< ... where some angle does
};

Targets targets_for(std::span<const Batch::Label> labels, const Tensor& maps) {
    const auto count = std::ssize(labels);
    const Tensor said = maps.detach().to(torch::kCPU).contiguous();
    const float *cos2 = said[1].data_ptr<float>(), *sin2 = said[2].data_ptr<float>();
    Tensor targets = torch::zeros({5, count});
    auto target = targets.accessor<float, 2>();
    for (std::int64_t i = 0; i < count; ++i) {
        const auto& [at, pixel, turn] = labels[static_cast<std::size_t>(i)];
        std::array<bool, per_pixel_angles> success{};
        std::array<int, per_pixel_angles> opening{};
        for (int k = 0; k < per_pixel_angles; ++k) {
            const auto turned = static_cast<std::size_t>(turn.angle(k));
            success[turned] = pixel->succeeds(k);
            opening[turned] = pixel->opening[static_cast<std::size_t>(k)];
        }
        if (pixel->success == 0) continue;
        const int own = nearest_angle(cos2[i], sin2[i]), k = nearest_success(success, own);
        const double twice = 2 * k * std::numbers::pi / per_pixel_angles;
        target[0][i] = success[static_cast<std::size_t>(own)];
        target[1][i] = static_cast<float>(std::cos(twice));
        target[2][i] = static_cast<float>(std::sin(twice));
        target[3][i] = static_cast<float>(1e-3 * opening[static_cast<std::size_t>(k)] / per_pixel_width_scale);
        target[4][i] = 1;
    }
    targets = targets.to(maps.device());
    return {targets[0], targets[1], targets[2], targets[3], targets[4]};
}

struct Losses {
    Tensor quality, angle, width;
};

Losses losses_of(const Tensor& output, const Batch& batch, double background_weight) {
    const auto count = std::ssize(batch.labels);
    Tensor at = torch::empty({count}, torch::kLong);
    for (std::int64_t i = 0; i < count; ++i)
        at.data_ptr<std::int64_t>()[i] = batch.labels[static_cast<std::size_t>(i)].at;
    at = at.to(output.device());
    const Tensor maps = output.transpose(0, 1).reshape({output.size(1), -1});  // 4 x pixels of the batch
    const Tensor labelled = maps.index_select(1, at);
    const Targets target = targets_for(batch.labels, labelled);

    const Tensor background = torch::ones_like(maps[0]).index_fill(0, at, 0);
    const auto share = [&](const Tensor& sum, const Tensor& of) { return sum / of.sum().clamp_min(1); };
    const Tensor miss = (labelled[1] - target.cos2).square() + (labelled[2] - target.sin2).square();
    return {torch::binary_cross_entropy_with_logits(labelled[0], target.success) +
                background_weight * share((torch::softplus(maps[0]) * background).sum(), background),
            share((miss * target.some).sum(), target.some),
            share(((labelled[3] - target.width).square() * target.some).sum(), target.some)};
}

// ------------------------------------------------------------------------------------------------------------- the run

/// A number that tells sets of examples apart.
std::string fingerprint(std::span<const PerPixelExample> training, std::span<const PerPixelExample> validation) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a over words
    const auto add = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
    for (const auto examples : {training, validation})
        for (const PerPixelExample& example : examples) {
            add(static_cast<std::uint64_t>(example.grid.depth.rows()));
            for (Eigen::Index i = 0; i < example.grid.depth.size(); ++i)
                add(std::bit_cast<std::uint32_t>(example.grid.depth.data()[i]));
            for (const PixelLabels& pixel : example.pixels) add(pixel.success);
        }
    return fmt::format("{:x}", hash);
}

class Run {
  public:
    Run(std::span<const PerPixelExample> training, std::span<const PerPixelExample> validation,
        const PerPixelTrainingConfig& config, const json& provenance, const fs::path& output)
        : training_(training),
          validation_(validation),
          config_(config),
          provenance_(provenance),
          output_(output),
          device_(choose_device(config.device)) {
        identity_ = {{"training", training.size()},
                     {"validation", validation.size()},
                     {"fingerprint", fingerprint(training, validation)}};
        torch::manual_seed(RandomStream(config.seed, static_cast<int>(Purpose::weights))() >> 1);
        network_ = PerPixelNetwork();
        network_->to(device_);
        adam_.emplace(*network_, config.learning_rate);
        if (fs::exists(state_path())) load_state();
    }

    std::vector<PerPixelReport> run(const std::function<void(const PerPixelReport&)>& on_epoch) {
        const int done = static_cast<int>(epochs_.size());
        Progress progress("training", static_cast<std::size_t>(std::max(0, config_.epochs - done)) * steps_per_epoch(),
                          "steps");
        for (int epoch = done + 1; epoch <= config_.epochs; ++epoch) {
            const auto start = std::chrono::steady_clock::now();
            PerPixelReport report = train_epoch(epoch, progress);
            report.top1 = top1_success(TorchGraspMapper(network_, device_), validation_);
            report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            epochs_.push_back(report);
            if (report.top1 > best_top1_) write_best();
            write_csv();
            save_state();  // last: a run killed before does the epoch again, and all of its files
            if (on_epoch) on_epoch(report);
        }
        return epochs_;
    }

  private:
    fs::path state_path() const { return output_.string() + ".state"; }
    std::size_t batch_size() const { return std::min(static_cast<std::size_t>(config_.batch_size), training_.size()); }
    std::size_t steps_per_epoch() const { return training_.size() / batch_size(); }

    PerPixelReport train_epoch(int epoch, Progress& progress) {
        PerPixelReport report{.epoch = epoch};
        RandomStream random(config_.seed, static_cast<int>(Purpose::turn), epoch);
        const double share = 1.0 / static_cast<double>(steps_per_epoch());
        for (const auto& examples : epoch_batches(epoch)) {
            const Batch batch = make_batch(examples, config_.augment, random);
            adam_->zero_gradients();
            const Losses losses =
                losses_of(network_->forward(batch.heights.to(device_)), batch, config_.background_weight);
            (losses.quality + config_.angle_weight * losses.angle + config_.width_weight * losses.width).backward();
            adam_->step(rate_factor());
            report.quality_loss += share * losses.quality.item<double>();
            report.angle_loss += share * losses.angle.item<double>();
            report.width_loss += share * losses.width.item<double>();
            progress.advance(1, remark());
        }
        const double sum = report.quality_loss + report.angle_loss + report.width_loss;
        require(std::isfinite(sum), "training diverged in epoch ", epoch, ": the loss is ", sum,
                "; lower learning_rate (", config_.learning_rate, ")");
        return report;
    }

    double rate_factor() const {
        const double all = static_cast<double>(config_.epochs) * static_cast<double>(steps_per_epoch());
        return 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(adam_->steps) / all));
    }

    /// Whole batches of examples of about one size, since all are padded to the largest; which examples are left over
    /// changes with the order.
    std::vector<std::vector<const PerPixelExample*>> epoch_batches(int epoch) const {
        constexpr std::size_t batches_sorted_together = 32;
        RandomStream random(config_.seed, static_cast<int>(Purpose::order), epoch);
        std::vector<const PerPixelExample*> order;
        for (const PerPixelExample& example : training_) order.push_back(&example);
        random.shuffle(std::span(order));
        const std::size_t group = batches_sorted_together * batch_size();
        for (std::size_t first = 0; first < order.size(); first += group) {
            const std::span some(&order[first], std::min(group, order.size() - first));
            std::ranges::stable_sort(some, {},
                                     [](const PerPixelExample* example) { return example->grid.depth.size(); });
        }
        std::vector<std::vector<const PerPixelExample*>> batches(steps_per_epoch());
        for (std::size_t i = 0; i < batches.size(); ++i) {
            const std::span some(&order[i * batch_size()], batch_size());
            batches[i].assign(some.begin(), some.end());
        }
        random.shuffle(std::span(batches));
        return batches;
    }

    void write_best() {
        best_top1_ = epochs_.back().top1;
        Checkpoint checkpoint = module_checkpoint(*network_, model_name);
        checkpoint.info = {{"metrics", epochs_.back()}, {"config", config_}, {"provenance", provenance_}};
        checkpoint.info["provenance"].update({{"examples", identity_}, {"libtorch", TORCH_VERSION}});
        write_checkpoint(checkpoint, output_);
    }

    void write_csv() const {
        write_file_atomically(output_.string() + ".csv", [&](std::ostream& out) {
            out << "epoch,quality_loss,angle_loss,width_loss,top1,seconds\n";
            for (const PerPixelReport& e : epochs_)
                out << fmt::format("{},{},{},{},{},{}\n", e.epoch, e.quality_loss, e.angle_loss, e.width_loss, e.top1,
                                   e.seconds);
        });
    }

    /// The configuration without what does not change the result. The number of epochs does: the learning rate's
    /// schedule depends on it.
    json config_for_identity() const {
        json config = config_;
        for (const char* key : {"device", "threads"}) config.erase(key);
        return config;
    }

    void save_state() {
        Checkpoint state = module_checkpoint(*network_, state_model);
        state.info = {
            {"config", config_for_identity()}, {"examples", identity_}, {"best_top1", best_top1_}, {"epochs", epochs_}};
        save_optimizer(*adam_, state);
        write_checkpoint(state, state_path());
    }

    void load_state() {
        const std::string path = state_path().string();
        const Checkpoint state = read_checkpoint(path);
        try {
            require(state.info.at("config") == config_for_identity() && state.info.at("examples") == identity_, path,
                    ": belongs to a run with another configuration or data; delete it or choose another output");
            load_module(*network_, state_model, state);
            load_optimizer(state, *adam_);
            state.info.at("best_top1").get_to(best_top1_);
            state.info.at("epochs").get_to(epochs_);
        } catch (const json::exception& error) {
            fail(path, ": is damaged or of another version (", error.what(), "); delete it");
        }
        info("going on after epoch {} of {}", epochs_.size(), path);
    }

    std::string remark() const {
        if (epochs_.empty()) return "epoch 1";
        return fmt::format("epoch {}, top-1 {:.1f} %", epochs_.size() + 1, 100 * epochs_.back().top1);
    }

    std::span<const PerPixelExample> training_, validation_;
    const PerPixelTrainingConfig& config_;
    const json& provenance_;
    const fs::path& output_;
    torch::Device device_;
    json identity_;  ///< of the examples
    PerPixelNetwork network_{nullptr};
    std::optional<Adam> adam_;
    double best_top1_ = -1;
    std::vector<PerPixelReport> epochs_;
};

}  // namespace

void PerPixelTrainingConfig::validate() const {
    const auto check = [](bool ok, const char* field, const auto& value, const char* bound) {
        require(ok, "training: ", field, " is ", value, ", must be ", bound);
    };
    check(epochs >= 1 && epochs <= 1'000'000, "epochs", epochs, "in [1, 1e6]");
    check(batch_size >= 1 && batch_size <= 1024, "batch_size", batch_size, "in [1, 1024]");
    check(learning_rate > 0 && learning_rate <= 1, "learning_rate", learning_rate, "in (0, 1]");
    const auto weight = [&](const char* field, double value) {
        check(value >= 0 && value <= 1e3, field, value, "in [0, 1e3]");
    };
    weight("background_weight", background_weight);
    weight("angle_weight", angle_weight);
    weight("width_weight", width_weight);
    check(device == "auto" || device == "cpu" || device == "cuda", "device", device, "auto, cpu or cuda");
    check(threads >= 0 && threads <= 1024, "threads", threads, "in [0, 1024]");
}

double top1_success(const GraspMapper& network, std::span<const PerPixelExample> examples) {
    double successes = 0, graspable = 0;
    for (const PerPixelExample& example : examples) {
        const auto any = [](const PixelLabels& pixel) { return pixel.success != 0; };
        if (std::ranges::none_of(example.pixels, any)) continue;
        ++graspable;
        std::map<std::pair<int, int>, const PixelLabels*> labels;
        for (const PixelLabels& pixel : example.pixels) labels[{pixel.row, pixel.col}] = &pixel;
        const auto wanted = [&](int row, int col) { return labels.contains({row, col}); };
        for (const PixelPeak& peak : quality_peaks(network.maps(example.grid), wanted)) {
            const PixelLabels& pixel = *labels.at({peak.row, peak.col});
            const int angle = nearest_angle(std::cos(2 * peak.angle), std::sin(2 * peak.angle));
            if (pixel.opening[static_cast<std::size_t>(angle)] == 0) continue;
            successes += pixel.succeeds(angle);
            break;
        }
    }
    return graspable > 0 ? successes / graspable : 0.0;
}

std::vector<PerPixelReport> train_per_pixel(std::span<const PerPixelExample> training,
                                            std::span<const PerPixelExample> validation,
                                            const PerPixelTrainingConfig& config, const json& provenance,
                                            const fs::path& output,
                                            const std::function<void(const PerPixelReport&)>& on_epoch) {
    config.validate();
    require(!training.empty() && !validation.empty(), "there are ", training.size(), " training and ",
            validation.size(), " validation examples; training needs some of both, generate more data");
    const ThreadLimit limit(config.threads);
    const TorchThreadLimit torch_limit(config.threads);
    return Run(training, validation, config, provenance, output).run(on_epoch);
}

}  // namespace ebgrasp
