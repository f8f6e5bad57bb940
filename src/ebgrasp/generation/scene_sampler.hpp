// Which objects stand or lie where on the table.
#pragma once

#include <Eigen/Geometry>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/generation/generation_config.hpp"
#include "ebgrasp/generation/object_set.hpp"

namespace ebgrasp {

/// Lets objects fall one after the other from their poses, between walls at x, y = +-`walls` (metres) that are then
/// taken away: the poses X_WO in which they come to rest, or nothing if they do not. simulation/settle.hpp is one.
using Settle = std::function<std::optional<std::vector<Eigen::Isometry3d>>(std::span<const PosedObject>, double walls)>;

struct PlacedObject {
    std::size_t index;  ///< into the sampler's objects
    Eigen::Isometry3d X_WO;
};

class SceneSampler {
  public:
    /// `splits` are the objects'; a scene's objects are all of one split. Empty: any objects may meet. `settle` is
    /// needed for piles. Throws Error if no object fits the scenes, or piles are wanted without `settle`.
    SceneSampler(std::vector<PreparedObject> objects, std::vector<Split> splits, const SceneParameters& parameters,
                 Settle settle = {});

    const std::vector<PreparedObject>& objects() const { return objects_; }

    /// A scene of at least one object, a pure function of the state of `random`. Piles that do not come to rest, or of
    /// which an object leaves the workspace, are drawn again; packed objects for which no room is found are left out.
    /// Throws Error after 100 vain attempts.
    std::vector<PlacedObject> sample(RandomStream& random) const;

  private:
    std::vector<std::size_t> draw_objects(RandomStream& random) const;
    std::vector<PlacedObject> single(RandomStream& random) const;
    std::vector<PlacedObject> pile(RandomStream& random) const;
    std::vector<PlacedObject> packed(RandomStream& random) const;
    bool in_workspace(const PlacedObject& placed) const;
    const Object& object(std::size_t index) const { return objects_[index].label->object(); }

    std::vector<PreparedObject> objects_;
    std::vector<Split> splits_;
    SceneParameters parameters_;
    SceneKind kind_;
    Settle settle_;
    std::vector<std::size_t> eligible_;  ///< indices of the objects that may be in a scene
};

}  // namespace ebgrasp
