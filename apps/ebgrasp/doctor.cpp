#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <sched.h>
#include <thread>
#include <vector>

#include "blas.hpp"
#include "commands.hpp"
#include "depth_input.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/sha256.hpp"
#include "ebgrasp/planning/diagnosis.hpp"

namespace ebgrasp::app {
namespace fs = std::filesystem;

namespace {

/// Below this rate the BLAS is the unoptimised reference implementation (about 3.5 GFLOP/s a core).
constexpr double slow_blas_gflops = 20.0;

Finding examine_blas() {
    const auto blas = measure_blas();
    if (!blas) return {"blas", "none found", "training needs one: apt install libopenblas0-pthread"};
    const std::string core = blas->core_type.empty() ? "" : ", OPENBLAS_CORETYPE=" + blas->core_type;
    Finding finding{"blas", fmt::format("{} at {:.0f} GFLOP/s{}", blas->library, blas->gflops, core)};
    if (blas->gflops < slow_blas_gflops)
        finding.mend =
            "this BLAS is slow, training will take up to 30 times longer: apt install libopenblas0-pthread, then "
            "choose it "
            "with update-alternatives --config libblas.so.3-x86_64-linux-gnu";
    return finding;
}

Finding examine_version() {
    return {
        "version", fmt::format("ebgrasp {}, {} {}, C++{}", EBGRASP_VERSION,
#if defined(__clang__)
                               "clang", __clang_version__,
#else
                               "gcc", __VERSION__,
#endif
                               __cplusplus / 100 % 100)
    };
}

Finding examine_cpu() {
    std::string simd = "baseline";
    bool supported = true;
#if defined(__x86_64__)
    __builtin_cpu_init();
    simd = __builtin_cpu_supports("avx512f") ? "AVX-512" : __builtin_cpu_supports("avx2") ? "AVX2" : "SSE";
#if defined(__AVX2__)
    supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#endif
    Finding finding{"cpu", simd};
    if (!supported)
        finding.mend =
            "this build needs AVX2 and will stop with 'illegal instruction': configure with -DEBGRASP_ARCH=x86-64";
    return finding;
}

/// CPUs that a container's quota allows; 0: no quota.
double quota_cpus() {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    double quota = 0, period = 0;
    return file >> quota >> period && period > 0 ? quota / period : 0;
}

Finding examine_threads() {
    cpu_set_t allowed;
    const int usable = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                           ? CPU_COUNT(&allowed)
                           : static_cast<int>(std::thread::hardware_concurrency());
    const double quota = quota_cpus();
    Finding finding{"threads", fmt::format("{} of {} CPUs may be used", usable, std::thread::hardware_concurrency())};
    if (quota > 0 && quota < usable - 0.5) {
        finding.value += fmt::format(", with a quota of {:.1f}", quota);
        finding.mend = fmt::format("more threads than the container's quota slow each other down: pass --threads {}",
                                   std::max(1, static_cast<int>(quota)));
    }
    return finding;
}

Finding examine_gpu() {
    std::error_code ignored;
    const fs::path gpus = "/proc/driver/nvidia/gpus";
    if (!fs::exists(gpus, ignored)) return {"gpu", "none; not needed, plans and training run on the CPU"};
    const auto count = std::distance(fs::directory_iterator(gpus, ignored), fs::directory_iterator());
    return {"gpu",
            fmt::format("{} NVIDIA; plans run on the CPU, training uses it if libtorch was built with CUDA", count)};
}

/// The digest that the installation recorded for a file, from SHA256SUMS beside it; empty: none.
std::string recorded_digest(const fs::path& file) {
    std::ifstream sums(file.parent_path() / "SHA256SUMS");
    for (std::string digest, name; sums >> digest >> name;)
        if (name == file.filename()) return digest;
    return "";
}

Finding examine_model(const std::string& name) {
    try {
        const std::string file = find_model(name);
        const auto model = load_energy_model(file);
        const bool calibrated = model->calibrated();
        const std::string digest = sha256(read_file(file)), recorded = recorded_digest(file);
        Finding finding{"model " + name, fmt::format("{}, {}calibrated, sha256 {}...{}", file, calibrated ? "" : "not ",
                                                     digest.substr(0, 12), recorded == digest ? ", as installed" : "")};
        if (!recorded.empty() && recorded != digest)
            finding.mend =
                "the file is not the one that was installed (" + recorded.substr(0, 12) + "...): reinstall it";
        return finding;
    } catch (const Error& error) {
        return {"model " + name, "not usable", error.what()};
    }
}

struct DoctorOptions {
    DepthInput input;
    std::string model = "field";
};

std::vector<Finding> examine(const DoctorOptions& options) {
    const DepthInput& input = options.input;
    if (!input.depth.empty()) return examine_files({input.depth, input.intrinsics, input.mask, input.scale});
    require(input.intrinsics.empty() && input.mask.empty() && !input.scale,
            "--intrinsics, --mask and --depth-scale go with --depth FILE, which is missing");
    return {examine_version(), examine_cpu(), examine_threads(),
            examine_blas(),    examine_gpu(), examine_model(options.model)};
}

void run(const DoctorOptions& options, const CommonOptions& common) {
    const std::vector<Finding> findings = examine(options);
    if (common.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const auto& finding : findings)
            list.push_back(
                {{"what", finding.what}, {"value", finding.value}, {"ok", finding.ok()}, {"mend", finding.mend}});
        const bool ok = std::ranges::all_of(findings, &Finding::ok);
        print_json({{"ok", ok}, {"findings", list}});
        return;
    }
    for (const auto& finding : findings) {
        std::cout << fmt::format("{:<5} {:<14} {}\n", finding.ok() ? "ok" : "WARN", finding.what, finding.value);
        if (!finding.ok()) std::cout << "      -> " << finding.mend << "\n";
    }
}

}  // namespace

void add_doctor(CLI::App& app) {
    add_command<DoctorOptions>(
        app, "doctor", "Examine this installation, or a depth image: what is wrong, and what mends it",
        "ebgrasp doctor --depth depth.npy --intrinsics 525,525,319.5,239.5 --mask object.png",
        [](CLI::App& command, DoctorOptions& o) {
            o.input.declare(command);
            command.get_option("--depth")->required(false);
            command.add_option("--model", o.model, "Weights to examine, without --depth")->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
