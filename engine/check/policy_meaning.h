// DescribeMeaning: what a policy or protect does, as canonical text with its hash.
//
// Same text, same effect: places, comments, titles, reasons, controls and the names of variables
// are left out, values of params, lists and defines are in, and so are the workspace's holidays
// where business days are counted.
#pragma once

#include "engine/check/typed_ast.h"

namespace rescind::check {

void DescribeMeaning(const typed::Program& program, typed::Policy& policy);
void DescribeMeaning(const typed::Program& program, typed::Protect& protect);

}  // namespace rescind::check
