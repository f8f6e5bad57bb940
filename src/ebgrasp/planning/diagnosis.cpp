#include "ebgrasp/planning/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <unordered_set>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/image_io.hpp"

namespace ebgrasp {
namespace {

constexpr double degrees = 180 / std::numbers::pi;
constexpr double most_missing = 0.3;         // of an image; beyond it planes and edges get lost
constexpr double most_missing_masked = 0.5;  // of a mask
constexpr double steep_tilt = 30 / degrees;  // beyond it one sees more of the objects' sides than of their tops
constexpr double near = 0.3, far = 1.5;      // metres from camera to plane that depth cameras and models are made for
constexpr std::size_t few_levels = 256;      // of an 8-bit picture
constexpr double least_raised = 0.002, most_raised = 0.7;  // of an image, above the plane

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

Finding examine_missing(const DepthImage& image) {
    const double missing = 1 - image.depth.unaryExpr([](float z) { return is_depth(z) ? 1.0f : 0.0f; }).mean();
    Finding finding{"missing depth", percent(missing) + " of the pixels"};
    if (missing > most_missing)
        finding.mend =
            "more than " + percent(most_missing) +
            " are missing: keep the camera within its range (often 0.3 to 1 m), avoid glossy and transparent "
            "surfaces, average a few frames";
    return finding;
}

/// Depth that was stored as an 8-bit picture once has few levels.
Finding examine_levels(const DepthImage& image) {
    std::unordered_set<float> levels;
    for (Eigen::Index i = 0; i < image.depth.size() && levels.size() <= few_levels; ++i)
        if (is_depth(image.depth.data()[i])) levels.insert(image.depth.data()[i]);
    // An ideal plane has few levels, too; a picture of 8 bits spreads them widely.
    const bool few = levels.size() <= few_levels && levels.size() > 8;
    const float range = levels.empty() ? 0 : *std::ranges::max_element(levels) - *std::ranges::min_element(levels);
    const double step = few ? range / static_cast<double>(levels.size() - 1) : 0;
    Finding finding{"resolution", few ? fmt::format("{} levels of depth, {:.1f} mm apart", levels.size(), 1000 * step)
                                      : fmt::format("more than {} levels of depth", few_levels)};
    if (levels.size() <= 8) finding.value = fmt::format("{} levels of depth", levels.size());
    if (step > 0.002)
        finding.mend = "depth was probably stored with 8 bits per pixel (a picture of depth): store 16 bits or floats";
    return finding;
}

Finding examine_camera(const CameraIntrinsics& camera) {
    const double width = 2 * std::atan(camera.width / (2 * camera.fx)) * degrees;
    const double height = 2 * std::atan(camera.height / (2 * camera.fy)) * degrees;
    Finding finding{"intrinsics",
                    fmt::format("fx {:.5g}, fy {:.5g}, cx {:.5g}, cy {:.5g} px: a view of {:.0f} x {:.0f} degrees",
                                camera.fx, camera.fy, camera.cx, camera.cy, width, height)};
    const double off_x = std::abs(camera.cx - (camera.width - 1) / 2.0) / camera.width;
    const double off_y = std::abs(camera.cy - (camera.height - 1) / 2.0) / camera.height;
    if (off_x > 0.2 || off_y > 0.2)
        finding.mend = fmt::format(
            "the principal point is far from the middle of {} x {} pixels: are these the intrinsics of another "
            "resolution?",
            camera.width, camera.height);
    else if (camera.fx / camera.fy < 0.8 || camera.fx / camera.fy > 1.25)
        finding.mend = "fx and fy differ by more than a quarter: was the image scaled in one direction alone?";
    else if (width < 15 || width > 130)
        finding.mend = "no depth camera has such a view: are fx and fy in pixels, and of this resolution?";
    return finding;
}

Finding examine_plane(const std::optional<SupportPlane>& plane, const SupportPlaneOptions& options) {
    if (!plane)
        return {"support plane", "none found",
                fmt::format(
                    "a table or bin floor must fill at least {:.0f} % of the valid depth and lean by at most {:.0f} "
                    "degrees: let more of it into view, and check --intrinsics",
                    100 * options.min_inlier_share, options.max_tilt * degrees)};
    Finding finding{"support plane",
                    fmt::format("{:.3f} m away, camera tilted by {:.1f} degrees, {} of the valid depth lies in it",
                                plane->offset, plane->tilt() * degrees, percent(plane->inlier_share))};
    if (plane->tilt() > steep_tilt)
        finding.mend = fmt::format(
            "the camera is tilted by more than {:.0f} degrees: objects hide what is behind them; look "
            "more steeply down",
            steep_tilt * degrees);
    else if (plane->offset < near || plane->offset > far)
        finding.mend =
            fmt::format("the camera should be {} to {} m above the plane; is the unit of the depth right?", near, far);
    return finding;
}

/// 1 where there is depth that stands out of the plane.
Mask raised_pixels(const DepthImage& image, const SupportPlane& plane, double min_height) {
    const auto floor = static_cast<float>(min_height);
    return height_map(image, plane)
        .unaryExpr([floor](float h) { return h > floor ? 1.0f : 0.0f; })
        .cast<std::uint8_t>();
}

double share(const Mask& part) { return part.cast<double>().mean(); }

Finding examine_objects(const Mask& raised, double min_height) {
    Finding finding{"objects", fmt::format("{} of the pixels are more than {:.0f} mm above the plane",
                                           percent(share(raised)), 1000 * min_height)};
    if (share(raised) < least_raised)
        finding.mend = "nothing stands on the plane: is the object in view, thicker than that, and not transparent?";
    else if (share(raised) > most_raised)
        finding.mend = "nearly everything stands out: the plane found may lie too low, or the intrinsics may be wrong";
    return finding;
}

Finding examine_mask(const DepthImage& image, const Mask& given, const Mask& raised) {
    if (given.rows() != image.depth.rows() || given.cols() != image.depth.cols())
        return {"mask",
                fmt::format("is {} x {} pixels, the image {} x {}", given.cols(), given.rows(), image.width(),
                            image.height()),
                "make the mask from this image, or scale it with nearest neighbours"};
    const Mask mask = given.min(1);
    const double inside = mask.cast<double>().sum();
    if (inside == 0) return {"mask", "is empty", "no pixel differs from 0: check the segmentation"};
    const Mask seen = image.depth.unaryExpr([](float z) { return is_depth(z) ? 1.0f : 0.0f; }).cast<std::uint8_t>();
    const double with_depth = (mask * seen).cast<double>().sum() / inside;
    Finding finding{"mask",
                    fmt::format("{} of the pixels; of them {} have depth", percent(share(mask)), percent(with_depth))};
    double standing = 1;
    if (raised.size() > 0) {
        standing = (mask * raised).cast<double>().sum() / inside;
        finding.value += fmt::format(" and {} stand out of the plane", percent(standing));
    }
    if (with_depth < 1 - most_missing_masked)
        finding.mend =
            "the object has hardly any depth: glossy, black or transparent things need another sensor or pose";
    else if (standing < 0.2)
        finding.mend = "the mask lies mostly on the plane: is it inverted, shifted, or from another image?";
    return finding;
}

/// The intrinsics scaled to the image, if that is all that is wrong with them.
std::string mend_resolution(const CameraIntrinsics& camera, int height, int width) {
    const double x = static_cast<double>(width) / camera.width, y = static_cast<double>(height) / camera.height;
    if (std::abs(x / y - 1) > 0.01)
        return "pass the intrinsics of this image: the aspect differs, so that it was cropped";
    // Pixel centres lie at integers: the image begins at -0.5.
    return fmt::format("pass the intrinsics of this image; if it was scaled, --intrinsics {:.6g},{:.6g},{:.6g},{:.6g}",
                       camera.fx * x, camera.fy * y, (camera.cx + 0.5) * x - 0.5, (camera.cy + 0.5) * y - 0.5);
}

/// Camera of an image; what is wrong goes to `findings`. nullopt: there is none to go on with.
std::optional<CameraIntrinsics> find_camera(const InputFiles& files, int height, int width,
                                            std::vector<Finding>& findings) {
    CameraIntrinsics camera;
    try {
        if (!files.intrinsics.empty()) camera = read_intrinsics(files.intrinsics);
    } catch (const Error& error) {
        findings.push_back(
            {"intrinsics", error.what(), "give fx,fy,cx,cy in pixels, a ROS camera_info YAML or a .intr file"});
        return std::nullopt;
    }
    if (camera.width != 0 && (camera.height != height || camera.width != width)) {
        const std::string value =
            fmt::format("are for {} x {} pixels, the image has {} x {}", camera.width, camera.height, width, height);
        findings.push_back({"intrinsics", value,
                            files.intrinsics.empty() ? "give --intrinsics: only images of 640 x 480 have a default"
                                                     : mend_resolution(camera, height, width)});
        return std::nullopt;
    }
    if (files.intrinsics.empty())
        findings.push_back(
            {"intrinsics", "none given", "the default (fx = fy = 525 px) is of another camera: give --intrinsics"});
    camera.height = height;
    camera.width = width;
    return camera;
}

/// Metres per unit of a file; what is wrong goes to `findings`. nullopt: there is nothing to go on with.
std::optional<double> find_unit(const DepthFile& file, const std::optional<double>& scale,
                                std::vector<Finding>& findings) {
    const auto median = median_depth(file.values);
    if (!median) {
        findings.push_back({"units", "every depth is missing (0 or NaN)", "check the camera and its driver"});
        return std::nullopt;
    }
    const auto likely = likely_unit(*median);
    const auto unit = scale ? scale : file.unit;
    if (unit && plausible_median(*median * *unit)) {
        findings.push_back({"units", fmt::format("{:g} m per unit, median depth {:.3f} m", *unit, *median * *unit)});
        return unit;
    }
    const std::string value = unit ? fmt::format("median depth is {:g} m with {:g} m per unit", *median * *unit, *unit)
                                   : fmt::format("the unit of {} is not known, the median is {:g}", file.type, *median);
    if (!likely) {
        findings.push_back({"units", value, "no usual unit explains it: give the metres per unit with --depth-scale"});
        return std::nullopt;
    }
    const char* name = *likely == 0.001  ? "millimetres"
                       : *likely == 1.0  ? "metres"
                       : *likely == 0.01 ? "centimetres"
                                         : "tenths of a millimetre";
    findings.push_back({"units", value, fmt::format("the file is in {}: pass --depth-scale {:g}", name, *likely)});
    return likely;
}

}  // namespace

std::vector<Finding> examine_image(const DepthImage& image, const Mask& mask, const SceneOptions& options) {
    std::vector<Finding> findings = {examine_missing(image), examine_levels(image), examine_camera(image.camera)};
    const auto plane = fit_support_plane(image, options.plane);
    findings.push_back(examine_plane(plane, options.plane));
    const Mask raised = plane ? raised_pixels(image, *plane, options.min_height) : Mask();
    if (plane) findings.push_back(examine_objects(raised, options.min_height));
    if (mask.size() > 0) findings.push_back(examine_mask(image, mask, raised));
    return findings;
}

std::vector<Finding> examine_files(const InputFiles& files, const SceneOptions& options) {
    std::vector<Finding> findings;
    DepthFile file;
    try {
        file = read_depth_file(files.depth);
    } catch (const Error& error) {
        return {{"depth file", error.what(), "give a depth image: .npy, 16-bit .png or .tiff, organised .pcd or .ply"}};
    }
    const auto height = static_cast<int>(file.values.rows()), width = static_cast<int>(file.values.cols());
    findings.push_back({"depth file", fmt::format("{}: {} x {} pixels, {}", files.depth, width, height, file.type)});
    const auto unit = find_unit(file, files.scale, findings);
    const auto camera = find_camera(files, height, width, findings);
    if (!unit || !camera) return findings;

    const DepthImage image{
        file.values.unaryExpr([&](float z) { return is_depth(z) ? static_cast<float>(z * *unit) : 0.0f; }), *camera};
    Mask mask;
    if (!files.mask.empty()) {
        try {
            mask = read_any_mask(files.mask);
        } catch (const Error& error) {
            findings.push_back({"mask", error.what(), "give an image or .npy that is 0 outside of the object"});
        }
    }
    const auto more = examine_image(image, mask, options);
    findings.insert(findings.end(), more.begin(), more.end());
    return findings;
}

}  // namespace ebgrasp
