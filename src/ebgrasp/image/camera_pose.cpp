#include "ebgrasp/image/camera_pose.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr double tolerance = 1e-3;  // printed rotations have few digits

Eigen::Isometry3d pose_of(const Eigen::Matrix3d& R_BC, const Eigen::Vector3d& p_BC, const std::string& name) {
    require(p_BC.allFinite(), name, ": the camera's position is not finite");
    require((R_BC * R_BC.transpose()).isIdentity(tolerance) && R_BC.determinant() > 0, name,
            ": the camera's rotation is no rotation matrix: R R^T is not the identity within ", tolerance,
            ", or its determinant is negative");
    Eigen::Isometry3d X_BC = Eigen::Isometry3d::Identity();
    X_BC.linear() = Eigen::Quaterniond(R_BC).normalized().toRotationMatrix();
    X_BC.translation() = p_BC;
    return X_BC;
}

Eigen::Isometry3d pose_of(const Eigen::Quaterniond& q, const Eigen::Vector3d& p_BC, const std::string& name) {
    require(std::abs(q.norm() - 1) < tolerance, name, ": the camera's quaternion has length ", q.norm(), ", not 1");
    return pose_of(q.normalized().toRotationMatrix(), p_BC, name);
}

double number(const json& value, const std::string& what) {
    require(value.is_number(), what, " is missing or not a number");
    return value.get<double>();
}

Eigen::Isometry3d from_matrix(const json& rows, const std::string& name) {
    Eigen::Matrix4d X;
    require(rows.is_array(), name, ": the camera's matrix must be a list of rows");
    require(rows.size() == 4, name, ": the camera's matrix has ", rows.size(), " rows; it must have 4");
    for (Eigen::Index i = 0; i < 4; ++i) {
        const json& row = rows[static_cast<std::size_t>(i)];
        require(row.is_array() && row.size() == 4, name, ": row ", i, " of the camera's matrix must be 4 numbers");
        for (Eigen::Index j = 0; j < 4; ++j)
            X(i, j) = number(row[static_cast<std::size_t>(j)], name + ": an entry of the camera's matrix");
    }
    require(X.row(3).isApprox(Eigen::RowVector4d(0, 0, 0, 1)), name, ": the camera's matrix must end with 0, 0, 0, 1");
    return pose_of(X.topLeftCorner<3, 3>(), X.topRightCorner<3, 1>(), name);
}

Eigen::Isometry3d from_transform(const json& transform, const std::string& name) {
    const auto part = [&](const char* group, const char* key) {
        const json values = transform.value(group, json::object());
        return number(values.is_object() ? values.value(key, json()) : json(), name + ": " + group + "." + key);
    };
    const Eigen::Vector3d p_BC(part("translation", "x"), part("translation", "y"), part("translation", "z"));
    return pose_of(
        Eigen::Quaterniond(part("rotation", "w"), part("rotation", "x"), part("rotation", "y"), part("rotation", "z")),
        p_BC, name);
}

CameraPose from_yaml(const std::string& path) {
    const json file = read_yaml(path);
    CameraPose pose;
    if (file.is_array() || file.contains("matrix")) {
        pose.X_BC = from_matrix(file.is_array() ? file : file["matrix"], path);
        return pose;
    }
    const json transform = file.is_object() ? file.value("transform", file) : json();
    require(transform.is_object() && transform.contains("translation"), path,
            ": has neither a 4 x 4 matrix nor a transform with translation and rotation");
    pose.X_BC = from_transform(transform, path);
    if (const json header = file.value("header", json()); header.is_object() && header.contains("frame_id"))
        pose.base_frame = header["frame_id"].is_string() ? header["frame_id"].get<std::string>() : pose.base_frame;
    return pose;
}

CameraPose from_tf(const std::string& path) {
    std::istringstream text(read_file(path, 1 << 16));
    std::string camera;
    CameraPose pose;
    Eigen::Vector3d p_BC;
    Eigen::Matrix3d R_BC;
    text >> camera >> pose.base_frame >> p_BC.x() >> p_BC.y() >> p_BC.z();
    for (Eigen::Index i = 0; i < 9; ++i) text >> R_BC(i / 3, i % 3);
    require(!text.fail(), path, ": is no .tf file: from and to frame, translation, three rows of the rotation");
    pose.X_BC = pose_of(R_BC, p_BC, path);
    return pose;
}

CameraPose from_numbers(const std::string& text) {
    std::array<double, 7> v;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t i = 0; i < v.size(); ++i) {
        const auto [next, error] = std::from_chars(at, end, v[i]);
        require(error == std::errc() && (i + 1 < v.size() ? next != end && *next == ',' : next == end), "'", text,
                "' is neither a camera pose file nor seven numbers x,y,z,qx,qy,qz,qw");
        at = next + 1;
    }
    CameraPose pose;
    pose.X_BC = pose_of(Eigen::Quaterniond(v[6], v[3], v[4], v[5]), {v[0], v[1], v[2]}, "'" + text + "'");
    return pose;
}

}  // namespace

CameraPose read_camera_pose(const std::string& text) {
    std::error_code code;
    if (!std::filesystem::exists(text, code)) return from_numbers(text);
    return std::filesystem::path(text).extension() == ".tf" ? from_tf(text) : from_yaml(text);
}

}  // namespace ebgrasp
