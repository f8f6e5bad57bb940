// glibc hands large blocks back to the kernel when they are freed, and every plan or training step then faults them in
// again.
#pragma once

namespace ebgrasp {

/// Makes malloc keep up to 1 GiB of freed memory for reuse (glibc only; elsewhere nothing). Call once, at the start of
/// a program.
void tune_allocator();

}  // namespace ebgrasp
