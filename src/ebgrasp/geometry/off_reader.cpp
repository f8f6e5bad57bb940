#include <cmath>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/mesh_readers.hpp"
#include "ebgrasp/geometry/mesh_text.hpp"

namespace ebgrasp {
namespace {

/// Lines: `OFF`, the numbers of vertices, faces and edges, a vertex each, and a face each: its number of corners, their
/// vertices, and perhaps a colour. assimp's reader crashes on faces without corners.
class OffParser {
  public:
    OffParser(std::string_view text, std::string name) : rest_(text), name_(std::move(name)) {}

    Surface parse() {
        Words first = next_line();
        require(first.next().ends_with("OFF"), name_, ": is no OFF file");
        std::string_view word = first.next();  // the counts may stand beside OFF
        if (word.empty()) word = (first = next_line()).next();
        const auto vertices = count(word), faces = count(first.next());
        require(vertices + faces <= rest_.size(), name_, ": promises ", vertices + faces, " elements in ", rest_.size(),
                " bytes");
        Surface surface;
        for (std::size_t i = 0; i < vertices; ++i) {
            Words words = next_line();
            Eigen::Vector3d& vertex = surface.vertices.emplace_back();
            for (double& coordinate : vertex) coordinate = number<double>(words.next());
        }
        for (std::size_t i = 0; i < faces; ++i) {
            Words words = next_line();
            const std::size_t corners = count(words.next());
            Fan fan(surface.triangles);
            for (std::size_t k = 0; k < corners; ++k) {
                const auto index = count(words.next());
                require(index < vertices, name_, ": no vertex ", index, " of ", vertices);
                fan.add(static_cast<int>(index));
            }
        }
        return surface;
    }

  private:
    /// The words of the next line that has any.
    Words next_line() {
        while (!rest_.empty()) {
            std::string_view line = take_line(rest_);
            line = line.substr(0, line.find('#'));
            if (!Words(line).next().empty()) return Words(line);
        }
        fail(name_, ": ends before its last face; is the file truncated?");
    }

    template <typename Number>
    Number number(std::string_view word) const {
        const auto value = parse_number<Number>(word);
        require(value.has_value(), name_, ": '", word, "' stands where a number is needed");
        return *value;
    }

    std::size_t count(std::string_view word) const {
        const auto value = number<std::size_t>(word);
        require(value <= max_mesh_vertices, name_, ": more than ", max_mesh_vertices, " vertices or faces");
        return value;
    }

    std::string_view rest_;
    std::string name_;
};

}  // namespace

Surface parse_off(std::string_view text, const std::string& name) { return OffParser(text, name).parse(); }

}  // namespace ebgrasp
