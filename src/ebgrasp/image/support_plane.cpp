#include "ebgrasp/image/support_plane.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

constexpr double max_samples = 8000;    // grid points that vote
constexpr int screening_samples = 200;  // of them, at random: enough to rule out most hypotheses,
constexpr int ranking_samples = 1000;   // to rank what is left,
constexpr int refining_samples = 2000;  // to move the best into place
constexpr std::size_t ranked_hypotheses = 300, refined_hypotheses = 8;
constexpr int least_inliers = 20;
constexpr float bin_depth = 0.3f;  // metres below a plane within which surface speaks against it

/// The valid points of a coarse pixel grid, in random order.
struct SampledCloud {
    Eigen::Array<float, Eigen::Dynamic, 3> points_C;
    std::vector<std::array<int, 2>> nodes;                    // grid row and column of each point
    Eigen::Array<int, Eigen::Dynamic, Eigen::Dynamic> index;  // point at each grid node, -1 where depth is missing

    int size() const { return static_cast<int>(nodes.size()); }
    Eigen::Vector3d point(int i) const { return points_C.row(i).matrix().transpose().cast<double>(); }
};

SampledCloud sample_cloud(const DepthImage& image, RandomStream& random) {
    const int stride =
        std::max(1, static_cast<int>(std::sqrt(image.height() * static_cast<double>(image.width()) / max_samples)));
    SampledCloud cloud;
    cloud.index.setConstant((image.height() - 1) / stride + 1, (image.width() - 1) / stride + 1, -1);
    for (int i = 0; i < cloud.index.rows(); ++i)
        for (int j = 0; j < cloud.index.cols(); ++j)
            if (is_depth(image.depth(i * stride, j * stride))) cloud.nodes.push_back({i, j});
    random.shuffle(std::span(cloud.nodes));
    cloud.points_C.resize(cloud.size(), 3);
    for (int k = 0; k < cloud.size(); ++k) {
        const auto [i, j] = cloud.nodes[static_cast<std::size_t>(k)];
        const Eigen::Vector3d p_C = image.camera.deproject(i * stride, j * stride, image.depth(i * stride, j * stride));
        cloud.points_C.row(k) = p_C.cast<float>().transpose();
        cloud.index(i, j) = k;
    }
    return cloud;
}

/// The plane through `point_C` across `normal_C`, turned to face the camera.
SupportPlane facing_camera(Eigen::Vector3d normal_C, const Eigen::Vector3d& point_C) {
    normal_C.normalize();
    if (normal_C.dot(point_C) > 0) normal_C = -normal_C;
    return {normal_C, -normal_C.dot(point_C), 0.0};
}

/// A plane's votes among the points.
struct Support {
    int inliers = 0;
    int below = 0;  // by more than noise, but no more than a bin is deep

    /// Objects stand on the support, so surface below a plane speaks against it (it may run through the objects' tops).
    int score() const { return inliers - below; }
};

Support count_support(const SampledCloud& cloud, const SupportPlane& plane, double tolerance, int samples) {
    const Eigen::Vector3f normal = plane.normal_C.cast<float>();
    const auto offset = static_cast<float>(plane.offset), near = static_cast<float>(tolerance);
    const int count = std::min(samples, cloud.size());
    const float* const x = cloud.points_C.col(0).data();
    const float* const y = cloud.points_C.col(1).data();
    const float* const z = cloud.points_C.col(2).data();
    Support support;
    for (int k = 0; k < count; ++k) {  // without branches, for the compiler to vectorise
        const float height = normal.x() * x[k] + normal.y() * y[k] + normal.z() * z[k] + offset;
        support.inliers += std::abs(height) < near;
        support.below += (height < -3 * near) & (height > -bin_depth);
    }
    return support;
}

/// Total least squares: the plane through the mean of `rough`'s inliers among the first `samples` points across their
/// direction of least variance.
SupportPlane least_squares(const SampledCloud& cloud, const SupportPlane& rough, double tolerance, int samples) {
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    Eigen::Matrix3d squares = Eigen::Matrix3d::Zero();
    int inliers = 0;
    for (int k = 0; k < std::min(samples, cloud.size()); ++k) {
        const Eigen::Vector3d p_C = cloud.point(k);
        if (std::abs(rough.height(p_C)) >= tolerance) continue;
        sum += p_C;
        squares += p_C * p_C.transpose();
        ++inliers;
    }
    if (inliers < least_inliers) return rough;
    const Eigen::Vector3d mean = sum / inliers;
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> axes(squares - inliers * mean * mean.transpose());
    return facing_camera(axes.eigenvectors().col(0), mean);
}

/// Least squares among some of the points, on wider inliers first (LO-RANSAC: Chum, Matas and Kittler, 2003).
SupportPlane refine(const SampledCloud& cloud, SupportPlane plane, double tolerance) {
    for (const double widening : {2.0, 1.5, 1.0})
        plane = least_squares(cloud, plane, widening * tolerance, refining_samples);
    return plane;
}

/// Three points not too far from each other (they share a plane more often than three from anywhere); false if the
/// neighbourhood is too sparse.
bool draw_triple(const SampledCloud& cloud, RandomStream& random, std::array<int, 3>& triple) {
    const auto reach = std::max(cloud.index.rows(), cloud.index.cols()) / 5 + 1;
    const auto offset = [&] {
        return static_cast<Eigen::Index>(random.index(static_cast<std::size_t>(2 * reach + 1))) - reach;
    };
    triple[0] = static_cast<int>(random.index(cloud.nodes.size()));
    const auto [row, col] = cloud.nodes[static_cast<std::size_t>(triple[0])];
    for (std::size_t k = 1; k < 3; ++k) {
        triple[k] = -1;
        for (int tries = 0; tries < 10 && triple[k] < 0; ++tries) {
            const Eigen::Index i = row + offset(), j = col + offset();
            if (i >= 0 && j >= 0 && i < cloud.index.rows() && j < cloud.index.cols()) triple[k] = cloud.index(i, j);
        }
        if (triple[k] < 0) return false;
    }
    return true;
}

/// The `count` planes of best score among the first `samples` points, best first.
std::vector<SupportPlane> best_of(const std::vector<SupportPlane>& planes, const SampledCloud& cloud, double tolerance,
                                  int samples, std::size_t count) {
    std::vector<std::pair<int, std::size_t>> order;  // by falling score; of equal ones the first
    for (std::size_t i = 0; i < planes.size(); ++i)
        order.emplace_back(-count_support(cloud, planes[i], tolerance, samples).score(), i);
    const std::size_t kept = std::min(order.size(), count);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end());
    std::vector<SupportPlane> best;
    for (std::size_t k = 0; k < kept; ++k) best.push_back(planes[order[k].second]);
    return best;
}

/// Planes through random triples, those of best score, best first. Most are ruled out by few points (a preemptive
/// RANSAC: Nistér, 2003).
std::vector<SupportPlane> hypotheses(const SampledCloud& cloud, const SupportPlaneOptions& options,
                                     RandomStream& random) {
    std::vector<SupportPlane> planes;
    const double least_cosine = std::cos(options.max_tilt);
    for (int iteration = 0; iteration < options.iterations; ++iteration) {
        std::array<int, 3> triple;
        if (!draw_triple(cloud, random, triple)) continue;
        const Eigen::Vector3d a = cloud.point(triple[0]), b = cloud.point(triple[1]), c = cloud.point(triple[2]);
        const Eigen::Vector3d normal_C = (b - a).cross(c - a);
        if (normal_C.norm() < 1e-9) continue;  // nearly on a line
        const SupportPlane plane = facing_camera(normal_C, a);
        if (-plane.normal_C.z() >= least_cosine) planes.push_back(plane);
    }
    planes = best_of(planes, cloud, options.tolerance, screening_samples, ranked_hypotheses);
    return best_of(planes, cloud, options.tolerance, ranking_samples, refined_hypotheses);
}

}  // namespace

double SupportPlane::tilt() const { return std::acos(std::clamp(-normal_C.z(), -1.0, 1.0)); }

double SupportPlane::depth(const CameraIntrinsics& camera, double row, double col) const {
    const double towards = -normal_C.dot(camera.deproject(row, col, 1.0));
    return towards > 1e-6 ? offset / towards : std::numeric_limits<double>::infinity();
}

std::optional<SupportPlane> fit_support_plane(const DepthImage& image, const SupportPlaneOptions& options) {
    RandomStream random(0x706c616e65);
    const SampledCloud cloud = sample_cloud(image, random);
    if (cloud.size() < least_inliers) return std::nullopt;

    const auto support = [&](const SupportPlane& plane) {
        return count_support(cloud, plane, options.tolerance, cloud.size());
    };
    std::optional<SupportPlane> best;
    int best_score = std::numeric_limits<int>::min();
    for (const SupportPlane& rough : hypotheses(cloud, options, random)) {
        const SupportPlane plane = refine(cloud, rough, options.tolerance);
        const Support votes = support(plane);
        const bool fits = votes.inliers >= least_inliers && votes.inliers >= options.min_inlier_share * cloud.size() &&
                          plane.tilt() <= options.max_tilt;
        if (!fits || votes.score() <= best_score) continue;
        best = plane;
        best_score = votes.score();
    }
    if (!best) return std::nullopt;
    best = least_squares(cloud, *best, options.tolerance, cloud.size());
    best->inlier_share = static_cast<double>(support(*best).inliers) / cloud.size();
    return best;
}

DepthArray height_map(const DepthImage& image, const SupportPlane& plane) {
    const CameraIntrinsics& camera = image.camera;
    // The height is offset + z (n . ray), and n . ray is affine in (row, col). Floats, and no branches, so that the
    // compiler vectorises.
    const auto at_corner = static_cast<float>(plane.normal_C.dot(camera.deproject(0, 0, 1))),
               per_row = static_cast<float>(plane.normal_C.y() / camera.fy),
               per_col = static_cast<float>(plane.normal_C.x() / camera.fx), offset = static_cast<float>(plane.offset);
    DepthArray height(image.height(), image.width());
    for (int row = 0; row < image.height(); ++row) {
        const float first = at_corner + static_cast<float>(row) * per_row;
        const float* const depth = &image.depth(row, 0);
        float* const out = &height(row, 0);
        for (int col = 0; col < image.width(); ++col) {
            const float z = depth[col], h = offset + z * (first + static_cast<float>(col) * per_col);
            out[col] = is_depth(z) ? h : std::numeric_limits<float>::quiet_NaN();
        }
    }
    return height;
}

}  // namespace ebgrasp
