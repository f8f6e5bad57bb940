// Dex-Net 2.0's tensors: a folder of numbered shards, each of three files of N examples (1000 in the released data)
//   depth_ims_tf_table_00000.npz    (N, 32, 32, 1)  depth, metres: the grasp's window (grasp/grasp_window.hpp)
//   hand_poses_00000.npz            (N, 7)          row, col (full image, pixels), depth (metres), angle (radians), row
//   - cy,
//                                                   col - cx, gripper opening (pixels at that depth)
//   robust_ferrari_canny_00000.npz  (N)             robust epsilon, 0 where the gripper collides
// of float32 or float64. Other tensors (image_labels, ...) are left alone.
#pragma once

#include <cstddef>
#include <filesystem>

namespace ebgrasp {

/// Robust epsilon above which Dex-Net 2.0 calls a grasp a success (Mahler et al., "Dex-Net 2.0", RSS 2017).
inline constexpr double dexnet_threshold = 0.002;
/// Focal length of Dex-Net 2.0's camera, pixels (drawn from 520 to 530 for each image, and not recorded).
inline constexpr double dexnet_focal_length = 525.0;

struct DexnetSummary {
    std::size_t shards = 0, examples = 0, positives = 0;
};

/// Writes the tensors in folder `tensors` as `windows` data (dataset/window_dataset.hpp) to `folder`, shard for shard.
/// Each example becomes a window of its own, with the grasp at its centre and angle 0; its opening is what the opening
/// in pixels measures at dexnet_focal_length; a success has a robust epsilon above `threshold`; epsilon, which the
/// tensors lack, repeats the robust one. Tensors that these columns cannot hold exactly are kept beside them under
/// their own names: hand_poses always, the others if they are float64. Dex-Net's tensors do not name their objects:
/// each shard stands for one, so that a split by object is one by shard. Shards that are there already are kept, so
/// that a killed run goes on where it stopped. Throws Error: no tensors, a tensor of a shard missing, damaged, of the
/// wrong shape or type, with another number of rows than its neighbours, or not finite; or `folder` holds other data.
DexnetSummary import_dexnet(const std::filesystem::path& tensors, const std::filesystem::path& folder,
                            double threshold = dexnet_threshold);

/// Writes data as tensors. Imported data give bit by bit the arrays that were imported, in the same shards. Of `scenes`
/// data (dataset/scene_dataset.hpp) each grasp gives an example, in shards of 1000: its window is cut out of the full
/// image, in which the table fills missing pixels; its opening is the gripper's widest; angles are in (-pi/2, pi/2].
/// Other `windows` data lack the full image. Throws Error: for those, for damaged data, or if `tensors` holds shards
/// that are not of this data.
DexnetSummary export_dexnet(const std::filesystem::path& data, const std::filesystem::path& tensors);

}  // namespace ebgrasp
