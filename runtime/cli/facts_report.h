// One row of facts, and what the check of all of them found, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>

#include "runtime/service/facts_desk.h"
#include "runtime/store/store.h"

namespace rescind {

void PrintRow(std::string_view entity, const RowFacts& row, const FieldRemarks& remarks,
              std::ostream& to);
// "rescind.row/1".
std::string RowAsJson(std::string_view entity, const RowFacts& row, const FieldRemarks& remarks);

void PrintFactsReport(const FactsReport& report, Instant now, std::ostream& to);
// "rescind.facts-check/1".
std::string FactsReportAsJson(const FactsReport& report);

}  // namespace rescind
