#include "ebgrasp/core/allocator.hpp"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ebgrasp {

void tune_allocator() {
#ifdef __GLIBC__
    constexpr int keep = 1 << 30;
    mallopt(M_MMAP_THRESHOLD, keep);
    mallopt(M_TRIM_THRESHOLD, keep);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace ebgrasp
