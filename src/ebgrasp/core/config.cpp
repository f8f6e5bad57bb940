#include "ebgrasp/core/config.hpp"

#include <yaml-cpp/yaml.h>

#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr int max_nodes = 1'000'000;

json scalar_to_json(const YAML::Node& node) {
    if (node.Tag() == "!") return node.as<std::string>();  // quoted
    std::int64_t integer;
    double number;
    bool boolean;
    if (YAML::convert<std::int64_t>::decode(node, integer)) return integer;
    if (YAML::convert<double>::decode(node, number)) return number;
    if (YAML::convert<bool>::decode(node, boolean)) return boolean;
    return node.as<std::string>();
}

/// `budget`: nodes that may still be made; a few nested aliases can stand for more than fit in memory.
json node_to_json(const YAML::Node& node, int& budget, int depth = 0) {
    require(depth < 32, "nested more than 32 levels deep");
    require(--budget >= 0, "has more than ", max_nodes, " values");
    switch (node.Type()) {
        case YAML::NodeType::Scalar:
            return scalar_to_json(node);
        case YAML::NodeType::Sequence: {
            json array = json::array();
            for (const auto& item : node) array.push_back(node_to_json(item, budget, depth + 1));
            return array;
        }
        case YAML::NodeType::Map: {
            json object = json::object();
            for (const auto& item : node)
                object[item.first.as<std::string>()] = node_to_json(item.second, budget, depth + 1);
            return object;
        }
        default:
            return nullptr;
    }
}

void emit(YAML::Emitter& out, const json& value) {
    if (value.is_object()) {
        out << YAML::BeginMap;
        for (const auto& [key, item] : value.items()) {
            out << YAML::Key << key << YAML::Value;
            emit(out, item);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        out << YAML::Flow << YAML::BeginSeq;
        for (const auto& item : value) emit(out, item);
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        out << YAML::DoubleQuoted << value.get<std::string>();
    } else {
        out << value.dump();  // json's shortest round-trip form of numbers, true, false, null
    }
}

}  // namespace

json read_yaml(const std::filesystem::path& path) {
    const std::string text = read_file(path, 16 << 20);
    try {
        int budget = max_nodes;
        return node_to_json(YAML::Load(text), budget);
    } catch (const YAML::Exception& error) {
        fail(path.string(), ":", error.mark.line + 1, ": ", error.msg);
    } catch (const Error& error) {
        fail(path.string(), ": ", error.what());
    }
}

std::string to_yaml(const json& value) {
    YAML::Emitter out;
    emit(out, value);
    return std::string(out.c_str()) + "\n";
}

void require_known_keys(const json& given, const json& known, const std::string& source) {
    if (!given.is_object() || !known.is_object()) return;
    for (const auto& [key, value] : given.items()) {
        if (!known.contains(key)) {
            std::string names;
            for (const auto& item : known.items()) names += (names.empty() ? "" : ", ") + item.key();
            fail(source, ": unknown key '", key, "'; known ones are ", names);
        }
        require_known_keys(value, known.at(key), source + ": " + key);
    }
}

}  // namespace ebgrasp
