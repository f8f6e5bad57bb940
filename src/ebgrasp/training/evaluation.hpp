#pragma once
#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
