#include "runtime/service/audit_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/diagnostic.h"
#include "runtime/audit/checkpoint.h"
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

bool NamesPolicy(const LeafView& leaf, const std::string& text) {
  return std::any_of(leaf.policies.begin(), leaf.policies.end(),
                     [&](const std::string& name) { return IsPolicyCalled(name, text); });
}

}  // namespace

bool AuditFilter::Accepts(const LeafView& leaf) const {
  return (policy.empty() || NamesPolicy(leaf, policy)) && leaf.action_key.starts_with(action) &&
         (target.empty() || NamesRow(leaf, target)) &&
         (person.empty() || NamesPerson(leaf, person)) &&
         (system.empty() || leaf.system == system) && (kind.empty() || leaf.kind == kind);
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
    const LogReader& reader, const std::string& wanted, std::set<std::string>& names,
    const std::function<void(const LeafView& leaf, std::set<std::string>& names)>& take) {
  if (names.contains(wanted)) return {};
  Status problem;
  RESCIND_TRY(reader.Scan(0, [&](uint64_t index, std::string_view leaf) {
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

Error NamesNothing(std::string message, const std::optional<std::string>& meant,
                   std::string otherwise) {
  return Error{ErrorKind::kNotFound, std::move(message),
               meant ? fmt::format("did you mean `{}`?", *meant) : std::move(otherwise)};
}

Status CheckNamesPolicy(const LogReader& reader, const ir::Program& program,
                        const std::string& policy) {
  const auto known = ResolvePolicy(program, policy);
  if (known.ok()) return {};
  if (known.error().kind != ErrorKind::kNotFound) return known.error();
  std::set<std::string> names;
  for (const ir::Rule& rule : program.rules) names.insert(rule.full_name);
  RESCIND_TRY(CollectNames(reader, policy, names, [&](const LeafView& leaf, auto& into) {
    into.insert(leaf.policies.begin(), leaf.policies.end());
    if (NamesPolicy(leaf, policy)) into.insert(policy);
  }));
  if (names.contains(policy)) return {};
  return NamesNothing(
      fmt::format("there is no policy {}, and no entry of the log names one of that name", policy),
      DidYouMean(policy, {names.begin(), names.end()}),
      "give its full name; `rescind status` lists the policies");
}

Status CheckNamesRow(const LogReader& reader, Store& store, const std::string& id) {
  for (uint32_t index = 0; index < store.schema().entities().size(); ++index) {
    RESCIND_ASSIGN(const auto row, store.Find(EntityId(index), id));
    if (row) return {};
  }
  if (ResolveTarget(store, id).ok()) return {};  // ENTITY:ID
  std::set<std::string> names;
  RESCIND_TRY(CollectNames(reader, id, names, [&](const LeafView& leaf, auto& into) {
    if (NamesRow(leaf, id)) into.insert(id);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(fmt::format("no row is called {}, and no entry of the log is about one", id),
                      std::nullopt, "give the row's id, as `rescind plan` prints it, or ENTITY:ID");
}

Status CheckNamesPerson(const LogReader& reader, Store& store, const std::string& id) {
  if (const auto entity = store.schema().Find("identity")) {
    RESCIND_ASSIGN(const auto row, store.Find(*entity, id));
    if (row) return {};
  }
  std::set<std::string> names;
  RESCIND_TRY(CollectNames(reader, id, names, [&](const LeafView& leaf, auto& into) {
    if (!leaf.owner.empty()) into.insert(leaf.owner);
    if (NamesPerson(leaf, id)) into.insert(id);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(
      fmt::format("there is no person {}, and no entry of the log is about access of one", id),
      DidYouMean(id, {names.begin(), names.end()}), "give the id of an `identity` row");
}

Status CheckNamesSystem(const LogReader& reader, const Workspace& workspace, Store& store,
                        const std::string& id) {
  std::set<std::string> names;
  for (const auto& [name, target] : workspace.targets) names.insert(name);
  if (const auto entity = store.schema().Find("system")) {
    RESCIND_ASSIGN(const auto row, store.Find(*entity, id));
    if (row) return {};
  }
  RESCIND_TRY(CollectNames(reader, id, names, [](const LeafView& leaf, auto& into) {
    if (!leaf.system.empty()) into.insert(leaf.system);
  }));
  if (names.contains(id)) return {};
  return NamesNothing(
      fmt::format("there is no system {}, and no entry of the log is about one", id),
      DidYouMean(id, {names.begin(), names.end()}),
      "give the id of a `system` row, such as the name of a [target.NAME] of rescind.toml");
}

}  // namespace

Status CheckNames(const LogReader& reader, const AuditFilter& filter, const ir::Program& program,
                  const Workspace& workspace, Store& store) {
  if (!filter.policy.empty()) RESCIND_TRY(CheckNamesPolicy(reader, program, filter.policy));
  if (!filter.target.empty()) RESCIND_TRY(CheckNamesRow(reader, store, filter.target));
  if (!filter.person.empty()) RESCIND_TRY(CheckNamesPerson(reader, store, filter.person));
  if (filter.system.empty()) return {};
  return CheckNamesSystem(reader, workspace, store, filter.system);
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
  KeyValueBatch batch;
  const auto commit = [&]() -> Status {
    RESCIND_TRY(audit.RotateKey(trigger, batch));
    return store.CommitExtra(batch);
  };
  if (Status status = commit(); !status.ok()) {
    audit.Abandoned();
    return status;
  }
  audit.Committed();
  return audit.FinishRotation();
}

}  // namespace rescind
