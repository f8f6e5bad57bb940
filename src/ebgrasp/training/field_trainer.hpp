// Training of the dense energy field. No libtorch in this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/energy/field.hpp"
#include "ebgrasp/grasp/grasp.hpp"

namespace ebgrasp {

/// Scenes to learn from, and labels of any grasp in them. Grasps are in the pixels of the overhead view. Thread-safe.
class FieldData {
  public:
    struct Scene {
        const FieldGrid& grid;
        const Gripper& gripper;
        std::span<const PlanarGrasp> grasps;
        std::span<const float> hold;  ///< of `grasps`: probabilities that they hold, one at least above 1/2
        std::size_t executed = 0;     ///< the last of them, of which `hold` says what they did in physics
    };

    virtual ~FieldData() = default;
    virtual std::size_t size() const = 0;
    virtual Scene scene(std::size_t index) const = 0;
    /// Probabilities that they hold.
    virtual std::vector<float> label(std::size_t index, std::span<const PlanarGrasp> grasps,
                                     std::uint64_t seed) const = 0;
};

struct FieldTrainingConfig {
    int steps = 20'000;            ///< [1, 1e7]
    int scenes_per_step = 8;       ///< [1, 256]
    int grasps_per_scene = 128;    ///< read in each scene of a step, [8, 4096], of which
    double executed_share = 0.3;   ///< are executed ones, where there are so many (each up to 4 times),
    double perturbed_share = 0.2;  ///< are successes moved and labelled anew,
    double mined_share = 0.2;      ///< are where the energy, as it is now, leads the best of the others
    double positive_share = 0.3;   ///< of the rest succeed, where there are enough
    int mining_steps = 4;          ///< of descent
    double perturb_translation = 0.008, perturb_angle = 0.4;  ///< metres, radians, standard deviations
    bool mirror = true;                  ///< show each scene mirrored and turned by right angles, at random
    double learning_rate = 1e-3;         ///< Adam's; falls to 0 along a half cosine
    double contrastive_weight = 1.0;     ///< of InfoNCE among the grasps of a scene
    double classification_weight = 1.0;  ///< of the cross-entropy of the success head
    // For ablations:
    double energy_classification_weight = 0.0;  ///< of the cross-entropy of p = 1 / (1 + exp(E))
    double proposal_density_weight = 0.0;  ///< log q is added to the energy in the contrast, times this; q by kernels
    double denoising_weight = 0.0;         ///< of 1 - cos(-dE/dy, y_success - y) at moved successes
    double gradient_penalty = 0.0;         ///< of the squared slope beyond gradient_limit
    double gradient_limit = 4.0;           ///< nats per scaled unit (6 mm, 0.25 rad)
    bool relabel = true;       ///< false: perturbed grasps count as failures, mined ones too, without asking the oracle
    int validate_every = 500;  ///< steps
    std::uint64_t seed = 1;
    std::string device = "auto";
    int threads = 0;

    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldTrainingConfig, steps, scenes_per_step, grasps_per_scene, executed_share,
                                   perturbed_share, mined_share, positive_share, mining_steps, perturb_translation,
                                   perturb_angle, mirror, learning_rate, contrastive_weight, classification_weight,
                                   energy_classification_weight, proposal_density_weight, denoising_weight,
                                   gradient_penalty, gradient_limit, relabel, validate_every, seed, device, threads)

/// What is written to the log at each validation.
struct FieldReport {
    int step = 0;
    double loss = 0;            ///< mean over the steps since the last
    double roc_auc = 0;         ///< of the energy, mean over validation scenes: it ranks the grasps of one scene only
    double logit_roc_auc = 0;   ///< of the success head, over the grasps of all scenes
    double top1 = 0;            ///< of the grasp of lowest energy, the mean probability to hold
    double top1_descended = 0;  ///< the same after the best 32 have descended 16 steps
    double seconds = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldReport, step, loss, roc_auc, logit_roc_auc, top1, top1_descended, seconds)

/// Trains on `training` and writes to `output` the checkpoint with the best top1_descended on `validation`, to
/// output.csv a line per validation, and to output.state what a killed run goes on from.
std::vector<FieldReport> train_field(const FieldData& training, const FieldData& validation,
                                     const FieldTrainingConfig& config, const nlohmann::json& provenance,
                                     const std::filesystem::path& output,
                                     const std::function<void(const FieldReport&)>& on_report = {});

}  // namespace ebgrasp
