// Planners by name.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ebgrasp/planning/grasp_planner.hpp"

namespace ebgrasp {

/// One of
///   energy:MODEL       descends the energy of a model (a file or a shipped name)
///   energy-rank:MODEL  the same samples, ranked by energy, no descent
///   energy-free:MODEL  the same seeds, searched without derivatives by as many readings of the energy
///                      these three also with starts and steps of the descent behind a commercial at, as in
///                      "energy:field@64x16", which is the default
///   gqcnn-cem[:MODEL]  Dex-Net 2.0's policy (Mahler et al., "Dex-Net 2.0", 2017)
///   percnn[:MODEL]     a generative network, one grasp per pixel (Morrison et al., "Learning robust, real-time,
///                      reactive robotic grasping", 2019)
///   antipodal          pairs of facing depth edges, widest margin first
///   random             random grasps on the object
/// or null for any other name. `find_model` turns a model's name into its file; models are "gqcnn" and "percnn" where
/// none is named. Throws Error for models that cannot be read.
std::unique_ptr<GraspPlanner> make_planner(const std::string& name, const Gripper& gripper,
                                           const std::function<std::string(const std::string&)>& find_model);

}  // namespace ebgrasp
