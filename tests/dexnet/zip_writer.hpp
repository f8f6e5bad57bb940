// Zip archives as PKWARE's APPNOTE 6.3 lays them out, written without libzip, and with any lie in them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ebgrasp {

/// Little-endian integer of `bytes` bytes.
inline std::string little_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
    return text;
}

/// CRC-32 of ISO 3309, bit by bit.
inline std::uint32_t crc32_of(std::string_view data) {
    std::uint32_t crc = ~0u;
    for (const char c : data) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
    }
    return ~crc;
}

/// RFC 1951: blocks of plain bytes, the simplest deflate stream.
inline std::string deflate_plain(std::string_view data) {
    std::string stream;
    do {
        const std::string_view block = data.substr(0, 65535);
        data.remove_prefix(block.size());
        stream += data.empty() ? '\1' : '\0';
        stream += little_endian(block.size(), 2) + little_endian(~block.size(), 2);
        stream += block;
    } while (!data.empty());
    return stream;
}

/// RFC 1951: `count` zeros, as one literal and matches of 258 in a block of fixed codes: 1 : 1300.
inline std::string deflate_zeros(std::size_t count) {
    std::string stream;
    unsigned bits = 0, filled = 0;
    const auto put = [&](unsigned value, int length, bool most_significant_first) {
        for (int i = 0; i < length; ++i) {
            const unsigned bit = value >> (most_significant_first ? length - 1 - i : i) & 1;
            bits |= bit << filled++;
            if (filled == 8) {
                stream += static_cast<char>(bits);
                bits = filled = 0;
            }
        }
    };
    put(1, 1, false);    // the last block,
    put(1, 2, false);    // with fixed codes
    put(0x30, 8, true);  // literal 0
    for (std::size_t i = 1; i + 258 <= count; i += 258) {
        put(0xc5, 8, true);  // length 258 (symbol 285)
        put(0, 5, true);     // distance 1
    }
    for (std::size_t i = 0; i < (count - 1) % 258; ++i) put(0x30, 8, true);
    put(0, 7, true);  // end of block
    if (filled > 0) stream += static_cast<char>(bits);
    return stream;
}

struct ZipEntry {
    std::string name, packed;         ///< what the archive holds
    int method = 0;                   ///< 0 stored, 8 deflated
    std::uint32_t crc = 0, size = 0;  ///< what it claims of the unpacked data

    static ZipEntry stored(std::string name, std::string_view data) {
        return {std::move(name), std::string(data), 0, crc32_of(data), static_cast<std::uint32_t>(data.size())};
    }
    static ZipEntry deflated(std::string name, std::string_view data) {
        return {std::move(name), deflate_plain(data), 8, crc32_of(data), static_cast<std::uint32_t>(data.size())};
    }
};

inline std::string zip_of(std::initializer_list<ZipEntry> entries) {
    std::string file, directory;
    for (const auto& entry : entries) {
        const std::string common = little_endian(20, 2) + little_endian(0, 2) +
                                   little_endian(static_cast<std::uint64_t>(entry.method), 2) + little_endian(0, 2) +
                                   little_endian(0x21, 2) + little_endian(entry.crc, 4) +
                                   little_endian(entry.packed.size(), 4) + little_endian(entry.size, 4) +
                                   little_endian(entry.name.size(), 2) + little_endian(0, 2);
        directory += "PK\1\2" + little_endian(20, 2) + common + std::string(2 + 2 + 2 + 4, '\0') +
                     little_endian(file.size(), 4) + entry.name;
        file += "PK\3\4" + common + entry.name + entry.packed;
    }
    const std::size_t start = file.size();
    return file + directory + "PK\5\6" + little_endian(0, 4) + little_endian(entries.size(), 2) +
           little_endian(entries.size(), 2) + little_endian(directory.size(), 4) + little_endian(start, 4) +
           little_endian(0, 2);
}

}  // namespace ebgrasp
