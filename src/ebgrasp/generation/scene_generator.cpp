#include "ebgrasp/generation/scene_generator.hpp"

#include <algorithm>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/labelled_grasps.hpp"

namespace ebgrasp {
namespace {

/// `grasp` as it is stored: the label is missing.
SceneGrasp store_grasp(const PlanarGrasp& grasp) {
    SceneGrasp stored{};
    stored.row = static_cast<float>(grasp.row);
    stored.col = static_cast<float>(grasp.col);
    stored.depth = static_cast<float>(grasp.depth);
    stored.angle = static_cast<float>(grasp.angle);
    return stored;
}

void store_label(SceneGrasp& stored, const GraspLabel& label) {
    stored.opening = static_cast<float>(label.opening);
    stored.robust_epsilon = static_cast<float>(label.robust_epsilon);
    stored.epsilon = static_cast<float>(label.epsilon);
    stored.verdict = static_cast<std::uint8_t>(label.verdict);
    stored.object = label.object;
}

std::vector<PlanarGrasp> planar_grasps(const std::vector<SceneGrasp>& stored) {
    std::vector<PlanarGrasp> grasps;
    for (const SceneGrasp& grasp : stored) grasps.push_back(planar_grasp(grasp));
    return grasps;
}

/// Candidates of every object, as many of each.
std::vector<LabelledGrasp> label_all_objects(const LabelOracle& oracle, const Eigen::Vector3d& approach_W,
                                             const Gripper& gripper, const GenerationConfig& config,
                                             RandomStream& random) {
    const std::size_t objects = oracle.scene().size();
    const auto up_to = [&](std::size_t i) {
        return static_cast<std::size_t>(config.candidates_per_scene) * i / objects;
    };
    std::vector<LabelledGrasp> grasps;
    for (std::size_t i = 0; i < objects; ++i) {
        const auto some = label_candidates(oracle, i, approach_W, up_to(i + 1) - up_to(i), gripper, config, random);
        grasps.insert(grasps.end(), some.begin(), some.end());
    }
    return grasps;
}

void render_into(SceneRecord& record, const LabelOracle& oracle, const GenerationConfig& config, RandomStream& random) {
    std::vector<PosedObject> posed;
    for (const PosedLabelObject& object : oracle.scene()) posed.push_back({&object.object->object(), object.X_WO});
    auto [image, instances] = render_depth(posed, record.X_WC, config.camera.intrinsics);
    add_noise(image, config.noise, random);
    const auto& [height, width, fx, fy, cx, cy] = config.camera.intrinsics;
    record.height = height;
    record.width = width;
    record.intrinsics = {fx, fy, cx, cy};
    record.depth.resize(static_cast<std::size_t>(image.depth.size()));
    std::transform(image.depth.data(), image.depth.data() + image.depth.size(), record.depth.begin(), store_depth);
    record.instances.assign(instances.data(), instances.data() + instances.size());
}

}  // namespace

SceneRecord generate_scene(const SceneSampler& sampler, const Gripper& gripper, const GenerationConfig& config,
                           RandomStream random) {
    const CameraIntrinsics& camera = config.camera.intrinsics;
    const auto scene = sampler.sample(random);
    SceneRecord record;
    for (const PlacedObject& placed : scene)
        record.objects.push_back({static_cast<std::int32_t>(placed.index), placed.X_WO});
    record.X_WC = sample_camera(config.camera, random);

    const LabelOracle oracle(label_scene(scene, sampler.objects()), gripper, config.labels);
    auto grasps = label_all_objects(oracle, record.X_WC.rotation().col(2), gripper, config, random);
    const Eigen::Isometry3d X_CW = record.X_WC.inverse();
    const auto seen = [&](const LabelledGrasp& grasp) { return planar_grasp(X_CW * grasp.X_WG, camera, 0); };
    std::erase_if(grasps, [&](const LabelledGrasp& grasp) {
        const PlanarGrasp y = seen(grasp);
        return y.row < 0 || y.col < 0 || y.row > camera.height - 1 || y.col > camera.width - 1;
    });
    keep_balanced(grasps, static_cast<std::size_t>(config.grasps_per_scene), config.positive_share, random);

    // What is kept is labelled again as it is stored: rounded to single precision, and under a seed that is stored.
    for (const LabelledGrasp& grasp : grasps) record.grasps.push_back(store_grasp(seen(grasp)));
    record.label_seed = random() >> 1;
    const auto labels = oracle.label(planar_grasps(record.grasps), camera, record.X_WC, record.label_seed);
    for (std::size_t i = 0; i < labels.size(); ++i) store_label(record.grasps[i], labels[i]);

    render_into(record, oracle, config, random);
    return record;
}

DepthImage depth_image(const SceneRecord& scene) {
    const auto& [fx, fy, cx, cy] = scene.intrinsics;
    const auto metres = scene.depth_in_metres();
    return {Eigen::Map<const DepthArray>(metres.data(), scene.height, scene.width),
            {scene.height, scene.width, fx, fy, cx, cy}};
}

PlanarGrasp planar_grasp(const SceneGrasp& grasp) { return {grasp.row, grasp.col, grasp.depth, grasp.angle, 0}; }

std::vector<PreparedObject> load_objects(const DatasetHeader& header) {
    const auto config = config_from_json<GenerationConfig>(header.config, "the data set's configuration");
    auto objects = load_objects(config.objects, config.seed);
    require(std::ranges::equal(objects, header.objects, {}, &PreparedObject::name, &ObjectEntry::name), config.objects,
            ": does not hold the objects that the data set was made of");
    return objects;
}

LabelOracle scene_oracle(const SceneRecord& scene, const std::vector<PreparedObject>& objects, const Gripper& gripper,
                         const LabelParameters& labels) {
    std::vector<PosedLabelObject> posed;
    for (const SceneObject& object : scene.objects) {
        require(object.index >= 0 && static_cast<std::size_t>(object.index) < objects.size(), "the scene holds object ",
                object.index, " of ", objects.size());
        posed.push_back({objects[static_cast<std::size_t>(object.index)].label, object.X_WO});
    }
    return LabelOracle(std::move(posed), gripper, labels);
}

}  // namespace ebgrasp
