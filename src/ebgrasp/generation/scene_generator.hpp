// One example of the `scenes` layout, and the label oracle of a stored one.
#pragma once

#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/generation/scene_sampler.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// A random scene with a full noisy image and labelled grasps of all of its objects, in random order; a pure function
/// of its arguments. `split` is left to the caller. The labels are those that scene_oracle gives the stored grasps.
SceneRecord generate_scene(const SceneSampler& sampler, const Gripper& gripper, const GenerationConfig& config,
                           RandomStream random);

/// The depth image of a stored scene, with its camera.
DepthImage depth_image(const SceneRecord& scene);
/// A stored grasp as the oracle was asked about it.
PlanarGrasp planar_grasp(const SceneGrasp& grasp);

/// The objects that a data set was made of, in its order. Throws Error if its source does not hold them any more.
std::vector<PreparedObject> load_objects(const DatasetHeader& header);

/// The oracle that labelled `scene`, which labels any other grasp of it. `objects` are the data set's, `gripper` and
/// `labels` those of its configuration. Asked for the stored grasps,
///     scene_oracle(...).label({planar_grasp of each}, depth_image(scene).camera, scene.X_WC, scene.label_seed)
/// it repeats the stored labels exactly.
LabelOracle scene_oracle(const SceneRecord& scene, const std::vector<PreparedObject>& objects, const Gripper& gripper,
                         const LabelParameters& labels);

}  // namespace ebgrasp
