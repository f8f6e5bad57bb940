#include "ebgrasp/core/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Inner {
    double gain = 1.5;
    int mode = 7;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Inner, gain, mode)

struct Outer {
    int count = 3;
    Inner inner;
    std::vector<double> values = {1, 2};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Outer, count, inner, values)

json from_text(const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "a.yaml", text);
    return read_yaml(folder.path() / "a.yaml");
}

TEST(ReadYaml, KeepsTheKindsOfValues) {
    EXPECT_EQ(from_text("a: 1\nb: 1.5\nc: true\nd: text\ne: '1'\nf: [1, x]\ng: {h: null}\n"),
              json::parse(R"({"a": 1, "b": 1.5, "c": true, "d": "text", "e": "1", "f": [1, "x"], "g": {"h": null}})"));
    EXPECT_EQ(from_text(R"({"a": [1, 2.5, "x"]})"), json::parse(R"({"a": [1, 2.5, "x"]})"));  // JSON is YAML
}

TEST(ReadYaml, WhatToYamlWroteComesBack) {
    const json value = json::parse(R"({"a": 0.1, "b": ["1", "true", "", "x: y # z\n"], "c": {"d": -7, "e": null}})");
    EXPECT_EQ(from_text(to_yaml(value)), value);
}

TEST(ReadYaml, LargeIntegersStayWhole) {
    EXPECT_EQ(from_text("a: 18446744073709551615\n")["a"], std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(from_text("a: -9223372036854775808\n")["a"], std::numeric_limits<std::int64_t>::min());
}

TEST(ReadYaml, NamesTheLineOfAMistake) {
    EXPECT_THAT([] { from_text("a: 1\nb: [1, 2\n"); }, ThrowsMessage<Error>(HasSubstr("a.yaml:")));
    EXPECT_THAT([] { from_text("a: 1\nb: \xff\n"); }, ThrowsMessage<Error>(HasSubstr("a.yaml:2: is not UTF-8")));
    EXPECT_THAT([] { from_text("a: 1\n\xc0: 1\n"); }, ThrowsMessage<Error>(HasSubstr("a.yaml:2: is not UTF-8")));
}

TEST(ReadYaml, HostileFilesAreErrors) {
    EXPECT_THAT([] { from_text(std::string(100, '[') + std::string(100, ']')); },
                ThrowsMessage<Error>(HasSubstr("32 levels")));
    EXPECT_THROW(from_text(std::string(1000000, '[')), Error);
    EXPECT_THROW(from_text(std::string(1000000, '{')), Error);
    std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";  // ten to the tenth values
    for (char i = '1'; i <= '9'; ++i) {
        const std::string alias = {'*', 'a', static_cast<char>(i - 1), ','};
        bomb.append({'a', i, ':', ' ', '&', 'a', i, ' ', '['});
        for (int k = 0; k < 10; ++k) bomb += alias;
        bomb += "]\n";
    }
    EXPECT_THAT([&] { from_text(bomb); }, ThrowsMessage<Error>(HasSubstr("more than 1000000 values")));
}

TEST(ConfigFromJson, PutsWhatIsGivenOverTheDefaults) {
    const Outer config = config_from_json<Outer>(json::parse(R"({"inner": {"gain": 2}, "values": [5]})"), "here");
    EXPECT_EQ(config.count, 3);
    EXPECT_EQ(config.inner.gain, 2);
    EXPECT_EQ(config.inner.mode, 7);
    EXPECT_EQ(config.values, std::vector<double>{5});
    EXPECT_EQ(config_from_json<Outer>(json(), "here").count, 3);  // an empty file
}

TEST(ParseJson, RefusesWhatIsNoneOrTooDeep) {
    EXPECT_EQ(parse_json(R"({"a": [1, 2.5]})", "it"), json::parse(R"({"a": [1, 2.5]})"));
    EXPECT_THAT([] { parse_json("[1,", "it"); }, ThrowsMessage<Error>(HasSubstr("it: is no JSON (")));
    EXPECT_THAT([] { parse_json(std::string(1000000, '['), "it"); }, ThrowsMessage<Error>(HasSubstr("32 levels")));
    EXPECT_NO_THROW(parse_json(std::string(32, '[') + std::string(32, ']'), "it"));
}

TEST(ConfigFromJson, IntegersAreWholeAndInRange) {
    const auto count = [](const json& value) { return config_from_json<Outer>({{"count", value}}, "here").count; };
    EXPECT_EQ(count(1e6), 1'000'000);
    EXPECT_THAT([&] { count(1.5); }, ThrowsMessage<Error>(HasSubstr("here: count: is 1.5, must be a whole number")));
    EXPECT_THAT([&] { count(1e300); }, ThrowsMessage<Error>(HasSubstr("whole number")));
    EXPECT_THAT([&] { count(1e10); }, ThrowsMessage<Error>(HasSubstr("here: count: is 10000000000, which is out of")));
}

TEST(ConfigFromJson, RefusesUnknownKeysAndWrongTypes) {
    const auto read = [](const char* text) { return [text] { config_from_json<Outer>(json::parse(text), "here"); }; };
    EXPECT_THAT(read(R"({"cuont": 1})"),
                ThrowsMessage<Error>(AllOf(HasSubstr("here"), HasSubstr("'cuont'"), HasSubstr("count"))));
    EXPECT_THAT(read(R"({"inner": {"gian": 1}})"), ThrowsMessage<Error>(HasSubstr("inner: unknown key 'gian'")));
    EXPECT_THAT(read(R"({"inner": {"gain": "loud"}})"), ThrowsMessage<Error>(HasSubstr("here: ")));
    EXPECT_THAT(read("[1]"), ThrowsMessage<Error>(HasSubstr("no mapping")));
}

}  // namespace
}  // namespace ebgrasp
