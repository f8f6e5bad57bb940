#include "ebgrasp/training/per_pixel_examples.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/jaws.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t grid_fields = 5, angles = per_pixel_angles;
constexpr int largest_side = 1024;  // grid pixels: twice what the overhead view spans

/// The grasp that is executed for a pixel of the view and an angle.
std::optional<PlanarGrasp> executed(const Scene& scene, const Gripper& gripper, const Eigen::Vector2d& pixel,
                                    double angle) {
    for (PlanarGrasp grasp : grasps_at(scene, gripper, pixel, angle))
        if (fit_jaws(scene, gripper, grasp) == JawFit::free && scene.in_region(grasp.row, grasp.col)) return grasp;
    return std::nullopt;
}

std::vector<PixelLabels> region_pixels(const Scene& scene, const ViewGrid& grid) {
    std::vector<PixelLabels> pixels;
    for (int row = 0; row < grid.depth.rows(); ++row)
        for (int col = 0; col < grid.depth.cols(); ++col) {
            const Eigen::Vector2d at = view_pixel(grid, row, col);
            if (scene.in_region(at.x(), at.y())) pixels.push_back({row, col});
        }
    return pixels;
}

}  // namespace

PerPixelExample label_pixels(const Scene& scene, const Gripper& gripper, const LabelGrasps& label) {
    PerPixelExample example{Split::train, view_grid(scene.view.image, scene.region, scene.plane_depth), {}};
    example.pixels = region_pixels(scene, example.grid);
    std::vector<PlanarGrasp> grasps;
    std::vector<std::pair<PixelLabels*, int>> asked;
    for (PixelLabels& pixel : example.pixels)
        for (int k = 0; k < per_pixel_angles; ++k) {
            const double angle = k * std::numbers::pi / per_pixel_angles;
            const auto grasp = executed(scene, gripper, view_pixel(example.grid, pixel.row, pixel.col), angle);
            if (!grasp) continue;
            grasps.push_back(*grasp);
            asked.emplace_back(&pixel, k);
        }
    const auto success = label(grasps);
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        auto& [pixel, k] = asked[i];
        pixel->success |= static_cast<std::uint16_t>(success[i] << k);
        pixel->opening[static_cast<std::size_t>(k)] =
            static_cast<std::uint8_t>(std::clamp(std::lround(1e3 * grasps[i].width), 1L, 255L));
    }
    return example;
}

void write_per_pixel_shard(const fs::path& folder, std::span<const PerPixelExample> examples) {
    std::vector<std::int32_t> grid;
    std::vector<double> camera;
    std::vector<std::uint8_t> split, opening;
    std::vector<std::uint16_t> depth, pixel, success;
    for (const PerPixelExample& example : examples) {
        const ViewGrid& g = example.grid;
        for (const Eigen::Index field : {g.depth.rows(), g.depth.cols(), Eigen::Index{g.row}, Eigen::Index{g.col},
                                         static_cast<Eigen::Index>(example.pixels.size())})
            grid.push_back(static_cast<std::int32_t>(field));
        camera.insert(camera.end(), {g.focal_length, g.plane_depth});
        split.push_back(static_cast<std::uint8_t>(example.split));
        std::transform(g.depth.data(), g.depth.data() + g.depth.size(), std::back_inserter(depth), store_depth);
        for (const PixelLabels& labels : example.pixels) {
            pixel.push_back(static_cast<std::uint16_t>(labels.row));
            pixel.push_back(static_cast<std::uint16_t>(labels.col));
            success.push_back(labels.success);
            opening.insert(opening.end(), labels.opening.begin(), labels.opening.end());
        }
    }
    const std::size_t n = examples.size(), m = success.size();
    write_shard(folder, [&](const fs::path& shard) {
        write_npy<std::int32_t>(shard / "grid.npy", grid, {n, grid_fields});
        write_npy<double>(shard / "camera.npy", camera, {n, 2});
        write_npy<std::uint8_t>(shard / "example_split.npy", split, {n});
        write_npy<std::uint16_t>(shard / "depth.npy", depth, {depth.size()});
        write_npy<std::uint16_t>(shard / "pixel.npy", pixel, {m, 2});
        write_npy<std::uint16_t>(shard / "success.npy", success, {m});
        write_npy<std::uint8_t>(shard / "opening.npy", opening, {m, angles});
    });
}

std::vector<PerPixelExample> read_per_pixel_shard(const fs::path& folder) {
    const auto grid = read_column<std::int32_t>(folder / "grid.npy", {0, grid_fields});
    const std::size_t n = grid.size() / grid_fields;
    const auto camera = read_column<double>(folder / "camera.npy", {n, 2});
    const auto split = read_column<std::uint8_t>(folder / "example_split.npy", {n});
    const auto depth = read_column<std::uint16_t>(folder / "depth.npy", {0});
    const auto success = read_column<std::uint16_t>(folder / "success.npy", {0});
    const std::size_t m = success.size();
    const auto pixel = read_column<std::uint16_t>(folder / "pixel.npy", {m, 2});
    const auto opening = read_column<std::uint8_t>(folder / "opening.npy", {m, angles});

    std::vector<PerPixelExample> examples(n);
    std::size_t next_depth = 0, next_pixel = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t* fields = &grid[grid_fields * i];
        const std::int32_t rows = fields[0], cols = fields[1], count = fields[4];
        const auto side_fits = [](int side) {
            return side > 0 && side <= largest_side && side % view_grid_multiple == 0;
        };
        require(side_fits(rows) && side_fits(cols) && count >= 0, (folder / "grid.npy").string(), ": example ", i,
                " has ", rows, " x ", cols, " pixels and ", count, " labelled ones");
        const auto size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
        require(size <= depth.size() - next_depth && static_cast<std::size_t>(count) <= m - next_pixel, folder.string(),
                ": the columns end in example ", i, "; remove the folder to label its scenes again");
        require(split[i] <= 2 && camera[2 * i] > 0 && camera[2 * i + 1] > 0, folder.string(), ": example ", i,
                " has split ", int(split[i]), ", focal length ", camera[2 * i], " and plane depth ", camera[2 * i + 1]);
        PerPixelExample& example = examples[i];
        example.split = static_cast<Split>(split[i]);
        example.grid = {DepthArray(rows, cols), fields[2], fields[3], camera[2 * i], camera[2 * i + 1]};
        for (std::size_t k = 0; k < size; ++k)
            example.grid.depth.data()[k] = static_cast<float>(depth[next_depth++] * stored_depth_unit);
        for (int k = 0; k < count; ++k, ++next_pixel) {
            PixelLabels& labels = example.pixels.emplace_back();
            labels.row = pixel[2 * next_pixel];
            labels.col = pixel[2 * next_pixel + 1];
            labels.success = success[next_pixel];
            std::copy_n(&opening[angles * next_pixel], angles, labels.opening.begin());
            require(labels.row < rows && labels.col < cols, (folder / "pixel.npy").string(), ": row ", next_pixel,
                    " lies outside of its grid");
        }
    }
    return examples;
}

}  // namespace ebgrasp
