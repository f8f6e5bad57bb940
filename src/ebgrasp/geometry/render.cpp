#include "ebgrasp/geometry/render.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

// A z-buffer rasteriser in homogeneous pixel coordinates q = K p_C = z (col, row, 1), after Olano and Greer, "Triangle
// scan conversion using 2D homogeneous coordinates", 1997. Over the image, the plane through a triangle has the inverse
// depth
//     1 / z = M . (col, row, 1) / D,  M = (q1 - q0) x (q2 - q0),  D = M . q0,
// and the triangle's edges are the lines (qj x qi) . (col, row, 1) >= 0, also where vertices lie behind the camera: so
// nothing needs clipping. The buffer holds inverse depths (larger is nearer), which are linear along a row.

/// value(col, row) = (coefficients) . (col, row, 1)
using PixelFunction = Eigen::Vector3d;

class Rasterizer {
  public:
    Rasterizer(const Eigen::Isometry3d& X_WC, const CameraIntrinsics& camera)
        : X_CW_(X_WC.inverse()),
          scene_{{DepthArray::Zero(camera.height, camera.width), camera}, Mask::Zero(camera.height, camera.width)} {
        K_ << camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1;
    }

    /// The plane z = 0 of the world, unless the camera lies in it. Must come first.
    void draw_table() {
        const double camera_height = X_CW_.inverse().translation().z();
        if (camera_height == 0) return;
        const Eigen::Vector3d normal_C = X_CW_.linear().col(2);
        const PixelFunction inverse_depth = K_.transpose().inverse() * normal_C / -camera_height;
        for (int row = 0; row < inverse_depths().rows(); ++row) {
            const double start = inverse_depth.y() * row + inverse_depth.z();
            float* const pixels = &inverse_depths()(row, 0);
            for (int col = 0; col < inverse_depths().cols(); ++col) {
                pixels[col] = static_cast<float>(std::max(0.0, start + inverse_depth.x() * col));
            }
        }
    }

    void draw(const PosedObject& posed, std::uint8_t instance) {
        const Eigen::Isometry3d X_CO = X_CW_ * posed.X_WO;
        const Eigen::Matrix3d A = K_ * X_CO.linear();
        const Eigen::Vector3d b = K_ * X_CO.translation();
        for (const ConvexPart& part : posed.object->parts) {
            vertices_.clear();
            for (const Eigen::Vector3d& p_O : part.vertices) {
                const Eigen::Vector3d q = A * p_O + b;
                vertices_.push_back({q, q.x() / q.z(), q.y() / q.z()});
            }
            for (const Eigen::Vector3i& triangle : part.triangles) draw_triangle(triangle, instance);
        }
    }

    RenderedScene finish() && {
        for (float& pixel : std::span(inverse_depths().data(), static_cast<std::size_t>(inverse_depths().size()))) {
            const float depth = 1 / pixel;  // unconditional, so that the loop is vectorised
            pixel = pixel > 0 ? depth : 0;
        }
        return std::move(scene_);
    }

  private:
    struct Vertex {
        Eigen::Vector3d q;
        double col, row;  ///< its projection; meaningless unless q.z() > 0
    };

    DepthArray& inverse_depths() { return scene_.image.depth; }
    const Vertex& vertex(int i) const { return vertices_[static_cast<std::size_t>(i)]; }

    /// The line through two vertices. The same up to exact negation from both sides, so that triangles sharing an edge
    /// leave no pixel between them.
    PixelFunction edge(int i, int j) const {
        return i < j ? PixelFunction(vertex(j).q.cross(vertex(i).q)) : PixelFunction(-vertex(i).q.cross(vertex(j).q));
    }

    void draw_triangle(const Eigen::Vector3i& triangle, std::uint8_t instance) {
        const Vertex &a = vertex(triangle[0]), &b = vertex(triangle[1]), &c = vertex(triangle[2]);
        int first_row = 0, last_row = static_cast<int>(inverse_depths().rows()) - 1;
        const double last_col = static_cast<double>(inverse_depths().cols()) - 1;
        if (std::min({a.q.z(), b.q.z(), c.q.z()}) > 0) {
            if (std::max({a.col, b.col, c.col}) < 0 || std::min({a.col, b.col, c.col}) > last_col) return;
            const double top = std::min({a.row, b.row, c.row}), bottom = std::max({a.row, b.row, c.row});
            if (bottom < 0 || top > last_row) return;
            first_row = static_cast<int>(std::ceil(std::max<double>(first_row, top)));
            last_row = static_cast<int>(std::min<double>(last_row, bottom));
        }

        const Eigen::Vector3d ab = b.q - a.q, ac = c.q - a.q;
        const Eigen::Vector3d M = ab.cross(ac);
        const double D = M.dot(a.q);
        const bool edge_on = D * D <= 1e-24 * ab.squaredNorm() * ac.squaredNorm() * a.q.squaredNorm();
        if (D >= 0 || edge_on) return;  // seen from behind or covering no pixel
        const PixelFunction inverse_depth = M / D;
        const std::array edges = {edge(triangle[0], triangle[1]), edge(triangle[1], triangle[2]),
                                  edge(triangle[2], triangle[0])};
        for (int row = first_row; row <= last_row; ++row) {
            double left = 0, right = last_col;
            for (const PixelFunction& e : edges) {
                const double rest = e.y() * row + e.z();
                if (e.x() > 0) {
                    left = std::max(left, -rest / e.x());
                } else if (e.x() < 0) {
                    right = std::min(right, -rest / e.x());
                } else if (rest < 0) {
                    right = -1;
                }
            }
            if (left <= right) draw_span(row, int(std::ceil(left)), int(right), inverse_depth, instance);
        }
    }

    void draw_span(int row, int first_col, int last_col, const PixelFunction& inverse_depth, std::uint8_t instance) {
        const double start = inverse_depth.y() * row + inverse_depth.z();
        float* const pixels = inverse_depths().data() + row * inverse_depths().cols();
        std::uint8_t* const instances = scene_.instances.data() + row * inverse_depths().cols();
        for (int col = first_col; col <= last_col; ++col) {
            const auto value = static_cast<float>(start + inverse_depth.x() * col);
            if (value <= pixels[col]) continue;
            pixels[col] = value;
            instances[col] = instance;
        }
    }

    Eigen::Isometry3d X_CW_;
    Eigen::Matrix3d K_;
    RenderedScene scene_;           ///< inverse depths until finish()
    std::vector<Vertex> vertices_;  ///< of the part being drawn
};

}  // namespace

RenderedScene render_depth(std::span<const PosedObject> objects, const Eigen::Isometry3d& X_WC,
                           const CameraIntrinsics& camera) {
    camera.validate("the camera to render for");
    require(objects.size() <= 255, "a scene can have at most 255 objects, not ", objects.size());
    Rasterizer rasterizer(X_WC, camera);
    rasterizer.draw_table();
    for (std::size_t i = 0; i < objects.size(); ++i) rasterizer.draw(objects[i], static_cast<std::uint8_t>(i + 1));
    return std::move(rasterizer).finish();
}

Eigen::Isometry3d sample_camera(const CameraDistribution& distribution, RandomStream& random) {
    const double distance = random.uniform(distribution.min_distance, distribution.max_distance);
    const double elevation = random.uniform(distribution.min_elevation, distribution.max_elevation);
    const double azimuth = random.uniform(0, 2 * std::numbers::pi);
    const double roll = random.uniform(-distribution.max_roll, distribution.max_roll);
    const double offset = distribution.max_target_offset;
    const double target_x = random.uniform(-offset, offset);
    const double target_y = random.uniform(-offset, offset);

    // The image's down direction (y) points to the side on which the camera stands, so that near is below far.
    const Eigen::Vector3d x_W(-std::sin(azimuth), std::cos(azimuth), 0);
    const Eigen::Vector3d z_W(-std::sin(elevation) * std::cos(azimuth), -std::sin(elevation) * std::sin(azimuth),
                              -std::cos(elevation));
    Eigen::Matrix3d R_WC;
    R_WC << x_W, z_W.cross(x_W), z_W;
    Eigen::Isometry3d X_WC = Eigen::Isometry3d::Identity();
    X_WC.linear() = R_WC * Eigen::AngleAxisd(roll, Eigen::Vector3d::UnitZ());
    X_WC.translation() = Eigen::Vector3d(target_x, target_y, 0) - distance * z_W;
    return X_WC;
}

}  // namespace ebgrasp
