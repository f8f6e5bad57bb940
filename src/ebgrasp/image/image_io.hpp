// Readers and writers of depth images and masks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// A depth file's content before anything is made of it.
struct DepthFile {
    DepthArray values;           ///< as stored
    std::string type;            ///< of the stored numbers: "uint16", "float32", ...
    std::optional<double> unit;  ///< metres per unit that the format implies
};
/// Reads any of the formats of read_depth_image. Throws Error.
DepthFile read_depth_file(const std::filesystem::path& path);

/// The median of the valid values (is_depth); nullopt if there are none.
std::optional<double> median_depth(const DepthArray& depth);
/// Whether a median depth in metres is one of a camera over a table: 0.05 to 20 m.
bool plausible_median(double metres);
/// The metres per unit, of the usual ones (1 mm, 1 m, 0.1 mm, 1 cm), that make a median of so many units plausible.
std::optional<double> likely_unit(double median_units);

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

/// Reads a mask from a PNG or TIFF image or `.npy`: non-zero (in any colour) is inside. Throws Error if its size is not
/// height x width or it is empty.
Mask read_mask(const std::filesystem::path& path, int height, int width);
/// The same of any size, empty or not.
Mask read_any_mask(const std::filesystem::path& path);
/// Writes `.png` or `.npy` with 255 inside and 0 outside, atomically.
void write_mask(const Mask& mask, const std::filesystem::path& path);

}  // namespace ebgrasp
