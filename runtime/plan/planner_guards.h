// PlannerGuards: who keeps which actions from a row, by protects and by exemptions.
#pragma once

#include "runtime/plan/exemption_cover.h"
#include "runtime/plan/protection.h"

namespace rescind {

struct PlannerGuards {
  Protection protection;
  ExemptionCover exemptions;
};

}  // namespace rescind
