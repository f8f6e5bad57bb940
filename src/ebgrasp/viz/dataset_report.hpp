// One page about a data set: examples, balance, and where its numbers lie.
#pragma once

#include <functional>
#include <string>

#include "ebgrasp/dataset/statistics.hpp"
#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

struct DatasetReportOptions {
    std::string title = {};
    std::function<std::string(std::uint8_t)> verdict_name;  ///< of the codes in DatasetStatistics::verdicts
    std::size_t examples = 24;                              ///< shown of successes, and of failures; in [1, 240]
};

/// The examples shown are taken in turn from every verdict's samples in `statistics`, so that each failure is seen.
/// A grasp without contacts is drawn at the widest opening. Throws Error: options out of range.
Picture dataset_report(const DatasetStatistics& statistics, const DatasetReportOptions& options);

}  // namespace ebgrasp
