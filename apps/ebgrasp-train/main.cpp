// ebgrasp-train: the commands that need libtorch. `ebgrasp train ...` starts it.
#include "commands.hpp"

int main(int argc, char** argv) {
    using namespace ebgrasp::app;
    CLI::App app("Training of ebgrasp's models.", "ebgrasp");
    add_train(app);
    add_sweep(app);
    return run_app(app, argc, argv);
}
