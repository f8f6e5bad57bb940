#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <span>
#include <tbb/enumerable_thread_specific.h>
#include <tuple>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/image/depth_jump.hpp"
#include "ebgrasp/image/support_plane.hpp"

namespace ebgrasp {
namespace {

constexpr double max_half_extent = 0.75;  // metres around the centre that the view may span
constexpr float nearest_share = 0.1f;     // of the view's distance; nothing nearer to the virtual camera is drawn
constexpr double widest_gap = 0.01;       // metres of unseen surface that are bridged
constexpr int strips_per_block = 16;      // rows of the source that one thread draws at a time

/// A pixel of the source image as seen in V.
struct Vertex {
    float u, v;            ///< column and row in V
    float inverse_depth;   ///< in V, 1/m: linear in (u, v) along a plane; 0 where there is nothing to draw
    float source_depth;    ///< metres
    std::uint32_t inside;  ///< 1 in the mask
};

/// A row of them, an array for each coordinate: loops over them are vectorised.
struct VertexRow {
    std::vector<float> u, v, inverse_depth, source_depth;
    std::vector<std::uint32_t> inside;
    float top = 0, bottom = 0;  // least and largest v

    explicit VertexRow(std::size_t size) : u(size), v(size), inverse_depth(size), source_depth(size), inside(size, 1) {}
    std::size_t size() const { return u.size(); }
    Vertex operator[](std::size_t i) const { return {u[i], v[i], inverse_depth[i], source_depth[i], inside[i]}; }
};

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

    /// The pixels (row, i * stride), (u, v) relative to `principal_point` (column, row). Where depth is missing,
    /// `fill` has it; an empty span leaves nothing there.
    void row(int row, int stride, const Eigen::Vector2f& principal_point, VertexRow& out,
             std::span<const float> fill = {}) const {
        const auto count = out.size(), step = static_cast<std::size_t>(stride);
        const float* const depth = &source_.depth(row, 0);
        for (std::size_t i = 0; i < count; ++i) {
            const float z = depth[i * step];
            out.source_depth[i] = is_depth(z) ? z : fill.empty() ? 0.0f : fill[i];
        }
        // Locals, and no branches, so that the compiler vectorises.
        const Eigen::Vector3f first_V = corner_V_ + static_cast<float>(row) * per_row_V_;
        const Eigen::Vector3f step_V = static_cast<float>(stride) * per_col_V_;
        const float x0 = first_V.x(), y0 = first_V.y(), z0 = first_V.z(), dx = step_V.x(), dy = step_V.y(),
                    dz = step_V.z(), ox = origin_V_.x(), oy = origin_V_.y(), oz = origin_V_.z(), f = focal_length_,
                    cu = principal_point.x(), cv = principal_point.y(), nearest = nearest_;
        const float* const from = out.source_depth.data();
        float *const to_u = out.u.data(), *const to_v = out.v.data(), *const to_inverse = out.inverse_depth.data();
        constexpr float largest = 1e6f;  // pixels: what lies farther outside cannot be told from overflow
#pragma GCC ivdep
        for (std::size_t i = 0; i < count; ++i) {
            const float z = from[i], at = static_cast<float>(static_cast<int>(i));
            const float z_V = oz + z * (z0 + at * dz), inverse_depth = 1.0f / z_V;
            const float u = f * inverse_depth * (ox + z * (x0 + at * dx)) + cu;
            const float v = f * inverse_depth * (oy + z * (y0 + at * dy)) + cv;
            const bool drawn = (z > 0) & (z_V > nearest) & (std::abs(u) < largest) & (std::abs(v) < largest);
            to_u[i] = drawn ? u : 0.0f;
            to_v[i] = drawn ? v : 0.0f;
            to_inverse[i] = drawn ? inverse_depth : 0.0f;
        }
        const Eigen::Map<const Eigen::ArrayXf> rows(to_v, static_cast<Eigen::Index>(count));
        out.top = rows.minCoeff();
        out.bottom = rows.maxCoeff();
        if (mask_.size() == 0) return;
        for (std::size_t i = 0; i < out.size(); ++i)
            out.inside[i] = mask_(row, static_cast<Eigen::Index>(i) * stride) != 0;
    }

  private:
    const DepthImage& source_;
    const Mask& mask_;
    Eigen::Vector3f origin_V_, corner_V_, per_row_V_, per_col_V_;
    float focal_length_, nearest_;
};

/// The smallest box of V's image that holds what is to be seen, in pixels from the principal point: what every second
/// pixel of the mask sees, or every fourth of the image; the margin around it is much wider.
Eigen::AlignedBox2d view_bounds(const DepthImage& source, const SupportPlane& plane, const Mask& mask,
                                const Reprojection& project, double max_half_size) {
    Eigen::AlignedBox2f bounds(Eigen::Vector2f::Zero());
    const int stride = mask.size() > 0 ? 2 : 4;
    VertexRow vertices(static_cast<std::size_t>((source.width() - 1) / stride + 1));
    std::vector<float> on_plane;
    for (int row = 0; row < source.height(); row += stride) {
        if (mask.size() > 0) {
            if ((mask.row(row) == 0).all()) continue;
            on_plane.assign(vertices.size(), 0.0f);
            for (int col = 0; col < source.width(); col += stride)
                if (mask(row, col) != 0 && !is_depth(source.depth(row, col)))
                    on_plane[static_cast<std::size_t>(col / stride)] =
                        static_cast<float>(plane.depth(source.camera, row, col));
        }
        project.row(row, stride, Eigen::Vector2f::Zero(), vertices, on_plane);
        for (std::size_t i = 0; i < vertices.size(); ++i)
            if (vertices.inside[i] && vertices.inverse_depth[i] > 0)
                bounds.extend(Eigen::Vector2f(vertices.u[i], vertices.v[i]));
    }
    const Eigen::Vector2d most = Eigen::Vector2d::Constant(max_half_size);
    return bounds.cast<double>().intersection(Eigen::AlignedBox2d(-most, most));
}

struct PixelBox {
    int left, top, right, bottom;  // all included
};

/// The quads between two rows of vertices. Most are all but flat and upright, since V's x axis lies along the source's:
/// their pixels are those of a box, and the inverse depth there is the plane of least squares through their corners.
struct QuadRow {
    std::vector<std::int32_t> upright;                   ///< 1 if it is so; only then does the rest hold
    std::vector<std::int32_t> left, top, right, bottom;  ///< pixels, all included
    std::vector<float> per_col, per_row, at_origin;      ///< of the inverse depth

    explicit QuadRow(std::size_t size)
        : upright(size),
          left(size),
          top(size),
          right(size),
          bottom(size),
          per_col(size),
          per_row(size),
          at_origin(size) {}

    /// Sets quads [first, last); boxes are cut to the canvas [0, last_col] x [0, last_row].
    void fit(const VertexRow& above, const VertexRow& below, std::size_t first, std::size_t last, float last_col,
             float last_row) {
        constexpr float flat = 0.003f, lean = 0.25f, least_side = 0.1f;  // metres, pixels, pixels
        const auto least = [](float a, float b, float c, float d) { return std::min(std::min(a, b), std::min(c, d)); };
        const auto most = [](float a, float b, float c, float d) { return std::max(std::max(a, b), std::max(c, d)); };
        const float *const u_above = above.u.data(), *const u_below = below.u.data(), *const v_above = above.v.data(),
                           *const v_below = below.v.data(), *const inverse_above = above.inverse_depth.data(),
                           *const inverse_below = below.inverse_depth.data(),
                           *const z_above = above.source_depth.data(), *const z_below = below.source_depth.data();
        const std::uint32_t *const inside_above = above.inside.data(), *const inside_below = below.inside.data();
        std::int32_t *const to_upright = upright.data(), *const to_left = left.data(), *const to_top = top.data(),
                            *const to_right = right.data(), *const to_bottom = bottom.data();
        float *const to_col = per_col.data(), *const to_row = per_row.data(), *const to_origin = at_origin.data();
        // Corner b is right of a, c below a. No branches, so that the compiler vectorises.
#pragma GCC ivdep
        for (std::size_t i = first; i < last; ++i) {
            const float a = inverse_above[i], b = inverse_above[i + 1], c = inverse_below[i], d = inverse_below[i + 1];
            const float ua = u_above[i], ub = u_above[i + 1], uc = u_below[i], ud = u_below[i + 1];
            const float va = v_above[i], vb = v_above[i + 1], vc = v_below[i], vd = v_below[i + 1];
            const float za = z_above[i], zb = z_above[i + 1], zc = z_below[i], zd = z_below[i + 1];
            const float width = ub - ua + ud - uc, height = vc - va + vd - vb;  // twice
            const std::uint32_t inside = inside_above[i];
            to_upright[i] = (least(a, b, c, d) > 0) & (inside == inside_above[i + 1]) & (inside == inside_below[i]) &
                            (inside == inside_below[i + 1]) & (most(za, zb, zc, zd) - least(za, zb, zc, zd) < flat) &
                            (most(std::abs(ua - uc), std::abs(ub - ud), std::abs(va - vb), std::abs(vc - vd)) < lean) &
                            (width > least_side) & (height > least_side);
            to_left[i] = static_cast<std::int32_t>(std::max(std::ceil(std::min(ua, uc)), 0.0f));
            to_top[i] = static_cast<std::int32_t>(std::max(std::ceil(std::min(va, vb)), 0.0f));
            to_right[i] = static_cast<std::int32_t>(std::min(std::floor(std::max(ub, ud)), last_col));
            to_bottom[i] = static_cast<std::int32_t>(std::min(std::floor(std::max(vc, vd)), last_row));
            const float col = (b - a + d - c) / width, row = (c - a + d - b) / height;
            to_col[i] = col;
            to_row[i] = row;
            to_origin[i] = 0.25f * (a + b + c + d - col * (ua + ub + uc + ud) - row * (va + vb + vc + vd));
        }
    }
};

/// V's image while it is drawn: the nearest surface wins whatever the order, so that several threads may each draw on a
/// canvas of their own. A pixel is the inverse depth's bits, which rise with it, with the mask in place of the last.
class Canvas {
  public:
    Canvas(int height, int width)
        : height_(height), width_(width), pixels_(static_cast<std::size_t>(height) * static_cast<std::size_t>(width)) {}

    /// Draws the surface between two neighbouring rows of pixels, torn at depth jumps. `quads` is scratch memory.
    void draw_strip(const VertexRow& above, const VertexRow& below, const DepthJump& torn, QuadRow& quads) {
        const auto right = static_cast<float>(width_ - 1), bottom = static_cast<float>(height_ - 1);
        if (std::max(above.bottom, below.bottom) < 0 || std::min(above.top, below.top) > bottom) return;
        std::size_t first = 0, last = above.size() - 1;  // what lies to the left or right of the canvas is skipped
        while (first < last && above.u[first + 1] < 0 && below.u[first + 1] < 0) ++first;
        while (last > first && above.u[last - 1] > right && below.u[last - 1] > right) --last;
        quads.fit(above, below, first, last, right, bottom);
        for (std::size_t i = first; i < last; ++i) {
            if (quads.upright[i] == 0) {
                draw_quad(above[i], above[i + 1], below[i], below[i + 1], torn);
                continue;
            }
            for (int row = quads.top[i]; row <= quads.bottom[i]; ++row)
                for (int col = quads.left[i]; col <= quads.right[i]; ++col)
                    set(row, col,
                        quads.at_origin[i] + quads.per_row[i] * static_cast<float>(row) +
                            quads.per_col[i] * static_cast<float>(col),
                        above.inside[i]);
        }
    }

    /// Adds what was drawn on a canvas of the same size.
    void merge(const Canvas& other) {
        std::ranges::transform(pixels_, other.pixels_, pixels_.begin(), [](auto a, auto b) { return std::max(a, b); });
    }

    /// Bridges gaps of at most `widest` pixels between two drawn pixels, in at least two of the directions row, column
    /// and diagonals, with the farther of the two; lays `background` under the rest.
    void finish(int widest, double background, OverheadView& view) const;

  private:
    /// Between four neighbouring pixels (b right of a, c below a).
    void draw_quad(const Vertex& a, const Vertex& b, const Vertex& c, const Vertex& d, const DepthJump& torn) {
        const PixelBox box = covered({&a, &b, &c, &d});
        if (box.left > box.right || box.top > box.bottom) return;
        const auto jump = [](const Vertex& p, const Vertex& q) {
            const bool both = p.inverse_depth > 0 && q.inverse_depth > 0;
            return both ? std::abs(p.source_depth - q.source_depth) : std::numeric_limits<float>::infinity();
        };
        const bool falling = jump(a, d) < jump(b, c);  // the diagonal that jumps less
        const auto [p, q, r, s] = falling ? std::tie(a, d, b, c) : std::tie(b, c, a, d);
        draw_triangle(p, q, r, box, torn);
        draw_triangle(p, q, s, box, torn);
    }

    /// The pixels of the canvas whose centres lie in the box of those vertices that are drawn.
    PixelBox covered(const std::array<const Vertex*, 4>& vertices) const {
        constexpr float nowhere = 1e9f;
        float left = nowhere, top = nowhere, right = -nowhere, bottom = -nowhere;
        for (const Vertex* p : vertices) {
            if (!(p->inverse_depth > 0)) continue;
            left = std::min(left, p->u), right = std::max(right, p->u);
            top = std::min(top, p->v), bottom = std::max(bottom, p->v);
        }
        return {static_cast<int>(std::max(std::ceil(left), 0.0f)), static_cast<int>(std::max(std::ceil(top), 0.0f)),
                static_cast<int>(std::min(std::floor(right), static_cast<float>(width_ - 1))),
                static_cast<int>(std::min(std::floor(bottom), static_cast<float>(height_ - 1)))};
    }

    /// The pixels of `box` that lie in the triangle.
    void draw_triangle(const Vertex& a, const Vertex& b, const Vertex& c, const PixelBox& box, const DepthJump& torn) {
        if (!(a.inverse_depth > 0 && b.inverse_depth > 0 && c.inverse_depth > 0)) return;
        const float near = std::min({a.source_depth, b.source_depth, c.source_depth}),
                    far = std::max({a.source_depth, b.source_depth, c.source_depth});
        const float area = cross(a, b, c.u, c.v);
        if (torn(near, far) || std::abs(area) < 1e-9f) return;
        const float per_area = 1 / area;
        for (int row = box.top; row <= box.bottom; ++row) {
            for (int col = box.left; col <= box.right; ++col) {
                const auto u = static_cast<float>(col), v = static_cast<float>(row);
                const float wa = cross(b, c, u, v) * per_area, wb = cross(c, a, u, v) * per_area, wc = 1 - wa - wb;
                if (std::min({wa, wb, wc}) < -1e-3f) continue;  // a little overlap leaves no seam
                const float inverse_depth = wa * a.inverse_depth + wb * b.inverse_depth + wc * c.inverse_depth;
                set(row, col, inverse_depth, wa >= std::max(wb, wc) ? a.inside : wb >= wc ? b.inside : c.inside);
            }
        }
    }

    void set(int row, int col, float inverse_depth, std::uint32_t inside) {
        const std::uint32_t value = (std::bit_cast<std::uint32_t>(std::max(inverse_depth, 0.0f)) & ~1u) | inside;
        std::uint32_t& pixel = pixels_[index(row, col)];
        pixel = std::max(pixel, value);
    }

    static float cross(const Vertex& p, const Vertex& q, float u, float v) {
        return (q.u - p.u) * (v - p.v) - (q.v - p.v) * (u - p.u);
    }

    std::size_t index(int row, int col) const {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(col);
    }
    float inverse_depth(int row, int col) const { return std::bit_cast<float>(pixels_[index(row, col)] & ~1u); }

    int height_, width_;
    std::vector<std::uint32_t> pixels_;  // 0: nothing drawn
};

void Canvas::finish(int widest, double background, OverheadView& view) const {
    constexpr std::array<std::array<int, 2>, 4> directions = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
    view.image.depth.resize(height_, width_);
    view.mask.resize(height_, width_);
    view.observed.resize(height_, width_);
    // steps from an undrawn pixel to the first drawn one along a direction; beyond `widest` if there is none
    const auto reach = [&](int row, int col, int dr, int dc) {
        for (int n = 1; n <= widest; ++n) {
            const int r = row + n * dr, c = col + n * dc;
            if (r < 0 || c < 0 || r >= height_ || c >= width_) break;
            if (pixels_[index(r, c)] != 0) return n;
        }
        return widest + 1;
    };
    cv::Mat drawn(height_, width_, CV_8U), near;
    for (std::size_t i = 0; i < pixels_.size(); ++i) drawn.data[i] = pixels_[i] != 0;
    cv::dilate(drawn, near, cv::Mat(), {-1, -1}, widest);  // elsewhere there is nothing to bridge to
    parallel_for(
        static_cast<std::size_t>(height_),
        [&](std::size_t i) {
            const auto row = static_cast<int>(i);
            for (int col = 0; col < width_; ++col) {
                const std::uint32_t pixel = pixels_[index(row, col)];
                view.observed(row, col) = pixel != 0;
                view.mask(row, col) = pixel & 1u;
                view.image.depth(row, col) = pixel != 0 ? 1 / inverse_depth(row, col) : static_cast<float>(background);
                if (pixel != 0 || near.at<std::uint8_t>(row, col) == 0) continue;
                int bridges = 0, narrowest = widest + 2;  // steps from edge to edge of a gap of n pixels are n + 1
                std::array<int, 2> far = {row, col};
                for (const auto& [dr, dc] : directions) {
                    const int ahead = reach(row, col, dr, dc);
                    if (ahead > widest) continue;
                    const int behind = reach(row, col, -dr, -dc);
                    if (ahead + behind > widest + 1) continue;
                    ++bridges;
                    if (ahead + behind >= narrowest) continue;
                    narrowest = ahead + behind;
                    const std::array<int, 2> p = {row + ahead * dr, col + ahead * dc};
                    const std::array<int, 2> q = {row - behind * dr, col - behind * dc};
                    far = inverse_depth(p[0], p[1]) < inverse_depth(q[0], q[1]) ? p : q;
                }
                if (bridges < 2) continue;  // one alone may join specks across nothing
                view.image.depth(row, col) = 1 / inverse_depth(far[0], far[1]);
                view.mask(row, col) = pixels_[index(far[0], far[1])] & 1u;
            }
        },
        32);
}

/// Mean (row, col) of the mask, or the image's centre.
Eigen::Vector2d centroid(const DepthImage& image, const Mask& mask) {
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    double count = 0;
    const Eigen::ArrayXf cols = Eigen::ArrayXf::LinSpaced(mask.cols(), 0, static_cast<float>(mask.cols() - 1));
    for (int row = 0; row < mask.rows(); ++row) {
        const Eigen::ArrayXf in_row = (mask.row(row) != 0).cast<float>().transpose();
        const double pixels = in_row.sum();
        sum += Eigen::Vector2d(row * pixels, (in_row * cols).sum());
        count += pixels;
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
    const double foot_depth = plane.depth(image.camera, centre.x(), centre.y());
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
    const int stride = pixel_stride(image.camera, foot_depth, 1.5 * px_per_metre);
    const DepthJump torn(image.camera, stride);

    Canvas canvas(view.image.camera.height, view.image.camera.width);
    tbb::enumerable_thread_specific<Canvas> canvases(canvas);
    const Eigen::Vector2f principal_point = (-low).cast<float>();
    const int strips = (image.height() - 1) / stride;
    const auto blocks = static_cast<std::size_t>((strips + strips_per_block - 1) / strips_per_block);
    parallel_for(blocks, [&](std::size_t block) {
        const int first = static_cast<int>(block) * strips_per_block, last = std::min(strips, first + strips_per_block);
        VertexRow above(static_cast<std::size_t>((image.width() - 1) / stride + 1)), below = above;
        QuadRow quads(above.size());
        Canvas& own = canvases.local();
        project.row(first * stride, stride, principal_point, above);
        for (int strip = first; strip < last; ++strip) {
            project.row((strip + 1) * stride, stride, principal_point, below);
            own.draw_strip(above, below, torn, quads);
            std::swap(above, below);
        }
    });
    canvases.combine_each([&](const Canvas& drawn) { canvas.merge(drawn); });
    canvas.finish(static_cast<int>(std::lround(widest_gap * px_per_metre)), distance, view);
    if (mask.size() == 0) view.mask.setOnes();
    return view;
}

}  // namespace ebgrasp
