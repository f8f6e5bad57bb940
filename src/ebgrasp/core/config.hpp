// Configuration structs: plain structs whose member initialisers are the defaults, read from YAML (or JSON) over them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

/// JSON text out of a file or another program. Throws Error: no JSON, or nested so deep (32 levels) that whoever walks
/// through it runs out of stack.
nlohmann::json parse_json(std::string_view text, const std::string& source);

/// A YAML (or JSON) file as JSON. Throws Error with the line of the first mistake.
nlohmann::json read_yaml(const std::filesystem::path& path);
/// The YAML text of a JSON value; read_yaml gives the value back.
std::string to_yaml(const nlohmann::json& value);

/// Throws Error if `given` holds a key that `known` does not, at any depth, naming the key and the known ones.
void require_known_keys(const nlohmann::json& given, const nlohmann::json& known, const std::string& source);

/// `given` with integers where `known` has them, so that 1e6 may be written for one; of lists the last known element
/// stands for all that follow. Throws Error, naming the key: a fraction for an integer, or null for a value.
nlohmann::json with_integers(const nlohmann::json& given, const nlohmann::json& known, const std::string& source);

/// Throws Error, naming the first value of `given` that `taken` has not kept: a number that its type cannot hold.
void require_kept(const nlohmann::json& given, const nlohmann::json& taken, const std::string& source);

/// `T{}` with the fields named in `given` replaced (nested objects field by field). T is (de)serialisable by
/// nlohmann::json. Throws Error for an unknown key or a value of the wrong type or out of its type's range.
template <typename T>
T config_from_json(const nlohmann::json& given, const std::string& source) {
    nlohmann::json merged = T{};
    require(given.is_object() || given.is_null(), source, ": is no mapping of names to values");
    if (given.is_null()) return T{};
    require_known_keys(given, merged, source);
    merged.merge_patch(with_integers(given, merged, source));
    try {
        T config = merged.get<T>();
        require_kept(merged, config, source);
        return config;
    } catch (const nlohmann::json::exception& error) {
        fail(source, ": ", error.what());
    }
}

}  // namespace ebgrasp
