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

/// `known` with the values of `given` in place of its own (nested objects field by field), whole numbers as integers
/// where `known` has integers. Throws Error, naming the key: unknown, or a fraction where an integer is needed.
nlohmann::json merged_config(const nlohmann::json& given, const nlohmann::json& known, const std::string& source);

/// Throws Error, naming the first value of `given` that `taken` has not kept: a number that its type cannot hold.
void require_kept(const nlohmann::json& given, const nlohmann::json& taken, const std::string& source);

/// `T{}` with the fields named in `given` replaced (nested objects field by field). T is (de)serialisable by
/// nlohmann::json. Throws Error for an unknown key or a value of the wrong type.
template <typename T>
T config_from_json(const nlohmann::json& given, const std::string& source) {
    if (given.is_null()) return T{};
    const nlohmann::json merged = merged_config(given, T{}, source);
    try {
        T config = merged.get<T>();
        require_kept(merged, config, source);
        return config;
    } catch (const nlohmann::json::exception& error) {
        fail(source, ": ", error.what());
    }
}

}  // namespace ebgrasp
