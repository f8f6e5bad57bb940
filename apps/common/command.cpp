#include "command.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"

namespace ebgrasp::app {
namespace fs = std::filesystem;

namespace detail {

void add_common_options(CLI::App& command, CommonOptions& common) {
    command.add_option("--seed", common.seed, "Random seed: same seed, same output on any number of threads")
        ->capture_default_str();
    command.add_option("--threads", common.threads, "Threads to use at most; 0: all")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    command.add_flag("--json", common.json, "Print the result as JSON on stdout");
}

void run_with(const CommonOptions& common, const std::function<void()>& body) {
    const ThreadLimit limit(common.threads);
    body();
}

}  // namespace detail

void print_json(const nlohmann::json& value) { std::cout << value.dump(2) << "\n"; }

int run_app(CLI::App& app, int argc, char** argv) {
    start_logging();
    app.require_subcommand(1);
    app.set_version_flag("--version", EBGRASP_VERSION);
    try {
        app.parse(argc, argv);
        std::cout.flush();
        require(std::cout.good(), "stdout: cannot be written; is the disk full or the pipe closed?");
        return 0;
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::cerr << "ebgrasp: error: " << error.what() << "\n";
        return 1;
    }
}

std::string find_model(const std::string& name) {
    if (fs::exists(name)) return name;
    require(name.find('/') == std::string::npos && name.find('.') == std::string::npos, name, ": no such file");
    std::vector<fs::path> folders;
    if (const char* folder = std::getenv("EBGRASP_MODELS")) folders.emplace_back(folder);
    std::error_code ignored;
    folders.push_back(fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path() / EBGRASP_DATA_DIR
                      "/models");
    folders.emplace_back(EBGRASP_SOURCE_DIR "/models");
    std::string looked;
    for (const auto& folder : folders) {
        const fs::path file = folder / (name + ".safetensors");
        if (fs::exists(file)) return file;
        looked += (looked.empty() ? "" : ", ") + folder.string();
    }
    fail("no model named '", name, "' in ", looked, "; pass --model FILE or set EBGRASP_MODELS");
}

}  // namespace ebgrasp::app
