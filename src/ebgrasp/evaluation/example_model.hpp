// The deployed runtimes on stored examples.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/window_energy.hpp"

namespace ebgrasp {

/// energies[i] of example indices[i]; every window is encoded once.
std::vector<float> example_energies(const WindowNetwork& network, const WindowExamples& examples,
                                    std::span<const std::size_t> indices);
/// success[i] of example indices[i], 0 or 1.
std::vector<std::uint8_t> example_labels(const WindowExamples& examples, std::span<const std::size_t> indices);

/// A network of any kind that can be asked for the energies of `windows` examples.
class ExampleModel {
  public:
    virtual ~ExampleModel() = default;
    /// energies[i] of example indices[i]. Throws Error if the examples lack what the network reads.
    virtual std::vector<float> energies(const WindowExamples& examples, std::span<const std::size_t> indices) const = 0;
    /// Multiplications with addition for one grasp in a window of its own.
    virtual std::size_t multiply_adds() const = 0;
};

/// The network of a checkpoint: "seed", or "gqcnn", whose energy is the negative logit. Throws Error if it is another,
/// or damaged.
std::unique_ptr<ExampleModel> make_example_model(const Checkpoint& checkpoint);

/// Weights that training chooses: without the statistics of batch norms.
std::size_t parameter_count(const Checkpoint& checkpoint);

/// How a model's training divided the data into train, validation and test.
struct Division {
    SplitBy by = SplitBy::object;
    std::uint64_t seed = 0;  ///< of splits by window or example
};
/// That of the checkpoint; by object if it does not say.
Division training_division(const Checkpoint& checkpoint);

/// The temperature that the model was trained with; 100 if the checkpoint does not say.
double training_temperature(const Checkpoint& checkpoint);

/// What the model's training saw of the examples `indices`: shares of those that it was trained on, and of those whose
/// object it was trained on. Known if both data sets were generated of the same objects (and from the same
/// configuration, for examples, unless no object was seen); NaN where not.
struct SeenShares {
    double examples, objects;
};
SeenShares seen_in_training(const Checkpoint& checkpoint, const WindowDataset& dataset,
                            std::span<const std::size_t> indices);

/// The examples of `split`, divided as the model's training divided its data. Throws Error if there are none, or if the
/// model is known to have been trained on any of them, or, by object, on any of their objects.
std::vector<std::size_t> held_out_examples(const Checkpoint& checkpoint, const WindowDataset& dataset, Split split);

}  // namespace ebgrasp
