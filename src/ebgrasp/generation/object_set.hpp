// The objects that data is made of, with everything that generation needs of each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

struct PreparedObject {
    std::shared_ptr<const LabelObject> label;
    std::vector<StablePose> poses;

    const std::string& name() const { return label->object().name; }
};

/// Objects with at least `min_volume` (m^3), sorted by name. `source` is a mesh file, a folder of mesh files (read
/// recursively) or "procedural:N", the first N objects of the procedural family `seed`. Objects without a stable pose
/// are left out, with a warning. Throws Error if none is left.
std::vector<PreparedObject> load_objects(const std::string& source, std::uint64_t seed, double min_volume = 2e-6);

/// The pose of `object` drawn by probability.
const StablePose& sample_pose(const PreparedObject& object, RandomStream& random);

}  // namespace ebgrasp
