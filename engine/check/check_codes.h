// The codes of the checker. Never renumber, never reuse; each has a page
// grammar/diagnostics/<code>.md and a golden case in tests/language.
#pragma once

#include "engine/base/diagnostic.h"

namespace rescind::check {

// Expressions.
inline constexpr DiagnosticCode kUnknownName{"E0201"};
inline constexpr DiagnosticCode kTypeMismatch{"E0202"};
inline constexpr DiagnosticCode kMayBeUnknown{"E0203"};
inline constexpr DiagnosticCode kUnknownField{"E0204"};
inline constexpr DiagnosticCode kAmbiguousName{"E0205"};
inline constexpr DiagnosticCode kUnknownMember{"E0206"};
inline constexpr DiagnosticCode kMemberOrName{"E0207"};
inline constexpr DiagnosticCode kNotOrdered{"E0208"};
inline constexpr DiagnosticCode kWrongLength{"E0209"};
inline constexpr DiagnosticCode kMisplacedNow{"E0210"};
inline constexpr DiagnosticCode kBadPattern{"E0211"};
inline constexpr DiagnosticCode kNotACollection{"E0212"};
inline constexpr DiagnosticCode kValueOfMany{"E0213"};
inline constexpr DiagnosticCode kWrongArguments{"E0214"};
inline constexpr DiagnosticCode kNotTracked{"E0215"};
inline constexpr DiagnosticCode kNotAValue{"E0216"};
inline constexpr DiagnosticCode kNameTaken{"E0217"};
inline constexpr DiagnosticCode kMisplacedLiteral{"E0218"};
inline constexpr DiagnosticCode kTooLarge{"E0219"};
inline constexpr DiagnosticCode kUnknownTimeZone{"E0220"};

// Declarations.
inline constexpr DiagnosticCode kDeclaredTwice{"E0301"};
inline constexpr DiagnosticCode kUnknownType{"E0302"};
inline constexpr DiagnosticCode kBadField{"E0303"};
inline constexpr DiagnosticCode kBadInverse{"E0304"};
inline constexpr DiagnosticCode kRecursiveDefine{"E0305"};
inline constexpr DiagnosticCode kBadOverride{"E0306"};
inline constexpr DiagnosticCode kBadDataFile{"E0307"};
inline constexpr DiagnosticCode kNotConstant{"E0308"};
inline constexpr DiagnosticCode kBadEnum{"E0309"};

// Policies and protects.
inline constexpr DiagnosticCode kMissingClause{"E0401"};
inline constexpr DiagnosticCode kRepeatedClause{"E0402"};
inline constexpr DiagnosticCode kMisplacedClause{"E0403"};
inline constexpr DiagnosticCode kWrongTarget{"E0404"};
inline constexpr DiagnosticCode kStagesNotAscending{"E0405"};
inline constexpr DiagnosticCode kStageEndsMatch{"E0406"};
inline constexpr DiagnosticCode kBadRename{"E0407"};
inline constexpr DiagnosticCode kUndeclaredSource{"E0408"};
inline constexpr DiagnosticCode kBadLimit{"E0409"};
inline constexpr DiagnosticCode kWrongRecipient{"E0410"};
inline constexpr DiagnosticCode kBadOutcome{"E0411"};

// Tests and fixtures.
inline constexpr DiagnosticCode kUnknownPolicy{"E0501"};
inline constexpr DiagnosticCode kBadRow{"E0502"};
inline constexpr DiagnosticCode kBadTestTime{"E0503"};
inline constexpr DiagnosticCode kMisplacedStatement{"E0504"};
inline constexpr DiagnosticCode kBadExpectation{"E0505"};

// Lints.
inline constexpr DiagnosticCode kNoControls{"W0201"};
inline constexpr DiagnosticCode kDeleteAtOnce{"W0202"};
inline constexpr DiagnosticCode kAlwaysKnown{"W0203"};
inline constexpr DiagnosticCode kDefaultNeverUsed{"W0204"};
inline constexpr DiagnosticCode kUnusedName{"W0205"};
inline constexpr DiagnosticCode kUndeclaredChannel{"W0206"};
inline constexpr DiagnosticCode kConstantCondition{"W0207"};

}  // namespace rescind::check
