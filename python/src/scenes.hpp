// Scenes as Python gives them: a sequence of (Object, X_WO).
#pragma once

#include "conversions.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp::python {

using Scenery = std::vector<std::pair<std::shared_ptr<LabelObject>, Doubles>>;

inline std::vector<PosedLabelObject> to_scene(const Scenery& scenery) {
    std::vector<PosedLabelObject> scene;
    for (const auto& [object, X_WO] : scenery) {
        require(object != nullptr, "object ", scene.size(), " of the scene is None");
        scene.push_back({object, to_pose(X_WO, "X_WO")});
    }
    return scene;
}

/// The same for renderer and physics, which refer to the objects of `scene`.
inline std::vector<PosedObject> posed_objects(const std::vector<PosedLabelObject>& scene) {
    std::vector<PosedObject> posed;
    for (const auto& [object, X_WO] : scene) posed.push_back({&object->object(), X_WO});
    return posed;
}

}  // namespace ebgrasp::python
