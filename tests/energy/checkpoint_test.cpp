#include "ebgrasp/energy/checkpoint.hpp"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Checkpoint small_checkpoint() {
    return {"seed",
            {{"note", "caf\u00e9"}, {"x", 0.1}},
            {{"b", {{3}, {4, 5, 6}}}, {"a", {{1, 2}, {1, 2}}}, {"e", {{0, 7}, {}}}}};
}

/// The bytes of a file with this header and `data_bytes` zeros of data.
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
    const std::uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + header + std::string(data_bytes, '\0');
}

json metadata() { return {{"format", "ebgrasp-checkpoint/1"}, {"model", "seed"}, {"info", "{}"}}; }

json entry(const json& shape, const json& offsets, const json& dtype = "F32") {
    return {{"dtype", dtype}, {"shape", shape}, {"data_offsets", offsets}};
}

/// What parsing the bytes complains of; empty if it does not.
std::string complaint(const std::string& bytes) {
    try {
        parse_checkpoint(bytes, "file");
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

std::string complaint_of_tensor(const json& tensor, std::size_t data_bytes) {
    return complaint(file_of(json{{"__metadata__", metadata()}, {"t", tensor}}.dump(), data_bytes));
}

TEST(Checkpoint, SurvivesARoundTrip) {
    const Checkpoint written = small_checkpoint();
    const auto path = std::filesystem::path(testing::TempDir()) / "round_trip.safetensors";
    write_checkpoint(written, path);
    const Checkpoint read = read_checkpoint(path);
    EXPECT_EQ(read.model, written.model);
    EXPECT_EQ(read.info, written.info);
    ASSERT_EQ(read.tensors.size(), 3U);
    for (const auto& [name, tensor] : written.tensors) {
        EXPECT_EQ(read.tensors.at(name).shape, tensor.shape);
        EXPECT_EQ(read.tensors.at(name).values, tensor.values);
    }
    EXPECT_EQ(read_file(path), checkpoint_bytes(written, "again"));
}

// https://github.com/huggingface/safetensors: what a reader in another language relies on.
TEST(Checkpoint, IsLaidOutAsSafetensors) {
    const std::string bytes = checkpoint_bytes(small_checkpoint(), "file");
    std::uint64_t length;
    std::memcpy(&length, bytes.data(), 8);
    EXPECT_EQ(length % 8, 0U);
    const std::string header_text = bytes.substr(8, length);
    EXPECT_EQ(header_text.front(), '{');
    const json header = json::parse(header_text);
    for (const auto& [key, value] : header.at("__metadata__").items()) EXPECT_TRUE(value.is_string()) << key;
    EXPECT_EQ(header.at("__metadata__").at("model"), "seed");
    EXPECT_EQ(header.at("a"), entry({1, 2}, {0, 8}));
    EXPECT_EQ(header.at("b"), entry({3}, {8, 20}));
    EXPECT_EQ(header.at("e"), entry({0, 7}, {20, 20}));
    const float expected[] = {1, 2, 4, 5, 6};
    ASSERT_EQ(bytes.size(), 8 + length + sizeof expected);
    EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, expected, sizeof expected), 0);
}

TEST(Checkpoint, RefusesEveryTruncationAndTrailingBytes) {
    const std::string bytes = checkpoint_bytes(small_checkpoint(), "file");
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_NE(complaint(bytes.substr(0, size)), "") << size;
    EXPECT_THAT(complaint(bytes + "four"), HasSubstr("belong to no tensor"));
}

TEST(Checkpoint, RefusesDamagedHeaders) {
    EXPECT_THAT(complaint(std::string(8, '\xff')), HasSubstr("claims a header"));
    EXPECT_THAT(complaint(file_of("[]")), HasSubstr("no JSON object"));
    EXPECT_THAT(complaint(file_of("{\"a\":")), HasSubstr("no JSON ("));
    EXPECT_THAT(complaint(file_of(std::string(1 << 20, '['))), HasSubstr("nested more than 32"));
    EXPECT_THAT(complaint(file_of("{}")), HasSubstr("no checkpoint of ebgrasp"));
    json wrong = metadata();
    wrong["format"] = "ebgrasp-checkpoint/2";
    EXPECT_THAT(complaint(file_of(json{{"__metadata__", wrong}}.dump())), HasSubstr("ebgrasp-checkpoint/2"));
    wrong = metadata();
    wrong["info"] = "[1]";
    EXPECT_THAT(complaint(file_of(json{{"__metadata__", wrong}}.dump())), HasSubstr("info"));
    wrong["info"] = 3;
    EXPECT_THAT(complaint(file_of(json{{"__metadata__", wrong}}.dump())), HasSubstr("info"));
}

TEST(Checkpoint, RefusesDamagedTensorEntries) {
    EXPECT_EQ(complaint_of_tensor(entry({2}, {0, 8}), 8), "");
    EXPECT_EQ(complaint_of_tensor(entry(json::array(), {0, 4}), 4), "");
    EXPECT_THAT(complaint_of_tensor(7, 0), HasSubstr("not described"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {0, 8}, "F64"), 8), HasSubstr("F32"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {0, 8}, 1), 8), HasSubstr("F32"));
    EXPECT_THAT(complaint_of_tensor(entry({-2}, {0, 8}), 8), HasSubstr("whole numbers"));
    EXPECT_THAT(complaint_of_tensor(entry({2.0}, {0, 8}), 8), HasSubstr("whole numbers"));
    EXPECT_THAT(complaint_of_tensor(entry("2", {0, 8}), 8), HasSubstr("list 'shape'"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {0, 4, 8}), 8), HasSubstr("outside"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {8, 0}), 8), HasSubstr("outside"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {0, 12}), 8), HasSubstr("outside"));
    EXPECT_THAT(complaint_of_tensor(entry({3}, {0, 8}), 8), HasSubstr("does not fit"));
    EXPECT_THAT(complaint_of_tensor(entry({2}, {0, 7}), 7), HasSubstr("does not fit"));
    const std::uint64_t huge = std::uint64_t{1} << 62;
    EXPECT_THAT(complaint_of_tensor(entry({huge, 4}, {0, 0}), 0), HasSubstr("does not fit"));
    EXPECT_THAT(complaint_of_tensor(entry(json::array({1, 1, 1, 1, 1, 1, 1, 1, 1}), {0, 4}), 4),
                HasSubstr("at most 8"));
}

TEST(Checkpoint, RefusesOverlapsAndGaps) {
    const auto two = [](const json& a, const json& b, std::size_t size) {
        return complaint(file_of(json{{"__metadata__", metadata()}, {"a", a}, {"b", b}}.dump(), size));
    };
    EXPECT_EQ(two(entry({1}, {4, 8}), entry({1}, {0, 4}), 8), "");
    EXPECT_THAT(two(entry({1}, {0, 4}), entry({1}, {0, 4}), 4), HasSubstr("overlaps"));
    EXPECT_THAT(two(entry({2}, {0, 8}), entry({1}, {4, 8}), 8), HasSubstr("overlaps"));
    EXPECT_THAT(two(entry({1}, {0, 4}), entry({1}, {8, 12}), 12), HasSubstr("gap"));
}

TEST(Checkpoint, RefusesNonFiniteWeightsBothWays) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        Checkpoint checkpoint = small_checkpoint();
        std::string bytes = checkpoint_bytes(checkpoint, "file");
        std::memcpy(bytes.data() + bytes.size() - 4, &bad, 4);
        EXPECT_THAT(complaint(bytes), HasSubstr("NaN or infinite"));
        checkpoint.tensors.at("b").values[1] = bad;
        EXPECT_THROW(checkpoint_bytes(checkpoint, "file"), Error);
    }
}

TEST(Checkpoint, RefusesToWriteAShapeThatDoesNotFit) {
    Checkpoint checkpoint = small_checkpoint();
    checkpoint.tensors.at("b").shape = {4};
    EXPECT_THROW(checkpoint_bytes(checkpoint, "file"), Error);
}

TEST(Checkpoint, WritesTextThatIsNoUtf8) {
    Checkpoint checkpoint = small_checkpoint();
    checkpoint.info["note"] = "\xff\xfe";
    EXPECT_EQ(complaint(checkpoint_bytes(checkpoint, "file")), "");
}

TEST(Checkpoint, NamesMissingTensorsAndBothShapes) {
    const Checkpoint checkpoint = small_checkpoint();
    EXPECT_EQ(checkpoint.tensor("a", {1, 2}).values.size(), 2U);
    try {
        checkpoint.tensor("a", {2, 1});
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("[1,2]"), HasSubstr("[2,1]")));
    }
    EXPECT_THROW(checkpoint.tensor("c", {1}), Error);
}

// Random damage must end in an Error or in a checkpoint, never in anything else (run under sanitizers too).
TEST(Checkpoint, SurvivesRandomDamage) {
    const std::string bytes = checkpoint_bytes(small_checkpoint(), "file");
    for (int trial = 0; trial < 20000; ++trial) {
        RandomStream random(7, trial);
        std::string damaged = bytes.substr(0, random.bernoulli(0.3) ? random.index(bytes.size()) : bytes.size());
        for (std::size_t i = random.index(4); i > 0 && !damaged.empty(); --i)
            damaged[random.index(damaged.size())] =
                static_cast<char>(random.bernoulli(0.5) ? "0129[]{},:\"-e "[random.index(14)] : random());
        complaint(damaged);
    }
}

}  // namespace
}  // namespace ebgrasp
