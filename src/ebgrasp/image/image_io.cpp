#include "ebgrasp/image/image_io.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/text.hpp"
#include "ebgrasp/image/image_header.hpp"
#include "ebgrasp/image/point_cloud.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;

constexpr double metre = 1.0, millimetre = 0.001;
constexpr double min_median = 0.05, max_median = 20.0;  // metres
constexpr std::size_t max_file_bytes = std::size_t{1} << 32, max_image_bytes = std::size_t{1} << 30;

std::string extension(const fs::path& path) { return lower_case(path.extension().string()); }

cv::Mat decode_image(const fs::path& path) {
    const std::string bytes = read_file(path, max_image_bytes);
    check_image_header(bytes, path.string());
    cv::Mat pixels;
    try {
        const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
        pixels = cv::imdecode(buffer, cv::IMREAD_UNCHANGED);
    } catch (const cv::Exception&) {
    }
    require(!pixels.empty(), path.string(), ": is not a readable image");
    return pixels;
}

void encode_image(const cv::Mat& pixels, const fs::path& path) {
    std::vector<unsigned char> bytes;
    require(cv::imencode(extension(path), pixels, bytes), path.string(), ": cannot be encoded");
    write_file_atomically(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

/// The shape of an H x W or H x W x 1 array.
std::array<Eigen::Index, 2> image_shape(const NpyArray& array, const std::string& name) {
    require(array.shape.size() == 2 || (array.shape.size() == 3 && array.shape[2] == 1), name, ": has ",
            array.shape.size(), " dimensions; H x W or H x W x 1 is needed");
    return {static_cast<Eigen::Index>(array.shape[0]), static_cast<Eigen::Index>(array.shape[1])};
}

/// NumPy's name of a type descriptor: "u2" is "uint16".
std::string numpy_type(const std::string& dtype) {
    const std::string kind = dtype.front() == 'f' ? "float" : dtype.front() == 'u' ? "uint" : "int";
    return kind + std::to_string(8 * (dtype.back() - '0'));
}

DepthFile read_npy_depth(const fs::path& path) {
    const NpyArray array = read_npy(path);
    const auto [rows, cols] = image_shape(array, path.string());
    const std::vector<float> values = array.as<float>();
    std::optional<double> unit;
    if (array.dtype.front() == 'f') unit = metre;
    if (array.dtype == "u2") unit = millimetre;
    return {Eigen::Map<const DepthArray>(values.data(), rows, cols), numpy_type(array.dtype), unit};
}

DepthFile read_image_depth(const fs::path& path) {
    cv::Mat pixels = decode_image(path);
    require(pixels.channels() == 1 && pixels.depth() != CV_8U && pixels.depth() != CV_8S, path.string(), ": has ",
            pixels.channels(), " channels of ", 8 * pixels.elemSize1(),
            " bits; a depth image has one channel of 16 bits (mm) or of floats (m)");
    std::optional<double> unit;
    if (pixels.depth() == CV_16U) unit = millimetre;
    if (pixels.depth() == CV_32F || pixels.depth() == CV_64F) unit = metre;
    const std::string kind = pixels.depth() >= CV_32F ? "float" : pixels.depth() == CV_16U ? "uint" : "int";
    const std::string type = kind + std::to_string(8 * pixels.elemSize1());
    pixels.convertTo(pixels, CV_32F);
    return {Eigen::Map<const DepthArray>(pixels.ptr<float>(), pixels.rows, pixels.cols), type, unit};
}

/// Sets everything that is no depth to 0. NaN and 0 are the usual marks of it; others deserve a word.
void clean_missing(DepthArray& depth, const std::string& name) {
    const auto odd = (depth < 0.0f || depth.isInf()).count();
    if (odd > 0) warn("{}: {} pixels are negative or infinite; they are taken as missing", name, odd);
    depth = depth.unaryExpr([](float z) { return is_depth(z) ? z : 0.0f; });
}

}  // namespace

DepthFile read_depth_file(const fs::path& path) {
    const std::string suffix = extension(path);
    if (suffix == ".npy") return read_npy_depth(path);
    if (suffix == ".png" || suffix == ".tif" || suffix == ".tiff") return read_image_depth(path);
    if (suffix == ".pcd") return {read_pcd_depth(read_file(path, max_file_bytes), path.string()), "points", metre};
    if (suffix == ".ply") return {read_ply_depth(read_file(path, max_file_bytes), path.string()), "points", metre};
    fail(path.string(), ": unknown kind of depth file '", suffix, "'; .npy, .png, .tiff, .pcd and .ply can be read");
}

std::optional<double> median_depth(const DepthArray& depth) {
    std::vector<float> valid;
    valid.reserve(static_cast<std::size_t>(depth.size()));
    std::copy_if(depth.data(), depth.data() + depth.size(), std::back_inserter(valid), is_depth);
    if (valid.empty()) return std::nullopt;
    const auto middle = valid.begin() + static_cast<std::ptrdiff_t>(valid.size() / 2);
    std::nth_element(valid.begin(), middle, valid.end());
    return *middle;
}

bool plausible_median(double metres) { return metres >= min_median && metres <= max_median; }

std::optional<double> likely_unit(double median_units) {
    for (const double unit : {millimetre, metre, 0.0001, 0.01})
        if (plausible_median(median_units * unit)) return unit;
    return std::nullopt;
}

DepthImage read_depth_image(const fs::path& path, CameraIntrinsics camera, std::optional<double> scale) {
    const std::string name = path.string();
    require(!scale || (std::isfinite(*scale) && *scale > 0), "depth scale is ", scale.value_or(0),
            "; it must be positive (metres per unit)");
    auto [depth, type, format_unit] = read_depth_file(path);
    require(scale || format_unit, name,
            ": the unit of its integers is not known; give metres per unit with --depth-scale");
    const double unit = scale ? *scale : *format_unit;

    const auto height = static_cast<int>(depth.rows()), width = static_cast<int>(depth.cols());
    require((camera.height == 0 && camera.width == 0) || (camera.height == height && camera.width == width), name,
            ": intrinsics are for ", camera.width, "x", camera.height, " but the image is ", width, "x", height,
            "; pass the intrinsics of this image or scale them");
    camera.height = height;
    camera.width = width;
    camera.validate(name);

    depth *= static_cast<float>(unit);
    clean_missing(depth, name);
    const auto median = median_depth(depth);
    require(median.has_value(), name, ": every depth is missing (0 or NaN)");
    if (!plausible_median(*median)) {
        if (const auto likely = likely_unit(*median / unit))
            fail(name, ": median depth is ", *median, " m; did you mean --depth-scale ", *likely, "?");
        fail(name, ": median depth is ", *median, " m, not between ", min_median, " and ", max_median,
             " m; give the metres per unit with --depth-scale");
    }
    return {std::move(depth), camera};
}

void write_depth_image(const DepthImage& image, const fs::path& path) {
    const std::string suffix = extension(path);
    if (suffix == ".npy") {
        const std::span values(image.depth.data(), static_cast<std::size_t>(image.depth.size()));
        write_npy<float>(path, values,
                         {static_cast<std::size_t>(image.depth.rows()), static_cast<std::size_t>(image.depth.cols())});
        return;
    }
    require(suffix == ".png" || suffix == ".tif" || suffix == ".tiff", path.string(),
            ": depth can be written as .npy, .png or .tiff, not as '", suffix, "'");
    cv::Mat pixels(image.height(), image.width(), CV_16U);
    for (int row = 0; row < image.height(); ++row) {
        for (int col = 0; col < image.width(); ++col) {
            const float z = image.depth(row, col);
            require(!(z > 65.535f), path.string(), ": depth ", z, " m does not fit 16 bits of millimetres; write .npy");
            const long units = is_depth(z) ? std::lround(z / millimetre) : 0;
            pixels.at<std::uint16_t>(row, col) = static_cast<std::uint16_t>(units);
        }
    }
    encode_image(pixels, path);
}

Mask read_any_mask(const fs::path& path) {
    const std::string name = path.string();
    Mask mask;
    if (extension(path) == ".npy") {
        const NpyArray array = read_npy(path);
        const auto [rows, cols] = image_shape(array, name);
        const std::vector<double> values = array.as<double>();
        using Values = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        mask = (Eigen::Map<const Values>(values.data(), rows, cols) != 0.0).cast<std::uint8_t>();
    } else {
        const cv::Mat pixels = decode_image(path);
        mask = Mask::Zero(pixels.rows, pixels.cols);
        for (int channel = 0; channel < std::min(pixels.channels(), 3); ++channel) {  // the fourth is transparency
            cv::Mat values;
            cv::extractChannel(pixels, values, channel);
            const cv::Mat inside = values != 0;
            mask = mask.max(Eigen::Map<const Mask>(inside.ptr(), inside.rows, inside.cols).min(1));
        }
    }
    return mask;
}

Mask read_mask(const fs::path& path, int height, int width) {
    const std::string name = path.string();
    Mask mask = read_any_mask(path);
    require(mask.rows() == height && mask.cols() == width, name, ": the mask is ", mask.cols(), "x", mask.rows(),
            " but the image is ", width, "x", height);
    require((mask != 0).any(), name, ": the mask is empty");
    return mask;
}

void write_mask(const Mask& mask, const fs::path& path) {
    const Mask levels =
        (mask != 0).select(Mask::Constant(mask.rows(), mask.cols(), 255), Mask::Zero(mask.rows(), mask.cols()));
    if (extension(path) == ".npy") {
        write_npy<std::uint8_t>(path, std::span(levels.data(), static_cast<std::size_t>(levels.size())),
                                {static_cast<std::size_t>(levels.rows()), static_cast<std::size_t>(levels.cols())});
        return;
    }
    require(extension(path) == ".png", path.string(), ": a mask can be written as .png or .npy");
    encode_image(cv::Mat(static_cast<int>(levels.rows()), static_cast<int>(levels.cols()), CV_8U,
                         const_cast<std::uint8_t*>(levels.data())),
                 path);
}

}  // namespace ebgrasp
