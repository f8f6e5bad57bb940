#include "ebgrasp/core/npy.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A file as NumPy writes it, but with any header text and data.
std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
    std::string file = "\x93NUMPY";
    file += static_cast<char>(version);
    file += '\0';
    for (int shift = 0; shift < (version == 1 ? 16 : 32); shift += 8)
        file += static_cast<char>(dictionary.size() >> shift & 0xff);
    return file + dictionary + data;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

NpyArray parse(const std::string& file) { return parse_npy(file, "a.npy"); }

void expect_error(const std::string& file, const std::string& message) {
    EXPECT_THAT([&] { parse(file); }, ThrowsMessage<Error>(testing::AllOf(HasSubstr("a.npy"), HasSubstr(message))));
}

TEST(Npy, HeaderIsNumPysOwn) {
    // np.save of np.zeros((2, 3), np.float32), byte for byte
    std::string expected = "\x93NUMPY\x01";
    expected += std::string("\0v\0", 3);
    expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    expected.resize(127, ' ');
    expected += '\n';
    EXPECT_EQ(npy_header<float>({2, 3}), expected);
    EXPECT_THAT(npy_header<std::uint8_t>({5}), HasSubstr("'|u1', 'fortran_order': False, 'shape': (5,), }"));
    EXPECT_THAT(npy_header<std::int64_t>({}), HasSubstr("'<i8', 'fortran_order': False, 'shape': (), }"));
    for (std::size_t n = 1; n < 1'000'000'000'000; n *= 10) EXPECT_EQ(npy_header<double>({n, n, n}).size() % 64, 0u);
}

template <typename T>
class NpyRoundTrip : public testing::Test {};
using Elements = testing::Types<float, double, std::uint8_t, std::uint16_t, std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(NpyRoundTrip, Elements);

TYPED_TEST(NpyRoundTrip, GivesTheSameArrayBack) {
    const TemporaryFolder folder;
    const std::vector<TypeParam> values = {
        0, 1, 2, std::numeric_limits<TypeParam>::max(), std::numeric_limits<TypeParam>::lowest(), 5};
    write_npy<TypeParam>(folder.path() / "a.npy", values, {3, 1, 2});
    const NpyArray array = read_npy(folder.path() / "a.npy");
    EXPECT_THAT(array.shape, ElementsAre(3, 1, 2));
    EXPECT_EQ(array.size(), 6u);
    EXPECT_EQ(array.as<TypeParam>(), values);
    EXPECT_EQ(to_npy(array), read_file(folder.path() / "a.npy"));
}

TEST(Npy, WriteChecksTheShape) {
    const TemporaryFolder folder;
    const std::vector<float> values(5);
    EXPECT_THROW(write_npy<float>(folder.path() / "a.npy", values, {2, 3}), Error);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "a.npy"));
}

TEST(Npy, ReadsWhatOtherVersionsWrite) {
    const std::string data = bytes_of<std::int16_t>({1, -2});
    for (const int version : {1, 2, 3})
        EXPECT_THAT(
            parse(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", data, version)).as<float>(),
            ElementsAre(1.0f, -2.0f));
    // Python 2's long integers, another order of the keys, other quotes and spaces
    EXPECT_THAT(parse(npy("{ \"shape\":(1L ,2L),'fortran_order' : False,'descr':'<i2'}", data)).shape,
                ElementsAre(1, 2));
}

TEST(Npy, ScalarsAndEmptyArraysAreArraysToo) {
    EXPECT_THAT(
        parse(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", bytes_of<double>({2.5}))).as<float>(),
        ElementsAre(2.5f));
    EXPECT_TRUE(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", "")).as<float>().empty());
}

TEST(Npy, FortranOrderIsTurnedIntoCOrder) {
    // a[i, j, k] = 100 i + 10 j + k of shape (2, 3, 2), first index fastest
    std::vector<std::int32_t> fortran, c;
    for (int k = 0; k < 2; ++k)
        for (int j = 0; j < 3; ++j)
            for (int i = 0; i < 2; ++i) fortran.push_back(100 * i + 10 * j + k);
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 2; ++k) c.push_back(100 * i + 10 * j + k);
    const NpyArray array =
        parse(npy("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 2), }", bytes_of(fortran)));
    EXPECT_EQ(array.as<std::int32_t>(), c);
}

TEST(Npy, ConvertsBetweenNumbersThatFit) {
    const auto floats = [](const std::string& descr, const std::string& data, std::size_t n) {
        return parse(npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + std::to_string(n) + ",), }",
                         data))
            .as<float>();
    };
    EXPECT_THAT(floats("<f2", bytes_of<std::uint16_t>({0x3c00, 0xc000, 0x3555}), 3),
                ElementsAre(1.0f, -2.0f, testing::FloatNear(1.0f / 3, 1e-4f)));
    EXPECT_THAT(floats("|b1", std::string("\1\0", 2), 2), ElementsAre(1.0f, 0.0f));
    EXPECT_THAT(floats("|i1", "\xff", 1), ElementsAre(-1.0f));
    EXPECT_THAT(floats("<u8", bytes_of<std::uint64_t>({1ULL << 40}), 1), ElementsAre(1099511627776.0f));

    const auto bytes_from = [](float value) {
        return parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", bytes_of<float>({value})))
            .as<std::uint8_t>();
    };
    EXPECT_THAT(bytes_from(255.9f), ElementsAre(255));
    EXPECT_THAT(bytes_from(-0.5f), ElementsAre(0));
    for (const float value : {256.0f, -1.0f, std::nanf(""), std::numeric_limits<float>::infinity(), 1e30f})
        EXPECT_THROW(bytes_from(value), Error);
    const auto big =
        parse(npy("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", bytes_of<std::int32_t>({70000})));
    EXPECT_THROW(big.as<std::uint16_t>(), Error);
    EXPECT_THAT(big.as<std::int64_t>(), ElementsAre(70000));
    const auto huge =
        parse(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes_of<double>({0x1p63})));
    EXPECT_THROW(huge.as<std::int64_t>(), Error);
}

TEST(Npy, NamesWhatIsWrongWithAFile) {
    const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    const auto with_shape = [](const std::string& shape) {
        return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", std::string(8, '\0'));
    };
    const auto with_descr = [](const std::string& descr) {
        return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (2,), }", std::string(8, '\0'));
    };
    expect_error("", "not a .npy file");
    expect_error("\x93NUMPY", "not a .npy file");
    expect_error("PK\3\4 a zip file, a .npz", "not a .npy file");
    expect_error(npy(good, std::string(8, '\0'), 4), "version 4");
    expect_error(npy(good, std::string(7, '\0')), "truncated?");
    expect_error(npy(good, std::string(9, '\0')), "9 bytes of data, but its shape needs 8");
    expect_error(npy(good, "").substr(0, 30), "ends within its .npy header");
    expect_error(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{'descr'", 20), "4294967295 bytes announced");
    expect_error(std::string("\x93NUMPY\x02\0\xff\xff", 10), "ends within its .npy header");
    expect_error(with_descr("'>f4'"), "big-endian");
    expect_error(with_descr("'|O'"), "elements of type '|O'");
    expect_error(with_descr("'<c8'"), "elements of type '<c8'");
    expect_error(with_descr("'<U3'"), "elements of type");
    expect_error(with_descr("''"), "elements of type ''");
    expect_error(with_descr("[('x', '<f4')]"), "structured");
    expect_error(with_shape("(-2,)"), "not made of sizes");
    expect_error(with_shape("(4294967296, 4294967296)"), "overflows");
    expect_error(with_shape("(99999999999999999999,)"), "not made of sizes");
    expect_error(with_shape("(4611686018427387904,)"), "overflows");
    expect_error(with_shape("(1000000000000,)"), "its shape needs 4000000000000");
    expect_error(with_shape("(" + std::string(99, '1') + ")"), "not made of sizes");
    std::string ones;
    for (int i = 0; i < 40; ++i) ones += "1, ";
    expect_error(with_shape("(" + ones + ")"), "more than 32 dimensions");
    expect_error(npy("{'descr': '<f4', 'shape': (2,), }", std::string(8, '\0')), "lacks");
    expect_error(npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", std::string(8, '\0')), "neither True");
    expect_error(npy("{'descr': '<f4', 'evil': 1}", ""), "unknown key 'evil'");
    expect_error(npy("{'descr", ""), "does not end");
    expect_error(npy("", ""), "'{' expected");
}

TEST(Npy, DamageNeverCrashes) {
    const std::string good = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }\n", std::string(24, 'x'));
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_THROW(parse(good.substr(0, size)), Error);
    RandomStream random(1);
    for (int trial = 0; trial < 20000; ++trial) {
        std::string file = good;
        for (int flips = 0; flips < 3; ++flips) file[random.index(file.size())] = static_cast<char>(random.index(256));
        try {
            const NpyArray array = parse(file);
            EXPECT_EQ(array.as<float>().size(), array.size());
        } catch (const Error&) {
        }
    }
}

}  // namespace
}  // namespace ebgrasp
