#include "ebgrasp/training/field_trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <sstream>
#include <torch/torch.h>
#include <torch/version.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
#include "ebgrasp/training/field_network.hpp"
#include "ebgrasp/training/field_symmetry.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using torch::Tensor;

constexpr int top_seeds = 32, top_steps = 16;  // of the descent in validation

bool is_success(float hold) { return hold > 0.5f; }

/// Grasps of one scene in a step, with labels.
struct LabelledGrasps {
    std::vector<PlanarGrasp> grasps;
    std::vector<float> hold;

    void append(std::span<const PlanarGrasp> more, std::span<const float> labels) {
        grasps.insert(grasps.end(), more.begin(), more.end());
        hold.insert(hold.end(), labels.begin(), labels.end());
    }
};

// ------------------------------------------------------------------------------------------------------------- tensors

/// A scene of a step.
struct Drawn {
    std::size_t index;
    FieldSymmetry symmetry = {};
};

FieldBatch make_batch(const FieldData& data, std::span<const Drawn> scenes, torch::Device device) {
    const auto count = static_cast<std::int64_t>(scenes.size());
    const FieldGrid& first = data.scene(scenes[0].index).grid;
    Tensor depth = torch::empty({count, 1, first.depth.rows(), first.depth.cols()}),
           points = torch::empty({count, field_points, 2}), gripper = torch::empty({count, field_gripper_inputs});
    for (std::int64_t i = 0; i < count; ++i) {
        const Drawn& drawn = scenes[static_cast<std::size_t>(i)];
        const auto scene = data.scene(drawn.index);
        const DepthArray seen = drawn.symmetry.of(scene.grid.depth);
        std::copy_n(seen.data(), seen.size(), depth[i].data_ptr<float>());
        const auto xy = field_gripper_points(scene.gripper);
        for (std::size_t k = 0; k < xy.size(); ++k)
            for (int axis = 0; axis < 2; ++axis)
                points[i].data_ptr<float>()[2 * k + std::size_t(axis)] = static_cast<float>(xy[k][axis]);
        std::ranges::copy(field_gripper_input(scene.gripper), gripper[i].data_ptr<float>());
    }
    return {depth.to(device), points.to(device), gripper.to(device), first.focal_length, first.plane_depth};
}

/// B x N x 4; lists shorter than N are filled up with their first grasp.
Tensor grasp_tensor(const FieldData& data, std::span<const Drawn> scenes,
                    const std::vector<std::vector<PlanarGrasp>>& grasps) {
    std::size_t most = 1;
    for (const auto& list : grasps) most = std::max(most, list.size());
    Tensor rows = torch::empty({std::int64_t(scenes.size()), std::int64_t(most), 4});
    float* row = rows.data_ptr<float>();
    for (std::size_t i = 0; i < scenes.size(); ++i)
        for (std::size_t k = 0; k < most; ++k, row += 4)
            std::ranges::copy(
                scenes[i].symmetry.row_of(grasps[i][k < grasps[i].size() ? k : 0], data.scene(scenes[i].index).grid),
                row);
    return rows;
}

/// What counts as one unit of a grasp's coordinates, as planning/descent.hpp has it.
constexpr double unit_translation = 0.006, unit_angle = 0.25;

/// Units of (row, col, depth, angle), rows and columns in grid pixels: 4.
Tensor units(const FieldBatch& batch) {
    const double pixels = unit_translation * batch.focal_length / batch.plane_depth;
    return torch::tensor({pixels, pixels, unit_translation, unit_angle}, batch.depth.options());
}

/// Differences of all pairs of grasps (B x N x 4) in units, the angles modulo pi: B x N x N.
Tensor squared_distances(const FieldBatch& batch, const Tensor& grasps) {
    const Tensor scaled = grasps / units(batch);
    const Tensor across = (scaled.unsqueeze(2) - scaled.unsqueeze(1)).narrow(3, 0, 3).square().sum(3);
    const Tensor angle = grasps.select(2, 3);
    return across + ((angle.unsqueeze(2) - angle.unsqueeze(1)).sin() / unit_angle).square();
}

/// log q of the density that the grasps (B x N x 4) of each scene were drawn from, up to a constant: a kernel estimate.
Tensor log_density(const FieldBatch& batch, const Tensor& grasps) {
    constexpr double bandwidth = 2.0;  // units
    return (squared_distances(batch, grasps) * (-0.5 / (bandwidth * bandwidth))).logsumexp(2);
}

/// Grasps (B x N x 4) after `steps` normalised steps down the energy, as planning/descent.hpp takes them.
Tensor descended(FieldNetwork& network, const Tensor& features, const FieldBatch& batch, Tensor grasps, int steps) {
    constexpr double decay = 0.9;
    double rate = 0.35;
    const auto& shape = batch.depth.sizes();
    for (int step = 0; step < steps; ++step, rate *= decay) {
        const Tensor y = grasps.detach().requires_grad_(true);
        const Tensor energy = network->read(features, batch, y).energy;
        const Tensor slope = torch::autograd::grad({energy.sum()}, {y})[0];
        const torch::NoGradGuard no_grad;
        const Tensor scale = units(batch);
        const Tensor scaled = scale * slope;
        grasps = y.detach() - rate * scale * scaled / scaled.norm(2, 2, true).clamp_min(1e-12);
        grasps.select(2, 0).clamp_(0, double(shape[2] - 1));
        grasps.select(2, 1).clamp_(0, double(shape[3] - 1));
        grasps.select(2, 2).clamp_max_(batch.plane_depth);
    }
    return grasps.detach();
}

// -------------------------------------------------------------------------------------------------------------- losses

/// Multi-positive InfoNCE (van den Oord et al., "Representation learning with contrastive predictive coding", 2018):
/// each success of a scene against all of its failures. A grasp that holds with probability p counts as p of a success
/// and 1 - p of a failure.
Tensor contrastive_loss(const Tensor& energy, const Tensor& hold) {
    constexpr double least = 1e-6;  // so that the logarithm is finite
    const Tensor failures = ((1 - hold).clamp_min(least).log() - energy).logsumexp(1, true);
    return (hold * torch::softplus(failures + energy)).sum() / hold.sum().clamp_min(1);
}

Tensor cross_entropy(const Tensor& logit, const Tensor& hold) {
    return torch::binary_cross_entropy_with_logits(logit, hold);
}

// ------------------------------------------------------------------------------------------------------------- the run

class Run {
  public:
    Run(const FieldData& training, const FieldData& validation, const FieldTrainingConfig& config,
        const json& provenance, const fs::path& output)
        : training_(training), validation_(validation), config_(config), provenance_(provenance), output_(output) {
        const bool cuda = config.device == "cuda" || (config.device == "auto" && torch::cuda::is_available());
        require(!cuda || torch::cuda::is_available(), "device 'cuda' was asked for, but libtorch sees none");
        device_ = cuda ? torch::kCUDA : torch::kCPU;
        torch::manual_seed(RandomStream(config.seed)() >> 1);
        network_ = FieldNetwork();
        network_->to(device_);
        adam_ = std::make_unique<torch::optim::Adam>(network_->parameters(), config.learning_rate);
        if (fs::exists(state_path())) load_state();
    }

    std::vector<FieldReport> run(const std::function<void(const FieldReport&)>& on_report) {
        const int done = reports_.empty() ? 0 : reports_.back().step;
        Progress progress("training", static_cast<std::size_t>(config_.steps - done), "steps");
        double loss = 0;
        int since = 0;
        auto start = std::chrono::steady_clock::now();
        for (int step = done + 1; step <= config_.steps; ++step) {
            loss += train_step(step);
            ++since;
            progress.advance(1, remark());
            if (step % config_.validate_every != 0 && step != config_.steps) continue;
            FieldReport report = validate();
            report.step = step;
            report.loss = loss / since;
            report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            require(std::isfinite(report.loss), "training diverged before step ", step, ": lower learning_rate (",
                    config_.learning_rate, ")");
            keep(report);
            if (on_report) on_report(report);
            loss = since = 0;
            start = std::chrono::steady_clock::now();
        }
        return reports_;
    }

  private:
    fs::path state_path() const { return output_.string() + ".state"; }

    double train_step(int step) {
        RandomStream random(config_.seed, 1, step);
        std::vector<Drawn> scenes;
        for (int i = 0; i < config_.scenes_per_step; ++i) {
            const std::size_t index = random.index(training_.size());
            scenes.push_back(
                {index, config_.mirror ? FieldSymmetry::draw(training_.scene(index).grid, random) : FieldSymmetry{}});
        }
        const double rate =
            0.5 * config_.learning_rate * (1 + std::cos(std::numbers::pi * (step - 1) / double(config_.steps)));
        for (auto& group : adam_->param_groups()) static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);

        network_->train();
        const FieldBatch batch = make_batch(training_, scenes, device_);
        const Tensor features = network_->encode(batch);
        auto [rows, hold, origins] = draw_grasps(scenes, batch, features.detach(), random);
        const bool slopes = config_.denoising_weight > 0 || config_.gradient_penalty > 0;
        rows = rows.to(device_).requires_grad_(slopes);
        const auto reading = network_->read(features, batch, rows, slopes);
        hold = hold.to(device_);
        Tensor contrasted = reading.energy;
        if (config_.proposal_density_weight > 0)
            contrasted = contrasted + config_.proposal_density_weight * log_density(batch, rows.detach());
        Tensor loss = config_.contrastive_weight * contrastive_loss(contrasted, hold) +
                      config_.classification_weight * cross_entropy(reading.logit, hold) +
                      config_.energy_classification_weight * cross_entropy(-reading.energy, hold);
        if (slopes) loss = loss + slope_loss(batch, rows, origins.to(device_), reading.energy);
        adam_->zero_grad();
        loss.backward();
        adam_->step();
        return loss.item<double>();
    }

    /// The terms that shape dE/dy, in units. `origins` (B x N x 4): the successes that grasps were moved from, or the
    /// grasps themselves.
    Tensor slope_loss(const FieldBatch& batch, const Tensor& rows, const Tensor& origins, const Tensor& energy) const {
        const Tensor scale = units(batch);
        const Tensor slope = torch::autograd::grad({energy.sum()}, {rows}, {}, true, true)[0] * scale;
        const Tensor size = (slope.square().sum(2) + 1e-12).sqrt();
        const Tensor away = (rows.detach() - origins) / scale, distance = away.norm(2, 2);
        const Tensor moved = distance > 0.1;
        const Tensor cosine = (slope * away).sum(2) / (size * distance.clamp_min(0.1));
        const Tensor denoising = (1 - cosine).masked_fill(moved.logical_not(), 0).sum() / moved.sum().clamp_min(1);
        const Tensor penalty = torch::relu(size - config_.gradient_limit).square().mean();
        return config_.denoising_weight * denoising + config_.gradient_penalty * penalty;
    }

    int share(double part) const { return static_cast<int>(std::lround(part * config_.grasps_per_scene)); }

    struct DrawnGrasps {
        Tensor grasps;   ///< B x N x 4
        Tensor hold;     ///< B x N
        Tensor origins;  ///< B x N x 4: of perturbed grasps the successes that they were moved from, else the grasps
    };
    /// The grasps of a step: drawn, perturbed and mined, all labelled.
    DrawnGrasps draw_grasps(std::span<const Drawn> scenes, const FieldBatch& batch, const Tensor& features,
                            RandomStream& random) {
        const int mined = share(config_.mined_share), perturbed = share(config_.perturbed_share);
        const int drawn = config_.grasps_per_scene - mined - perturbed;
        std::vector<LabelledGrasps> lists(scenes.size());
        std::vector<std::vector<PlanarGrasp>> origins(scenes.size());
        std::vector<std::uint64_t> seeds(scenes.size());
        for (auto& seed : seeds) seed = random();
        parallel_for(scenes.size(), [&](std::size_t i) {
            RandomStream own(seeds[i]);
            const std::size_t index = scenes[i].index;
            const int executed = draw_executed(training_.scene(index), own, lists[i]);
            draw_stored(training_.scene(index), drawn - executed, own, lists[i]);
            origins[i] = lists[i].grasps;
            const auto moved = perturb(training_.scene(index), perturbed, own, origins[i]);
            lists[i].append(moved, label(index, moved, own()));
        });
        if (mined > 0) mine(scenes, batch, features, mined, seeds, lists);

        std::vector<std::vector<PlanarGrasp>> grasps;
        for (std::size_t i = 0; i < lists.size(); ++i) {
            grasps.push_back(lists[i].grasps);
            const auto& mined_ones = std::span(lists[i].grasps).subspan(origins[i].size());
            origins[i].insert(origins[i].end(), mined_ones.begin(), mined_ones.end());
        }
        Tensor hold = torch::empty({std::int64_t(scenes.size()), config_.grasps_per_scene});
        for (std::size_t i = 0; i < lists.size(); ++i)
            std::ranges::copy(lists[i].hold, hold[std::int64_t(i)].data_ptr<float>());
        return {grasp_tensor(training_, scenes, grasps), hold, grasp_tensor(training_, scenes, origins)};
    }

    std::vector<float> label(std::size_t scene, std::span<const PlanarGrasp> grasps, std::uint64_t seed) const {
        return config_.relabel ? training_.label(scene, grasps, seed) : std::vector<float>(grasps.size(), 0);
    }

    /// executed_share of a step's grasps, or fewer, so that none is drawn more than 4 times on average; returns how
    /// many.
    int draw_executed(const FieldData::Scene& scene, RandomStream& random, LabelledGrasps& out) const {
        const int count = std::min(share(config_.executed_share), 4 * static_cast<int>(scene.executed));
        const std::size_t first = scene.grasps.size() - scene.executed;
        for (int k = 0; k < count; ++k) {
            const std::size_t i = first + random.index(scene.executed);
            out.append({&scene.grasps[i], 1}, {&scene.hold[i], 1});
        }
        return count;
    }

    /// `count` of the scene's other grasps, with positive_share successes where there are enough.
    void draw_stored(const FieldData::Scene& scene, int count, RandomStream& random, LabelledGrasps& out) const {
        std::array<std::vector<std::size_t>, 2> by_label;
        for (std::size_t i = 0; i + scene.executed < scene.grasps.size(); ++i)
            by_label[is_success(scene.hold[i])].push_back(i);
        for (int k = 0; k < count; ++k) {
            const bool positive =
                by_label[0].empty() || (!by_label[1].empty() && random.bernoulli(config_.positive_share));
            const auto& from = by_label[positive];
            const std::size_t i = from[random.index(from.size())];
            out.append({&scene.grasps[i], 1}, {&scene.hold[i], 1});
        }
    }

    /// Moved successes; where they stood is appended to `origins`, at angles within pi / 2 of theirs.
    std::vector<PlanarGrasp> perturb(const FieldData::Scene& scene, int count, RandomStream& random,
                                     std::vector<PlanarGrasp>& origins) const {
        std::vector<std::size_t> successes;
        for (std::size_t i = 0; i < scene.grasps.size(); ++i)
            if (is_success(scene.hold[i])) successes.push_back(i);
        std::vector<PlanarGrasp> moved;
        for (int k = 0; k < count; ++k) {
            const PlanarGrasp& origin = scene.grasps[successes[random.index(successes.size())]];
            PlanarGrasp y = origin;
            const double sigma = config_.perturb_translation,
                         pixels = sigma * view_grid_step * scene.grid.focal_length / y.depth;
            y.row += random.normal(0, pixels);
            y.col += random.normal(0, pixels);
            y.depth += random.normal(0, sigma);
            const double turn = random.normal(0, config_.perturb_angle);
            y.angle = wrap_angle(y.angle + turn);
            moved.push_back(y);
            origins.push_back(origin);
            origins.back().angle = y.angle - turn;
        }
        return moved;
    }

    /// Where the energy, as it is now, leads the best of the drawn grasps: among such ones the planner chooses.
    void mine(std::span<const Drawn> scenes, const FieldBatch& batch, const Tensor& features, int count,
              const std::vector<std::uint64_t>& seeds, std::vector<LabelledGrasps>& lists) {
        std::vector<std::vector<PlanarGrasp>> drawn;
        for (const auto& list : lists) drawn.push_back(list.grasps);
        const Tensor rows = grasp_tensor(training_, scenes, drawn).to(device_);
        Tensor order;
        {
            const torch::NoGradGuard no_grad;
            order = network_->read(features, batch, rows).energy.argsort(std::int64_t{1});
        }
        order = order.narrow(1, 0, std::min<std::int64_t>(count, rows.size(1)));
        const Tensor starts = rows.gather(1, order.unsqueeze(2).expand({-1, -1, 4}));
        const Tensor ends =
            descended(network_, features, batch, starts, config_.mining_steps).to(torch::kCPU).contiguous();
        parallel_for(scenes.size(), [&](std::size_t i) {
            std::vector<PlanarGrasp> found;
            for (int k = 0; k < count; ++k)
                found.push_back(scenes[i].symmetry.grasp_of(
                    ends.data_ptr<float>() + 4 * (std::ptrdiff_t(i) * ends.size(1) + k % ends.size(1)),
                    training_.scene(scenes[i].index).grid));
            lists[i].append(found, label(scenes[i].index, found, RandomStream(seeds[i], 1)()));
        });
    }

    FieldReport validate() {
        network_->eval();
        FieldReport report;
        std::vector<float> logits;  // of all scenes, negative: the lower the better
        std::vector<std::uint8_t> labels;
        double best_holds = 0, descended_holds = 0;
        int ranked = 0;
        for (std::size_t s = 0; s < validation_.size(); ++s) {
            const std::array scenes = {Drawn{s}};
            const auto scene = validation_.scene(s);
            const FieldBatch batch = make_batch(validation_, scenes, device_);
            Tensor features, rows, energy;
            {
                const torch::NoGradGuard no_grad;
                features = network_->encode(batch);
                rows = grasp_tensor(validation_, scenes, {{scene.grasps.begin(), scene.grasps.end()}}).to(device_);
                const auto reading = network_->read(features, batch, rows);
                energy = reading.energy[0].cpu().contiguous();
                const Tensor logit = reading.logit[0].cpu();
                for (std::int64_t i = 0; i < logit.numel(); ++i) logits.push_back(-logit[i].item<float>());
            }
            std::vector<std::uint8_t> success;
            std::ranges::transform(scene.hold, std::back_inserter(success), is_success);
            labels.insert(labels.end(), success.begin(), success.end());
            const double auc = roc_auc({energy.data_ptr<float>(), success.size()}, success);
            if (std::isfinite(auc)) report.roc_auc += auc, ++ranked;
            const auto best = static_cast<std::size_t>(energy.argmin().item<std::int64_t>());
            best_holds += scene.hold[best];
            const Tensor order = energy.argsort().narrow(0, 0, std::min<std::int64_t>(top_seeds, energy.numel()));
            const Tensor seeds = rows.index_select(1, order.to(device_));
            const Tensor ends = descended(network_, features, batch, seeds, top_steps);
            const torch::NoGradGuard no_grad;
            const Tensor end_energy = network_->read(features, batch, ends).energy[0];
            const auto lowest = end_energy.argmin().item<std::int64_t>();
            const Tensor end = ends[0][lowest].cpu().contiguous();
            const std::array grasp = {FieldSymmetry{}.grasp_of(end.data_ptr<float>(), scene.grid)};
            descended_holds += validation_.label(s, grasp, 0)[0];
        }
        report.roc_auc /= std::max(ranked, 1);
        report.logit_roc_auc = roc_auc(logits, labels);
        report.top1 = best_holds / double(validation_.size());
        report.top1_descended = descended_holds / double(validation_.size());
        return report;
    }

    void keep(const FieldReport& report) {
        reports_.push_back(report);
        const double merit = report.top1_descended + 0.1 * report.roc_auc;
        if (!(merit <= best_merit_)) {
            best_merit_ = merit;
            Checkpoint checkpoint = to_checkpoint(network_);
            checkpoint.info.update({{"config", config_}, {"metrics", report}, {"provenance", provenance_}});
            checkpoint.info["metrics"].erase("seconds");  // same seed, same bytes
            checkpoint.info["provenance"]["libtorch"] = TORCH_VERSION;
            write_checkpoint(checkpoint, output_);
        }
        write_file_atomically(output_.string() + ".csv", [&](std::ostream& out) {
            out << "step,loss,roc_auc,logit_roc_auc,top1,top1_descended,seconds\n";
            for (const auto& r : reports_)
                out << r.step << ',' << r.loss << ',' << r.roc_auc << ',' << r.logit_roc_auc << ',' << r.top1 << ','
                    << r.top1_descended << ',' << r.seconds << '\n';
        });
        save_state();
    }

    json identity() const {
        json config = config_;
        for (const char* key : {"device", "threads"}) config.erase(key);
        return {{"config", config}, {"provenance", provenance_}};
    }

    void save_state() {
        torch::serialize::OutputArchive archive, network, adam;
        network_->save(network);
        adam_->save(adam);
        archive.write("network", network);
        archive.write("adam", adam);
        const json info = {{"identity", identity()}, {"best_merit", best_merit_}, {"reports", reports_}};
        archive.write("info", c10::IValue(info.dump()));
        write_file_atomically(state_path(), [&](std::ostream& out) { archive.save_to(out); });
    }

    void load_state() {
        const std::string path = state_path().string();
        json info;
        try {
            torch::serialize::InputArchive archive, network, adam;
            archive.load_from(path);
            c10::IValue text;
            archive.read("info", text);
            info = json::parse(text.toStringRef());
            archive.read("network", network);
            archive.read("adam", adam);
            network_->load(network);
            adam_->load(adam);
            info.at("best_merit").get_to(best_merit_);
            info.at("reports").get_to(reports_);
        } catch (const std::exception& error) {
            const std::string message = error.what();
            fail(path, ": is damaged (", message.substr(0, message.find('\n')), "); delete it");
        }
        require(info.at("identity") == identity(), path,
                ": belongs to a run with another configuration or data; delete it or choose another output");
        info_line();
    }

    void info_line() const { info("going on after step {} of {}", reports_.back().step, state_path().string()); }

    std::string remark() const {
        if (reports_.empty()) return "";
        const auto& last = reports_.back();
        return fmt::format("top-1 {:.1f} %, descended {:.1f} %, AUC {:.3f}", 100 * last.top1, 100 * last.top1_descended,
                           last.roc_auc);
    }

    const FieldData &training_, &validation_;
    const FieldTrainingConfig& config_;
    const json& provenance_;
    const fs::path& output_;
    torch::Device device_ = torch::kCPU;
    FieldNetwork network_{nullptr};
    std::unique_ptr<torch::optim::Adam> adam_;
    double best_merit_ = -1;
    std::vector<FieldReport> reports_;
};

}  // namespace

void FieldTrainingConfig::validate() const {
    const auto check = [](bool ok, const char* field, const auto& value, const char* bound) {
        require(ok, "field training: ", field, " is ", value, ", must be ", bound);
    };
    check(steps >= 1 && steps <= 10'000'000, "steps", steps, "in [1, 1e7]");
    check(scenes_per_step >= 1 && scenes_per_step <= 256, "scenes_per_step", scenes_per_step, "in [1, 256]");
    check(grasps_per_scene >= 8 && grasps_per_scene <= 4096, "grasps_per_scene", grasps_per_scene, "in [8, 4096]");
    const double shares = executed_share + perturbed_share + mined_share;
    check(executed_share >= 0 && perturbed_share >= 0 && mined_share >= 0 && shares <= 0.9,
          "executed_share + perturbed_share + mined_share", shares, "in [0, 0.9], none below 0");
    check(positive_share > 0 && positive_share < 1, "positive_share", positive_share, "in (0, 1)");
    check(mining_steps >= 0 && mining_steps <= 100, "mining_steps", mining_steps, "in [0, 100]");
    check(learning_rate > 0 && learning_rate <= 1, "learning_rate", learning_rate, "in (0, 1]");
    check(validate_every >= 1, "validate_every", validate_every, "at least 1");
    check(device == "auto" || device == "cpu" || device == "cuda", "device", device, "auto, cpu or cuda");
    check(threads >= 0 && threads <= 1024, "threads", threads, "in [0, 1024]");
}

std::vector<FieldReport> train_field(const FieldData& training, const FieldData& validation,
                                     const FieldTrainingConfig& config, const json& provenance, const fs::path& output,
                                     const std::function<void(const FieldReport&)>& on_report) {
    config.validate();
    require(training.size() > 0 && validation.size() > 0, "there are ", training.size(), " training and ",
            validation.size(), " validation scenes: give at least one each");
    const ThreadLimit limit(config.threads);
    if (config.threads > 0) torch::set_num_threads(config.threads);
    return Run(training, validation, config, provenance, output).run(on_report);
}

}  // namespace ebgrasp
