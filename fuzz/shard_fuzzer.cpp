#include <map>

#include "ebgrasp/core/file.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;
namespace fs = std::filesystem;

namespace {

/// A shard of each layout, whole, whose columns are replaced one at a time.
class Shards {
  public:
    Shards() {
        header_ = {nlohmann::json::object(), {{"cube", Split::train}}, {folder_.path() / "windows"}};
        header_.shards.push_back(folder_.path() / "scenes");
        write_window_shard(header_.shards[0],
                           {.windows = std::vector<float>(grasp_window_pixels, 0.5f),
                            .window_object = {0},
                            .grasps = {16, 16, 0.5f, 0, 0.02f},
                            .grasp_window = {0},
                            .robust_epsilon = {0.1f},
                            .epsilon = {0.1f},
                            .verdict = {0},
                            .grasp_windows = std::vector<std::uint16_t>(grasp_window_pixels, 5000)},
                           {});
        SceneRecord scene;
        scene.height = scene.width = 2;
        scene.intrinsics = {525, 525, 0.5, 0.5};
        scene.depth = {5000, 5000, 5000, 5000};
        scene.instances = {0, 1, 0, 1};
        scene.objects = {{0, Eigen::Isometry3d::Identity()}};
        scene.grasps = {{0, 1, 0.5f, 0, 0.02f, 0.1f, 0.1f, 0, 0}};
        write_scene_shard(header_.shards[1], {&scene, 1});
        for (const auto& shard : header_.shards)
            for (const auto& entry : fs::directory_iterator(shard)) whole_[entry.path()] = read_file(entry.path());
    }

    /// Reads both shards with `bytes` as their `choice`-th column.
    void read(std::size_t choice, std::string_view bytes) const {
        const auto& [column, whole] = *std::next(whole_.begin(), static_cast<std::ptrdiff_t>(choice % whole_.size()));
        const std::string name = fs::relative(column, folder_.path()).string();
        folder_.write(name, bytes);
        fuzz::value_or_error([&] { read_window_shard(header_, 0); });
        fuzz::value_or_error([&] { read_scene_shard(header_, 1); });
        folder_.write(name, whole);
    }

  private:
    fuzz::InputFolder folder_;
    DatasetHeader header_;
    std::map<fs::path, std::string> whole_;
};

}  // namespace

/// The first byte says which column the others are.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Shards shards;
    if (size > 0) shards.read(data[0], fuzz::text(data + 1, size - 1));
    return 0;
}
