#include "ebgrasp/planning/energy_terms.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/distance_map.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector2d;
using Eigen::Vector3d;
using nlohmann::json;

constexpr double centimetres = 100.0;  // per metre

/// Bilinear, the border repeated.
double interpolate(const DepthArray& map, double row, double col) {
    const auto last_row = static_cast<double>(map.rows() - 1), last_col = static_cast<double>(map.cols() - 1);
    row = std::clamp(row, 0.0, last_row);
    col = std::clamp(col, 0.0, last_col);
    const auto top = static_cast<Eigen::Index>(row), left = static_cast<Eigen::Index>(col);
    const auto bottom = std::min(top + 1, map.rows() - 1), right = std::min(left + 1, map.cols() - 1);
    const double v = row - static_cast<double>(top), u = col - static_cast<double>(left);
    return (1 - v) * ((1 - u) * double(map(top, left)) + u * double(map(top, right))) +
           v * ((1 - u) * double(map(bottom, left)) + u * double(map(bottom, right)));
}

Vector3d center_V(const Scene& scene, const PlanarGrasp& y) { return scene.camera().deproject(y.row, y.col, y.depth); }

/// Signed metres from the mask's border, at the plane's scale.
class MetricDistance {
  public:
    MetricDistance(const Scene& scene, const Mask& mask_V)
        : pixels_(signed_distance(mask_V)), pixels_per_metre_(scene.pixels_per_metre(scene.plane_depth)) {}
    double at(double row, double col) const { return interpolate(pixels_, row, col) / pixels_per_metre_; }

  private:
    DepthArray pixels_;
    double pixels_per_metre_;
};

GraspCost distance_outside(const Scene& scene, const Mask& mask_V) {
    require((mask_V != 0).any(), "the target mask marks nothing that the view shows");
    return [distance = MetricDistance(scene, mask_V)](const PlanarGrasp& y) {
        return centimetres * std::max(0.0, distance.at(y.row, y.col));
    };
}

/// Points in the grasp's plane, metres along (x) and across (y) the closing axis, as (row, col) of the view.
std::vector<Vector2d> pixels_of(const Scene& scene, const PlanarGrasp& y, std::span<const Vector2d> points_G) {
    const double scale = scene.pixels_per_metre(y.depth);
    const Vector2d closing = scale * Vector2d(std::sin(y.angle), std::cos(y.angle)),
                   across = scale * Vector2d(std::cos(y.angle), -std::sin(y.angle));
    std::vector<Vector2d> pixels;
    for (const Vector2d& p : points_G) pixels.emplace_back(Vector2d(y.row, y.col) + p.x() * closing + p.y() * across);
    return pixels;
}

/// A grid over the footprints of both fingers, open at their widest and thicker by `margin` all around.
std::vector<Vector2d> finger_points(const Gripper& gripper, double margin, int across, int along) {
    std::vector<Vector2d> points;
    const double inner = gripper.max_opening / 2, outer = inner + gripper.finger_thickness + margin,
                 half = gripper.finger_width / 2 + margin;
    for (const double side : {-1.0, 1.0})
        for (int i = 0; i < across; ++i)
            for (int k = 0; k < along; ++k)
                points.emplace_back(side * std::lerp(inner, outer, i / (across - 1.0)),
                                    half * (2.0 * k / (along - 1.0) - 1));
    return points;
}

/// Costs differ from energies in that anybody may write one: their gradient is taken by central differences.
class ViewWithTerms : public EncodedView {
  public:
    struct Term {
        double weight;
        GraspCost cost;
    };
    ViewWithTerms(std::shared_ptr<const EncodedView> view, std::vector<Term> terms)
        : view_(std::move(view)), terms_(std::move(terms)) {}

    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient> gradients) const override {
        view_->evaluate(grasps, energies, gradients);
        for (std::size_t i = 0; i < grasps.size(); ++i) {
            energies[i] += cost(grasps[i]);
            if (!gradients.empty()) gradients[i] += slope(grasps[i]);
        }
    }
    Cost multiply_adds() const override { return view_->multiply_adds(); }
    std::vector<double> success_probabilities(std::span<const PlanarGrasp> grasps) const override {
        return view_->success_probabilities(grasps);
    }

  private:
    double cost(const PlanarGrasp& y) const {
        double sum = 0;
        for (const Term& term : terms_) sum += term.weight * term.cost(y);
        return sum;
    }

    GraspGradient slope(const PlanarGrasp& y) const {
        static constexpr std::array steps = {0.5, 0.5, 1e-3, 0.02};  // pixels, pixels, metres, radians
        static constexpr std::array coordinates = {&PlanarGrasp::row, &PlanarGrasp::col, &PlanarGrasp::depth,
                                                   &PlanarGrasp::angle};
        GraspGradient gradient;
        for (std::size_t axis = 0; axis < 4; ++axis) {
            PlanarGrasp above = y, below = y;
            above.*coordinates[axis] += steps[axis];
            below.*coordinates[axis] -= steps[axis];
            gradient[Eigen::Index(axis)] = (cost(above) - cost(below)) / (2 * steps[axis]);
        }
        return gradient;
    }

    std::shared_ptr<const EncodedView> view_;
    std::vector<Term> terms_;
};

}  // namespace

EnergyTerm target_mask(Mask mask, double weight) {
    return {"target", weight,
            [mask = std::move(mask)](const Scene& scene) { return distance_outside(scene, scene.in_view(mask)); }};
}

EnergyTerm stay_in_region(double weight) {
    return {"region", weight, [](const Scene& scene) { return distance_outside(scene, scene.region); }};
}

EnergyTerm keep_out(Mask mask, const Gripper& gripper, double margin, double weight) {
    return {"keep_out", weight, [mask = std::move(mask), gripper, margin](const Scene& scene) -> GraspCost {
                std::vector<Vector2d> points = finger_points(gripper, 0.0, 2, 3);
                points.emplace_back(0, 0);
                return [&scene, distance = MetricDistance(scene, scene.in_view(mask)), points,
                        margin](const PlanarGrasp& y) {
                    double nearest = margin;
                    for (const Vector2d& pixel : pixels_of(scene, y, points))
                        nearest = std::min(nearest, distance.at(pixel.x(), pixel.y()));
                    return centimetres * (margin - nearest);
                };
            }};
}

EnergyTerm workspace_box(const Eigen::AlignedBox3d& box_B, const Eigen::Isometry3d& X_CB, double weight) {
    require(!box_B.isEmpty(), "the workspace box is empty: its min must not exceed its max");
    return {"workspace", weight, [=](const Scene& scene) -> GraspCost {
                return [&scene, box_B, X_BV = X_CB.inverse() * scene.view.X_CV](const PlanarGrasp& y) {
                    return centimetres * box_B.exteriorDistance(X_BV * center_V(scene, y));
                };
            }};
}

EnergyTerm preferred_angle(double angle, double weight) {
    require(std::isfinite(angle), "the preferred angle is not finite");
    return {"angle", weight, [=](const Scene& scene) -> GraspCost {
                return [=, R_CV = scene.view.X_CV.linear()](const PlanarGrasp& y) {
                    const Vector3d closing_C = R_CV * Vector3d(std::cos(y.angle), std::sin(y.angle), 0);
                    const double seen = std::atan2(closing_C.y(), closing_C.x());
                    return 0.5 * (1 - std::cos(2 * (seen - angle)));
                };
            }};
}

EnergyTerm near_point(const Vector3d& p_C, double radius, double weight) {
    require(p_C.allFinite() && radius >= 0, "a point to stay near must be finite, and its radius (", radius,
            " m) at least 0");
    return {"near", weight, [=](const Scene& scene) -> GraspCost {
                return [&scene, radius, p_V = (scene.view.X_CV.inverse() * p_C).eval()](const PlanarGrasp& y) {
                    return centimetres * std::max(0.0, (center_V(scene, y) - p_V).norm() - radius);
                };
            }};
}

EnergyTerm minimum_clearance(double clearance, const Gripper& gripper, double weight) {
    require(clearance >= 0 && clearance <= 0.2, "the minimum clearance is ", clearance, " m: give 0 to 0.2");
    return {"clearance", weight, [=](const Scene& scene) -> GraspCost {
                return [&scene, gripper, points = finger_points(gripper, clearance, 5, 5)](const PlanarGrasp& y) {
                    const double tips = scene.plane_depth - y.depth - gripper.tip_offset;
                    double sum = 0;
                    for (const Vector2d& pixel : pixels_of(scene, y, points))
                        sum += std::max(0.0, interpolate(scene.height, pixel.x(), pixel.y()) - tips);
                    return centimetres * sum / static_cast<double>(points.size());
                };
            }};
}

std::shared_ptr<const EncodedView> with_terms(std::shared_ptr<const EncodedView> view, const Scene& scene,
                                              std::span<const EnergyTerm> terms) {
    if (terms.empty()) return view;
    std::vector<ViewWithTerms::Term> bound;
    for (const EnergyTerm& term : terms) {
        require(term.bind != nullptr && std::isfinite(term.weight), "energy term '", term.name,
                "' has no function or no finite weight");
        bound.push_back({term.weight, term.bind(scene)});
    }
    return std::make_shared<ViewWithTerms>(std::move(view), std::move(bound));
}

std::vector<EnergyTerm> parse_energy_terms(const json& list, const Gripper& gripper,
                                           const std::function<Mask(const std::string&)>& read_mask) {
    require(list.is_array(), "energy terms are no list");
    std::vector<EnergyTerm> terms;
    for (const json& item : list) {
        const std::string where = "energy term " + std::to_string(terms.size());
        const auto get = [&]<typename Value>(const char* field, const std::optional<Value>& otherwise) -> Value {
            const auto found = item.find(field);
            require(found != item.end() || otherwise, where, ": '", field, "' is missing");
            try {
                return found == item.end() ? *otherwise : found->get<Value>();
            } catch (const json::exception&) {
                fail(where, ": '", field, "' is ", found->dump(), ", which is of the wrong type");
            }
        };
        const auto number = [&](const char* field, std::optional<double> otherwise = {}) {
            return get(field, otherwise);
        };
        const auto vector = [&](const char* field) {
            const auto values = get(field, std::optional<std::vector<double>>());
            require(values.size() == 3, where, ": '", field, "' has ", values.size(), " numbers, must be [x, y, z]");
            return Vector3d(values[0], values[1], values[2]);
        };
        const auto mask = [&] { return read_mask(get("mask", std::optional<std::string>())); };
        require(item.is_object(), where, " is no object");
        const auto type = get("type", std::optional<std::string>());
        EnergyTerm term;
        if (type == "target")
            term = target_mask(mask());
        else if (type == "keep_out")
            term = keep_out(mask(), gripper, number("margin", 0.01));
        else if (type == "workspace")
            term = workspace_box({vector("min"), vector("max")});
        else if (type == "angle")
            term = preferred_angle(number("angle"));
        else if (type == "near")
            term = near_point(vector("point"), number("radius", 0.0));
        else if (type == "clearance")
            term = minimum_clearance(number("metres"), gripper);
        else
            fail(where, " has type '", type, "'; known are target, keep_out, workspace, angle, near, clearance");
        term.weight = number("weight", term.weight);
        require(term.weight >= 0 && term.weight <= 1e6, where, ": weight is ", term.weight, ": give 0 to 1e6");
        terms.push_back(std::move(term));
    }
    return terms;
}

}  // namespace ebgrasp
