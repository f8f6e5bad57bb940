// oneDNN (as Debian builds it) cuts each primitive among OpenMP's threads: their number would change results,
// ThreadLimit would not bound it, and two thread pools would fight for the cores. So our primitives are
// single-threaded, and the parallel loops around them are those of core/parallel.hpp, over pieces that do not depend on
// the number of threads.
#pragma once

namespace ebgrasp {

/// While it lives, oneDNN primitives that the calling thread creates or runs keep to that thread.
class SingleThreadedPrimitives {
  public:
    SingleThreadedPrimitives();
    ~SingleThreadedPrimitives();
    SingleThreadedPrimitives(const SingleThreadedPrimitives&) = delete;
    SingleThreadedPrimitives& operator=(const SingleThreadedPrimitives&) = delete;

  private:
    int previous_;
};

}  // namespace ebgrasp
