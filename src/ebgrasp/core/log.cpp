#include "ebgrasp/core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace ebgrasp {

void start_logging() {
    auto logger = std::make_shared<spdlog::logger>("ebgrasp", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    logger->set_pattern("%^%l%$: %v");
    spdlog::set_default_logger(logger);
}

}  // namespace ebgrasp
