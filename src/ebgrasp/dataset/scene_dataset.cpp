#include "ebgrasp/dataset/scene_dataset.hpp"

#include <algorithm>
#include <cmath>

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr const char* format = "ebgrasp-scenes/1";
constexpr std::size_t pose_size = 12;  // the upper three rows of X, row by row
constexpr std::size_t grasp_size = 5;

void append_pose(std::vector<double>& column, const Eigen::Isometry3d& X) {
    for (int row = 0; row < 3; ++row)
        for (int col = 0; col < 4; ++col) column.push_back(X(row, col));
}

Eigen::Isometry3d pose_at(const std::vector<double>& column, std::size_t i, const fs::path& file) {
    Eigen::Isometry3d X = Eigen::Isometry3d::Identity();
    for (int row = 0; row < 3; ++row)
        for (int col = 0; col < 4; ++col) X(row, col) = column[pose_size * i + static_cast<std::size_t>(4 * row + col)];
    const Eigen::Matrix3d R = X.linear();
    const bool rigid = X.matrix().allFinite() && (R.transpose() * R).isIdentity(1e-6) && R.determinant() > 0;
    require(rigid, file.string(), ": row ", i, " is no pose");
    return X;
}

/// The scene of a row of a column that lists scenes in ascending order; `last` is that of the row before.
SceneRecord& scene_at(std::vector<SceneRecord>& scenes, std::int32_t index, std::int32_t last, const fs::path& file) {
    require(index >= last && static_cast<std::size_t>(index) < scenes.size(), file.string(), ": names scene ", index,
            " after scene ", last, " of ", scenes.size());
    return scenes[static_cast<std::size_t>(index)];
}

void read_images(std::vector<SceneRecord>& scenes, const fs::path& folder) {
    const std::size_t n = scenes.size();
    const NpyArray depth = read_column_array<std::uint16_t>(folder / "depth.npy", {n, 0, 0});
    const std::size_t height = depth.shape[1], width = depth.shape[2], pixels = height * width;
    require(height >= 1 && height <= 16384 && width >= 1 && width <= 16384, (folder / "depth.npy").string(),
            ": images of ", height, " x ", width, " pixels; 1 to 16384 are possible");
    const NpyArray instances = read_column_array<std::uint8_t>(folder / "instances.npy", {n, height, width});
    const auto values = depth.as<std::uint16_t>();
    for (std::size_t i = 0; i < n; ++i) {
        scenes[i].height = static_cast<int>(height);
        scenes[i].width = static_cast<int>(width);
        const auto first = static_cast<std::ptrdiff_t>(i * pixels),
                   last = static_cast<std::ptrdiff_t>((i + 1) * pixels);
        scenes[i].depth.assign(values.begin() + first, values.begin() + last);
        scenes[i].instances.assign(instances.bytes.begin() + first, instances.bytes.begin() + last);
    }
}

void read_cameras(std::vector<SceneRecord>& scenes, const fs::path& folder) {
    const std::size_t n = scenes.size();
    const fs::path intrinsics_file = folder / "intrinsics.npy", pose_file = folder / "camera_pose.npy";
    const auto intrinsics = read_column<double>(intrinsics_file, {n, 4});
    const auto poses = read_column<double>(pose_file, {n, 3, 4});
    for (std::size_t i = 0; i < n; ++i) {
        std::copy_n(&intrinsics[4 * i], 4, scenes[i].intrinsics.begin());
        const auto& [fx, fy, cx, cy] = scenes[i].intrinsics;
        require(std::isfinite(fx + fy + cx + cy) && fx > 0 && fy > 0, intrinsics_file.string(), ": row ", i,
                " is no camera");
        scenes[i].X_WC = pose_at(poses, i, pose_file);
    }
}

void read_objects(std::vector<SceneRecord>& scenes, const fs::path& folder, std::size_t object_count) {
    const fs::path scene_file = folder / "object_scene.npy", index_file = folder / "object_index.npy",
                   pose_file = folder / "object_pose.npy";
    const auto scene = read_column<std::int32_t>(scene_file, {0});
    const auto index = read_column<std::int32_t>(index_file, {scene.size()});
    const auto poses = read_column<double>(pose_file, {scene.size(), 3, 4});
    for (std::size_t i = 0; i < scene.size(); ++i) {
        require(index[i] >= 0 && static_cast<std::size_t>(index[i]) < object_count, index_file.string(),
                ": names object ", index[i], " of ", object_count);
        scene_at(scenes, scene[i], i > 0 ? scene[i - 1] : 0, scene_file)
            .objects.push_back({index[i], pose_at(poses, i, pose_file)});
    }
    for (const SceneRecord& record : scenes)
        require(*std::ranges::max_element(record.instances) <= record.objects.size(),
                (folder / "instances.npy").string(), ": shows more objects than its scene has");
}

void read_grasps(std::vector<SceneRecord>& scenes, const fs::path& folder) {
    const fs::path scene_file = folder / "grasp_scene.npy", grasp_file = folder / "grasps.npy",
                   object_file = folder / "grasp_object.npy";
    const auto scene = read_column<std::int32_t>(scene_file, {0});
    const std::size_t m = scene.size();
    const auto grasps = read_column<float>(grasp_file, {m, grasp_size});
    const auto object = read_column<std::int32_t>(object_file, {m});
    const auto robust_epsilon = read_column<float>(folder / "robust_epsilon.npy", {m});
    const auto epsilon = read_column<float>(folder / "epsilon.npy", {m});
    const auto verdict = read_column<std::uint8_t>(folder / "verdict.npy", {m});
    require(std::ranges::all_of(grasps, [](float value) { return std::isfinite(value); }), grasp_file.string(),
            ": holds NaN or infinity");
    for (std::size_t i = 0; i < m; ++i) {
        SceneRecord& record = scene_at(scenes, scene[i], i > 0 ? scene[i - 1] : 0, scene_file);
        require(object[i] >= -1 && object[i] < static_cast<std::int32_t>(record.objects.size()), object_file.string(),
                ": names object ", object[i], " of a scene of ", record.objects.size());
        const float* y = &grasps[grasp_size * i];
        record.grasps.push_back({y[0], y[1], y[2], y[3], y[4], robust_epsilon[i], epsilon[i], verdict[i], object[i]});
    }
}

}  // namespace

std::vector<float> SceneRecord::depth_in_metres() const {
    std::vector<float> metres(depth.size());
    std::ranges::transform(depth, metres.begin(),
                           [](std::uint16_t units) { return static_cast<float>(units * stored_depth_unit); });
    return metres;
}

void write_scene_shard(const fs::path& folder, std::span<const SceneRecord> scenes) {
    require(!scenes.empty(), folder.string(), ": a shard needs at least one scene");
    std::vector<std::uint16_t> depth;
    std::vector<std::uint8_t> instances, split, verdict;
    std::vector<std::int32_t> object_scene, object_index, grasp_scene, grasp_object;
    std::vector<std::int64_t> label_seed;
    std::vector<double> intrinsics, camera_pose, object_pose;
    std::vector<float> grasps, robust_epsilon, epsilon;
    const auto append = [](auto& column, const auto& values) {
        column.insert(column.end(), values.begin(), values.end());
    };
    for (std::size_t i = 0; i < scenes.size(); ++i) {
        const SceneRecord& scene = scenes[i];
        require(scene.height == scenes[0].height && scene.width == scenes[0].width, folder.string(),
                ": the images of a shard must have one size");
        append(depth, scene.depth);
        append(instances, scene.instances);
        append(intrinsics, scene.intrinsics);
        append_pose(camera_pose, scene.X_WC);
        split.push_back(static_cast<std::uint8_t>(scene.split));
        label_seed.push_back(static_cast<std::int64_t>(scene.label_seed));
        for (const SceneObject& object : scene.objects) {
            object_scene.push_back(static_cast<std::int32_t>(i));
            object_index.push_back(object.index);
            append_pose(object_pose, object.X_WO);
        }
        for (const SceneGrasp& grasp : scene.grasps) {
            grasp_scene.push_back(static_cast<std::int32_t>(i));
            append(grasps, std::array{grasp.row, grasp.col, grasp.depth, grasp.angle, grasp.opening});
            grasp_object.push_back(grasp.object);
            robust_epsilon.push_back(grasp.robust_epsilon);
            epsilon.push_back(grasp.epsilon);
            verdict.push_back(grasp.verdict);
        }
    }
    const std::size_t n = scenes.size(), k = object_scene.size(), m = grasp_scene.size();
    const auto height = static_cast<std::size_t>(scenes[0].height), width = static_cast<std::size_t>(scenes[0].width);
    write_shard(folder, [&](const fs::path& shard) {
        write_npy<std::uint16_t>(shard / "depth.npy", depth, {n, height, width});
        write_npy<std::uint8_t>(shard / "instances.npy", instances, {n, height, width});
        write_npy<double>(shard / "intrinsics.npy", intrinsics, {n, 4});
        write_npy<double>(shard / "camera_pose.npy", camera_pose, {n, 3, 4});
        write_npy<std::uint8_t>(shard / "scene_split.npy", split, {n});
        write_npy<std::int64_t>(shard / "label_seed.npy", label_seed, {n});
        write_npy<std::int32_t>(shard / "object_scene.npy", object_scene, {k});
        write_npy<std::int32_t>(shard / "object_index.npy", object_index, {k});
        write_npy<double>(shard / "object_pose.npy", object_pose, {k, 3, 4});
        write_npy<std::int32_t>(shard / "grasp_scene.npy", grasp_scene, {m});
        write_npy<float>(shard / "grasps.npy", grasps, {m, grasp_size});
        write_npy<std::int32_t>(shard / "grasp_object.npy", grasp_object, {m});
        write_npy<float>(shard / "robust_epsilon.npy", robust_epsilon, {m});
        write_npy<float>(shard / "epsilon.npy", epsilon, {m});
        write_npy<std::uint8_t>(shard / "verdict.npy", verdict, {m});
    });
}

DatasetHeader read_scene_header(const fs::path& folder) { return read_dataset_header(folder, format); }

void write_scene_header(const fs::path& folder, const DatasetHeader& header) {
    write_dataset_header(folder, format, header);
}

std::vector<SceneRecord> read_scene_shard(const DatasetHeader& header, std::size_t shard) {
    const fs::path& folder = header.shards[shard];
    const auto split = read_column<std::uint8_t>(folder / "scene_split.npy", {0});
    const auto label_seed = read_column<std::int64_t>(folder / "label_seed.npy", {split.size()});
    require(!split.empty(), folder.string(), ": the shard is empty");
    std::vector<SceneRecord> scenes(split.size());
    for (std::size_t i = 0; i < scenes.size(); ++i) {
        require(split[i] <= 2 && label_seed[i] >= 0, folder.string(), ": scene ", i, " has split ", int(split[i]),
                " and label seed ", label_seed[i]);
        scenes[i].split = static_cast<Split>(split[i]);
        scenes[i].label_seed = static_cast<std::uint64_t>(label_seed[i]);
    }
    read_images(scenes, folder);
    read_cameras(scenes, folder);
    read_objects(scenes, folder, header.objects.size());
    read_grasps(scenes, folder);
    return scenes;
}

}  // namespace ebgrasp
