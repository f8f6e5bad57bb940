#include "window_figures.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numbers>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/planning/descent.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "ebgrasp/viz/descent_movie.hpp"
#include "ebgrasp/viz/landscape.hpp"
#include "ebgrasp/viz/movie.hpp"

namespace ebgrasp::app {
namespace {

constexpr std::size_t grasp_columns = 5;  ///< of WindowExamples::grasps

/// One window, whose grasps are in its own pixels.
class WindowView : public EncodedView {
  public:
    WindowView(const WindowNetwork& network, std::span<const float> window) : network_(network) {
        code_ = network.encode(Eigen::Map<const WindowBatch>(window.data(), 1, window_pixels));
    }

    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient> gradients) const override {
        const auto count = static_cast<Eigen::Index>(grasps.size());
        GraspBatch batch(count, 4), slopes;
        for (Eigen::Index i = 0; i < count; ++i) {
            const PlanarGrasp& y = grasps[static_cast<std::size_t>(i)];
            batch.row(i) << static_cast<float>(y.row), static_cast<float>(y.col), static_cast<float>(y.depth),
                static_cast<float>(y.angle);
        }
        const std::vector<int> code_index(grasps.size(), 0);
        std::vector<float> values(grasps.size());
        network_.evaluate(code_, code_index, batch, values, gradients.empty() ? nullptr : &slopes);
        std::ranges::copy(values, energies.begin());
        for (std::size_t i = 0; i < gradients.size(); ++i)
            gradients[i] = slopes.row(static_cast<Eigen::Index>(i)).cast<double>();
    }

  private:
    const WindowNetwork& network_;
    WindowBatch code_;
};

std::span<const float> window_of(const WindowStudy& study, std::size_t example) {
    const auto window = static_cast<std::size_t>(study.data.examples.grasp_window[example]);
    return std::span(study.data.examples.windows).subspan(window * window_pixels, window_pixels);
}

PlanarGrasp grasp_of(const WindowStudy& study, std::size_t example) {
    const float* values = &study.data.examples.grasps[example * grasp_columns];
    return {values[0], values[1], values[2], values[3], values[4]};
}

/// The window as an image of the camera that sees every third pixel.
DepthImage window_image(const WindowStudy& study, std::size_t example) {
    const nlohmann::json::json_pointer focal_length("/camera/intrinsics/fx");
    const double f = study.data.config.value(focal_length, CameraIntrinsics{}.fx) / window_stride;
    constexpr double middle = (window_size - 1) / 2.0;
    return {Eigen::Map<const DepthArray>(window_of(study, example).data(), window_size, window_size),
            {.height = window_size, .width = window_size, .fx = f, .fy = f, .cx = middle, .cy = middle}};
}

/// The first `count` of `order` (positions in study.examples) whose windows are all different.
std::vector<std::size_t> with_distinct_windows(const WindowStudy& study, std::span<const std::size_t> order,
                                               std::size_t count) {
    std::vector<std::size_t> chosen;
    std::vector<bool> taken(study.data.examples.window_count());
    for (const std::size_t position : order) {
        const auto window = static_cast<std::size_t>(study.data.examples.grasp_window[study.examples[position]]);
        if (chosen.size() == count || taken[window]) continue;
        taken[window] = true;
        chosen.push_back(position);
    }
    return chosen;
}

/// Positions in study.examples by rising energy.
std::vector<std::size_t> ranked(const WindowStudy& study) {
    std::vector<std::size_t> order(study.examples.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return study.energies[i]; });
    return order;
}

/// Depths of the table, a plane in the image: least squares over the pixels that remain when what stands out of it is
/// dropped, over and over.
DepthArray table_depths(const DepthArray& depth) {
    constexpr int rounds = 10;
    constexpr double tolerance = 0.003;  // metres
    const Eigen::Index count = depth.size();
    Eigen::MatrixX3d places(count, 3);
    Eigen::VectorXd depths(count);
    for (Eigen::Index i = 0; i < count; ++i) {
        places.row(i) << 1, static_cast<double>(i / depth.cols()), static_cast<double>(i % depth.cols());
        depths[i] = depth(i / depth.cols(), i % depth.cols());
    }
    Eigen::VectorXd weights = Eigen::VectorXd::Ones(count);
    Eigen::VectorXd fitted;
    for (int round = 0; round < rounds; ++round) {
        const Eigen::MatrixX3d weighted = weights.asDiagonal() * places;
        fitted = places * (places.transpose() * weighted).ldlt().solve(weighted.transpose() * depths).eval();
        weights = ((depths - fitted).array() > -tolerance).cast<double>();
    }
    return Eigen::Map<const Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
               fitted.data(), depth.rows(), depth.cols())
        .cast<float>();
}

/// Moves grasps to where training had examples: into the window, and between the highest surface and the table.
std::function<void(PlanarGrasp&)> admissible(const DepthImage& image) {
    const Limits depths = {image.depth.minCoeff(), image.depth.maxCoeff()};
    return [depths](PlanarGrasp& grasp) {
        constexpr double border = 3;  // pixels
        grasp.row = std::clamp(grasp.row, border, window_size - 1 - border);
        grasp.col = std::clamp(grasp.col, border, window_size - 1 - border);
        grasp.depth = std::clamp(grasp.depth, depths.low, depths.high);
    };
}

/// Uniform over the pixels that stand out of the table, angles, and depths between surface and table.
std::vector<PlanarGrasp> random_grasps(const DepthImage& image, std::size_t count, RandomStream& random) {
    constexpr float lowest = 0.005f;  // metres above the table
    const DepthArray table = table_depths(image.depth);
    std::vector<std::array<int, 2>> pixels;
    for (int row = 0; row < image.height(); ++row)
        for (int col = 0; col < image.width(); ++col)
            if (image.depth(row, col) < table(row, col) - lowest) pixels.push_back({row, col});
    std::vector<PlanarGrasp> grasps;
    for (std::size_t i = 0; i < count && !pixels.empty(); ++i) {
        const auto [row, col] = pixels[random.index(pixels.size())];
        grasps.push_back({row + random.uniform(-0.5, 0.5), col + random.uniform(-0.5, 0.5),
                          random.uniform(image.depth(row, col), table(row, col)),
                          random.uniform(-std::numbers::pi / 2, std::numbers::pi / 2), 0});
    }
    return grasps;
}

DescentPanel descend_in(const WindowStudy& study, std::size_t example, const DescentOptions& options,
                        RandomStream& random) {
    constexpr std::size_t starts = 12;
    const DepthImage image = window_image(study, example);
    auto grasps = random_grasps(image, starts, random);
    std::vector<std::vector<DescentStep>> trace;
    descend(WindowView(study.network, window_of(study, example)), image.camera, grasps, options, admissible(image),
            &trace);
    DescentPanel panel{.image = image, .contrast = depth_contrast(image), .side = window_size, .paths = {}};
    for (const auto& steps : trace) {
        DescentPath& path = panel.paths.emplace_back();
        for (const DescentStep& step : steps) {
            path.grasps.push_back(step.grasp);
            path.energies.push_back(step.energy);
        }
    }
    return panel;
}

/// Highest less lowest energy of the example's grasp turned through half a turn.
double range_over_angles(const WindowStudy& study, std::size_t example) {
    constexpr int turns = 36;
    std::vector<PlanarGrasp> grasps(turns, grasp_of(study, example));
    for (int i = 0; i < turns; ++i) grasps[static_cast<std::size_t>(i)].angle += i * std::numbers::pi / turns;
    std::vector<double> energies(grasps.size());
    WindowView(study.network, window_of(study, example)).evaluate(grasps, energies, {});
    const auto [low, high] = std::ranges::minmax(energies);
    return high - low;
}

}  // namespace

Picture contrast_sheet(const WindowStudy& study) {
    constexpr std::size_t tiles_per_sheet = 16;
    std::vector<std::size_t> order = ranked(study);
    std::vector<Picture> sheets;
    for (const char* title : {"Lowest energies", "Highest energies"}) {
        std::vector<ContactTile> tiles;
        for (const std::size_t position : with_distinct_windows(study, order, tiles_per_sheet)) {
            const std::size_t example = study.examples[position];
            tiles.push_back({.window = window_image(study, example),
                             .grasp = grasp_of(study, example),
                             .caption = fmt::format("E = {:.2f}", study.energies[position]),
                             .success = study.data.examples.success(example)});
        }
        sheets.push_back(contact_sheet(
            tiles, {.title = fmt::format("{} among {} test examples: {}", title, study.examples.size(), study.name)}));
        std::ranges::reverse(order);
    }
    return sheet(sheets, 1);
}

Picture study_landscape(const WindowStudy& study) {
    constexpr std::size_t candidates = 64;
    std::vector<std::size_t> successes = ranked(study);
    std::erase_if(successes, [&](std::size_t i) { return !study.data.examples.success(study.examples[i]); });
    require(!successes.empty(), "there is no success among the test examples to draw the energy around");
    const std::vector<std::size_t> good = with_distinct_windows(study, successes, candidates);
    const std::size_t example = study.examples[*std::ranges::max_element(
        good, {}, [&](std::size_t i) { return range_over_angles(study, study.examples[i]); })];

    const DepthImage image = window_image(study, example);
    const WindowView view(study.network, window_of(study, example));
    std::array grasps = {grasp_of(study, example)};
    descend(view, image.camera, grasps, {.steps = 200, .rate = 0.1, .decay = 0.97}, admissible(image));
    const ContactTile tile{.window = image, .grasp = grasps[0], .caption = "the grasp", .success = {}};
    LandscapeOptions options;
    options.title = fmt::format("Energy around a good grasp in a test window: {}", study.name);
    return sheet(std::array{energy_landscape(view, grasps[0], options), contact_sheet(std::array{tile}, {.zoom = 10})},
                 2);
}

void study_descent(const WindowStudy& study, std::uint64_t seed, const std::filesystem::path& path) {
    constexpr std::size_t windows = 4;
    constexpr int hold_frames = 25;  // the last step stays this long
    RandomStream random(seed);
    std::vector<std::size_t> order(study.examples.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(std::span(order));
    const DescentOptions options{.steps = 100, .decay = 0.98};
    std::vector<DescentPanel> panels;
    for (const std::size_t position : with_distinct_windows(study, order, order.size())) {
        DescentPanel panel = descend_in(study, study.examples[position], options, random);
        if (!panel.paths.empty()) panels.push_back(std::move(panel));  // something stands out of the table
        if (panels.size() == windows) break;
    }
    require(!panels.empty(), "there is no test window to descend in in which anything stands out of the table");
    const std::string title = fmt::format("Random grasps descend the energy in test windows: {}", study.name);
    write_movie(path, options.steps + 1 + hold_frames, 25, [&](int frame) {
        return descent_frame(panels, static_cast<std::size_t>(std::min(frame, options.steps)),
                             {.title = title, .opening = 0.05});
    });
}

}  // namespace ebgrasp::app
