#include "ebgrasp/viz/shaded_view.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;

constexpr double kAmbient = 0.5;        // of a surface's brightness is there without the lamp
constexpr double kShadowBias = 0.0015;  // metres behind what the lamp sees that still count as lit

class Shader {
  public:
    Shader(const DepthImage& image, const Mask& instances, const Lamp& lamp)
        : image_(image), instances_(instances), lamp_(lamp), X_LC_(lamp.X_CL.inverse()) {}

    /// Share of its colour that pixel (row, col), which has depth, keeps.
    double brightness(int row, int col) const {
        const Vector3d p_C = point(row, col);
        const Vector3d to_lamp = lamp_.X_CL.translation() - p_C;
        Vector3d normal = slope(row, col, 0, 1).cross(slope(row, col, 1, 0)).normalized();
        if (normal.dot(p_C) > 0) normal = -normal;  // towards the camera
        const double cosine = std::max(0.0, normal.dot(to_lamp.normalized()));
        // The lamp's image is coarser than ours: a point a little above the surface stands for it.
        return kAmbient + (1 - kAmbient) * cosine * lit_share(p_C + 2 * kShadowBias * normal);
    }

  private:
    Vector3d point(int row, int col) const { return image_.camera.deproject(row, col, image_.depth(row, col)); }

    bool same_surface(int row, int col, int instance) const {
        return row >= 0 && row < image_.height() && col >= 0 && col < image_.width() &&
               instances_(row, col) == instance && is_depth(image_.depth(row, col));
    }

    /// How the surface runs along (rows, cols): to the neighbour on whose side it is flatter, which keeps edges sharp.
    Vector3d slope(int row, int col, int rows, int cols) const {
        const Vector3d here = point(row, col);
        Vector3d best(cols, rows, 0);  // a lonely pixel faces the camera
        double flattest = INFINITY;
        for (const int side : {1, -1}) {
            const int r = row + side * rows, c = col + side * cols;
            if (!same_surface(r, c, instances_(row, col))) continue;
            const Vector3d step = side * (point(r, c) - here);
            if (std::abs(step.z()) < flattest) flattest = std::abs(step.z()), best = step;
        }
        return best;
    }

    /// Of the 3 x 3 pixels of the lamp's image around the point, the share from which it is seen: soft shadows.
    double lit_share(const Vector3d& p_C) const {
        const Vector3d p_L = X_LC_ * p_C;
        if (!(p_L.z() > 0)) return 1;
        const Eigen::Vector2d pixel = lamp_.view.camera.project(p_L);  // row, col
        if (!(pixel.array().abs() < 1e6).all()) return 1;
        const int row = static_cast<int>(std::floor(pixel.x() + 0.5)),
                  col = static_cast<int>(std::floor(pixel.y() + 0.5));
        int lit = 0;
        for (int r = row - 1; r <= row + 1; ++r)
            for (int c = col - 1; c <= col + 1; ++c) lit += !hidden(r, c, p_L.z());
        return lit / 9.0;
    }

    bool hidden(int row, int col, double depth) const {
        if (row < 0 || row >= lamp_.view.height() || col < 0 || col >= lamp_.view.width()) return false;
        const float first = lamp_.view.depth(row, col);
        return is_depth(first) && depth > first + kShadowBias;
    }

    const DepthImage& image_;
    const Mask& instances_;
    const Lamp& lamp_;
    Eigen::Isometry3d X_LC_;
};

Color scaled(Color color, double share) {
    const auto scale = [&](std::uint8_t channel) {
        return static_cast<std::uint8_t>(std::lround(std::clamp(share * channel, 0.0, 255.0)));
    };
    return {scale(color.r), scale(color.g), scale(color.b)};
}

}  // namespace

Picture shaded_view(const DepthImage& image, const Mask& instances, std::span<const Color> colors, const Lamp& lamp) {
    require(instances.rows() == image.depth.rows() && instances.cols() == image.depth.cols(), "the instances are ",
            instances.rows(), " x ", instances.cols(), " pixels, the depth image ", image.height(), " x ",
            image.width());
    require(instances.size() == 0 || instances.maxCoeff() < colors.size(), "instance ",
            instances.size() == 0 ? 0 : int(instances.maxCoeff()), " has no colour; there are ", colors.size());
    Picture picture(image.height(), image.width());
    const Shader shader(image, instances, lamp);
    parallel_for(static_cast<std::size_t>(image.height()), [&](std::size_t i) {
        const int row = static_cast<int>(i);
        for (int col = 0; col < image.width(); ++col)
            if (is_depth(image.depth(row, col)))
                picture.set(row, col, scaled(colors[instances(row, col)], shader.brightness(row, col)));
    });
    return picture;
}

}  // namespace ebgrasp
