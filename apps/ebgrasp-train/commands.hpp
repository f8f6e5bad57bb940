#pragma once

#include "command.hpp"

namespace ebgrasp::app {

void add_train(CLI::App& app);
void add_sweep(CLI::App& app);

}  // namespace ebgrasp::app
