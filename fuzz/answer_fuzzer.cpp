#include "ebgrasp/baselines/program_planner.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line(fuzz::text(data, size));
    PlanRequest request;
    request.image = {DepthArray::Ones(480, 640), CameraIntrinsics{}};
    for (const bool posed : {false, true}) {
        if (posed) request.X_WC = Eigen::Isometry3d(Eigen::AngleAxisd(3, Eigen::Vector3d::UnitX()));
        fuzz::value_or_error([&] {
            for (const PlannedGrasp& planned : parse_answer(line, 1, request).grasps)
                fuzz::demand(planned.X_CG.matrix().allFinite());
        });
    }
    return 0;
}
