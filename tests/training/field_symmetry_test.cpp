#include "ebgrasp/training/field_symmetry.hpp"

#include <gtest/gtest.h>
#include <numbers>

namespace ebgrasp {
namespace {

FieldGrid numbered_grid(int rows, int cols) {
    FieldGrid grid{{DepthArray(rows, cols), 12, 31, 262.5, 0.7}, 70, 64};
    for (int i = 0; i < rows * cols; ++i) grid.depth.data()[i] = static_cast<float>(i);
    return grid;
}

std::vector<FieldSymmetry> all() {
    std::vector<FieldSymmetry> symmetries;
    for (int k = 0; k < 8; ++k) symmetries.push_back({(k & 1) != 0, (k & 2) != 0, (k & 4) != 0});
    return symmetries;
}

std::vector<PlanarGrasp> grasps() {
    RandomStream random(3);
    std::vector<PlanarGrasp> list;
    for (int i = 0; i < 20; ++i)
        list.push_back({random.uniform(20, 90), random.uniform(40, 110), random.uniform(0.6, 0.7),
                        random.uniform(-1.57, 1.57), 0});
    return list;
}

TEST(FieldSymmetry, ThereAndBack) {
    const FieldGrid grid = numbered_grid(40, 40);
    for (const FieldSymmetry& symmetry : all())
        for (const PlanarGrasp& y : grasps()) {
            const PlanarGrasp back = symmetry.grasp_of(symmetry.row_of(y, grid).data(), grid);
            EXPECT_NEAR(back.row, y.row, 1e-4);
            EXPECT_NEAR(back.col, y.col, 1e-4);
            EXPECT_NEAR(back.depth, y.depth, 1e-6);
            EXPECT_NEAR(std::sin(back.angle - y.angle), 0, 1e-5);
        }
}

// What lies on the closing axis, at a distance from the grasp, is the same pixel in the changed map; what lies beside
// it is on the same side or, mirrored, on the other.
TEST(FieldSymmetry, GraspsMoveWithTheMap) {
    const FieldGrid grid = numbered_grid(40, 40);
    for (const FieldSymmetry& symmetry : all()) {
        const DepthArray map = symmetry.of(grid.depth);
        const bool mirrored = symmetry.mirror_rows != (symmetry.mirror_cols != symmetry.transpose);
        for (const double angle : {0.0, std::numbers::pi / 2}) {  // along rows or columns, from pixel to pixel
            const Eigen::Vector2d pixel = grid.pixel({17, 22}, 0.65);
            const PlanarGrasp y{pixel.x(), pixel.y(), 0.65, angle, 0};
            const auto changed = symmetry.row_of(y, grid);
            const auto look = [](const DepthArray& seen, double row, double col, double turn, double x, double across) {
                return seen(std::lround(row + x * std::sin(turn) + across * std::cos(turn)),
                            std::lround(col + x * std::cos(turn) - across * std::sin(turn)));
            };
            std::vector<float> before, after, other_side;
            for (const int x : {-9, -4, 0, 4, 9})  // jaws are alike: both orders
                for (const int across : {-3, 0, 3}) {
                    const double side = mirrored ? -across : across;
                    before.push_back(look(grid.depth, 17, 22, angle, x, across));
                    after.push_back(look(map, double(changed[0]), double(changed[1]), double(changed[3]), x, side));
                    other_side.push_back(
                        look(map, double(changed[0]), double(changed[1]), double(changed[3]), -x, -side));
                }
            EXPECT_TRUE(after == before || other_side == before)
                << symmetry.mirror_rows << symmetry.mirror_cols << symmetry.transpose << ' ' << angle;
        }
    }
}

TEST(FieldSymmetry, AllAreDrawnOfSquares) {
    RandomStream random(1);
    std::array<int, 8> drawn = {};
    for (int i = 0; i < 400; ++i) {
        const auto [a, b, c] = FieldSymmetry::draw(numbered_grid(16, 16), random);
        ++drawn[std::size_t(a + 2 * b + 4 * c)];
        EXPECT_FALSE(FieldSymmetry::draw(numbered_grid(16, 24), random).transpose);
    }
    for (const int count : drawn) EXPECT_GT(count, 20);
}

}  // namespace
}  // namespace ebgrasp
