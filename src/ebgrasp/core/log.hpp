// Logging: spdlog to stderr, so that stdout stays free for results (`--json`).
#pragma once

#include <spdlog/spdlog.h>

namespace ebgrasp {

using spdlog::debug;
using spdlog::info;
using spdlog::warn;

/// Sends log lines to stderr without timestamps; call once at program start.
void start_logging();

}  // namespace ebgrasp
