#include "ebgrasp/generation/generator.hpp"

#include <algorithm>
#include <numeric>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/image/window.hpp"
#include "ebgrasp/labels/candidates.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// Random streams of one seed that serve different ends.
constexpr int split_stream = 0, window_stream = 1;

/// The image region that a window spans, as a camera of its own.
CameraIntrinsics window_camera(const CameraIntrinsics& camera, int first_row, int first_col) {
    CameraIntrinsics window = camera;
    window.height = window.width = window_span;
    window.cx -= first_col;
    window.cy -= first_row;
    return window;
}

/// The depth at which the camera sees the bare table.
float table_depth(const Eigen::Isometry3d& X_WC, const CameraIntrinsics& camera, int row, int col) {
    const Eigen::Vector3d ray_C = camera.deproject(row, col, 1.0);
    const double fall = (X_WC.rotation() * ray_C).z();
    return fall < 0 ? static_cast<float>(-X_WC.translation().z() / fall) : 0.0f;
}

struct LabelledGrasp {
    Eigen::Isometry3d X_WG;
    GraspLabel label;
};

void label_into(std::vector<LabelledGrasp>& grasps, const LabelOracle& oracle,
                const std::vector<Eigen::Isometry3d>& X_WG, RandomStream& random) {
    const std::vector<double> widest(X_WG.size(), 0.0);
    const auto labels = oracle.label(X_WG, widest, random());
    for (std::size_t i = 0; i < X_WG.size(); ++i) grasps.push_back({X_WG[i], labels[i]});
}

/// Candidates of all kinds in the order of the mix, labelled.
std::vector<LabelledGrasp> label_candidates(const PosedLabelObject& target, const Eigen::Vector3d& approach_W,
                                            const Gripper& gripper, const GenerationConfig& config,
                                            RandomStream& random) {
    const CandidateMix& mix = config.candidates;
    const LabelOracle oracle({target}, gripper, config.labels);
    const auto share = [&](double fraction) {
        return static_cast<std::size_t>(std::lround(fraction * config.candidates_per_window));
    };
    auto X_WG =
        antipodal_candidates(target, approach_W, config.labels.wrench.friction, gripper, share(mix.antipodal), random);
    const auto uniform = uniform_candidates(target, approach_W, share(mix.uniform), random);
    X_WG.insert(X_WG.end(), uniform.begin(), uniform.end());
    std::vector<LabelledGrasp> grasps;
    label_into(grasps, oracle, X_WG, random);

    std::vector<Eigen::Isometry3d> successes, perturbed;
    for (const auto& grasp : grasps)
        if (grasp.label.success()) successes.push_back(grasp.X_WG);
    for (std::size_t i = 0; i < share(mix.perturbed) && !successes.empty(); ++i) {
        Eigen::Isometry3d X_GP = Eigen::Isometry3d::Identity();
        for (int axis = 0; axis < 3; ++axis) X_GP.translation()[axis] = random.normal(0, mix.perturb_translation);
        X_GP.rotate(Eigen::AngleAxisd(random.normal(0, mix.perturb_angle), Eigen::Vector3d::UnitZ()));
        perturbed.push_back(successes[i % successes.size()] * X_GP);
    }
    label_into(grasps, oracle, perturbed, random);
    return grasps;
}

/// Keeps `count` grasps with `positive_share` successes as far as there are enough of both.
void keep_balanced(std::vector<LabelledGrasp>& grasps, std::size_t count, double positive_share, RandomStream& random) {
    random.shuffle(std::span(grasps));
    const auto failures = std::stable_partition(grasps.begin(), grasps.end(),
                                                [](const LabelledGrasp& grasp) { return grasp.label.success(); });
    const auto positives = static_cast<std::size_t>(failures - grasps.begin());
    const std::size_t negatives = grasps.size() - positives;
    auto wanted = static_cast<std::size_t>(positive_share * static_cast<double>(count) + random.uniform());
    wanted = std::min(wanted, positives);
    if (count - wanted > negatives) wanted = std::min(positives, count - negatives);
    grasps.erase(grasps.begin() + static_cast<std::ptrdiff_t>(wanted), failures);
    if (grasps.size() > count) grasps.resize(count);
}

std::vector<Split> split_objects(std::size_t count, const std::array<double, 3>& shares, std::uint64_t seed) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomStream(seed, split_stream).shuffle(std::span(order));
    std::vector<Split> splits(count);
    for (std::size_t rank = 0; rank < count; ++rank) {
        const double position = (static_cast<double>(rank) + 0.5) / static_cast<double>(count);
        splits[order[rank]] = position < shares[0]               ? Split::train
                              : position < shares[0] + shares[1] ? Split::validation
                                                                 : Split::test;
    }
    return splits;
}

/// Appends up to `room` examples of one window.
void append_window(WindowExamples& shard, const WindowExamples& window, std::size_t room) {
    const std::size_t count = std::min(window.size(), room);
    if (count == 0) return;
    const auto index = static_cast<std::int32_t>(shard.window_count());
    const auto append = [](auto& to, const auto& from, std::size_t size) {
        to.insert(to.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
    };
    append(shard.windows, window.windows, window.windows.size());
    append(shard.window_object, window.window_object, 1);
    append(shard.grasps, window.grasps, 5 * count);
    append(shard.robust_epsilon, window.robust_epsilon, count);
    append(shard.epsilon, window.epsilon, count);
    append(shard.verdict, window.verdict, count);
    shard.grasp_window.insert(shard.grasp_window.end(), count, index);
}

/// Makes sure that `folder` holds nothing but (the beginning of) this configuration's data.
void claim_folder(const GenerationConfig& config, const fs::path& folder) {
    const fs::path file = folder / "config.yaml";
    const nlohmann::json wanted = config;
    if (fs::exists(file)) {
        require(
            read_yaml(file) == wanted, folder.string(),
            ": holds data of another configuration (its config.yaml differs); choose another --output or remove it");
        return;
    }
    require(!fs::exists(folder / "dataset.json"), folder.string(),
            ": holds a data set without config.yaml; choose another --output");
    write_file_atomically(file, to_yaml(wanted));
}

}  // namespace

void GenerationConfig::validate() const {
    const auto in_range = [](const char* name, double value, double low, double high) {
        require(value >= low && value <= high, name, " is ", value, ", must be in [", low, ", ", high, "]");
    };
    in_range("examples", static_cast<double>(examples), 1, 1e9);
    in_range("examples_per_shard", static_cast<double>(examples_per_shard), 100, 1e6);
    in_range("grasps_per_window", grasps_per_window, 1, 256);
    in_range("candidates_per_window", candidates_per_window, grasps_per_window, 4096);
    in_range("positive_share", positive_share, 0, 1);
    in_range("window_jitter", window_jitter, 0, 48);
    in_range("candidates: sum of the shares", candidates.antipodal + candidates.uniform + candidates.perturbed, 0.999,
             1.001);
    in_range("split: sum of the shares", split[0] + split[1] + split[2], 0.999, 1.001);
    in_range("camera.min_distance", camera.min_distance, 0.1, camera.max_distance);
    in_range("camera.max_elevation", camera.max_elevation, camera.min_elevation, 1.2);
    in_range("labels.uncertainty.samples", labels.uncertainty.samples, 1, 10000);
    camera.intrinsics.validate("camera.intrinsics");
}

WindowExamples generate_window(const PreparedObject& object, std::int32_t object_index, const Gripper& gripper,
                               const GenerationConfig& config, RandomStream random) {
    const Eigen::AngleAxisd yaw(random.uniform(0, 2 * std::numbers::pi), Eigen::Vector3d::UnitZ());
    const Eigen::Isometry3d X_WO = Eigen::Isometry3d(yaw) * sample_pose(object, random).X_TO;
    const Eigen::Isometry3d X_WC = sample_camera(config.camera, random);
    const Eigen::Isometry3d X_CW = X_WC.inverse();

    const PosedLabelObject target{object.label, X_WO};
    const Eigen::Vector3d approach_W = X_WC.rotation().col(2);
    auto grasps = label_candidates(target, approach_W, gripper, config, random);

    const Eigen::Vector3d center_C = X_CW * X_WO * object.label->object().bounds().center();
    const Eigen::Vector2d center = config.camera.intrinsics.project(center_C);
    const auto jitter = [&] { return random.uniform(-config.window_jitter, config.window_jitter); };
    const int first_row = window_origin(center.x() + jitter()), first_col = window_origin(center.y() + jitter());
    const CameraIntrinsics camera = window_camera(config.camera.intrinsics, first_row, first_col);

    const double limit = window_size - 1;
    std::erase_if(grasps, [&](const LabelledGrasp& grasp) {
        const PlanarGrasp y = planar_grasp(X_CW * grasp.X_WG, camera, 0);
        return y.row < 0 || y.col < 0 || y.row > window_stride * limit || y.col > window_stride * limit;
    });
    keep_balanced(grasps, static_cast<std::size_t>(config.grasps_per_window), config.positive_share, random);
    WindowExamples examples;
    if (grasps.empty()) return examples;
    for (const auto& grasp : grasps) {
        const PlanarGrasp y = planar_grasp(X_CW * grasp.X_WG, camera, 0);
        for (const double value : {y.row / window_stride, y.col / window_stride, y.depth, y.angle, grasp.label.opening})
            examples.grasps.push_back(static_cast<float>(value));
        examples.grasp_window.push_back(0);
        examples.robust_epsilon.push_back(static_cast<float>(grasp.label.robust_epsilon));
        examples.epsilon.push_back(static_cast<float>(grasp.label.epsilon));
        examples.verdict.push_back(static_cast<std::uint8_t>(grasp.label.verdict));
    }

    const PosedObject posed{&object.label->object(), X_WO};
    DepthImage image = render_depth({&posed, 1}, X_WC, camera).image;
    add_noise(image, config.noise, random);
    for (int row = 0; row < image.height(); ++row)
        for (int col = 0; col < image.width(); ++col)
            if (!is_depth(image.depth(row, col))) image.depth(row, col) = table_depth(X_WC, camera, row, col);
    examples.windows.resize(window_pixels);
    sample_window(image.depth, 0, 0, examples.windows);
    examples.window_object.push_back(object_index);
    return examples;
}

void generate_windows(const GenerationConfig& config, const fs::path& folder) {
    config.validate();
    const Gripper gripper = load_gripper(config.gripper);
    const auto objects = load_objects(config.objects, config.seed);
    claim_folder(config, folder);

    const std::size_t shard_count = (config.examples + config.examples_per_shard - 1) / config.examples_per_shard;
    nlohmann::json shard_names = nlohmann::json::array();
    Progress progress("examples", config.examples);
    for (std::size_t shard = 0; shard < shard_count; ++shard) {
        char name[32];
        std::snprintf(name, sizeof name, "shard_%05zu", shard);
        shard_names.push_back(name);
        const std::size_t quota =
            std::min(config.examples_per_shard, config.examples - shard * config.examples_per_shard);
        if (fs::exists(folder / name)) {
            progress.advance(quota);
            continue;
        }
        WindowExamples examples;
        std::size_t first = 0, empty_rounds = 0;
        while (examples.size() < quota) {
            const std::size_t before = examples.size();
            // Rounds are small, so that memory stays flat, and their size depends on the quota alone: same bytes for
            // any threads.
            const std::size_t round =
                std::min<std::size_t>(256, (quota - before) / static_cast<std::size_t>(config.grasps_per_window) + 1);
            std::vector<WindowExamples> windows(round);
            parallel_for(round, [&](std::size_t i) {
                RandomStream random(config.seed, window_stream, shard, first + i);
                const std::size_t object = random.index(objects.size());
                windows[i] =
                    generate_window(objects[object], static_cast<std::int32_t>(object), gripper, config, random);
            });
            for (const auto& window : windows) append_window(examples, window, quota - examples.size());
            first += round;
            progress.advance(examples.size() - before);
            empty_rounds = examples.size() == before ? empty_rounds + 1 : 0;
            require(empty_rounds < 20, config.objects,
                    ": no candidate grasp lies in the window for any object; are the meshes in metres?");
        }
        write_window_shard(folder / name, examples);
    }

    const auto splits = split_objects(objects.size(), config.split, config.seed);
    nlohmann::json entries = nlohmann::json::array();
    for (std::size_t i = 0; i < objects.size(); ++i)
        entries.push_back({{"name", objects[i].name()}, {"split", to_string(splits[i])}});
    const nlohmann::json header = {
        {"format", "ebgrasp-windows/1"}, {"config", config}, {"objects", entries}, {"shards", shard_names}};
    write_file_atomically(folder / "dataset.json", header.dump(1) + "\n");
}

}  // namespace ebgrasp
