#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/support_plane.hpp"

namespace ebgrasp {
namespace {

constexpr double max_half_extent = 0.75;  // metres around the centre that the view may span
constexpr float min_tear = 0.01f;         // metres between neighbours below which a surface is never torn
constexpr float max_slope = 8.0f;         // tangent of the steepest surface kept whole, 83 degrees from the image plane
constexpr float nearest_share = 0.1f;     // of the view's distance; nothing nearer to the virtual camera is drawn
constexpr double widest_gap = 0.01;       // metres of unseen surface that are bridged

/// A pixel of the source image as seen in V.
struct Vertex {
    float u = 0, v = 0;       ///< column and row in V
    float inverse_depth = 0;  ///< in V, 1/m: linear in (u, v) along a plane; 0 where there is nothing to draw
    float source_depth = 0;   ///< metres
    std::uint8_t inside = 0;  ///< the mask
};

/// Where the ray of a pixel meets the plane: its depth, or infinity if it does not.
double plane_depth(const CameraIntrinsics& camera, const SupportPlane& plane, double row, double col) {
    const double towards = -plane.normal_C.dot(camera.deproject(row, col, 1.0));
    return towards > 1e-6 ? plane.offset / towards : std::numeric_limits<double>::infinity();
}

Eigen::Isometry3d overhead_pose(const SupportPlane& plane, const Eigen::Vector3d& foot_C, double distance) {
    const Eigen::Vector3d z = -plane.normal_C;
    const Eigen::Vector3d x = (Eigen::Vector3d::UnitX() - z.x() * z).normalized();
    Eigen::Isometry3d X_CV = Eigen::Isometry3d::Identity();
    X_CV.linear() << x, z.cross(x), z;
    X_CV.translation() = foot_C + distance * plane.normal_C;
    return X_CV;
}

/// Projects the source's pixels into V. A pixel's ray in V is affine in (row, col).
class Reprojection {
  public:
    Reprojection(const DepthImage& source, const Mask& mask, const Eigen::Isometry3d& X_VC, double focal_length,
                 double distance)
        : source_(source),
          mask_(mask),
          origin_V_(X_VC.translation().cast<float>()),
          corner_V_((X_VC.linear() * source.camera.deproject(0, 0, 1)).cast<float>()),
          per_row_V_((X_VC.linear().col(1) / source.camera.fy).cast<float>()),
          per_col_V_((X_VC.linear().col(0) / source.camera.fx).cast<float>()),
          focal_length_(static_cast<float>(focal_length)),
          nearest_(nearest_share * static_cast<float>(distance)) {}

    /// The pixel if it had depth z; (u, v) are relative to `principal_point` (column, row).
    Vertex at(int row, int col, float z, const Eigen::Vector2f& principal_point) const {
        Vertex vertex;
        vertex.inside = mask_.size() == 0 || mask_(row, col) != 0;
        if (!is_depth(z)) return vertex;
        const Eigen::Vector3f ray_V =
            corner_V_ + static_cast<float>(row) * per_row_V_ + static_cast<float>(col) * per_col_V_;
        const Eigen::Vector3f p_V = origin_V_ + z * ray_V;
        if (!(p_V.z() > nearest_)) return vertex;
        const float inverse_depth = 1.0f / p_V.z();
        const Eigen::Vector2f uv = focal_length_ * inverse_depth * p_V.head<2>() + principal_point;
        if (!uv.allFinite()) return vertex;
        vertex.u = uv.x();
        vertex.v = uv.y();
        vertex.inverse_depth = inverse_depth;
        vertex.source_depth = z;
        return vertex;
    }

    /// Every `stride`-th pixel of a row.
    void row(int row, int stride, const Eigen::Vector2f& principal_point, std::vector<Vertex>& vertices) const {
        vertices.clear();
        for (int col = 0; col < source_.width(); col += stride)
            vertices.push_back(at(row, col, source_.depth(row, col), principal_point));
    }

  private:
    const DepthImage& source_;
    const Mask& mask_;
    Eigen::Vector3f origin_V_, corner_V_, per_row_V_, per_col_V_;
    float focal_length_, nearest_;
};

/// The smallest box of V's image that holds what is to be seen, in pixels from the principal point.
Eigen::AlignedBox2d view_bounds(const DepthImage& source, const SupportPlane& plane, const Mask& mask,
                                const Reprojection& project, double max_half_size) {
    Eigen::AlignedBox2f bounds(Eigen::Vector2f::Zero());
    for (int row = 0; row < source.height(); ++row) {
        for (int col = 0; col < source.width(); ++col) {
            const bool masked = mask.size() > 0 && mask(row, col) != 0;
            if (mask.size() > 0 && !masked) continue;
            float z = source.depth(row, col);
            if (masked && !is_depth(z)) z = static_cast<float>(plane_depth(source.camera, plane, row, col));
            const Vertex vertex = project.at(row, col, z, Eigen::Vector2f::Zero());
            if (vertex.inverse_depth > 0) bounds.extend(Eigen::Vector2f(vertex.u, vertex.v));
        }
    }
    const Eigen::Vector2d most = Eigen::Vector2d::Constant(max_half_size);
    return bounds.cast<double>().intersection(Eigen::AlignedBox2d(-most, most));
}

struct PixelBox {
    int left, top, right, bottom;  // all included
    bool empty() const { return left > right || top > bottom; }
};

/// V's image while it is drawn: the nearest surface wins.
class Canvas {
  public:
    Canvas(int height, int width)
        : inverse_depth_(DepthArray::Zero(height, width)), inside_(Mask::Zero(height, width)) {}

    /// Draws the surface between four neighbouring pixels (b right of a, c below a), torn at depth jumps.
    void draw_quad(const Vertex& a, const Vertex& b, const Vertex& c, const Vertex& d, float slope_tear) {
        if (covered(a, b, c, d).empty()) return;
        const auto jump = [](const Vertex& p, const Vertex& q) {
            const bool both = p.inverse_depth > 0 && q.inverse_depth > 0;
            return both ? std::abs(p.source_depth - q.source_depth) : std::numeric_limits<float>::infinity();
        };
        if (jump(a, d) < jump(b, c)) {
            draw_triangle(a, d, b, slope_tear);
            draw_triangle(a, d, c, slope_tear);
        } else {
            draw_triangle(b, c, a, slope_tear);
            draw_triangle(b, c, d, slope_tear);
        }
    }

    /// Bridges gaps of at most `widest` pixels between two drawn pixels, in at least two of the directions row, column
    /// and diagonals, with the farther of the two; lays `background` under the rest.
    void finish(int widest, double background, OverheadView& view) const;

  private:
    void draw_triangle(const Vertex& a, const Vertex& b, const Vertex& c, float slope_tear) {
        if (!(a.inverse_depth > 0 && b.inverse_depth > 0 && c.inverse_depth > 0)) return;
        const PixelBox box = covered(a, b, c);
        const auto [near, far] = std::minmax({a.source_depth, b.source_depth, c.source_depth});
        const float area = cross(a, b, c.u, c.v);
        if (box.empty() || far - near > std::max(min_tear, slope_tear * near) || std::abs(area) < 1e-9f) return;
        for (int row = box.top; row <= box.bottom; ++row) {
            for (int col = box.left; col <= box.right; ++col) {
                const auto u = static_cast<float>(col), v = static_cast<float>(row);
                const float wa = cross(b, c, u, v) / area, wb = cross(c, a, u, v) / area, wc = 1 - wa - wb;
                if (std::min({wa, wb, wc}) < -1e-3f) continue;  // a little overlap leaves no seam
                const float inverse_depth = wa * a.inverse_depth + wb * b.inverse_depth + wc * c.inverse_depth;
                if (inverse_depth <= inverse_depth_(row, col)) continue;
                inverse_depth_(row, col) = inverse_depth;
                inside_(row, col) = wa >= std::max(wb, wc) ? a.inside : wb >= wc ? b.inside : c.inside;
            }
        }
    }

    /// The pixels of the canvas whose centres lie in the vertices' bounding box.
    template <typename... Vertices>
    PixelBox covered(const Vertices&... p) const {
        const auto pixel = [](float x, int size) {
            return static_cast<int>(std::clamp(x, -1.0f, static_cast<float>(size)));
        };
        return {std::max(0, pixel(std::ceil(std::min({p.u...})), width())),
                std::max(0, pixel(std::ceil(std::min({p.v...})), height())),
                std::min(width() - 1, pixel(std::floor(std::max({p.u...})), width())),
                std::min(height() - 1, pixel(std::floor(std::max({p.v...})), height()))};
    }

    static float cross(const Vertex& p, const Vertex& q, float u, float v) {
        return (q.u - p.u) * (v - p.v) - (q.v - p.v) * (u - p.u);
    }

    int height() const { return static_cast<int>(inverse_depth_.rows()); }
    int width() const { return static_cast<int>(inverse_depth_.cols()); }

    DepthArray inverse_depth_;  // 0: nothing drawn
    Mask inside_;
};

void Canvas::finish(int widest, double background, OverheadView& view) const {
    constexpr std::array<std::array<int, 2>, 4> directions = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
    view.observed = (inverse_depth_ > 0).cast<std::uint8_t>();
    view.image.depth = (inverse_depth_ > 0).select(inverse_depth_.inverse(), static_cast<float>(background));
    view.mask = inside_;
    for (int row = 0; row < height(); ++row) {
        for (int col = 0; col < width(); ++col) {
            if (view.observed(row, col)) continue;
            // steps to the first drawn pixel along a direction; beyond `widest` if there is none
            const auto reach = [&](int dr, int dc) {
                for (int n = 1; n <= widest; ++n) {
                    const int r = row + n * dr, c = col + n * dc;
                    if (r < 0 || c < 0 || r >= height() || c >= width()) break;
                    if (view.observed(r, c)) return n;
                }
                return widest + 1;
            };
            int bridges = 0, narrowest = widest + 2;  // steps from edge to edge of a gap of n pixels are n + 1
            std::array<int, 2> far = {row, col};
            for (const auto& [dr, dc] : directions) {
                const int ahead = reach(dr, dc), behind = reach(-dr, -dc);
                if (ahead + behind > widest + 1) continue;
                ++bridges;
                if (ahead + behind >= narrowest) continue;
                narrowest = ahead + behind;
                const std::array<int, 2> p = {row + ahead * dr, col + ahead * dc};
                const std::array<int, 2> q = {row - behind * dr, col - behind * dc};
                far = inverse_depth_(p[0], p[1]) < inverse_depth_(q[0], q[1]) ? p : q;
            }
            if (bridges < 2) continue;  // one alone may join specks across nothing
            view.image.depth(row, col) = 1.0f / inverse_depth_(far[0], far[1]);
            view.mask(row, col) = inside_(far[0], far[1]);
        }
    }
}

/// Mean (row, col) of the mask, or the image's centre.
Eigen::Vector2d centroid(const DepthImage& image, const Mask& mask) {
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    double count = 0;
    for (int row = 0; row < mask.rows(); ++row) {
        for (int col = 0; col < mask.cols(); ++col) {
            if (mask(row, col) == 0) continue;
            sum += Eigen::Vector2d(row, col);
            ++count;
        }
    }
    if (count > 0) return sum / count;
    return {(image.height() - 1) / 2.0, (image.width() - 1) / 2.0};
}

}  // namespace

OverheadView overhead_view(const DepthImage& image, const SupportPlane& plane, const Mask& mask, double focal_length,
                           double distance, double margin) {
    require(mask.size() == 0 || (mask.rows() == image.height() && mask.cols() == image.width()), "mask is ",
            mask.cols(), "x", mask.rows(), " but the image is ", image.width(), "x", image.height());
    require(focal_length > 0 && distance > 0 && margin >= 0,
            "an overhead view needs a positive focal length and "
            "distance and no negative margin");
    const Eigen::Vector2d centre = centroid(image, mask);
    const double foot_depth = plane_depth(image.camera, plane, centre.x(), centre.y());
    require(std::isfinite(foot_depth), "the support plane does not lie below the centre of the view");

    OverheadView view;
    const Eigen::Vector3d foot_C = image.camera.deproject(centre.x(), centre.y(), foot_depth);
    view.X_CV = overhead_pose(plane, foot_C, distance);
    const Reprojection project(image, mask, view.X_CV.inverse(), focal_length, distance);
    const double px_per_metre = focal_length / distance;  // on the plane
    const auto bounds = view_bounds(image, plane, mask, project, max_half_extent * px_per_metre);
    const Eigen::Vector2d low = (bounds.min().array() - margin * px_per_metre).floor();
    const Eigen::Vector2d high = (bounds.max().array() + margin * px_per_metre).ceil();
    const Eigen::Vector2d size = high - low + Eigen::Vector2d::Ones();
    view.image.camera = {
        static_cast<int>(size.y()), static_cast<int>(size.x()), focal_length, focal_length, -low.x(), -low.y()};
    view.image.camera.validate("overhead view");

    // A source much finer than V is thinned out: its pixels stay finer than V's.
    const double source_px_per_metre = std::min(image.camera.fx, image.camera.fy) / foot_depth;
    const int stride = std::max(1, static_cast<int>(source_px_per_metre / (1.5 * px_per_metre)));
    const float slope_tear = max_slope * static_cast<float>(stride / std::min(image.camera.fx, image.camera.fy));

    Canvas canvas(view.image.camera.height, view.image.camera.width);
    const Eigen::Vector2f principal_point = (-low).cast<float>();
    std::vector<Vertex> above, below;
    project.row(0, stride, principal_point, above);
    for (int row = stride; row < image.height(); row += stride) {
        project.row(row, stride, principal_point, below);
        for (std::size_t i = 0; i + 1 < above.size(); ++i)
            canvas.draw_quad(above[i], above[i + 1], below[i], below[i + 1], slope_tear);
        above.swap(below);
    }
    canvas.finish(static_cast<int>(std::lround(widest_gap * px_per_metre)), distance, view);
    if (mask.size() == 0) view.mask.setOnes();
    return view;
}

}  // namespace ebgrasp
