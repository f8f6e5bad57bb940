#include "train_field.hpp"

#include <fmt/format.h>
#include <iostream>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/generation/field_scenes.hpp"
#include "ebgrasp/judge/journal.hpp"
#include "ebgrasp/judge/practice.hpp"
#include "ebgrasp/simulation/settle.hpp"
#include "ebgrasp/training/field_trainer.hpp"

namespace ebgrasp::app {
namespace {

/// More objects to train on.
struct FieldSource {
    std::string objects;         ///< as GenerationConfig's; all of them are for training
    int training_scenes = 1000;  ///< of these objects alone
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldSource, objects, training_scenes)

/// All that a field is made of: one YAML file.
struct FieldStudy {
    GenerationConfig data;  ///< objects, camera, noise, labels, split, seed
    FieldSceneParameters scenes;
    int training_scenes = 4000, validation_scenes = 200;
    std::vector<FieldSource> more = {};
    PracticeParameters practice;
    FieldTrainingConfig training;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldStudy, data, scenes, training_scenes, validation_scenes, more, practice,
                                   training)

class SampledScenes : public FieldData {
  public:
    /// Adds `count` scenes; `practice(i)` is that in the i-th.
    void draw(const FieldSceneSampler& sampler, std::size_t count, std::uint64_t seed, int stream,
              const std::string& name, const std::function<Practice(std::size_t)>& practice) {
        std::vector<std::optional<FieldScene>> scenes(count);
        Progress progress(name, count, "scenes");
        parallel_for(count, [&](std::size_t i) {
            RandomStream random(seed, stream, i);
            scenes[i] = sampler.sample(random, practice(i));
            progress.advance();
        });
        for (auto& scene : scenes) scenes_.push_back(std::move(*scene));
    }

    std::size_t size() const override { return scenes_.size(); }
    Scene scene(std::size_t index) const override {
        const FieldScene& s = scenes_[index];
        return {s.grid, s.gripper, s.grasps, s.hold, s.executed};
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

/// The practice that a study asks for, if any, remembered in a file.
class StudyPractice {
  public:
    StudyPractice(const FieldStudy& study, const std::string& output) {
        if (study.practice.model.empty()) return;
        const std::string weights = find_model(study.practice.model);
        // Not the numbers of scenes: to add some is no reason to execute the others again.
        nlohmann::json more = nlohmann::json::array();
        for (const FieldSource& source : study.more) more.push_back(source.objects);
        practice_ = practice_with(load_energy_model(weights), study.practice);
        journal_.emplace(output + ".practice", nlohmann::json{{"data", study.data},
                                                              {"scenes", study.scenes},
                                                              {"more", more},
                                                              {"practice", study.practice},
                                                              {"weights", fingerprint(read_file(weights))}});
    }

    /// In scene `scene` of source `source`.
    Practice in(int source, std::size_t scene) {
        return journal_ ? journal_->remembered(source, scene, practice_) : Practice{};
    }

  private:
    Practice practice_;
    std::optional<PracticeJournal> journal_;
};

}  // namespace

void train_field_model(const std::string& config, const std::string& output, const CommonOptions& common) {
    require(!config.empty(), "--model field needs --config, such as studies/field.yaml");
    auto study = config_from_json<FieldStudy>(read_yaml(config), config);
    study.data.validate();
    if (common.threads > 0) study.training.threads = common.threads;
    StudyPractice practice(study, output);
    const auto objects = load_objects(study.data.objects, study.data.seed);
    const auto splits = draw_splits(objects.size(), study.data.split, study.data.seed);
    const auto sampler = [&](std::vector<PreparedObject> chosen) {
        return FieldSceneSampler(std::move(chosen), {}, study.data, study.scenes, settle_pile);
    };
    SampledScenes training, validation;
    validation.draw(sampler(objects_of(objects, splits, Split::validation)),
                    static_cast<std::size_t>(study.validation_scenes), study.data.seed, 2, "validation scenes",
                    [](std::size_t) { return Practice{}; });
    const auto draw_training = [&](std::vector<PreparedObject> chosen, int count, int source) {
        const int stream = source == 0 ? 1 : source + 2;
        training.draw(sampler(std::move(chosen)), static_cast<std::size_t>(count), study.data.seed, stream,
                      "training scenes", [&, source](std::size_t i) { return practice.in(source, i); });
    };
    draw_training(objects_of(objects, splits, Split::train), study.training_scenes, 0);
    for (std::size_t i = 0; i < study.more.size(); ++i)
        draw_training(load_objects(study.more[i].objects, study.data.seed), study.more[i].training_scenes,
                      static_cast<int>(i) + 1);
    nlohmann::json provenance = study;
    provenance.erase("training");
    const auto reports = train_field(training, validation, study.training, provenance, output, [](const auto& r) {
        info("step {}: loss {:.3f}, AUC {:.4f} (success head {:.4f}), top-1 {:.1f} %, descended {:.1f} %, {:.0f} s",
             r.step, r.loss, r.roc_auc, r.logit_roc_auc, 100 * r.top1, 100 * r.top1_descended, r.seconds);
    });
    if (common.json) print_json({{"output", output}, {"reports", reports}});
}

}  // namespace ebgrasp::app
