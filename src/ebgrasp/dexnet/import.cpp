#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/dexnet/dexnet.hpp"
#include "ebgrasp/dexnet/npz.hpp"
#include "ebgrasp/dexnet/tensors.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// Elements of a hand pose.
enum HandPose : std::size_t { pose_depth = 2, pose_width_px = 6, pose_size = 7 };

/// The tensors of one shard, in the order of dexnet_fields.
using Tensors = std::array<NpyArray, dexnet_fields.size()>;

/// Names the tensors of the data set that are not imported.
void report_other_tensors(const fs::path& folder) {
    std::set<std::string> others;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        const std::string field = name.substr(0, name.rfind('_'));
        if (name.ends_with(".npz") &&
            std::ranges::none_of(dexnet_fields, [&](const DexnetField& f) { return field == f.name; }))
            others.insert(field);
    }
    for (const auto& field : others) info("{}: {} is left alone", folder.string(), field);
}

Tensors read_tensors(const fs::path& folder, const std::string& number) {
    Tensors tensors;
    for (std::size_t i = 0; i < dexnet_fields.size(); ++i) {
        const fs::path file = tensor_file(folder, dexnet_fields[i], number);
        tensors[i] = read_npz(file);
        const auto& first = tensors[0].shape;
        check_tensor(tensors[i], dexnet_fields[i], first.empty() ? 0 : first[0], file.string());
    }
    return tensors;
}

/// Whether each example succeeds. The threshold is compared in the tensor's own precision, as NumPy does.
std::vector<std::uint8_t> verdicts(const NpyArray& robust_epsilon, double threshold) {
    if (robust_epsilon.dtype == "f4") threshold = static_cast<float>(threshold);
    std::vector<std::uint8_t> verdicts;
    for (const double value : robust_epsilon.as<double>())
        verdicts.push_back(static_cast<std::uint8_t>(value > threshold ? Verdict::success : Verdict::not_robust));
    return verdicts;
}

WindowExamples examples_from(const Tensors& tensors, std::int32_t object, double threshold) {
    const auto& [depth, hand_poses, robust_epsilon] = tensors;
    const std::size_t rows = depth.shape[0];
    WindowExamples examples;
    examples.windows = depth.as<float>();
    examples.window_object.assign(rows, object);
    examples.grasp_window.resize(rows);
    std::iota(examples.grasp_window.begin(), examples.grasp_window.end(), 0);
    const auto poses = hand_poses.as<double>();
    for (std::size_t i = 0; i < rows; ++i) {
        const double* pose = &poses[i * pose_size];
        const double opening = pose[pose_width_px] * pose[pose_depth] / dexnet_focal_length;
        for (const double value : {grasp_window_center, grasp_window_center, pose[pose_depth], 0.0, opening})
            examples.grasps.push_back(static_cast<float>(value));
    }
    examples.robust_epsilon = robust_epsilon.as<float>();
    examples.epsilon = examples.robust_epsilon;
    examples.verdict = verdicts(robust_epsilon, threshold);
    return examples;
}

/// The tensors that `windows` data cannot hold exactly, by name.
ExtraColumns inexact_tensors(Tensors&& tensors) {
    ExtraColumns extra;
    for (std::size_t i = 0; i < dexnet_fields.size(); ++i)
        if (!dexnet_fields[i].column || tensors[i].dtype != "f4")
            extra.emplace(dexnet_fields[i].name, std::move(tensors[i]));
    return extra;
}

}  // namespace

DexnetSummary import_dexnet(const fs::path& tensors, const fs::path& folder, double threshold) {
    require(std::isfinite(threshold), "the threshold is ", threshold, "; it must be a number");
    const std::set<std::string> found = find_tensor_shards(tensors);
    require(!found.empty(), tensors.string(), ": has no Dex-Net tensors (",
            tensor_file("", dexnet_fields[0], "00000").string(), ", ...); pass the folder that they are in");
    report_other_tensors(tensors);
    const std::vector<std::string> numbers(found.begin(), found.end());
    const nlohmann::json config = {
        {"source", "dexnet"}, {"tensors", fs::absolute(tensors).lexically_normal().string()}, {"threshold", threshold}};
    claim_folder(folder, config);

    const DexnetSummary summary = convert_shards("importing", numbers.size(), [&](std::size_t i) {
        const fs::path shard = folder / ("shard_" + numbers[i]);
        if (!fs::exists(shard)) {
            Tensors shard_tensors = read_tensors(tensors, numbers[i]);
            const auto examples = examples_from(shard_tensors, static_cast<std::int32_t>(i), threshold);
            write_window_shard(shard, examples, inexact_tensors(std::move(shard_tensors)));
        }
        return summary_of_shard(shard);
    });

    DatasetHeader header{config, {}, {}};
    constexpr std::array<double, 3> shares = {0.8, 0.1, 0.1};
    const auto splits = draw_splits(numbers.size(), shares, 1);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        header.objects.push_back({"dexnet_" + numbers[i], splits[i]});
        header.shards.push_back(folder / ("shard_" + numbers[i]));
    }
    write_window_header(folder, header);
    return summary;
}

}  // namespace ebgrasp
