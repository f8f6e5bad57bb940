// ebgrasp: the command line. One file per subcommand; those that need libtorch live in the program ebgrasp-train beside
// this one, so that planning starts at once, and so that BLAS can be told the CPU's kind before it loads.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <unistd.h>

#include "blas.hpp"
#include "commands.hpp"
#include "ebgrasp/core/allocator.hpp"

namespace {

constexpr std::array<std::string_view, 2> training_commands = {"train", "sweep"};

/// Replaces this process by ebgrasp-train. Returns only on failure.
int run_training_program(char** argv) {
    namespace fs = std::filesystem;
    ebgrasp::app::choose_blas_kernels();
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "ebgrasp-train";
    execv(program.c_str(), argv);
    std::cerr << "ebgrasp: error: " << program.string() << ": " << std::strerror(errno)
              << "; this installation has no training (build with -DEBGRASP_TRAINING=ON)\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace ebgrasp::app;
    if (argc > 1 && std::ranges::find(training_commands, argv[1]) != training_commands.end())
        return run_training_program(argv);

    ebgrasp::tune_allocator();
    CLI::App app("A depth image in, ranked parallel-jaw grasps out, by descending one learned energy.", "ebgrasp");
    app.footer("Commands that train: train, sweep (ebgrasp train --help).");
    add_plan(app);
#ifdef EBGRASP_WITH_VIZ
    add_landscape(app);
    add_descend(app);
    add_figures(app);
#endif
#ifdef EBGRASP_WITH_DATA
    add_objects(app);
    add_generate(app);
    add_import_dexnet(app);
    add_export_dexnet(app);
#endif
#if defined(EBGRASP_WITH_DATA) && defined(EBGRASP_WITH_VIZ)
    add_inspect(app);
#endif
    add_evaluate(app);
    add_calibrate(app);
#ifdef EBGRASP_WITH_SIMULATION
    add_simulate(app);
#endif
    add_benchmark(app);
    add_gripper(app);
    add_doctor(app);
    return run_app(app, argc, argv);
}
