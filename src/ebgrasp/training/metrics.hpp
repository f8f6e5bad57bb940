#pragma once
#include "ebgrasp/evaluation/calibration_fit.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
