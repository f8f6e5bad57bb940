#include "train_per_pixel.hpp"

#include <fmt/format.h>
#include <iostream>
#include <optional>

#include "command.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/generation/scene_generator.hpp"
#include "ebgrasp/planning/scene_planner.hpp"
#include "ebgrasp/training/per_pixel_trainer.hpp"

namespace ebgrasp::app {
namespace {

namespace fs = std::filesystem;

/// Labels the pixels of scenes with the oracle that labelled their grasps.
class PixelLabeller {
  public:
    explicit PixelLabeller(const DatasetHeader& header)
        : config_(config_from_json<GenerationConfig>(header.config, "the data set's configuration")),
          gripper_(load_gripper(header.shards.front().parent_path() / "gripper.yaml")),
          objects_(load_objects(header)) {}

    std::vector<PerPixelExample> label(const std::vector<SceneRecord>& records) const {
        std::vector<std::optional<PerPixelExample>> labelled(records.size());
        parallel_for(records.size(), [&](std::size_t i) { labelled[i] = label(records[i]); });
        std::vector<PerPixelExample> examples;
        for (auto& example : labelled)
            if (example) examples.push_back(std::move(*example));
        return examples;
    }

  private:
    /// Nothing if the planner would see no table or no object.
    std::optional<PerPixelExample> label(const SceneRecord& record) const {
        const SceneOptions options;
        const DepthImage image = depth_image(record);
        const auto plane = fit_support_plane(image, options.plane);
        if (!plane) return std::nullopt;
        const Scene scene(image, {}, *plane, {}, options.min_height);
        if ((scene.region == 0).all()) return std::nullopt;

        const LabelOracle oracle = scene_oracle(record, objects_, gripper_, config_.labels);
        PerPixelExample example = label_pixels(scene, gripper_, [&](std::span<const PlanarGrasp> grasps) {
            std::vector<std::uint8_t> success;
            for (const auto& label :
                 oracle.label(grasps, scene.camera(), record.X_WC * scene.view.X_CV, record.label_seed))
                success.push_back(label.success());
            return success;
        });
        example.split = record.split;
        return example;
    }

    GenerationConfig config_;
    Gripper gripper_;
    std::vector<PreparedObject> objects_;
};

/// The labelled pixels of a shard's scenes, kept beside the shards of the scenes.
fs::path label_folder(const fs::path& shard) { return shard.parent_path() / "pixel_labels" / shard.filename(); }

void label_where_missing(const std::string& data, const DatasetHeader& header) {
    const auto missing = [](const fs::path& shard) { return !fs::exists(label_folder(shard)); };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(header.shards, missing));
    if (count == 0) return;
    const PixelLabeller labeller(header);
    Progress progress("labelling " + data, count, "shards");
    for (std::size_t i = 0; i < header.shards.size(); ++i) {
        if (!missing(header.shards[i])) continue;
        write_per_pixel_shard(label_folder(header.shards[i]), labeller.label(read_scene_shard(header, i)));
        progress.advance();
    }
}

}  // namespace

void train_per_pixel_model(const std::vector<std::string>& data, nlohmann::json fields, const std::string& source,
                           const std::string& output, bool as_json) {
    fields.erase("model");
    const auto config = config_from_json<PerPixelTrainingConfig>(fields, source);
    config.validate();
    const ThreadLimit limit(config.threads);

    std::vector<PerPixelExample> training, validation;
    nlohmann::json provenance;
    for (const std::string& folder : data) {
        const DatasetHeader header = read_scene_header(folder);
        label_where_missing(folder, header);
        for (const fs::path& shard : header.shards)
            for (PerPixelExample& example : read_per_pixel_shard(label_folder(shard))) {
                if (example.split == Split::train)
                    training.push_back(std::move(example));
                else if (example.split == Split::validation)
                    validation.push_back(std::move(example));
            }
        provenance["dataset_configs"].push_back(header.config);
    }
    info("{} scenes to train on, {} to validate", training.size(), validation.size());
    const auto epochs = train_per_pixel(training, validation, config, provenance, output, [](const PerPixelReport& r) {
        info("epoch {}: loss of quality {:.4f}, angle {:.3f}, width {:.4f}; top-1 {:.1f} %, {:.0f} s", r.epoch,
             r.quality_loss, r.angle_loss, r.width_loss, 100 * r.top1, r.seconds);
    });
    const auto best = std::ranges::max_element(epochs, {}, &PerPixelReport::top1);
    if (as_json)
        print_json({{"output", output}, {"best_epoch", best->epoch}, {"epochs", epochs}});
    else
        std::cout << fmt::format("{}: epoch {} of {}, top-1 {:.1f} % on validation scenes\n", output, best->epoch,
                                 epochs.size(), 100 * best->top1);
}

}  // namespace ebgrasp::app
