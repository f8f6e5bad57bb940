#include "ebgrasp/energy/single_threaded.hpp"

#include <omp.h>

namespace ebgrasp {

SingleThreadedPrimitives::SingleThreadedPrimitives() : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }

SingleThreadedPrimitives::~SingleThreadedPrimitives() { omp_set_num_threads(previous_); }

}  // namespace ebgrasp
