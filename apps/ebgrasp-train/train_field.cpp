#include "train_field.hpp"

#include <fmt/format.h>
#include <iostream>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/generation/field_scenes.hpp"
#include "ebgrasp/simulation/settle.hpp"
#include "ebgrasp/training/field_trainer.hpp"

namespace ebgrasp::app {
namespace {

/// All that a field is made of: one YAML file.
struct FieldStudy {
    GenerationConfig data;  ///< objects, camera, noise, labels, split, seed
    FieldSceneParameters scenes;
    int training_scenes = 4000, validation_scenes = 200;
    FieldTrainingConfig training;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldStudy, data, scenes, training_scenes, validation_scenes, training)

class SampledScenes : public FieldData {
  public:
    SampledScenes(const FieldSceneSampler& sampler, std::size_t count, std::uint64_t seed, int stream,
                  const std::string& name) {
        std::vector<std::optional<FieldScene>> scenes(count);
        Progress progress(name, count, "scenes");
        parallel_for(count, [&](std::size_t i) {
            RandomStream random(seed, stream, i);
            scenes[i] = sampler.sample(random);
            progress.advance();
        });
        for (auto& scene : scenes) scenes_.push_back(std::move(*scene));
    }

    std::size_t size() const override { return scenes_.size(); }
    Scene scene(std::size_t index) const override {
        const FieldScene& s = scenes_[index];
        return {s.grid, s.gripper, s.grasps, s.hold};
    }
    std::vector<float> label(std::size_t index, std::span<const PlanarGrasp> grasps,
                             std::uint64_t seed) const override {
        return scenes_[index].label(grasps, seed);
    }

  private:
    std::vector<FieldScene> scenes_;
};

/// Objects of one split alone: scenes of the others are not drawn.
std::vector<PreparedObject> objects_of(const std::vector<PreparedObject>& objects, const std::vector<Split>& splits,
                                       Split wanted) {
    std::vector<PreparedObject> chosen;
    for (std::size_t i = 0; i < objects.size(); ++i)
        if (splits[i] == wanted) chosen.push_back(objects[i]);
    return chosen;
}

}  // namespace

void train_field_model(const std::string& config, const std::string& output, const CommonOptions& common) {
    require(!config.empty(), "--model field needs --config, such as studies/field.yaml");
    auto study = config_from_json<FieldStudy>(read_yaml(config), config);
    study.data.validate();
    if (common.threads > 0) study.training.threads = common.threads;
    const auto objects = load_objects(study.data.objects, study.data.seed);
    const auto splits = draw_splits(objects.size(), study.data.split, study.data.seed);
    const auto sample = [&](Split split, int count, int stream, const char* name) {
        const FieldSceneSampler sampler(objects_of(objects, splits, split), {}, study.data, study.scenes, settle_pile);
        return SampledScenes(sampler, static_cast<std::size_t>(count), study.data.seed, stream, name);
    };
    const SampledScenes validation = sample(Split::validation, study.validation_scenes, 2, "validation scenes");
    const SampledScenes training = sample(Split::train, study.training_scenes, 1, "training scenes");
    nlohmann::json provenance = study;
    provenance.erase("training");
    const auto reports = train_field(training, validation, study.training, provenance, output, [](const auto& r) {
        info("step {}: loss {:.3f}, AUC {:.4f} (success head {:.4f}), top-1 {:.1f} %, descended {:.1f} %, {:.0f} s",
             r.step, r.loss, r.roc_auc, r.logit_roc_auc, 100 * r.top1, 100 * r.top1_descended, r.seconds);
    });
    if (common.json) print_json({{"output", output}, {"reports", reports}});
}

}  // namespace ebgrasp::app
