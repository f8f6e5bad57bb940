#include "ebgrasp/viz/movie.hpp"

#include <gtest/gtest.h>
#include <map>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/viz/gif.hpp"
#include "temporary_folder.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

// A GIF decoder written from the specification's text, which shares nothing with the writer.
class GifReader {
  public:
    explicit GifReader(std::string bytes) : bytes_(std::move(bytes)) {}
    struct Movie {
        int width = 0, height = 0, loops = -1;
        std::vector<int> delays;
        std::vector<std::vector<int>> frames;  // palette indices as shown
        std::vector<Color> palette;
    };

    Movie read() {
        Movie movie;
        EXPECT_EQ(bytes_.substr(0, 6), "GIF89a");
        at_ = 6;
        movie.width = word(), movie.height = word();
        const int flags = byte();
        at_ += 2;
        for (int i = 0; i < 2 << (flags & 7); ++i) {
            const auto r = byte(), g = byte(), b = byte();
            movie.palette.push_back({std::uint8_t(r), std::uint8_t(g), std::uint8_t(b)});
        }
        std::vector<int> shown(std::size_t(movie.width) * std::size_t(movie.height), -1);
        int transparent = -1;
        for (int kind = byte(); kind != 0x3b; kind = byte()) {
            if (kind == 0x21) {
                const int label = byte();
                const std::string data = blocks();
                if (label == 0xf9) {
                    movie.delays.push_back(std::uint8_t(data[1]) | std::uint8_t(data[2]) << 8);
                    transparent = data[0] & 1 ? std::uint8_t(data[3]) : -1;
                }
                if (label == 0xff && data.starts_with("NETSCAPE2.0")) movie.loops = data[12] | data[13] << 8;
            } else {
                EXPECT_EQ(kind, 0x2c);
                EXPECT_EQ(word() + word(), 0);
                EXPECT_EQ(word(), movie.width);
                EXPECT_EQ(word(), movie.height);
                EXPECT_EQ(byte(), 0);
                const int bits = byte();
                const auto indices = decompress(bits, blocks());
                EXPECT_EQ(indices.size(), shown.size());
                for (std::size_t i = 0; i < std::min(indices.size(), shown.size()); ++i)
                    if (indices[i] != transparent) shown[i] = indices[i];
                movie.frames.push_back(shown);
            }
        }
        EXPECT_EQ(at_, bytes_.size());
        return movie;
    }

  private:
    int byte() { return std::uint8_t(bytes_.at(at_++)); }
    int word() {
        const int low = byte();
        return low | byte() << 8;
    }
    std::string blocks() {
        std::string data;
        for (int size = byte(); size > 0; size = byte()) {
            data += bytes_.substr(at_, std::size_t(size));
            at_ += std::size_t(size);
        }
        return data;
    }
    static std::vector<int> decompress(int index_bits, const std::string& data) {
        const int clear = 1 << index_bits, end = clear + 1;
        std::vector<std::vector<int>> table;
        std::vector<int> result, last;
        int bits = index_bits + 1;
        std::size_t position = 0;
        const auto restart = [&] {
            table.clear();
            for (int i = 0; i < clear + 2; ++i) table.push_back({i});
            bits = index_bits + 1;
            last.clear();
        };
        while (true) {
            int code = 0;
            for (int i = 0; i < bits; ++i, ++position)
                code |= (std::uint8_t(data.at(position / 8)) >> position % 8 & 1) << i;
            if (code == end) {
                EXPECT_EQ((position + 7) / 8, data.size());
                return result;
            }
            if (code == clear) {
                restart();
                continue;
            }
            std::vector<int> entry = last;
            if (code < int(table.size()))
                entry = table[std::size_t(code)];
            else
                entry.push_back(last.at(0));
            if (!last.empty() && table.size() < 4096) {
                table.push_back(last);
                table.back().push_back(entry[0]);
                if (table.size() == std::size_t{1} << bits && bits < 12) ++bits;
            }
            result.insert(result.end(), entry.begin(), entry.end());
            last = entry;
        }
    }

    std::string bytes_;
    std::size_t at_ = 0;
};

int squared_distance(Color a, Color b) {
    return (a.r - b.r) * (a.r - b.r) + (a.g - b.g) * (a.g - b.g) + (a.b - b.b) * (a.b - b.b);
}

// Each decoded pixel must be (nearly) the palette's nearest colour; colours are looked up with 6 bits per channel.
void expect_nearest(Color wanted, Color shown, const std::vector<Color>& palette) {
    int nearest = 1 << 30;
    for (std::size_t i = 0; i + 1 < palette.size(); ++i)
        nearest = std::min(nearest, squared_distance(wanted, palette[i]));
    EXPECT_LE(std::sqrt(squared_distance(wanted, shown)), std::sqrt(nearest) + 8);
}

TEST(Gif, DecodesToThePalettesNearestColors) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "noise.gif";
    const auto frame = [](int i) {  // noise fills the code table several times over; frames share their lower half
        RandomStream random(7);
        Picture picture(60, 97);
        for (std::size_t k = 0; k < picture.rgb.size(); ++k) {
            RandomStream& source = random;
            const auto value = static_cast<std::uint8_t>(source.index(256));
            picture.rgb[k] = k < picture.rgb.size() / 2 ? static_cast<std::uint8_t>(value + 40 * i) : value;
        }
        return picture;
    };
    write_movie(path, 5, 12.5, frame);
    const auto movie = GifReader(read_file(path)).read();
    EXPECT_EQ(movie.width, 97);
    EXPECT_EQ(movie.height, 60);
    EXPECT_EQ(movie.loops, 0);
    ASSERT_EQ(movie.frames.size(), 5u);
    EXPECT_EQ(movie.delays, std::vector<int>(5, 8));
    for (int i = 0; i < 5; ++i) {
        const Picture picture = frame(i);
        for (std::size_t k = 0; k < movie.frames[0].size(); ++k) {
            const int index = movie.frames[std::size_t(i)][k];
            ASSERT_GE(index, 0);
            const auto* rgb = picture.rgb.data() + 3 * k;
            expect_nearest({rgb[0], rgb[1], rgb[2]}, movie.palette[std::size_t(index)], movie.palette);
        }
    }
}

TEST(Gif, PaletteColorsComeBackExactly) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "flat.gif";
    for (const Color color : {kWhite, kBlack, series_color(0), series_color(3), map_color(ColorMap::viridis, 1)}) {
        write_movie(path, 2, 10, [&](int) { return Picture(300, 300, color); });  // long runs
        const auto movie = GifReader(read_file(path)).read();
        for (const auto& frame : movie.frames)
            for (const int index : frame) ASSERT_TRUE(close_to(movie.palette[std::size_t(index)], color, 4));
    }
}

TEST(Gif, EveryLengthEndsItsCodesRightly) {
    // Runs whose codes end just before, at and after each change of code width.
    const TemporaryFolder folder;
    const auto path = folder.path() / "run.gif";
    for (int width = 1; width < 900; width += 7) {
        RandomStream random(static_cast<std::uint64_t>(width));
        Picture picture(1, width);
        for (auto& byte : picture.rgb) byte = static_cast<std::uint8_t>(random.index(256));
        write_movie(path, 1, 10, [&](int) { return picture; });
        ASSERT_EQ(GifReader(read_file(path)).read().frames.size(), 1u) << width;
    }
}

// The boxes of an MP4 file (ISO/IEC 14496-12) in `bytes`, as type -> contents, first of each type.
std::map<std::string, std::string> boxes(const std::string& bytes) {
    std::map<std::string, std::string> result;
    const auto word = [&](std::size_t at) {
        std::size_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::uint8_t(bytes.at(at + i));
        return value;
    };
    for (std::size_t at = 0; at + 8 <= bytes.size();) {
        const std::size_t size = word(at);
        if (size < 8) break;
        result.emplace(bytes.substr(at + 4, 4), bytes.substr(at + 8, size - 8));
        at += size;
    }
    return result;
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::uint8_t(bytes.at(at + i));
    return value;
}

TEST(Mp4, HasEveryFrameAndAnEvenSize) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "new" / "movie.mp4";
    write_movie(path, 17, 25, [](int i) {
        Canvas canvas(121, 161);
        canvas.disc({20.0 + 5 * i, 60}, 15, series_color(1));
        return canvas.picture();
    });
    const auto track = boxes(boxes(boxes(read_file(path)).at("moov")).at("trak"));
    const auto media = boxes(track.at("mdia"));
    const auto samples = boxes(boxes(media.at("minf")).at("stbl"));
    EXPECT_EQ(big_endian(samples.at("stsz"), 8), 17u);  // version and flags, sample size, sample count
    const std::string header = track.at("tkhd");        // ends with width and height, 16.16 fixed point
    EXPECT_EQ(big_endian(header, header.size() - 8) >> 16, 162u);
    EXPECT_EQ(big_endian(header, header.size() - 4) >> 16, 122u);
    const std::string time = media.at("mdhd");  // version 0: time scale, duration
    EXPECT_NEAR(double(big_endian(time, 16)) / big_endian(time, 12), 17 / 25.0, 0.01);
}

TEST(Movie, FailsWithoutLeavingAnything) {
    const TemporaryFolder folder;
    const auto good = [](int) { return Picture(20, 20); };
    for (const char* name : {"a.gif", "a.mp4"}) {
        const auto path = folder.path() / name;
        EXPECT_THROW(write_movie(path, 0, 10, good), Error);
        EXPECT_THROW(write_movie(path, 3, 0, good), Error);
        EXPECT_THROW(write_movie(path, 3, NAN, good), Error);
        EXPECT_THROW(write_movie(path, 3, 10, [](int i) { return Picture(20, 20 + i); }), Error);
        EXPECT_THROW(write_movie(path, 3, 10, [](int) { return Picture(); }), Error);
        EXPECT_THROW(write_movie(path, 3, 10,
                                 [](int i) -> Picture {
                                     if (i == 2) throw std::runtime_error("no frame");
                                     return Picture(20, 20);
                                 }),
                     std::runtime_error);
    }
    EXPECT_THROW(write_movie(folder.path() / "a.avi", 3, 10, good), Error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ebgrasp
