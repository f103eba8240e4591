// CountDoneFindings: open findings that ask for nothing more: everything begun, and verified.
//
// They end with the next apply, which judges again; this looks at what is recorded and judges
// nothing. Where the records cannot tell, a finding is not counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/finding_book.h"
#include "runtime/service/pipeline.h"

namespace rescind {

// By policy; policies without are not listed.
Result<std::map<std::string, uint64_t>> CountDoneFindings(Pipeline& pipeline,
                                                          const FindingBook& book,
                                                          const Journal& journal, Instant now);

}  // namespace rescind
