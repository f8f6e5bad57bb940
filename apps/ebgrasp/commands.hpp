#pragma once

#include "command.hpp"

namespace ebgrasp::app {

void add_plan(CLI::App& app);
void add_landscape(CLI::App& app);
void add_descend(CLI::App& app);
void add_figures(CLI::App& app);
void add_objects(CLI::App& app);
void add_generate(CLI::App& app);
void add_import_dexnet(CLI::App& app);
void add_export_dexnet(CLI::App& app);
void add_inspect(CLI::App& app);
void add_simulate(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_benchmark(CLI::App& app);
void add_gripper(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace ebgrasp::app
