#include "ebgrasp/training/event_log.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "training/event_log_reader.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
TEST(Crc32c, HasThePublishedValues) {
    EXPECT_EQ(crc32c(""), 0U);
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
    EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
    std::string rising;
    for (char byte = 0; byte < 32; ++byte) rising += byte;
    EXPECT_EQ(crc32c(rising), 0x46DD794EU);
    EXPECT_EQ(crc32c(std::string(rising.rbegin(), rising.rend())), 0x113FDB5CU);
}

TEST(EventLog, BeginsAsTensorFlowsDo) {
    // The first bytes of event files in the wild: a record of 24 bytes, its masked CRC, field 1 of 8 bytes.
    const std::string log = event_log_start(1.5e9);
    EXPECT_EQ(log.substr(0, 13), std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09", 13));
    const auto events = read_events(log);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].wall_time, 1.5e9);
    EXPECT_EQ(events[0].file_version, "brain.Event:2");
    EXPECT_THAT(events[0].tag, IsEmpty());
}

TEST(EventLog, KeepsScalars) {
    const std::string log =
        event_log_start(1) + scalar_event(2.25, 300, "loss/validation", -0.7) +
        scalar_event(3, std::int64_t{1} << 40, std::string(200, 't'), std::numeric_limits<double>::quiet_NaN());
    const auto events = read_events(log);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[1].wall_time, 2.25);
    EXPECT_EQ(events[1].step, 300);
    EXPECT_EQ(events[1].tag, "loss/validation");
    EXPECT_EQ(events[1].value, -0.7F);
    EXPECT_EQ(events[2].step, std::int64_t{1} << 40);
    EXPECT_EQ(events[2].tag, std::string(200, 't'));
    ASSERT_TRUE(events[2].value.has_value());
    EXPECT_TRUE(std::isnan(*events[2].value));
}

TEST(EventLog, KeepsHistograms) {
    const EventHistogram histogram{
        .min = -1, .max = 2, .sum = 3.5, .sum_squares = 9, .limits = {0, 1, 2}, .counts = {4, 0, 6}};
    const auto events = read_events(histogram_event(7, 12, "energy", histogram));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].step, 12);
    EXPECT_EQ(events[0].tag, "energy");
    EXPECT_FALSE(events[0].value.has_value());
    // min, max, num, sum, sum_squares
    EXPECT_THAT(events[0].histogram_numbers, ElementsAre(-1, 2, 10, 3.5, 9));
    EXPECT_THAT(events[0].bucket_limits, ElementsAre(0, 1, 2));
    EXPECT_THAT(events[0].buckets, ElementsAre(4, 0, 6));
}

TEST(EventLog, TheReaderOfTheseTestsSeesDamage) {
    const std::string log = event_log_start(1) + scalar_event(2, 3, "loss", 4);
    ASSERT_EQ(read_events(log).size(), 2U);
    for (std::size_t i = 0; i < log.size(); ++i) {
        std::string damaged = log;
        damaged[i] ^= 0x10;
        EXPECT_THROW(read_events(damaged), std::runtime_error) << "byte " << i;
    }
}

}  // namespace
}  // namespace ebgrasp
