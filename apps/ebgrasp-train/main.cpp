// ebgrasp-train: the commands that need libtorch. `ebgrasp train ...` starts it.
#include "commands.hpp"
#include "ebgrasp/core/allocator.hpp"

int main(int argc, char** argv) {
    using namespace ebgrasp::app;
    ebgrasp::tune_allocator();
    CLI::App app("Training of ebgrasp's models.", "ebgrasp");
    add_train(app);
    add_sweep(app);
    return run_app(app, argc, argv);
}
