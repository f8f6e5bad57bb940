#include "ebgrasp/image/elevation.hpp"

#include <algorithm>
#include <vector>

namespace ebgrasp {

ElevationMap elevation_map(const DepthImage& view, double plane_depth, const Mask& observed) {
    const int rows = view.height(), cols = view.width();
    const auto plane = static_cast<float>(plane_depth), cx = static_cast<float>(view.camera.cx),
               cy = static_cast<float>(view.camera.cy);
    const auto row_end = static_cast<float>(rows), col_end = static_cast<float>(cols);
    ElevationMap map{DepthArray::Zero(rows, cols), Mask::Zero(rows, cols)};
    std::vector<int> foot(static_cast<std::size_t>(cols));  // of each pixel of a row: index in the map, or -1
    for (int row = 0; row < rows; ++row) {
        const float* const depth = &view.depth(row, 0);
        for (int col = 0; col < cols; ++col) {  // no branches, so that the compiler vectorises
            // What rises is nearer and seen farther from the view's axis than it stands. Shrinking leaves no holes.
            const float shrink = depth[col] / plane, r = cy + shrink * (static_cast<float>(row) - cy) + 0.5f,
                        c = cx + shrink * (static_cast<float>(col) - cx) + 0.5f;
            const bool inside = r >= 0 && c >= 0 && r < row_end && c < col_end;
            foot[static_cast<std::size_t>(col)] = inside ? static_cast<int>(r) * cols + static_cast<int>(c) : -1;
        }
        for (int col = 0; col < cols; ++col) {
            const int at = foot[static_cast<std::size_t>(col)];
            if (at < 0) continue;
            const float top = plane - depth[col];
            map.height.data()[at] = std::max(map.height.data()[at], top);
            if (observed.size() == 0 || observed(row, col) || top != 0) map.seen.data()[at] = 1;  // or bridged
        }
    }
    return map;
}

}  // namespace ebgrasp
