// Parallel loops over independent work (oneTBB). Results must not depend on the number of threads:
// write to slot i from iteration i, draw from RandomStream(seed, ..., i).
#pragma once

#include <cstddef>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

namespace ebgrasp {

/// Caps every parallel loop at `threads` for the lifetime of the object; 0 keeps the machine's default.
class ThreadLimit {
  public:
    explicit ThreadLimit(int threads)
        : control_(tbb::global_control::max_allowed_parallelism,
                   threads > 0 ? static_cast<std::size_t>(threads)
                               : tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism)) {}

  private:
    tbb::global_control control_;
};

/// Calls `body(i)` for every i in [0, count), `grain` at a time. An exception in a body is rethrown here.
template <typename Body>
void parallel_for(std::size_t count, Body&& body, std::size_t grain = 1) {
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, count, grain), [&](const auto& range) {
        for (std::size_t i = range.begin(); i != range.end(); ++i) body(i);
    });
}

}  // namespace ebgrasp
