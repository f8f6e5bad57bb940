#include "ebgrasp/training/training_config.hpp"

#include <algorithm>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/dataset/shards.hpp"
#include "ebgrasp/training/trainable.hpp"

namespace ebgrasp {

void TrainingConfig::validate() const {
    const auto check = [](bool ok, const char* field, const auto& value, const char* bound) {
        require(ok, "training: ", field, " is ", value, ", must be ", bound);
    };
    const auto models = trainable_models();
    check(std::ranges::find(models, model) != models.end(), "model", model, nlohmann::json(models).dump().c_str());
    check(loss == "nce" || loss == "bce", "loss", loss, "nce or bce");
    check(temperature > 0 && temperature <= 1e6, "temperature", temperature, "in (0, 1e6]");
    check(epochs >= 1 && epochs <= 1'000'000, "epochs", epochs, "in [1, 1e6]");
    check(batch_size >= 2 && batch_size <= 65536, "batch_size", batch_size, "in [2, 65536]");
    check(batch_by == "example" || batch_by == "window", "batch_by", batch_by, "example or window");
    check(precision == "float32" || (precision == "bfloat16" && model == "gqcnn"), "precision", precision,
          "float32, or bfloat16 for gqcnn");
    check(optimizer == "adam" || optimizer == "sgd", "optimizer", optimizer, "adam or sgd");
    check(learning_rate > 0 && learning_rate <= 1, "learning_rate", learning_rate, "in (0, 1]");
    check(momentum >= 0 && momentum < 1, "momentum", momentum, "in [0, 1)");
    check(weight_decay >= 0 && weight_decay <= 1, "weight_decay", weight_decay, "in [0, 1]");
    check(learning_rate_decay > 0 && learning_rate_decay <= 1, "learning_rate_decay", learning_rate_decay, "in (0, 1]");
    check(decay_epochs > 0, "decay_epochs", decay_epochs, "above 0");
    check(grasp_rate > 0 && grasp_rate <= 256, "grasp_rate", grasp_rate, "in (0, 256]");
    check(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
    check(device == "auto" || device == "cpu" || device == "cuda", "device", device, "auto, cpu or cuda");
    check(threads >= 0 && threads <= 1024, "threads", threads, "in [0, 1024]");
    if (split_by != "data") parse_split_by(split_by);
}

}  // namespace ebgrasp
