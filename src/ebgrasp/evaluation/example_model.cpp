#include "ebgrasp/evaluation/example_model.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/gqcnn_runtime.hpp"
#include "ebgrasp/energy/seed_runtime.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr std::size_t windows_at_once = 4096;  ///< bounds the memory of codes
constexpr std::size_t grasps_at_once = 4096;   ///< bounds the memory of windows converted to metres
constexpr std::size_t grasp_columns = 5, depth_column = 2;

class SeedExamples : public ExampleModel {
  public:
    explicit SeedExamples(const Checkpoint& checkpoint) : network_(checkpoint) {}

    std::vector<float> energies(const WindowExamples& examples, std::span<const std::size_t> indices) const override {
        return example_energies(network_, examples, indices);
    }

    std::size_t multiply_adds() const override {
        const auto [encoding, reading] = network_.multiply_adds();
        return static_cast<std::size_t>(encoding + reading);
    }

  private:
    SeedRuntime network_;
};

class GqcnnExamples : public ExampleModel {
  public:
    explicit GqcnnExamples(const Checkpoint& checkpoint) : network_(checkpoint) {}

    std::vector<float> energies(const WindowExamples& examples, std::span<const std::size_t> indices) const override {
        require(examples.has_grasp_windows(),
                "gqcnn needs each grasp's own window, which the data lack; generate them with --grasp-windows");
        std::vector<float> energies;
        for (std::size_t begin = 0; begin < indices.size(); begin += grasps_at_once) {
            const auto chunk = indices.subspan(begin, std::min(grasps_at_once, indices.size() - begin));
            std::vector<float> windows, depths;
            for (const std::size_t i : chunk) {
                for (const std::uint16_t z :
                     std::span(examples.grasp_windows).subspan(i * grasp_window_pixels, grasp_window_pixels))
                    windows.push_back(static_cast<float>(z * stored_depth_unit));
                depths.push_back(examples.grasps[i * grasp_columns + depth_column]);
            }
            for (const float logit : network_.logits(windows, depths)) energies.push_back(-logit);
        }
        return energies;
    }

    std::size_t multiply_adds() const override { return network_.multiply_adds(); }

  private:
    GqcnnRuntime network_;
};

/// read(), whose JSON errors mean that the checkpoint's info is damaged.
template <typename Read>
auto read_info(const Read& read) {
    try {
        return read();
    } catch (const json::exception& error) {
        fail("info 'config' or 'provenance' is damaged: ", error.what());
    }
}

/// The configuration of the data that the model was trained on; an empty object if the checkpoint does not say.
json training_data(const Checkpoint& checkpoint) {
    return read_info(
        [&] { return checkpoint.info.value("provenance", json::object()).value("dataset_config", json::object()); });
}

/// Whether both data sets hold the same objects in the same order.
bool same_objects(const json& data, const json& other) {
    const auto same = [&](const char* key) {
        return data.contains(key) && other.contains(key) && data.at(key) == other.at(key);
    };
    return same("objects") && same("seed");
}

/// Share of the examples `indices` of which `holds(example)`.
template <typename Holds>
double share_of(std::span<const std::size_t> indices, const Holds& holds) {
    return static_cast<double>(std::ranges::count_if(indices, holds)) / static_cast<double>(indices.size());
}

std::size_t object_of(const WindowExamples& examples, std::size_t i) {
    return static_cast<std::size_t>(examples.window_object[static_cast<std::size_t>(examples.grasp_window[i])]);
}

}  // namespace

std::vector<std::uint8_t> example_labels(const WindowExamples& examples, std::span<const std::size_t> indices) {
    std::vector<std::uint8_t> labels;
    for (const std::size_t i : indices) labels.push_back(examples.success(i));
    return labels;
}

std::vector<float> example_energies(const WindowNetwork& network, const WindowExamples& examples,
                                    std::span<const std::size_t> indices) {
    // Positions in `indices` ordered by window, so that the examples of a window come together.
    std::vector<std::size_t> order(indices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto window = [&](std::size_t position) { return examples.grasp_window[indices[position]]; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return window(a) < window(b); });

    std::vector<float> energies(indices.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::vector<std::int32_t> windows;
        std::vector<int> code_index;
        std::size_t end = begin;
        for (; end < order.size(); ++end) {
            if (windows.empty() || window(order[end]) != windows.back()) {
                if (windows.size() == windows_at_once) break;
                windows.push_back(window(order[end]));
            }
            code_index.push_back(static_cast<int>(windows.size()) - 1);
        }
        WindowBatch pixels(static_cast<Eigen::Index>(windows.size()), window_pixels);
        for (std::size_t i = 0; i < windows.size(); ++i)
            std::copy_n(examples.windows.begin() + static_cast<std::ptrdiff_t>(windows[i]) * window_pixels,
                        window_pixels, pixels.row(static_cast<Eigen::Index>(i)).data());
        GraspBatch grasps(static_cast<Eigen::Index>(end - begin), 4);
        for (std::size_t i = begin; i < end; ++i)
            std::copy_n(examples.grasps.begin() + static_cast<std::ptrdiff_t>(indices[order[i]]) * 5, 4,
                        grasps.row(static_cast<Eigen::Index>(i - begin)).data());
        std::vector<float> chunk(end - begin);
        network.evaluate(network.encode(pixels), code_index, grasps, chunk, nullptr);
        for (std::size_t i = begin; i < end; ++i) energies[order[i]] = chunk[i - begin];
        begin = end;
    }
    return energies;
}

std::unique_ptr<ExampleModel> make_example_model(const Checkpoint& checkpoint) {
    if (checkpoint.model == "seed") return std::make_unique<SeedExamples>(checkpoint);
    if (checkpoint.model == "gqcnn") return std::make_unique<GqcnnExamples>(checkpoint);
    fail("a model '", checkpoint.model, "' cannot be judged on windows; these can: seed, gqcnn");
}

std::size_t parameter_count(const Checkpoint& checkpoint) {
    std::size_t count = 0;
    for (const auto& [name, tensor] : checkpoint.tensors)
        if (name.find("running_") == name.npos) count += tensor.values.size();
    return count;
}

Division training_division(const Checkpoint& checkpoint) {
    return read_info([&]() -> Division {
        const json config = checkpoint.info.value("config", json::object());
        std::string by = config.value("split_by", "data");
        if (by == "data") by = training_data(checkpoint).value("split_by", "object");
        return {parse_split_by(by), config.value("seed", std::uint64_t{0})};
    });
}

double training_temperature(const Checkpoint& checkpoint) {
    return read_info([&] { return checkpoint.info.value("config", json::object()).value("temperature", 100.0); });
}

SeenShares seen_in_training(const Checkpoint& checkpoint, const WindowDataset& dataset,
                            std::span<const std::size_t> indices) {
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    const Division trained = training_division(checkpoint);
    const json data = training_data(checkpoint);
    if (!same_objects(data, dataset.config)) return {unknown, unknown};

    SeenShares seen{unknown, 1};
    if (trained.by == SplitBy::object) {
        const auto seed = read_info([&] { return data.at("seed").get<std::uint64_t>(); });
        const auto objects = draw_splits(dataset.objects.size(), split_shares(data), seed);
        seen.objects =
            share_of(indices, [&](std::size_t i) { return objects[object_of(dataset.examples, i)] == Split::train; });
    }
    if (seen.objects == 0) seen.examples = 0;
    if (data == dataset.config) {
        std::vector<bool> is_training(dataset.examples.size(), false);
        for (const std::size_t i : dataset.indices(Split::train, trained.by, trained.seed)) is_training[i] = true;
        seen.examples = share_of(indices, [&](std::size_t i) { return is_training[i]; });
    }
    return seen;
}

std::vector<std::size_t> held_out_examples(const Checkpoint& checkpoint, const WindowDataset& dataset, Split split) {
    const Division trained = training_division(checkpoint);
    auto indices = dataset.indices(split, trained.by, trained.seed);
    require(!indices.empty(), "the ", to_string(split), " split by ", to_string(trained.by), " has no examples");
    const SeenShares seen = seen_in_training(checkpoint, dataset, indices);
    const double share = trained.by == SplitBy::object ? seen.objects : seen.examples;
    require(!(share > 0), "the model was trained on ", 100 * share, " % of the ", to_string(split), " ",
            trained.by == SplitBy::object ? "objects" : "examples",
            ", in data that were split otherwise; generate these with that split");
    return indices;
}

}  // namespace ebgrasp
