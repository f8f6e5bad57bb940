// What all subcommands share: common options, and reporting of errors.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace ebgrasp::app {

struct CommonOptions {
    std::uint64_t seed = 1;
    int threads = 0;
    bool json = false;
};

/// Adds a subcommand with the common options, whose `run(options, common)` is called once its arguments are parsed.
/// Options is a struct of the command's own; `declare(command, options)` binds its fields.
template <typename Options>
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example, const std::function<void(CLI::App&, Options&)>& declare,
                      const std::function<void(const Options&, const CommonOptions&)>& run);

/// Prints `value` on stdout as indented JSON.
void print_json(const nlohmann::json& value);

/// Parses the command line and runs the chosen command; returns the exit code. Errors are one line on stderr.
int run_app(CLI::App& app, int argc, char** argv);

/// The weights that ship with ebgrasp: `name` is a file, or a shipped model's name such as "seed".
std::string find_model(const std::string& name);

namespace detail {
void add_common_options(CLI::App& command, CommonOptions& common);
void run_with(const CommonOptions& common, const std::function<void()>& body);
}  // namespace detail

template <typename Options>
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example, const std::function<void(CLI::App&, Options&)>& declare,
                      const std::function<void(const Options&, const CommonOptions&)>& run) {
    CLI::App* command = app.add_subcommand(name, description);
    command->footer("Example:\n  " + example);
    auto options = std::make_shared<Options>();
    auto common = std::make_shared<CommonOptions>();
    declare(*command, *options);
    detail::add_common_options(*command, *common);
    command->callback([=] { detail::run_with(*common, [&] { run(*options, *common); }); });
    return command;
}

}  // namespace ebgrasp::app
