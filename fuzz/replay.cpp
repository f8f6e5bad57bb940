// Runs a fuzz target over the files of its corpus, as an ordinary test.
#include <algorithm>
#include <iostream>
#include <vector>

#include "ebgrasp/core/file.hpp"
#include "fuzz.hpp"

int main(int count, char** folders) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < count; ++i)
        for (const auto& entry : std::filesystem::directory_iterator(folders[i])) files.push_back(entry.path());
    std::ranges::sort(files);
    for (const auto& file : files) {
        std::cout << file.string() << std::endl;  // the last one named is the culprit
        const std::string bytes = ebgrasp::read_file(file);
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    return files.empty();
}
