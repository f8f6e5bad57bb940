// Where the descent starts: antipodal pairs of depth edges, and uniform grasps on the region.
#pragma once

#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

/// Up to `count` grasps between facing depth edges (Mahler et al. 2017, appendix: antipodal sampling on depth images):
/// an edge pixel of the region, a closing axis inside its friction cone, the opposite edge found by marching along the
/// axis. The height of the centre is uniform between the lowest that the gripper reaches and just below the surface.
std::vector<PlanarGrasp> antipodal_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                             RandomStream& random);

/// `count` grasps centred on uniform pixels of the region, at uniform angles, and heights as above.
std::vector<PlanarGrasp> uniform_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                           RandomStream& random);

}  // namespace ebgrasp
