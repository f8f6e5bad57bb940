#include "ebgrasp/training/trainable.hpp"

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/training/gqcnn_trainable.hpp"
#include "ebgrasp/training/seed_trainable.hpp"

namespace ebgrasp {

std::vector<std::string> trainable_models() { return {"seed", "gqcnn"}; }

std::unique_ptr<TrainableNetwork> make_trainable(const TrainingConfig& config, const WindowDataset& data,
                                                 std::span<const std::size_t> training, torch::Device device) {
    if (config.model == "seed") return std::make_unique<SeedTrainable>(config, data.examples, training, device);
    if (config.model == "gqcnn") return std::make_unique<GqcnnTrainable>(config, data.examples, training, device);
    fail("no network named '", config.model, "' can be trained on windows");
}

}  // namespace ebgrasp
