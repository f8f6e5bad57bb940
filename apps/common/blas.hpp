// The BLAS that libtorch multiplies with: a property of the machine, worth a factor of 30 in training.
#pragma once

#include <optional>
#include <string>

namespace ebgrasp::app {

/// OpenBLAS 0.3.21 takes newer CPUs with AVX-512 for AVX2 ones, at half the speed. Where the CPU has AVX-512 and the
/// user has not chosen, sets OPENBLAS_CORETYPE; to be called before the library is loaded.
void choose_blas_kernels();

struct BlasReport {
    std::string library;    ///< the file behind libblas.so.3
    double gflops;          ///< single precision, 1024^3 product, all threads
    std::string core_type;  ///< OPENBLAS_CORETYPE, or empty
};

/// Loads the system's BLAS and times it; nullopt if there is none.
std::optional<BlasReport> measure_blas();

}  // namespace ebgrasp::app
