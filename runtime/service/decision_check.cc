// Entries of actions are passed over without being parsed: a run that was cut off may end with
// hundreds of them. That what was read is what was logged is checked with the leaves themselves,
// from the found one on: tiles, which lie in the same store, could have been left as they were.
#include "runtime/service/decision_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "runtime/audit/leaf.h"
#include "runtime/audit/log_check.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

constexpr const char* kDecisionsField = "decisions";
constexpr const char* kDecisionsTextField = "decisions_of";

// In canonical JSON; within a text, quotes are escaped.
constexpr std::string_view kTransitionMark = "\"kind\":\"transition\"";
constexpr std::string_view kDecisionsMark = "\"decisions\":\"";

bool Holds(std::string_view leaf, std::string_view mark) { return leaf.find(mark) != leaf.npos; }

}  // namespace

bool AlwaysSaysDecisions(AuditKind kind) {
  constexpr std::array<AuditKind, 6> kKinds = {
      AuditKind::kRunStarted,     AuditKind::kRunEnded, AuditKind::kExemptionAdded,
      AuditKind::kExemptionEnded, AuditKind::kReleased, AuditKind::kReleaseEnded};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

void AddDecisions(const StandingDecisions& decisions, AuditEvent& event) {
  event.details[kDecisionsField] = {decisions.digest, false};
  event.details[kDecisionsTextField] = {decisions.Text(), false};
}

Result<LoggedDecisions> ReadLoggedDecisions(const LogReader& reader) {
  LoggedDecisions logged;
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  for (uint64_t index = size; index-- > 0;) {
    const auto leaf = reader.Leaf(index);
    if (!leaf.ok() && leaf.error().kind == ErrorKind::kNotFound) {
      return Error{ErrorKind::kCorrupt, fmt::format("entry {} of the audit log is missing", index),
                   kRestoreHelp};
    }
    if (!leaf.ok()) return leaf.error();
    if (Holds(*leaf, kTransitionMark) && !Holds(*leaf, kDecisionsMark)) continue;
    auto view = ReadLeaf(*leaf);
    if (!view.ok()) return std::move(view).error().In(fmt::format("entry {}", index));
    const auto kind = ParseAuditKind(view->kind);
    if (view->decisions.empty() && !(kind && AlwaysSaysDecisions(*kind))) continue;
    logged.known =
        view->decisions.empty() ? LoggedDecisions::Known::kEarlier : LoggedDecisions::Known::kSaid;
    logged.index = index;
    logged.kind = std::move(view->kind);
    logged.at = std::move(view->at);
    logged.digest = std::move(view->decisions);
    logged.text = std::move(view->decisions_of);
    return logged;
  }
  return logged;
}

Error DecisionMismatch::AsError() const {
  const std::string said = logged.known == LoggedDecisions::Known::kSaid
                               ? fmt::format("its entry {} ({} of {}) says {}, {}", logged.index,
                                             logged.kind, logged.at, logged.text, logged.digest)
                               : "it has no entry of any exemption or release";
  return {ErrorKind::kCorrupt,
          fmt::format("the exemptions, releases and confirmed policies of the store are not those "
                      "that the audit log says, something else than rescind has changed them: {}; "
                      "the store holds {}, {}",
                      said, stored.Text(), stored.digest),
          fmt::format("compare `rescind audit show -o full --kind exemption_added` (and "
                      "exemption_ended, released, release_ended, run_started) with `rescind exempt "
                      "list --all`. Then {}; or go on with what the store holds, which is logged: "
                      "`rescind audit accept {} --reason WHY`, and after that exempt, end or "
                      "release what is wrong again",
                      kRestoreHelp, stored.digest)};
}

Result<std::optional<DecisionMismatch>> CompareDecisions(const Store& store,
                                                         const std::string& audit_key_file,
                                                         FileSystem& files) {
  using Mismatch = std::optional<DecisionMismatch>;
  const KeyValueReader& reader = store.key_values();
  RESCIND_ASSIGN(LoggedDecisions logged, ReadLoggedDecisions(LogReader(reader)));
  RESCIND_TRY(CheckReadableLog(reader, audit_key_file, files, logged.index));
  if (logged.known == LoggedDecisions::Known::kEarlier) return Mismatch();
  RESCIND_ASSIGN(StandingDecisions stored, DigestDecisions(store.secret(), reader));
  // Earlier programs did not log what they noted of policies.
  const bool agrees = logged.known == LoggedDecisions::Known::kSaid
                          ? logged.digest == stored.digest
                          : stored.exemption_count + stored.release_count == 0;
  if (agrees) return Mismatch();
  return Mismatch(DecisionMismatch{std::move(logged), std::move(stored)});
}

Status CheckDecisions(const Store& store, const std::string& audit_key_file, FileSystem& files) {
  RESCIND_ASSIGN(const auto mismatch, CompareDecisions(store, audit_key_file, files));
  return mismatch ? Status(mismatch->AsError()) : Status();
}

}  // namespace rescind
