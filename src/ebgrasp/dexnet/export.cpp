#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <span>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/dexnet/dexnet.hpp"
#include "ebgrasp/dexnet/npz.hpp"
#include "ebgrasp/dexnet/tensors.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"
#include "ebgrasp/grasp/gripper.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t examples_per_shard = 1000;

/// Throws Error if `tensors` holds shards beyond `numbers`, which will be written.
void require_no_others(const fs::path& tensors, const std::vector<std::string>& numbers) {
    for (const auto& number : find_tensor_shards(tensors))
        require(std::ranges::find(numbers, number) != numbers.end(), tensors.string(), ": holds a shard ", number,
                " of other tensors; choose another --output");
}

/// A tensor of an imported shard as it was.
NpyArray imported_tensor(const fs::path& shard, const DexnetField& field) {
    const fs::path kept = shard / (std::string(field.name) + ".npy");
    if (!field.column || fs::exists(kept)) return read_npy(kept);
    NpyArray tensor = read_npy(shard / (std::string(field.column) + ".npy"));
    require(!tensor.shape.empty(), shard.string(), ": ", field.column, ".npy has the wrong shape");
    tensor.shape.resize(1);
    tensor.shape.insert(tensor.shape.end(), field.row.begin(), field.row.end());
    return tensor;
}

DexnetSummary export_windows(const fs::path& data, const fs::path& tensors) {
    const DatasetHeader header = read_window_header(data);
    std::vector<std::string> numbers;
    for (const auto& shard : header.shards) {
        const std::string name = shard.filename().string();
        numbers.push_back(name.substr(name.rfind('_') + 1));
        require(
            fs::exists(shard / (std::string(dexnet_fields[1].name) + ".npy")), shard.string(),
            ": was not imported from Dex-Net's tensors. Their windows are cut around each grasp from the full image, "
            "which `windows` data lacks; use data of `ebgrasp generate --layout scenes`");
    }
    require_no_others(tensors, numbers);
    return convert_shards("exporting", numbers.size(), [&](std::size_t i) {
        const DexnetSummary summary = summary_of_shard(header.shards[i]);
        for (const auto& field : dexnet_fields) {
            const NpyArray tensor = imported_tensor(header.shards[i], field);
            check_tensor(tensor, field, summary.examples, (header.shards[i] / field.name).string());
            write_npz(tensor_file(tensors, field, numbers[i]), tensor);
        }
        return summary;
    });
}

/// The scene's image; the table, z = 0 in the world, fills what is missing, as in `windows` data.
DepthArray filled_depth(const SceneRecord& scene, const CameraIntrinsics& camera) {
    const auto metres = scene.depth_in_metres();
    DepthArray depth = Eigen::Map<const DepthArray>(metres.data(), scene.height, scene.width);
    for (int row = 0; row < scene.height; ++row)
        for (int col = 0; col < scene.width; ++col) {
            if (is_depth(depth(row, col))) continue;
            const Eigen::Vector3d ray_W = scene.X_WC.rotation() * camera.deproject(row, col, 1.0);
            if (ray_W.z() < 0) depth(row, col) = static_cast<float>(-scene.X_WC.translation().z() / ray_W.z());
        }
    return depth;
}

/// The values of each field, row after row.
using Columns = std::array<std::vector<float>, dexnet_fields.size()>;

/// Appends the grasps of a scene, with `opening` (metres) as the gripper's.
void append_scene(Columns& columns, const SceneRecord& scene, double opening) {
    auto& [windows, poses, robust_epsilon] = columns;
    const auto& [fx, fy, cx, cy] = scene.intrinsics;
    const CameraIntrinsics camera{scene.height, scene.width, fx, fy, cx, cy};
    const DepthArray depth = filled_depth(scene, camera);
    for (const SceneGrasp& grasp : scene.grasps) {
        windows.resize(windows.size() + window_pixels);
        grasp_window(depth, {grasp.row, grasp.col, grasp.depth, grasp.angle, 0},
                     std::span(windows).last(window_pixels));
        for (const double value : {double{grasp.row}, double{grasp.col}, double{grasp.depth}, double{grasp.angle},
                                   grasp.row - cy, grasp.col - cx, fx * opening / grasp.depth})
            poses.push_back(static_cast<float>(value));
        robust_epsilon.push_back(grasp.robust_epsilon);
    }
}

/// Writes `rows` rows from `first` on as shard `number`.
void write_rows(const Columns& columns, std::size_t first, std::size_t rows, const fs::path& tensors,
                const std::string& number) {
    for (std::size_t i = 0; i < dexnet_fields.size(); ++i) {
        const DexnetField& field = dexnet_fields[i];
        NpyArray tensor{"f4", {rows}, {}};
        tensor.shape.insert(tensor.shape.end(), field.row.begin(), field.row.end());
        const std::size_t row = tensor.size() / rows;
        tensor.bytes.resize(sizeof(float) * tensor.size());
        std::memcpy(tensor.bytes.data(), &columns[i][first * row], tensor.bytes.size());
        const fs::path file = tensor_file(tensors, field, number);
        check_tensor(tensor, field, rows, file.string());
        write_npz(file, tensor);
    }
}

double gripper_opening(const DatasetHeader& header, const fs::path& data) {
    const auto name = header.config.find("gripper");
    require(name != header.config.end() && name->is_string(), data.string(), ": its config names no gripper");
    return load_gripper(name->get<std::string>()).max_opening;
}

DexnetSummary export_scenes(const fs::path& data, const fs::path& tensors) {
    const DatasetHeader header = read_scene_header(data);
    const double opening = gripper_opening(header, data);
    DexnetSummary total;
    for (const auto& shard : header.shards) {
        const DexnetSummary summary = summary_of_shard(shard);
        total.examples += summary.examples;
        total.positives += summary.positives;
    }
    require(total.examples > 0, data.string(), ": holds no grasps");
    std::vector<std::string> numbers;
    for (; total.shards * examples_per_shard < total.examples; ++total.shards)
        numbers.push_back(fmt::format("{:05}", total.shards));
    require_no_others(tensors, numbers);

    Progress progress("exporting", total.shards, "shards");
    Columns waiting;
    std::size_t written = 0;
    for (std::size_t shard = 0; shard < header.shards.size(); ++shard) {
        const auto scenes = read_scene_shard(header, shard);
        std::vector<Columns> parts(scenes.size());
        parallel_for(scenes.size(), [&](std::size_t i) { append_scene(parts[i], scenes[i], opening); });
        for (const Columns& part : parts)
            for (std::size_t i = 0; i < dexnet_fields.size(); ++i)
                waiting[i].insert(waiting[i].end(), part[i].begin(), part[i].end());

        const std::size_t rows = waiting.back().size();
        const bool last = shard + 1 == header.shards.size();
        const std::size_t ready = last ? total.shards - written : rows / examples_per_shard;
        parallel_for(ready, [&](std::size_t i) {
            const std::size_t first = i * examples_per_shard;
            write_rows(waiting, first, std::min(examples_per_shard, rows - first), tensors, numbers[written + i]);
            progress.advance();
        });
        written += ready;
        for (auto& column : waiting) {
            const std::size_t row = rows > 0 ? column.size() / rows : 0;
            const auto used = std::min(column.size(), ready * examples_per_shard * row);
            column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(used));
        }
    }
    return total;
}

}  // namespace

DexnetSummary export_dexnet(const fs::path& data, const fs::path& tensors) {
    return dataset_format(data).starts_with("ebgrasp-scenes/") ? export_scenes(data, tensors)
                                                               : export_windows(data, tensors);
}

}  // namespace ebgrasp
