#include "fuzz.hpp"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include "ebgrasp/core/log.hpp"

namespace ebgrasp::fuzz {
namespace fs = std::filesystem;

namespace {

const bool quiet = (spdlog::set_level(spdlog::level::off), true);  // warnings of millions of inputs

}  // namespace

void demand(bool condition) {
    if (!condition) std::abort();
}

InputFolder::InputFolder()
    : path_((fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()) /
            ("ebgrasp_fuzz_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
}

InputFolder::~InputFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path InputFolder::write(const std::string& name, std::string_view bytes) const {
    const fs::path file = path_ / name;
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    demand(out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush().good());
    return file;
}

}  // namespace ebgrasp::fuzz
