#include "ebgrasp/training/event_log.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <numeric>

namespace ebgrasp {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78U : 0U);
        table[byte] = crc;
    }
    return table;
}();

/// So that a CRC over bytes that hold CRCs keeps its strength (tensorflow/core/lib/hash/crc32c.h).
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8U; }

template <typename Number>
std::string little_endian(Number value) {
    static_assert(std::endian::native == std::endian::little);
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// A protocol buffer message (https://protobuf.dev/programming-guides/encoding): fields one after the other, each led
/// by a key of its number and wire type.
class Message {
  public:
    Message& int64(int field, std::int64_t value) {
        key(field, 0);
        varint(static_cast<std::uint64_t>(value));
        return *this;
    }
    Message& float64(int field, double value) {
        key(field, 1);
        bytes_ += little_endian(value);
        return *this;
    }
    Message& float32(int field, float value) {
        key(field, 5);
        bytes_ += little_endian(value);
        return *this;
    }
    /// A string, or a message within this one.
    Message& bytes(int field, std::string_view value) {
        key(field, 2);
        varint(value.size());
        bytes_ += value;
        return *this;
    }
    Message& message(int field, const Message& value) { return bytes(field, value.bytes_); }
    Message& packed(int field, std::span<const double> values) {
        std::string packed;
        for (const double value : values) packed += little_endian(value);
        return bytes(field, packed);
    }
    const std::string& text() const { return bytes_; }

  private:
    void key(int field, unsigned wire_type) { varint(static_cast<unsigned>(field) << 3 | wire_type); }
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
        bytes_ += static_cast<char>(value);
    }

    std::string bytes_;
};

std::string record(const Message& message) {
    const std::string& event = message.text();
    const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
    return length + little_endian(masked(crc32c(length))) + event + little_endian(masked(crc32c(event)));
}

/// The record of a tensorflow.Event (wall_time = 1, step = 2, summary = 5) of one tensorflow.Summary.Value.
std::string summary_record(double wall_time, std::int64_t step, const Message& value) {
    const Message summary = Message().message(1, value);
    return record(Message().float64(1, wall_time).int64(2, step).message(5, summary));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
    return ~crc;
}

std::string event_log_start(double wall_time) {
    return record(Message().float64(1, wall_time).bytes(3, "brain.Event:2"));  // file_version = 3
}

// tensorflow.Summary.Value: tag = 1, simple_value = 2, histo = 5.
std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, double value) {
    return summary_record(wall_time, step, Message().bytes(1, tag).float32(2, static_cast<float>(value)));
}

std::string histogram_event(double wall_time, std::int64_t step, const std::string& tag,
                            const EventHistogram& histogram) {
    // tensorflow.HistogramProto: min, max, num, sum, sum_squares, bucket_limit, bucket = 1 to 7.
    const Message proto = Message()
                              .float64(1, histogram.min)
                              .float64(2, histogram.max)
                              .float64(3, std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0.0))
                              .float64(4, histogram.sum)
                              .float64(5, histogram.sum_squares)
                              .packed(6, histogram.limits)
                              .packed(7, histogram.counts);
    return summary_record(wall_time, step, Message().bytes(1, tag).message(5, proto));
}

}  // namespace ebgrasp
