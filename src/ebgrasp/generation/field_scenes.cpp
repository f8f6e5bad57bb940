#include "ebgrasp/generation/field_scenes.hpp"

#include <algorithm>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/labelled_grasps.hpp"
#include "ebgrasp/labels/candidates.hpp"
#include "ebgrasp/labels/hold_probability.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

constexpr std::array<const char*, 3> kind_names = {"single", "packed", "pile"};
constexpr double min_height = 0.006;  // metres, as in PlannerOptions
constexpr ViewSpec view_spec;

/// The part of `grid` around its middle with `side` pixels to each side; the plane where it has none.
FieldGrid centered(const FieldGrid& grid, int side) {
    FieldGrid out = grid;
    const int row = (static_cast<int>(grid.depth.rows()) - side) / 2,
              col = (static_cast<int>(grid.depth.cols()) - side) / 2;
    out.row += row * view_grid_step;
    out.col += col * view_grid_step;
    out.depth.setConstant(side, side, static_cast<float>(grid.plane_depth));
    const int top = std::max(0, row), left = std::max(0, col);
    const int rows = std::min<int>(side, static_cast<int>(grid.depth.rows())),
              cols = std::min<int>(side, static_cast<int>(grid.depth.cols()));
    out.depth.block(top - row, left - col, rows, cols) = grid.depth.block(top, left, rows, cols);
    return out;
}

bool in_grid(const FieldGrid& grid, const PlanarGrasp& y) {
    const double row = grid.foot(y).x(), col = grid.foot(y).y();
    return row >= 0 && col >= 0 && row <= double(grid.depth.rows() - 1) && col <= double(grid.depth.cols() - 1);
}

}  // namespace

void FieldSceneParameters::validate() const {
    const double sum = std::accumulate(kinds.begin(), kinds.end(), 0.0);
    require(std::ranges::all_of(kinds, [](double share) { return share >= 0; }) && sum > 0,
            "kinds: give three shares of at least 0, not all 0");
    require(!grippers.empty(), "grippers is empty: name at least one");
    require(gripper_scale >= 0 && gripper_scale < 0.5, "gripper_scale is ", gripper_scale, ": give 0 to 0.5");
    require(side >= 64 && side <= 512 && side % view_grid_multiple == 0, "side is ", side, ": give a multiple of ",
            view_grid_multiple, " from 64 to 512");
    for (const int count : {edge_proposals, uniform_proposals, antipodal})
        require(count >= 0 && count <= 10'000, "a number of grasps per scene is ", count, ": give 0 to 10000");
}

std::vector<float> FieldScene::label(std::span<const PlanarGrasp> asked, std::uint64_t seed) const {
    std::vector<Eigen::Isometry3d> X_WG;
    for (const PlanarGrasp& grasp : asked) X_WG.push_back(X_WV * grasp_pose(grasp, camera));
    std::vector<float> hold;
    const LabelDetail detail = graded ? LabelDetail::graded : LabelDetail::verdict;
    for (const auto& [label, opening] : oracle.label_at_free_opening(X_WG, seed, detail))
        hold.push_back(graded ? static_cast<float>(hold_probability(label)) : label.success() ? 1.0f : 0.0f);
    return hold;
}

FieldSceneSampler::FieldSceneSampler(std::vector<PreparedObject> objects, std::vector<Split> splits,
                                     const GenerationConfig& config, const FieldSceneParameters& parameters,
                                     const Settle& settle)
    : config_(config), parameters_(parameters) {
    parameters_.validate();
    for (const auto& name : parameters_.grippers) grippers_.push_back(load_gripper(name));
    for (const char* kind : kind_names) {
        SceneParameters scene = config.scene;
        scene.kind = kind;
        samplers_.emplace_back(objects, splits, scene, settle);
    }
}

Gripper FieldSceneSampler::draw_gripper(RandomStream& random) const {
    Gripper gripper = grippers_[random.index(grippers_.size())];
    const auto vary = [&](double& length) {
        length *= random.uniform(1 - parameters_.gripper_scale, 1 + parameters_.gripper_scale);
    };
    vary(gripper.max_opening);
    vary(gripper.finger_width);
    vary(gripper.finger_thickness);
    vary(gripper.tip_offset);
    return gripper;
}

std::optional<FieldScene> FieldSceneSampler::attempt(RandomStream& random, const Practice& practice) const {
    const auto& shares = parameters_.kinds;
    double pick = random.uniform() * std::accumulate(shares.begin(), shares.end(), 0.0);
    std::size_t kind = 0;
    while (kind + 1 < shares.size() && pick >= shares[kind]) pick -= shares[kind++];
    const auto placed = samplers_[kind].sample(random);
    const Gripper gripper = draw_gripper(random);
    const Eigen::Isometry3d X_WC = sample_camera(config_.camera, random);
    auto posed = label_scene(placed, samplers_[kind].objects());

    std::vector<PosedObject> objects;
    for (const auto& object : posed) objects.push_back({&object.object->object(), object.X_WO});
    DepthImage image = render_depth(objects, X_WC, config_.camera.intrinsics).image;
    add_noise(image, config_.noise, random);
    const auto plane = fit_support_plane(image);
    if (!plane) return {};
    const Scene scene(image, {}, *plane, view_spec, min_height);
    if ((scene.region == 0).all()) return {};

    FieldScene out{centered(field_grid(scene.view.image, scene.region, scene.plane_depth), parameters_.side),
                   scene.camera(),
                   X_WC * scene.view.X_CV,
                   gripper,
                   LabelOracle(std::move(posed), gripper, config_.labels),
                   parameters_.graded,
                   {},
                   {},
                   0};
    const auto count = [](int n) { return static_cast<std::size_t>(n); };
    out.grasps = antipodal_proposals(scene, gripper, count(parameters_.edge_proposals), random);
    const auto uniform = uniform_proposals(scene, gripper, count(parameters_.uniform_proposals), random);
    out.grasps.insert(out.grasps.end(), uniform.begin(), uniform.end());
    const Eigen::Isometry3d X_VW = out.X_WV.inverse();
    for (std::size_t i = 0; i < out.oracle.scene().size(); ++i)
        for (const auto& X_WG :
             antipodal_candidates(out.oracle.scene()[i], out.X_WV.linear().col(2), gripper.pad_friction, gripper,
                                  count(parameters_.antipodal) / out.oracle.scene().size(), random))
            out.grasps.push_back(planar_grasp(X_VW * X_WG, out.camera, 0));
    std::erase_if(out.grasps, [&](const PlanarGrasp& y) { return !in_grid(out.grid, y); });
    out.hold = out.label(out.grasps, random());
    if (std::ranges::none_of(out.hold, [](float p) { return p > 0.5f; })) return {};
    if (practice)
        for (const ExecutedGrasp& done : practice(image, X_WC, objects, gripper)) {
            const PlanarGrasp y = planar_grasp(X_VW * X_WC * done.X_CG, out.camera, done.opening);
            if (!in_grid(out.grid, y)) continue;
            out.grasps.push_back(y);
            out.hold.push_back(done.holds ? 1.0f : 0.0f);
            ++out.executed;
        }
    return out;
}

FieldScene FieldSceneSampler::sample(RandomStream& random, const Practice& practice) const {
    for (int i = 0; i < 100; ++i)
        if (auto scene = attempt(random, practice)) return std::move(*scene);
    fail("no scene with a grasp that holds was found in 100 attempts; are the objects too large for the grippers?");
}

}  // namespace ebgrasp
