// How a network is trained. No libtorch in this header.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace ebgrasp {

struct TrainingConfig {
    std::string model = "seed";  ///< one of trainable_models (trainable.hpp)
    std::string loss = "nce";    ///< "nce" (contrastive, the seed's) or "bce"
    double temperature = 100;    ///< of either loss, (0, 1e6]; the seed's authors tried 1, 10, 100 and 1000
    int epochs = 500;            ///< [1, 1e6]
    int batch_size = 512;        ///< examples, [2, 65536]
    /// "example": batches of examples drawn one by one, the seed's; "window": batches of windows with all of their
    /// examples, so that a window is encoded once for all of its grasps (about 4 times as fast) and every success has
    /// failures of its own window among its negatives.
    std::string batch_by = "example";
    /// "float32", or "bfloat16": gqcnn's convolutions in training, twice as fast on CPUs with AMX.
    std::string precision = "float32";
    std::string optimizer = "adam";  ///< "adam" or "sgd"
    double learning_rate = 1e-4;     ///< (0, 1]
    double momentum = 0.9;           ///< of sgd, [0, 1)
    double weight_decay = 0;         ///< L2 penalty 1/2 weight_decay |w|^2 of sgd, [0, 1]
    /// The learning rate is multiplied by `learning_rate_decay`, (0, 1], after every `decay_epochs`, > 0, epochs (which
    /// may be a fraction of one).
    double learning_rate_decay = 1, decay_epochs = 1;
    /// Factor on the learning rate of the seed's weights that read the grasp, (0, 256]. 256 is the literal seed, whose
    /// 256 copies of the grasp all take Adam's step: at a rate of 2e-4 a step is a quarter of the initial weights.
    double grasp_rate = 256;
    double dropout = 0.2;  ///< after the hidden layers, [0, 1); the authors state no value
    bool augment = true;   ///< turn grasps by pi with probability 0.5
    /// "object", "window" or "example" (the seed's); "data": as the data's configuration says, by object if it does not
    std::string split_by = "data";
    std::uint64_t seed = 1;       ///< of weights, order, augmentation, dropout, and the split if not by object
    std::string device = "auto";  ///< "cpu", "cuda", or "auto": cuda where there is one
    int threads = 0;              ///< on the CPU; 0: all

    /// Throws Error naming the first field that is out of range, its value and its bound.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrainingConfig, model, loss, temperature, epochs, batch_size, batch_by, precision,
                                   optimizer, learning_rate, momentum, weight_decay, learning_rate_decay, decay_epochs,
                                   grasp_rate, dropout, augment, split_by, seed, device, threads)

}  // namespace ebgrasp
