#pragma once

#include "command.hpp"

namespace ebgrasp::app {

void add_plan(CLI::App& app);
void add_landscape(CLI::App& app);
void add_objects(CLI::App& app);
void add_generate(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace ebgrasp::app
