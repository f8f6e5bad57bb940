// Configuration structs: plain structs whose member initialisers are the defaults, read from YAML (or JSON) over them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

/// A YAML (or JSON) file as JSON. Throws Error with the line of the first mistake.
nlohmann::json read_yaml(const std::filesystem::path& path);
/// The YAML text of a JSON value; read_yaml gives the value back.
std::string to_yaml(const nlohmann::json& value);

/// Throws Error if `given` holds a key that `known` does not, at any depth, naming the key and the known ones.
void require_known_keys(const nlohmann::json& given, const nlohmann::json& known, const std::string& source);

/// `T{}` with the fields named in `given` replaced (nested objects field by field). T is (de)serialisable by
/// nlohmann::json. Throws Error for an unknown key or a value of the wrong type.
template <typename T>
T config_from_json(const nlohmann::json& given, const std::string& source) {
    nlohmann::json merged = T{};
    require(given.is_object() || given.is_null(), source, ": is no mapping of names to values");
    if (given.is_null()) return T{};
    require_known_keys(given, merged, source);
    merged.merge_patch(given);
    try {
        return merged.get<T>();
    } catch (const nlohmann::json::exception& error) {
        fail(source, ": ", error.what());
    }
}

}  // namespace ebgrasp
