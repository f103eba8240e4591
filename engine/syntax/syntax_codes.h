// The codes of syntax errors. Never renumber, never reuse; each has a page
// grammar/diagnostics/<code>.md and a golden case in tests/language.
#pragma once

#include "engine/base/diagnostic.h"

namespace rescind::syntax {

inline constexpr DiagnosticCode kNotUtf8{"E0101"};
inline constexpr DiagnosticCode kStrayCharacter{"E0102"};
inline constexpr DiagnosticCode kFileTooLarge{"E0103"};
inline constexpr DiagnosticCode kForeignOperator{"E0104"};
inline constexpr DiagnosticCode kOpenText{"E0105"};
inline constexpr DiagnosticCode kOpenComment{"E0106"};
inline constexpr DiagnosticCode kOpenRegex{"E0107"};
inline constexpr DiagnosticCode kTooDeep{"E0108"};
inline constexpr DiagnosticCode kBadEscape{"E0109"};
inline constexpr DiagnosticCode kBadNumber{"E0110"};
inline constexpr DiagnosticCode kNumberTooLarge{"E0111"};
inline constexpr DiagnosticCode kBadMoment{"E0112"};
inline constexpr DiagnosticCode kOpenBracket{"E0113"};
inline constexpr DiagnosticCode kStrayBracket{"E0114"};
inline constexpr DiagnosticCode kChainedRelation{"E0115"};
inline constexpr DiagnosticCode kUnexpected{"E0116"};
inline constexpr DiagnosticCode kUnknownKeyword{"E0117"};
inline constexpr DiagnosticCode kReservedName{"E0118"};
inline constexpr DiagnosticCode kBadReasonBrace{"E0119"};
inline constexpr DiagnosticCode kUnknownWord{"E0120"};
inline constexpr DiagnosticCode kMisplacedModule{"E0121"};
inline constexpr DiagnosticCode kTooManyDeclarations{"E0122"};
inline constexpr DiagnosticCode kSingleEquals{"E0123"};
inline constexpr DiagnosticCode kBadCollection{"E0124"};
inline constexpr DiagnosticCode kBadCall{"E0125"};
inline constexpr DiagnosticCode kRepeatedPart{"E0126"};
inline constexpr DiagnosticCode kTooManyErrors{"E0127"};
inline constexpr DiagnosticCode kHiddenMark{"E0128"};

// A file with more syntax errors than this is not what its author believes it to be.
inline constexpr size_t kMaxErrorsPerFile = 200;

}  // namespace rescind::syntax
