#include "ebgrasp/core/config.hpp"

#include <algorithm>
#include <cmath>
#include <yaml-cpp/yaml.h>

#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr int max_nodes = 1'000'000;
constexpr int max_depth = 32;

/// A scalar's text, which has to be UTF-8: JSON is.
std::string text_of(const YAML::Node& node) {
    const std::string text = node.as<std::string>();
    try {
        json(text).dump();
    } catch (const json::type_error&) {
        throw YAML::Exception(node.Mark(), "is not UTF-8 text");
    }
    return text;
}

json scalar_to_json(const YAML::Node& node) {
    if (node.Tag() == "!") return text_of(node);  // quoted
    std::int64_t integer;
    std::uint64_t large;
    double number;
    bool boolean;
    if (YAML::convert<std::int64_t>::decode(node, integer)) return integer;
    if (YAML::convert<std::uint64_t>::decode(node, large)) return large;
    if (YAML::convert<double>::decode(node, number)) return number;
    if (YAML::convert<bool>::decode(node, boolean)) return boolean;
    return text_of(node);
}

/// `budget`: nodes that may still be made; a few nested aliases can stand for more than fit in memory.
json node_to_json(const YAML::Node& node, int& budget, int depth = 0) {
    require(depth < max_depth, "nested more than ", max_depth, " levels deep");
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
            for (const auto& item : node) object[text_of(item.first)] = node_to_json(item.second, budget, depth + 1);
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
    } else if (value.is_null()) {
        out << YAML::Null;
    } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
        out << value.get<double>();  // JSON has no word for it
    } else {
        out << value.dump();  // json's shortest round-trip form of numbers, true, false, null
    }
}

/// A whole number as an integer, which it is to whoever wrote 1e6.
json to_integer(const json& given, const std::string& source) {
    if (!given.is_number_float()) return given;
    const double number = given.get<double>();
    constexpr double exact = 9007199254740992;  // 2^53: above it a double stands for several integers
    require(std::abs(number) <= exact && number == std::floor(number), source, ": is ", number,
            ", must be a whole number");
    return static_cast<std::int64_t>(number);
}

}  // namespace

json parse_json(std::string_view text, const std::string& source) {
    const auto shallow = [&](int depth, json::parse_event_t, json&) {
        require(depth <= max_depth, source, ": is nested more than ", max_depth, " levels deep");
        return true;
    };
    try {
        return json::parse(text, shallow);
    } catch (const json::exception& error) {
        fail(source, ": is no JSON (", error.what(), ")");
    }
}

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

json with_integers(const json& given, const json& known, const std::string& source) {
    require(!given.is_null() || known.is_null(), source, ": has no value");
    if (known.is_number_integer()) return to_integer(given, source);
    json result = given;
    if (given.is_object() && known.is_object()) {
        for (const auto& [key, value] : given.items())
            if (known.contains(key)) result[key] = with_integers(value, known.at(key), source + ": " + key);
    } else if (given.is_array() && known.is_array() && !known.empty()) {
        for (std::size_t i = 0; i < given.size(); ++i)
            result[i] = with_integers(given[i], known[std::min(i, known.size() - 1)], source);
    }
    return result;
}

void require_kept(const json& given, const json& taken, const std::string& source) {
    if (given.is_object() && taken.is_object()) {
        for (const auto& [key, value] : given.items())
            if (taken.contains(key)) require_kept(value, taken.at(key), source + ": " + key);
    } else {
        const bool nan =
            given.is_number_float() && std::isnan(given.get<double>());  // equals nothing; validate() refuses it
        require(nan || given == taken, source, ": is ", given.dump(), ", which is out of range");
    }
}

}  // namespace ebgrasp
