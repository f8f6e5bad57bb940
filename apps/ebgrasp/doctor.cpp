#include <fmt/format.h>
#include <iostream>
#include <thread>
#include <vector>

#include "blas.hpp"
#include "commands.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/energy_model.hpp"

namespace ebgrasp::app {
namespace {

/// Below this rate the BLAS is the unoptimised reference implementation (about 3.5 GFLOP/s a core).
constexpr double slow_blas_gflops = 20.0;

struct Finding {
    std::string what, value, mend;  ///< an empty mend: all is well
};

Finding examine_blas() {
    const auto blas = measure_blas();
    if (!blas) return {"blas", "none found", "training needs one: apt install libopenblas0-pthread"};
    const std::string core = blas->core_type.empty() ? "" : ", OPENBLAS_CORETYPE=" + blas->core_type;
    const std::string value = fmt::format("{} at {:.0f} GFLOP/s{}", blas->library, blas->gflops, core);
    const bool slow = blas->gflops < slow_blas_gflops;
    return {"blas", value,
            slow ? "this BLAS is slow, training will take up to 30 times longer: apt install libopenblas0-pthread, "
                   "then choose it with update-alternatives --config libblas.so.3-x86_64-linux-gnu"
                 : ""};
}

Finding examine_cpu() {
    std::string simd = "baseline";
#if defined(__x86_64__)
    __builtin_cpu_init();
    simd = __builtin_cpu_supports("avx512f") ? "AVX-512" : __builtin_cpu_supports("avx2") ? "AVX2" : "SSE";
#endif
    return {"cpu", fmt::format("{} threads, {}", std::thread::hardware_concurrency(), simd), ""};
}

Finding examine_model(const std::string& name) {
    try {
        const std::string file = find_model(name);
        const auto model = load_energy_model(file);
        return {"model " + name, file + (model->calibrated() ? ", calibrated" : ", not calibrated"), ""};
    } catch (const Error& error) {
        return {"model " + name, "not usable", error.what()};
    }
}

struct DoctorOptions {
    std::string model = "seed";
};

void run(const DoctorOptions& options, const CommonOptions& common) {
    const std::vector<Finding> findings = {
        {"version", EBGRASP_VERSION, ""}, examine_cpu(), examine_blas(), examine_model(options.model)};
    if (common.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const auto& [what, value, mend] : findings)
            list.push_back({{"what", what}, {"value", value}, {"ok", mend.empty()}, {"mend", mend}});
        print_json({{"findings", list}});
        return;
    }
    for (const auto& [what, value, mend] : findings) {
        std::cout << fmt::format("{:<5} {:<12} {}\n", mend.empty() ? "ok" : "WARN", what, value);
        if (!mend.empty()) std::cout << "      " << mend << "\n";
    }
}

}  // namespace

void add_doctor(CLI::App& app) {
    add_command<DoctorOptions>(
        app, "doctor", "Examine this installation: CPU, BLAS, weights", "ebgrasp doctor",
        [](CLI::App& command, DoctorOptions& o) {
            command.add_option("--model", o.model, "Weights to examine")->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
