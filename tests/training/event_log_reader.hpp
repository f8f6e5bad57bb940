// A reader of TensorBoard's event logs, written from the formats' descriptions and apart from the writer: TFRecord
// framing, CRC-32C bit by bit, and the wire format of protocol buffers.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ebgrasp {

struct ReadEvent {
    double wall_time = 0;
    std::int64_t step = 0;
    std::string file_version, tag;
    std::optional<float> value;
    std::vector<double> histogram_numbers, bucket_limits, buckets;
};

namespace event_log_reader {

inline void check(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

/// Division of the reflected message by the Castagnoli polynomial.
inline std::uint32_t masked_crc(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char byte : bytes)
        for (int bit = 0; bit < 8; ++bit) {
            const std::uint32_t in = (static_cast<unsigned char>(byte) >> bit) & 1U;
            const bool odd = ((crc & 1U) ^ in) != 0;
            crc >>= 1;
            if (odd) crc ^= 0x82F63B78;
        }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

class Bytes {
  public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}
    bool empty() const { return rest_.empty(); }
    std::string_view take(std::size_t count) {
        check(count <= rest_.size(), "truncated");
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    template <typename Number>
    Number number() {
        Number value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0;; shift += 7) {
            check(shift < 64, "a varint of more than ten bytes");
            const auto byte = number<std::uint8_t>();
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
    }

  private:
    std::string_view rest_;
};

/// Calls field(number, wire type, its bytes) for each field of a message.
template <typename Field>
void for_each_field(std::string_view message, const Field& field) {
    for (Bytes bytes(message); !bytes.empty();) {
        const std::uint64_t key = bytes.varint();
        const auto number = static_cast<int>(key >> 3);
        switch (key & 7) {
            case 0: {
                const std::uint64_t value = bytes.varint();
                field(number, 0, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
                break;
            }
            case 1:
                field(number, 1, bytes.take(8));
                break;
            case 2:
                field(number, 2, bytes.take(bytes.varint()));
                break;
            case 5:
                field(number, 5, bytes.take(4));
                break;
            default:
                check(false, "unknown wire type");
        }
    }
}

inline std::vector<double> packed(std::string_view bytes) {
    std::vector<double> values;
    for (Bytes rest(bytes); !rest.empty();) values.push_back(rest.number<double>());
    return values;
}

inline void read_histogram(std::string_view message, ReadEvent& event) {
    for_each_field(message, [&](int number, int type, std::string_view bytes) {
        check(type == (number < 6 ? 1 : 2), "a histogram's field of another wire type");
        if (number < 6) {
            check(number == static_cast<int>(event.histogram_numbers.size()) + 1, "histogram numbers out of order");
            event.histogram_numbers.push_back(Bytes(bytes).number<double>());
        } else {
            (number == 6 ? event.bucket_limits : event.buckets) = packed(bytes);
        }
    });
}

inline ReadEvent parse_event(std::string_view message) {
    ReadEvent event;
    for_each_field(message, [&](int number, int type, std::string_view bytes) {
        if (number == 1 && type == 1)
            event.wall_time = Bytes(bytes).number<double>();
        else if (number == 2 && type == 0)
            event.step = Bytes(bytes).number<std::int64_t>();
        else if (number == 3 && type == 2)
            event.file_version = bytes;
        else if (number == 5 && type == 2)
            for_each_field(bytes, [&](int, int, std::string_view value) {
                for_each_field(value, [&](int field, int, std::string_view content) {
                    if (field == 1)
                        event.tag = content;
                    else if (field == 2)
                        event.value = Bytes(content).number<float>();
                    else if (field == 5)
                        read_histogram(content, event);
                    else
                        check(false, "an unknown field of Summary.Value");
                });
            });
        else
            check(false, "an unknown field of Event");
    });
    return event;
}

}  // namespace event_log_reader

/// Throws std::runtime_error if anything of the log is damaged.
inline std::vector<ReadEvent> read_events(std::string_view log) {
    using namespace event_log_reader;
    std::vector<ReadEvent> events;
    for (Bytes bytes(log); !bytes.empty();) {
        const std::string_view length = bytes.take(8);
        check(bytes.number<std::uint32_t>() == masked_crc(length), "the length's checksum is wrong");
        const std::string_view event = bytes.take(Bytes(length).number<std::uint64_t>());
        check(bytes.number<std::uint32_t>() == masked_crc(event), "the record's checksum is wrong");
        events.push_back(parse_event(event));
    }
    return events;
}

}  // namespace ebgrasp
