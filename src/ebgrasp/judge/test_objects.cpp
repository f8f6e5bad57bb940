#include "ebgrasp/judge/test_objects.hpp"

#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/generation_config.hpp"

namespace ebgrasp {

std::vector<PreparedObject> choose_objects(const GenerationConfig& config, const ObjectChoice& choice) {
    auto objects = load_objects(config.objects, config.seed);
    const auto splits = draw_splits(objects.size(), config.split, config.seed);
    std::vector<PreparedObject> chosen;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const std::string& name = objects[i].name();
        const bool in_split = choice.split.empty() || splits[i] == parse_split(choice.split);
        const bool in_range = name >= choice.from && (choice.to.empty() || name <= choice.to);
        if (in_split && in_range) chosen.push_back(std::move(objects[i]));
    }
    require(!chosen.empty(), config.objects, ": none of the ", objects.size(), " objects is in split '", choice.split,
            "' and named from '", choice.from, "' to '", choice.to, "'");
    return chosen;
}

}  // namespace ebgrasp
