// Readers and writers of depth images and masks.
#pragma once

#include <filesystem>
#include <optional>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// Reads depth from `.npy` (H x W or H x W x 1; floats in metres, unsigned 16-bit integers in mm), 16-bit PNG or TIFF
/// in mm, float TIFF in metres, or an organised `.pcd` / `.ply` point cloud in metres and in the camera's frame (z is
/// taken). `scale` (metres per unit) overrides the unit; integers of other sizes need it. Whatever is no depth (NaN,
/// infinite, negative) becomes 0. The camera's height and width are set to the image's; its other fields come from
/// `camera`, whose own size, if given (not 0), must match. Throws Error, among others when the median depth is not
/// between 0.05 and 20 m, naming the likely scale.
DepthImage read_depth_image(const std::filesystem::path& path, CameraIntrinsics camera,
                            std::optional<double> scale = {});
/// Writes `.npy` float32 metres or `.png` / `.tiff` 16-bit millimetres, atomically.
void write_depth_image(const DepthImage& image, const std::filesystem::path& path);

/// Reads a mask from an image or `.npy`: non-zero (in any colour) is inside. Throws Error if its size is not
/// height x width or it is empty.
Mask read_mask(const std::filesystem::path& path, int height, int width);
/// Writes `.png` or `.npy` with 255 inside and 0 outside, atomically.
void write_mask(const Mask& mask, const std::filesystem::path& path);

}  // namespace ebgrasp
