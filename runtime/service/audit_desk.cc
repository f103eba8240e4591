#include "runtime/service/audit_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/diagnostic.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/service/policy_name.h"
#include "runtime/service/target_resolver.h"

namespace rescind {

namespace {

bool NamesRow(const LeafView& leaf, const std::string& text) {
  return leaf.target == text ||
         (!leaf.entity.empty() && fmt::format("{}:{}", leaf.entity, leaf.target) == text);
}

bool NamesPerson(const LeafView& leaf, const std::string& id) {
  return leaf.owner == id || (leaf.entity == "identity" && leaf.target == id);
}

bool NamesSystem(const LeafView& leaf, const std::string& id) {
  return leaf.system == id || (leaf.entity == "system" && leaf.target == id);
}

bool NamesPolicy(const LeafView& leaf, const std::string& text) {
  return std::any_of(leaf.policies.begin(), leaf.policies.end(),
                     [&](const std::string& name) { return IsPolicyCalled(name, text); });
}

// An exemption that names no policy is from all of them, that one too.
bool IsOfAllPolicies(const LeafView& leaf) {
  const bool is_exemption = leaf.kind == AuditKindName(AuditKind::kExemptionAdded) ||
                            leaf.kind == AuditKindName(AuditKind::kExemptionEnded);
  return is_exemption && leaf.policies.empty();
}

bool IsOfPolicy(const LeafView& leaf, const AuditFilter& filter) {
  return filter.policy.empty() || NamesPolicy(leaf, filter.policy) || IsOfAllPolicies(leaf) ||
         std::any_of(leaf.policies.begin(), leaf.policies.end(), [&](const std::string& name) {
           return filter.earlier_policies.contains(name);
         });
}

}  // namespace

bool AuditFilter::Accepts(const LeafView& leaf) const {
  return IsOfPolicy(leaf, *this) && leaf.action_key.starts_with(action) &&
         (target.empty() || NamesRow(leaf, target)) &&
         (person.empty() || NamesPerson(leaf, person)) &&
         (system.empty() || NamesSystem(leaf, system)) && (kind.empty() || leaf.kind == kind);
}

Status ShowAudit(const LeafSource& log, const AuditFilter& filter, const ShowEntry& show) {
  const bool selects = !filter.action.empty() || !filter.target.empty() || !filter.person.empty() ||
                       !filter.system.empty() || !filter.kind.empty() || !filter.policy.empty();
  const bool last_ones = !filter.from && filter.most > 0;
  RESCIND_ASSIGN(const uint64_t size, log.Size());
  uint64_t from = filter.from.value_or(0);
  if (last_ones && !selects && size > filter.most) from = size - filter.most;
  std::deque<std::pair<uint64_t, std::string>> kept;
  uint64_t shown_count = 0;
  Status problem;
  const auto take = [&](uint64_t index, std::string_view leaf) -> Status {
    RESCIND_ASSIGN(const LeafView view, ReadLeaf(leaf));
    if (!filter.Accepts(view)) return {};
    if (!last_ones) {
      ++shown_count;
      return show(index, leaf, view);
    }
    kept.emplace_back(index, leaf);
    if (kept.size() > filter.most) kept.pop_front();
    return {};
  };
  RESCIND_TRY(log.Scan(from, [&](uint64_t index, std::string_view leaf) {
    if (Status taken = take(index, leaf); !taken.ok()) {
      problem = Error(taken.error()).In("entry " + std::to_string(index));
      return false;
    }
    return filter.most == 0 || shown_count < filter.most;
  }));
  RESCIND_TRY(std::move(problem));
  for (const auto& [index, leaf] : kept) {
    RESCIND_ASSIGN(const LeafView view, ReadLeaf(leaf));
    RESCIND_TRY(show(index, leaf, view));
  }
  return {};
}

namespace {

// What `names` takes of each entry, until it has `wanted`; all of it where nothing does.
Status CollectNames(
    const LeafSource& log, const std::string& wanted, std::set<std::string>& names,
    const std::function<void(const LeafView& leaf, std::set<std::string>& names)>& take) {
  if (names.contains(wanted)) return {};
  Status problem;
  RESCIND_TRY(log.Scan(0, [&](uint64_t index, std::string_view leaf) {
    auto view = ReadLeaf(leaf);
    if (!view.ok()) {
      problem = std::move(view).error().In("entry " + std::to_string(index));
      return false;
    }
    take(*view, names);
    return !names.contains(wanted);
  }));
  return problem;
}

// `there_is_none`: said where it is known what there is now.
Error NamesNothing(const NamesNow* now, std::string_view there_is_none, std::string no_entry,
                   const std::optional<std::string>& meant, std::string otherwise) {
  if (now == nullptr) otherwise = "`rescind audit show` without it lists the entries";
  return Error{
      ErrorKind::kNotFound,
      now != nullptr ? fmt::format("{}, and {}", there_is_none, no_entry) : std::move(no_entry),
      meant ? fmt::format("did you mean `{}`?", *meant) : std::move(otherwise)};
}

Status CheckNamesPolicy(const LeafSource& log, const std::string& policy, const NamesNow* now) {
  std::set<std::string> names;
  if (now != nullptr) {
    const auto known = ResolvePolicy(now->program, policy);
    if (known.ok()) return {};
    if (known.error().kind != ErrorKind::kNotFound) return known.error();
    for (const ir::Rule& rule : now->program.rules) names.insert(rule.full_name);
  }
  RESCIND_TRY(CollectNames(log, policy, names, [&](const LeafView& leaf, auto& into) {
    into.insert(leaf.policies.begin(), leaf.policies.end());
    if (NamesPolicy(leaf, policy)) into.insert(policy);
  }));
  if (names.contains(policy)) return {};
  return NamesNothing(now, fmt::format("there is no policy {}", policy),
                      now != nullptr ? "no entry of the log names one of that name"
                                     : fmt::format("no entry of the log names a policy {}", policy),
                      DidYouMean(policy, {names.begin(), names.end()}),
                      "give its full name; `rescind status` lists the policies");
}

Status CheckNamesRow(const LeafSource& log, const std::string& id, const NamesNow* now) {
  if (now != nullptr) {
    for (uint32_t index = 0; index < now->store.schema().entities().size(); ++index) {
      RESCIND_ASSIGN(const auto row, now->store.Find(EntityId(index), id));
      if (row) return {};
    }
    if (ResolveTarget(now->store, id).ok()) return {};  // ENTITY:ID
  }
  std::set<std::string> names;
  RESCIND_TRY(CollectNames(log, id, names, [&](const LeafView& leaf, auto& into) {
    if (now == nullptr && !leaf.target.empty()) into.insert(leaf.target);
    if (NamesRow(leaf, id)) into.insert(id);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(now, fmt::format("no row is called {}", id),
                      now != nullptr
                          ? "no entry of the log is about one"
                          : fmt::format("no entry of the log is about a row called {}", id),
                      DidYouMean(id, {names.begin(), names.end()}),
                      "give the row's id, as `rescind plan` prints it, or ENTITY:ID");
}

// Whether there is such a row now.
Result<bool> IsRowNow(const NamesNow* now, std::string_view entity, const std::string& id) {
  if (now == nullptr) return false;
  return HasRow(now->store, entity, id);
}

Status CheckNamesPerson(const LeafSource& log, const std::string& id, const NamesNow* now) {
  RESCIND_ASSIGN(const bool is_there, IsRowNow(now, "identity", id));
  if (is_there) return {};
  std::set<std::string> names;
  RESCIND_TRY(CollectNames(log, id, names, [&](const LeafView& leaf, auto& into) {
    if (!leaf.owner.empty()) into.insert(leaf.owner);
    if (NamesPerson(leaf, id)) into.insert(id);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(
      now, fmt::format("there is no person {}", id),
      now != nullptr ? "no entry of the log is about access of one"
                     : fmt::format("no entry of the log is about access of a person {}", id),
      DidYouMean(id, {names.begin(), names.end()}), "give the id of an `identity` row");
}

Status CheckNamesSystem(const LeafSource& log, const std::string& id, const NamesNow* now) {
  RESCIND_ASSIGN(const bool is_there, IsRowNow(now, "system", id));
  if (is_there) return {};
  std::set<std::string> names;
  if (now != nullptr) {
    for (const auto& [name, target] : now->workspace.targets) names.insert(name);
  }
  RESCIND_TRY(CollectNames(log, id, names, [&](const LeafView& leaf, auto& into) {
    if (!leaf.system.empty()) into.insert(leaf.system);
    if (NamesSystem(leaf, id)) into.insert(id);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(
      now, fmt::format("there is no system {}", id),
      now != nullptr ? "no entry of the log is about one"
                     : fmt::format("no entry of the log is about a system {}", id),
      DidYouMean(id, {names.begin(), names.end()}),
      "give the id of a `system` row, such as the name of a [target.NAME] of rescind.toml");
}

}  // namespace

void AddEarlierNames(AuditFilter& filter, const ir::Program& program) {
  if (filter.policy.empty()) return;
  const auto known = ResolvePolicy(program, filter.policy);
  if (!known.ok()) return;
  const PolicyRenames renames(program);
  for (const auto& [before, now] : renames.all()) {
    if (now == *known) filter.earlier_policies.insert(before);
  }
}

bool HasNames(const AuditFilter& filter) {
  return !filter.policy.empty() || !filter.target.empty() || !filter.person.empty() ||
         !filter.system.empty();
}

Status CheckNames(const LeafSource& log, const AuditFilter& filter, const NamesNow* now) {
  if (!filter.policy.empty()) RESCIND_TRY(CheckNamesPolicy(log, filter.policy, now));
  if (!filter.target.empty()) RESCIND_TRY(CheckNamesRow(log, filter.target, now));
  if (!filter.person.empty()) RESCIND_TRY(CheckNamesPerson(log, filter.person, now));
  return filter.system.empty() ? Status() : CheckNamesSystem(log, filter.system, now);
}

Result<std::string> CommitCheckpoint(Store& store, AuditLog& audit) {
  KeyValueBatch batch;
  RESCIND_ASSIGN(std::string note, audit.Checkpoint(batch));
  RESCIND_TRY(store.CommitExtra(batch));
  return note;
}

Status SignLog(Store& store, AuditLog& audit) {
  RESCIND_ASSIGN([[maybe_unused]] const std::string note, CommitCheckpoint(store, audit));
  return {};
}

namespace {

// What `write` puts into the log is durable, or the log is as it was.
Status CommitLogged(Store& store, AuditLog& audit,
                    const std::function<Status(KeyValueBatch& batch)>& write) {
  KeyValueBatch batch;
  Status status = write(batch);
  if (status.ok()) status = store.CommitExtra(batch);
  if (!status.ok()) {
    audit.Abandoned();
    return status;
  }
  audit.Committed();
  return {};
}

}  // namespace

Result<AcceptedLog> AcceptLog(Store& store, AuditLog& audit, const AuditWitness& witness,
                              Instant now, const std::string& trigger) {
  const AcceptedLog accepted{audit.size(), HexOf(audit.root())};
  AuditEvent note;
  note.kind = AuditKind::kNote;
  note.at = now;
  note.trigger = trigger;
  note.outcome = {fmt::format("the log was accepted as the store had it: {} lay beside its key",
                              witness.is_there ? "a damaged checkpoint" : "no checkpoint")};
  note.details["accepted_entries"] = {fmt::format("{}", accepted.size), false};
  note.details["accepted_root"] = {accepted.root, false};
  RESCIND_TRY(
      CommitLogged(store, audit, [&](KeyValueBatch& batch) { return audit.Append(note, batch); }));
  RESCIND_TRY(SignLog(store, audit));
  return accepted;
}

Status AcceptDecisions(Store& store, AuditLog& audit, const DecisionMismatch& mismatch, Instant now,
                       const std::string& reason, const std::string& trigger) {
  AuditEvent note;
  note.kind = AuditKind::kNote;
  note.at = now;
  note.trigger = trigger;
  note.outcome = {reason, true};  // may name anybody
  AddDecisions(mismatch.stored, note);
  const LoggedDecisions& logged = mismatch.logged;
  const bool was_said = logged.known == LoggedDecisions::Known::kSaid;
  note.details["decisions_before"] = {was_said ? logged.digest : "none", false};
  note.details["decisions_of_before"] = {was_said ? logged.text : "none", false};
  RESCIND_TRY(
      CommitLogged(store, audit, [&](KeyValueBatch& batch) { return audit.Append(note, batch); }));
  return SignLog(store, audit);
}

Result<SignedLog> ReadSignedLog(const LogReader& reader) {
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  RESCIND_ASSIGN(auto note, reader.LastCheckpoint());
  if (!note) {
    return Error{ErrorKind::kNotFound,
                 size == 0
                     ? "the audit log is empty, and no checkpoint of it was ever signed"
                     : fmt::format("the audit log has {} entries, and no checkpoint of it was "
                                   "ever signed",
                                   size),
                 "the private key signs one, at the end of each run"};
  }
  SignedLog signed_log;
  RESCIND_ASSIGN(const SignedCheckpoint parsed, ParseSignedCheckpoint(*note));
  // Who opens a log checks that it goes on from its checkpoints.
  RESCIND_ASSERT(parsed.checkpoint.size <= size, "a log is shorter than its checkpoint");
  signed_log.checkpoint = *std::move(note);
  signed_log.later_count = size - parsed.checkpoint.size;
  return signed_log;
}

Status RotateAuditKey(Store& store, AuditLog& audit, const std::string& trigger) {
  RESCIND_TRY(CommitLogged(store, audit,
                           [&](KeyValueBatch& batch) { return audit.RotateKey(trigger, batch); }));
  return audit.FinishRotation();
}

}  // namespace rescind
