#include "ebgrasp/dexnet/npz.hpp"

#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "temporary_folder.hpp"
#include "zip_writer.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NpyArray ramp(std::size_t rows) {
    std::vector<float> values(rows * 3);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.25f * static_cast<float>(i);
    NpyArray array{"f4", {rows, 3}, std::string(4 * values.size(), '\0')};
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
    return array;
}

class Npz : public testing::Test {
  protected:
    NpyArray read(const std::string& file) {
        std::ofstream(path_, std::ios::binary) << file;
        return read_npz(path_);
    }
    /// The message of the error, which names the file in one line.
    std::string error_of(const std::string& file) {
        try {
            read(file);
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), HasSubstr("a.npz"));
            EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
            return error.what();
        }
        return "no error";
    }

    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "a.npz";
};

TEST_F(Npz, ReadsStoredAndDeflatedArchives) {
    const NpyArray array = ramp(20'000);  // several blocks and chunks
    const std::string npy = to_npy(array);
    for (const auto& entry : {ZipEntry::stored("arr_0.npy", npy), ZipEntry::deflated("arr_0.npy", npy)}) {
        const NpyArray found = read(zip_of({entry}));
        EXPECT_EQ(found.dtype, "f4");
        EXPECT_THAT(found.shape, ElementsAre(20'000, 3));
        EXPECT_EQ(found.bytes, array.bytes);
    }
}

TEST_F(Npz, ReadsBackWhatItWrites) {
    const NpyArray array = ramp(3000);
    write_npz(path_, array);
    const NpyArray found = read_npz(path_);
    EXPECT_EQ(found.dtype, array.dtype);
    EXPECT_EQ(found.shape, array.shape);
    EXPECT_EQ(found.bytes, array.bytes);
    EXPECT_LT(std::filesystem::file_size(path_), array.bytes.size() / 2);  // deflated
    // The bytes depend on the array alone.
    const std::string first = read_file(path_);
    write_npz(folder_.path() / "b.npz", array);
    EXPECT_EQ(read_file(folder_.path() / "b.npz"), first);
}

TEST_F(Npz, NamesWhatIsWrongWithAnArchive) {
    const std::string npy = to_npy(ramp(4));
    const ZipEntry good = ZipEntry::stored("arr_0.npy", npy);
    EXPECT_EQ(error_of(zip_of({good})), "no error");
    EXPECT_THAT(error_of(""), HasSubstr("is empty"));
    EXPECT_THAT(error_of("no zip archive at all"), HasSubstr("not a readable .npz"));
    EXPECT_THAT(error_of(npy), HasSubstr("not a readable .npz"));
    EXPECT_THAT(error_of(zip_of({})), HasSubstr("0 arrays"));
    EXPECT_THAT(error_of(zip_of({good, ZipEntry::stored("arr_1.npy", npy)})), HasSubstr("2 arrays"));
    EXPECT_THAT(error_of(zip_of({ZipEntry::stored("depth.npy", npy)})), HasSubstr("another member than arr_0.npy"));
    EXPECT_THAT(error_of(zip_of({ZipEntry::stored("arr_0.npy", "no .npy")})), HasSubstr("not a .npy file"));

    ZipEntry wrong = good;
    wrong.crc ^= 1;
    EXPECT_THAT(error_of(zip_of({wrong})), HasSubstr("CRC"));
    wrong = ZipEntry::deflated("arr_0.npy", npy);
    wrong.packed[3] ^= 1;
    EXPECT_THAT(error_of(zip_of({wrong})), HasSubstr("damaged"));
    wrong = ZipEntry::deflated("arr_0.npy", npy);
    wrong.packed.resize(wrong.packed.size() / 2);
    EXPECT_THAT(error_of(zip_of({wrong})), HasSubstr("damaged"));
    wrong = good;
    wrong.method = 77;
    EXPECT_THAT(error_of(zip_of({wrong})), HasSubstr("cannot be unpacked"));
    for (const std::uint32_t size : {0u, 1u, 0xfffffffeu}) {  // a lie about the unpacked size
        wrong = ZipEntry::deflated("arr_0.npy", npy);
        wrong.size = size;
        EXPECT_THAT(error_of(zip_of({wrong})), HasSubstr("bytes")) << size;
    }
}

TEST_F(Npz, BoundsWhatIsUnpacked) {
    const std::size_t size = max_npz_bytes + 1'000'000;
    const std::string packed = deflate_zeros(size);
    EXPECT_LT(packed.size(), 2'500'000);
    const auto claiming = [&](std::size_t claim) {
        return error_of(zip_of({{"arr_0.npy", packed, 8, 0, static_cast<std::uint32_t>(claim)}}));
    };
    EXPECT_THAT(claiming(size), HasSubstr("above the limit of 268435456"));
    EXPECT_THAT(claiming(100), HasSubstr("the 100 bytes announced"));
}

TEST_F(Npz, DamageNeverCrashes) {
    const std::string good = zip_of({ZipEntry::deflated("arr_0.npy", to_npy(ramp(8)))});
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_NE(error_of(good.substr(0, size)), "no error");
    RandomStream random(1);
    for (int trial = 0; trial < 3000; ++trial) {
        std::string file = good;
        for (int flips = 0; flips < 3; ++flips) file[random.index(file.size())] = static_cast<char>(random.index(256));
        error_of(file);
    }
}

}  // namespace
}  // namespace ebgrasp
