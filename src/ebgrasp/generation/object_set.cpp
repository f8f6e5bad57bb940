#include "ebgrasp/generation/object_set.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/geometry/mesh_formats.hpp"
#include "ebgrasp/geometry/procedural.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view procedural_prefix = "procedural:";

std::vector<fs::path> mesh_files(const fs::path& source) {
    require(fs::exists(source), source.string(), ": no such file or folder; name one, or procedural:N");
    if (!fs::is_directory(source)) return {source};
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(source))
        if (is_mesh_file(entry.path())) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

std::size_t procedural_count(const std::string& source) {
    const std::string_view digits = std::string_view(source).substr(procedural_prefix.size());
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), count);
    require(error == std::errc() && end == digits.end() && count >= 1 && count <= 1'000'000, "objects '", source,
            "': the number after procedural: must be in [1, 1000000]");
    return count;
}

}  // namespace

std::vector<PreparedObject> load_objects(const std::string& source, std::uint64_t seed, double min_volume) {
    const bool procedural = source.starts_with(procedural_prefix);
    const auto files = procedural ? std::vector<fs::path>{} : mesh_files(source);
    const std::size_t count = procedural ? procedural_count(source) : files.size();

    std::vector<std::optional<PreparedObject>> prepared(count);
    std::vector<std::string> skipped(count);
    Progress progress("objects", count);
    parallel_for(count, [&](std::size_t i) {
        try {
            Object object = procedural ? procedural_object(seed, i) : read_object(files[i]);
            auto poses = stable_poses(object);
            if (object.mass.volume < min_volume)
                skipped[i] = object.name + ": smaller than " + std::to_string(min_volume * 1e6) + " cm3";
            else if (poses.empty())
                skipped[i] = object.name + ": has no stable pose";
            else
                prepared[i] = {std::make_shared<const LabelObject>(std::move(object)), std::move(poses)};
        } catch (const Error& error) {
            skipped[i] = error.what();
        }
        progress.advance();
    });

    std::vector<PreparedObject> objects;
    std::size_t skips = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (prepared[i]) objects.push_back(std::move(*prepared[i]));
        if (!skipped[i].empty() && ++skips <= 5) warn("left out {}", skipped[i]);
    }
    if (skips > 5) warn("left out {} objects in all", skips);
    require(!objects.empty(), source, ": holds no usable object (", count, " looked at)");
    return objects;
}

const StablePose& sample_pose(const PreparedObject& object, RandomStream& random) {
    double u = random.uniform();
    for (const auto& pose : object.poses)
        if ((u -= pose.probability) < 0) return pose;
    return object.poses.back();
}

}  // namespace ebgrasp
