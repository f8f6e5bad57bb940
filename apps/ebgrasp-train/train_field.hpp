#pragma once

#include "command.hpp"

namespace ebgrasp::app {

/// `ebgrasp train --model field`: scenes are drawn, labelled and learnt from in one go.
void train_field_model(const std::string& config, const std::string& output, const CommonOptions& common);

}  // namespace ebgrasp::app
