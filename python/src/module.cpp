// The compiled half of `import ebgrasp`; python/ebgrasp/__init__.py is the other.
#include "conversions.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"

PYBIND11_MODULE(_core, m) {
    using namespace ebgrasp::python;
    ebgrasp::start_logging();
    py::register_exception<ebgrasp::Error>(m, "Error", PyExc_ValueError);
    m.attr("__version__") = EBGRASP_VERSION;
    bind_grasps(m);
    bind_planning(m);
    std::vector<std::string> features = {"planning"};
#ifdef EBGRASP_WITH_DATA
    bind_data(m);
    features.emplace_back("data");
#endif
#ifdef EBGRASP_WITH_SIMULATION
    bind_simulation(m);
    features.emplace_back("simulation");
#endif
    m.attr("features") = py::tuple(py::cast(features));
}
