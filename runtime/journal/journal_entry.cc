// Layout (FORMAT.md): a version byte, then the fields of JournalEntry in order.
#include "runtime/journal/journal_entry.h"

#include <utility>
#include <vector>

#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kVersion = 6;
constexpr uint8_t kOffSinceVersion = 6;  // since when what is undone was done
constexpr uint8_t kEscalateVersion = 5;  // who hears that a person must act
constexpr uint8_t kGivenUpVersion = 4;   // given up and undone; undos that are dropped
constexpr uint8_t kUndoVersion = 3;      // an entry says whether it is being undone
constexpr uint8_t kPersonalVersion = 2;  // reasons say whether they name people
constexpr uint8_t kGroupsVersion = 3;    // rollback groups, where there was one

void WriteAction(RecordWriter& writer, const Action& action) {
  writer.Text(action.key);
  writer.Byte(static_cast<uint8_t>(action.verb));
  writer.Text(action.playbook);
  writer.Text(action.target.entity);
  writer.Text(action.target.id);
  writer.Number32(action.target.incarnation);
  writer.Text(action.target.system);
  writer.Number32(static_cast<uint32_t>(action.target.attributes.size()));
  for (const auto& [path, value] : action.target.attributes) {
    writer.Text(path);
    writer.Text(value);
  }
  writer.Number32(action.episode);
  writer.Byte(static_cast<uint8_t>(action.severity));
  writer.List(action.reasons, [&](const ActionReason& reason) {
    writer.Text(reason.policy);
    writer.Text(reason.finding_id);
    writer.Text(reason.because);
    writer.Number32(reason.stage);
    writer.List(reason.controls, [&](const std::string& control) { writer.Text(control); });
    writer.Bool(reason.personal);
  });
}

ActionReason ReadReason(RecordReader& reader) {
  ActionReason reason;
  reason.policy = reader.Text();
  reason.finding_id = reader.Text();
  reason.because = reader.Text();
  reason.stage = reader.Number32();
  reason.controls = reader.List<std::string>(4, [&] { return reader.Text(); });
  if (reader.version() >= kPersonalVersion) reason.personal = reader.Bool();
  return reason;
}

Action ReadAction(RecordReader& reader) {
  Action action;
  action.key = reader.Text();
  action.verb = reader.Choice(Verb::kNotify);
  action.playbook = reader.Text();
  action.target.entity = reader.Text();
  action.target.id = reader.Text();
  action.target.incarnation = reader.Number32();
  action.target.system = reader.Text();
  using Attribute = std::pair<std::string, std::string>;
  const auto attributes = reader.List<Attribute>(8, [&] {
    std::string path = reader.Text();
    return Attribute(std::move(path), reader.Text());
  });
  for (const auto& [path, value] : attributes) {
    auto& known = action.target.attributes;
    // One encoding for one entry: the paths ascend.
    if (!known.empty() && known.rbegin()->first >= path) reader.Fail();
    known.emplace(path, value);
  }
  action.episode = reader.Number32();
  action.severity = reader.Choice(Severity::kCritical);
  action.reasons = reader.List<ActionReason>(20, [&] { return ReadReason(reader); });
  return action;
}

std::vector<std::string> ReadGroups(RecordReader& reader) {
  if (reader.version() >= kGroupsVersion) {
    return reader.List<std::string>(4, [&] { return reader.Text(); });
  }
  std::string group = reader.Text();
  return group.empty() ? std::vector<std::string>() : std::vector{std::move(group)};
}

// Of an earlier program: what had an effect in a stage that rolls back was left to a person only
// when it could not be undone, or when access went on all the same.
bool WasUndone(const JournalEntry& entry) {
  if (entry.state == ActionState::kCompensating) return true;
  return entry.state == ActionState::kEscalated && entry.has_effect &&
         !entry.rollback_groups.empty() && !IsStillEffective(entry);
}

}  // namespace

std::string EncodeEntry(const JournalEntry& entry) {
  RecordWriter writer(kVersion);
  WriteAction(writer, entry.action);
  writer.Text(entry.wanted_key);
  writer.Byte(static_cast<uint8_t>(entry.state));
  writer.Text(entry.account);
  writer.Number32(entry.order);
  writer.List(entry.rollback_groups, [&](const std::string& group) { writer.Text(group); });
  writer.Byte(static_cast<uint8_t>(entry.on_failure));
  writer.Number64(entry.retry_for.micros);
  writer.Time(entry.planned_at);
  writer.Time(entry.changed_at);
  writer.Time(entry.due);
  writer.Time(entry.retry_until);
  writer.Time(entry.retry_at);
  writer.Number32(entry.attempt_count);
  writer.Number32(entry.step_count);
  writer.Bool(entry.may_have_effect);
  writer.Bool(entry.has_effect);
  writer.Bool(entry.is_undo);
  writer.Bool(entry.undo_dropped);
  writer.Bool(entry.undo_failed);
  writer.Time(entry.undo_since);
  writer.Time(entry.given_up_at);
  writer.Text(entry.given_up_because);
  writer.List(entry.escalate_to, [&](const std::string& recipient) { writer.Text(recipient); });
  writer.Time(entry.off_since);
  writer.Text(entry.preimage);
  writer.Text(entry.precondition_digest);
  writer.Text(entry.detail);
  return writer.Take();
}

Result<JournalEntry> DecodeEntry(std::string_view bytes) {
  RecordReader reader(bytes, kVersion, "a record of the journal");
  JournalEntry entry;
  entry.action = ReadAction(reader);
  entry.wanted_key = reader.Text();
  entry.state = reader.Choice(kLastActionState);
  entry.account = reader.Text();
  entry.order = reader.Number32();
  entry.rollback_groups = ReadGroups(reader);
  entry.on_failure = reader.Choice(OnFailure::kRollback);
  entry.retry_for = {reader.Number64()};
  entry.planned_at = reader.Time();
  entry.changed_at = reader.Time();
  entry.due = reader.OptionalTime();
  entry.retry_until = reader.OptionalTime();
  entry.retry_at = reader.OptionalTime();
  entry.attempt_count = reader.Number32();
  entry.step_count = reader.Number32();
  entry.may_have_effect = reader.Bool();
  entry.has_effect = reader.Bool();
  if (reader.version() >= kUndoVersion) entry.is_undo = reader.Bool();
  if (reader.version() >= kGivenUpVersion) {
    entry.undo_dropped = reader.Bool();
    entry.undo_failed = reader.Bool();
    entry.undo_since = reader.OptionalTime();
    entry.given_up_at = reader.OptionalTime();
    entry.given_up_because = reader.Text();
  }
  if (reader.version() >= kEscalateVersion) {
    entry.escalate_to = reader.List<std::string>(4, [&] { return reader.Text(); });
  }
  if (reader.version() >= kOffSinceVersion) entry.off_since = reader.OptionalTime();
  entry.preimage = reader.Text();
  entry.precondition_digest = reader.Text();
  entry.detail = reader.Text();
  RESCIND_TRY(reader.Check());
  if (reader.version() < kUndoVersion) entry.is_undo = WasUndone(entry);
  return entry;
}

}  // namespace rescind
