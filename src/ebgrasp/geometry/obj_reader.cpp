#include <cmath>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/mesh_readers.hpp"
#include "ebgrasp/geometry/mesh_text.hpp"

namespace ebgrasp {
namespace {

class ObjParser {
  public:
    explicit ObjParser(std::string name) : name_(std::move(name)) {}

    ObjFile parse(std::string_view text) {
        while (!text.empty()) {
            ++line_;
            const std::string_view line = take_line(text);
            parse_line(Words(line.substr(0, line.find('#'))));
        }
        return std::move(file_);
    }

  private:
    void parse_line(Words words) {
        const std::string_view keyword = words.next();
        if (keyword == "v") parse_vertex(words);
        if (keyword == "f") parse_face(words);
        if (keyword == "o") {
            file_.has_groups = true;
            file_.groups.emplace_back();
        }
    }

    void parse_vertex(Words& words) {
        Eigen::Vector3d vertex;
        for (double& coordinate : vertex) {
            const std::string_view word = words.next();
            const auto value = parse_number<double>(word);
            check(value && std::isfinite(*value), "a vertex needs three finite numbers, not '", word, "'");
            coordinate = *value;
        }
        check(file_.surface.vertices.size() < max_mesh_vertices, "more than ", max_mesh_vertices, " vertices");
        file_.surface.vertices.push_back(vertex);
    }

    void parse_face(Words& words) {
        Fan fan(file_.groups.back());
        for (std::string_view word = words.next(); !word.empty(); word = words.next()) fan.add(parse_index(word));
        check(fan.corners() >= 3, "a face with ", fan.corners(), " vertices; is the file truncated?");
    }

    /// `v`, `v/vt`, `v//vn` or `v/vt/vn`; counted from 1, or from the end if negative.
    int parse_index(std::string_view word) const {
        const auto count = static_cast<int>(file_.surface.vertices.size());
        const auto index = parse_number<int>(word, '/');
        check(index && *index != 0 && *index <= count && *index >= -count, "no vertex '", word, "' among the ", count,
              " read so far");
        return *index > 0 ? *index - 1 : count + *index;
    }

    template <typename... Parts>
    void check(bool condition, const Parts&... parts) const {
        require(condition, name_, ":", line_, ": ", parts...);
    }

    std::string name_;
    std::size_t line_ = 0;
    ObjFile file_;
};

}  // namespace

ObjFile parse_obj(std::string_view text, const std::string& name) { return ObjParser(name).parse(text); }

}  // namespace ebgrasp
