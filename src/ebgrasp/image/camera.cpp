#include "ebgrasp/image/camera.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <vector>

#include "ebgrasp/core/config.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr int max_side = 16384;

void check_optics(const CameraIntrinsics& camera, const std::string& name) {
    for (const double f : {camera.fx, camera.fy})
        require(std::isfinite(f) && f > 0, name, ": focal length is ", f, " px; it must be positive");
    for (const double c : {camera.cx, camera.cy})
        require(std::isfinite(c), name, ": principal point is ", c, " px; it must be finite");
}

double number(const json& object, const char* key, const std::string& name) {
    require(object.contains(key) && object[key].is_number(), name, ": ", key, " is missing or not a number");
    return object[key].get<double>();
}

int side(const json& object, const char* key, const std::string& name) {
    const double value = number(object, key, name);
    require(value >= 1 && value <= max_side && value == std::floor(value), name, ": ", key, " is ", value,
            "; it must be a whole number from 1 to ", max_side);
    return static_cast<int>(value);
}

/// Dex-Net's and perception's `.intr`: the numbers stand beside each other, `_K` is not the matrix.
CameraIntrinsics from_dexnet(const json& file, const std::string& name) {
    require(!file.contains("_skew") || number(file, "_skew", name) == 0, name, ": cameras with skew are not supported");
    return {side(file, "_height", name), side(file, "_width", name), number(file, "_fx", name),
            number(file, "_fy", name),   number(file, "_cx", name),  number(file, "_cy", name)};
}

/// ROS camera_info, as a calibration file (`camera_matrix: data:`) or as an echoed message (`K:` or `k:`).
CameraIntrinsics from_ros(const json& file, const std::string& name) {
    json matrix;
    for (const char* key : {"camera_matrix", "K", "k"})
        if (matrix.is_null() && file.contains(key)) matrix = file[key];
    if (matrix.is_object() && matrix.contains("data")) matrix = matrix["data"];
    require(matrix.is_array() && matrix.size() == 9 &&
                std::all_of(matrix.begin(), matrix.end(), [](const json& entry) { return entry.is_number(); }),
            name, ": the camera matrix must be 9 numbers");
    const auto k = matrix.get<std::vector<double>>();
    require(k[1] == 0 && k[3] == 0 && k[6] == 0 && k[7] == 0 && k[8] == 1, name,
            ": the camera matrix must be [fx, 0, cx, 0, fy, cy, 0, 0, 1]");
    const bool calibration = file.contains("image_width");
    return {side(file, calibration ? "image_height" : "height", name),
            side(file, calibration ? "image_width" : "width", name),
            k[0],
            k[4],
            k[2],
            k[5]};
}

/// "fx,fy,cx,cy"
CameraIntrinsics from_numbers(const std::string& text) {
    double values[4];
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (int i = 0; i < 4; ++i) {
        const auto [next, error] = std::from_chars(at, end, values[i]);
        require(error == std::errc() && (i < 3 ? next != end && *next == ',' : next == end), "'", text,
                "' is neither an intrinsics file nor four numbers fx,fy,cx,cy");
        at = next + 1;
    }
    return {0, 0, values[0], values[1], values[2], values[3]};
}

CameraIntrinsics from_file(const std::string& path) {
    const json file = read_yaml(path);
    if (file.contains("_fx")) return from_dexnet(file, path);
    if (file.contains("camera_matrix") || file.contains("K") || file.contains("k")) return from_ros(file, path);
    fail(path, ": has neither _fx (Dex-Net .intr) nor camera_matrix, K or k (ROS camera_info)");
}

}  // namespace

void CameraIntrinsics::validate(const std::string& name) const {
    for (const int size : {height, width})
        require(size >= 1 && size <= max_side, name, ": image side is ", size, " px; it must be from 1 to ", max_side);
    check_optics(*this, name);
}

CameraIntrinsics read_intrinsics(const std::string& text) {
    std::error_code code;
    const bool is_file = std::filesystem::exists(text, code);
    const CameraIntrinsics camera = is_file ? from_file(text) : from_numbers(text);
    check_optics(camera, text);
    return camera;
}

}  // namespace ebgrasp
