// TensorBoard's event logs: scalars and histograms over steps, in a file that it watches.
//
// A log is a TFRecord file (tensorflow/core/lib/io/record_writer.h): for each record
//   uint64 length, uint32 masked CRC-32C of these 8 bytes, the record, uint32 masked CRC-32C of the record
// in little-endian order. A record is a protocol buffer tensorflow.Event (tensorflow/core/util/event.proto), the first
// one of which holds the version of the format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ebgrasp {

/// CRC-32C (Castagnoli's polynomial 0x1EDC6F41, reflected; RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

/// A histogram as TensorBoard keeps it: `counts[i]` values in (limits[i - 1], limits[i]], limits rising.
struct EventHistogram {
    double min = 0, max = 0, sum = 0, sum_squares = 0;
    std::vector<double> limits, counts;  ///< of equal size
};

/// The records of a log, as bytes: a log is event_log_start and then any number of the others, in order of their steps.
/// `wall_time` is in seconds since 1970.
std::string event_log_start(double wall_time);
std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, double value);
std::string histogram_event(double wall_time, std::int64_t step, const std::string& tag,
                            const EventHistogram& histogram);

}  // namespace ebgrasp
