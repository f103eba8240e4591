// Constants: the values of params, lists and tables, with the workspace's overrides and files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/check/check_state.h"

namespace rescind::check {

// Fills Program::params, lists and tables from CheckState::params, lists and tables. What is
// broken has a false entry in CheckState::sound_*.
void CheckConstants(CheckState& state);

// A value as data files and rescind.toml write it: without quotes, durations as in the language.
// nullopt when it is none of that type.
std::optional<typed::Constant> ParseConstant(const Schema& schema, const typed::Type& type,
                                             std::string_view text);

}  // namespace rescind::check
