#include "runtime/plan/finding.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kFindingVersion = 3;
constexpr uint8_t kFirstVersionWithActions = 2;
constexpr uint8_t kFirstVersionWithNoticeTimes = 3;
constexpr uint32_t kNoAccount = 0xffff'ffff;  // no row has that number
constexpr uint8_t kPolicyVersion = 4;
constexpr uint8_t kFirstVersionWithStagesAndProtects = 2;
constexpr uint8_t kFirstVersionWithConfirmedStages = 3;
constexpr uint8_t kFirstVersionWithStageIds = 4;

using ActionName = std::tuple<std::string_view, RowId, Verb, std::string_view>;

ActionName NameOf(const StageAction& action) {
  return {action.entity, action.row, action.verb, action.playbook};
}

template <typename Actions>
auto PlaceOf(Actions& actions, const ActionName& name) {
  return std::lower_bound(
      actions.begin(), actions.end(), name,
      [](const StageAction& action, const ActionName& other) { return NameOf(action) < other; });
}

void WriteAction(const StageAction& action, RecordWriter& writer) {
  writer.Text(action.entity);
  writer.Number32(action.row.index());
  writer.Byte(static_cast<uint8_t>(action.verb));
  writer.Text(action.playbook);
  writer.Number32(action.stage);
  writer.Number32(action.account ? action.account->index() : kNoAccount);
  writer.Time(action.since);
  writer.Time(action.let_go);
  writer.Number32(action.episode);
  writer.Text(action.wanted_key);
  writer.Time(action.done);
}

StageAction ReadAction(RecordReader& reader) {
  StageAction action;
  action.entity = reader.Text();
  action.row = RowId(reader.Number32());
  action.verb = reader.Choice(Verb::kNotify);
  action.playbook = reader.Text();
  action.stage = reader.Number32();
  const uint32_t account = reader.Number32();
  if (account != kNoAccount) action.account = RowId(account);
  action.since = reader.Time();
  action.let_go = reader.OptionalTime();
  action.episode = reader.Number32();
  action.wanted_key = reader.Text();
  action.done = reader.OptionalTime();
  return action;
}

void WriteTimes(const std::vector<StageTime>& times, RecordWriter& writer) {
  writer.List(times, [&](const StageTime& time) {
    writer.Number32(time.stage);
    writer.Time(time.at);
  });
}

std::vector<StageTime> ReadTimes(RecordReader& reader) {
  return reader.List<StageTime>(12, [&] {
    const uint32_t stage = reader.Number32();
    return StageTime{stage, reader.Time()};
  });
}

std::optional<Instant> FirstSince(const std::vector<StageTime>& times, uint32_t stage,
                                  Instant since) {
  const auto found = std::lower_bound(times.begin(), times.end(), StageTime{stage, since});
  return found != times.end() && found->stage == stage ? std::optional(found->at) : std::nullopt;
}

// The last.
std::optional<Instant> LastOf(const std::vector<StageTime>& times, uint32_t stage) {
  const auto after =
      std::upper_bound(times.begin(), times.end(), StageTime{stage, Instant::Never()});
  return after != times.begin() && std::prev(after)->stage == stage
             ? std::optional(std::prev(after)->at)
             : std::nullopt;
}

}  // namespace

std::optional<Instant> Finding::BegunAt(uint32_t stage) const {
  return BegunSince(stage, {std::numeric_limits<int64_t>::min()});
}

std::optional<Instant> Finding::BegunSince(uint32_t stage, Instant since) const {
  return FirstSince(begun, stage, since);
}

std::optional<Instant> Finding::NoticedSince(uint32_t stage, Instant since) const {
  return FirstSince(noticed, stage, since);
}

bool Finding::WasNoticedSince(Instant since) const {
  return std::any_of(noticed.begin(), noticed.end(),
                     [&](const StageTime& time) { return time.at >= since; });
}

bool Finding::NoticeStands(uint32_t stage) const {
  const auto last = LastOf(begun, stage);
  return last && NoticedSince(stage, *last);
}

const StageAction* Finding::FindAction(std::string_view entity_name, RowId target, Verb verb,
                                       std::string_view playbook) const {
  const ActionName name{entity_name, target, verb, playbook};
  const auto found = PlaceOf(actions, name);
  return found != actions.end() && NameOf(*found) == name ? &*found : nullptr;
}

std::span<const StageAction> Finding::ActionsOn(std::string_view entity_name, RowId target) const {
  const auto on_target = [&](const StageAction& action) {
    return action.entity == entity_name && action.row == target;
  };
  const auto first = PlaceOf(actions, ActionName{entity_name, target, Verb{}, ""});
  return {first, std::find_if_not(first, actions.end(), on_target)};
}

void Finding::PutAction(StageAction action) {
  const ActionName name = NameOf(action);
  const auto place = PlaceOf(actions, name);
  if (place != actions.end() && NameOf(*place) == name) {
    *place = std::move(action);
  } else {
    actions.insert(place, std::move(action));
  }
}

std::string FindingId(const Finding& finding) {
  Sha256Fields fields;
  fields.Add(finding.policy).Add(finding.entity).Add(uint64_t{finding.row.index()});
  fields.Add(uint64_t{finding.incarnation}).Add(static_cast<uint64_t>(finding.opened_at.micros));
  return fields.Hex().substr(0, 24);
}

std::string EncodeFinding(const Finding& finding) {
  RecordWriter writer(kFindingVersion);
  writer.Text(finding.id);
  writer.Text(finding.policy);
  writer.Text(finding.entity);
  writer.Number32(finding.row.index());
  writer.Number32(finding.incarnation);
  writer.Time(finding.opened_at);
  writer.Bool(finding.resolved);
  writer.Text(finding.follows);
  WriteTimes(finding.begun, writer);
  WriteTimes(finding.noticed, writer);
  writer.List(finding.notified, [&](const std::string& name) { writer.Text(name); });
  writer.List(finding.guards, [&](const TargetGuard& guard) {
    writer.Text(guard.entity);
    writer.Number32(guard.row.index());
    writer.Byte(static_cast<uint8_t>(guard.verb));
    writer.Time(guard.until);
  });
  writer.Time(finding.alarmed_at);
  writer.List(finding.actions, [&](const StageAction& action) { WriteAction(action, writer); });
  return writer.Take();
}

Result<Finding> DecodeFinding(std::string_view bytes) {
  RecordReader reader(bytes, kFindingVersion, "a finding");
  Finding finding;
  finding.id = reader.Text();
  finding.policy = reader.Text();
  finding.entity = reader.Text();
  finding.row = RowId(reader.Number32());
  finding.incarnation = reader.Number32();
  finding.opened_at = reader.Time();
  finding.resolved = reader.Bool();
  finding.follows = reader.Text();
  finding.begun = ReadTimes(reader);
  if (reader.version() >= kFirstVersionWithNoticeTimes) {
    finding.noticed = ReadTimes(reader);
  } else {
    // What had begun anew was not in that list until its notice was sent: it left with the last.
    for (const uint32_t stage : reader.List<uint32_t>(4, [&] { return reader.Number32(); })) {
      finding.noticed.push_back({stage, LastOf(finding.begun, stage).value_or(finding.opened_at)});
    }
  }
  finding.notified = reader.List<std::string>(4, [&] { return reader.Text(); });
  finding.guards = reader.List<TargetGuard>(17, [&] {
    TargetGuard guard;
    guard.entity = reader.Text();
    guard.row = RowId(reader.Number32());
    guard.verb = reader.Choice(Verb::kNotify);
    guard.until = reader.Time();
    return guard;
  });
  finding.alarmed_at = reader.OptionalTime();
  if (reader.version() >= kFirstVersionWithActions) {
    finding.actions = reader.List<StageAction>(53, [&] { return ReadAction(reader); });
  }
  RESCIND_TRY(reader.Check());
  return finding;
}

std::string EncodePolicyRecord(const PolicyRecord& record) {
  RecordWriter writer(kPolicyVersion);
  writer.Text(record.policy);
  writer.Time(record.enforced_since);
  writer.Text(record.confirmed_meaning);
  writer.Number64(record.confirmed_notice.micros);
  writer.List(record.stages, [&](const std::vector<std::string>& actions) {
    writer.List(actions, [&](const std::string& meaning) { writer.Text(meaning); });
  });
  writer.List(record.protects, [&](const KnownProtect& protect) {
    writer.Text(protect.name);
    writer.Text(protect.meaning);
  });
  writer.List(record.confirmed_stages, [&](const ConfirmedStage& stage) {
    writer.Number64(stage.after.micros);
    writer.List(stage.actions, [&](const std::string& meaning) { writer.Text(meaning); });
  });
  writer.List(record.stage_ids, [&](uint32_t id) { writer.Number32(id); });
  writer.Number32(record.next_stage_id);
  return writer.Take();
}

Result<PolicyRecord> DecodePolicyRecord(std::string_view bytes) {
  RecordReader reader(bytes, kPolicyVersion, "what is remembered of a policy");
  PolicyRecord record;
  record.policy = reader.Text();
  record.enforced_since = reader.OptionalTime();
  record.confirmed_meaning = reader.Text();
  record.confirmed_notice.micros = reader.Number64();
  if (reader.version() >= kFirstVersionWithStagesAndProtects) {
    record.stages = reader.List<std::vector<std::string>>(
        4, [&] { return reader.List<std::string>(4, [&] { return reader.Text(); }); });
    record.protects = reader.List<KnownProtect>(8, [&] {
      KnownProtect protect;
      protect.name = reader.Text();
      protect.meaning = reader.Text();
      return protect;
    });
  }
  if (reader.version() >= kFirstVersionWithConfirmedStages) {
    record.confirmed_stages = reader.List<ConfirmedStage>(12, [&] {
      ConfirmedStage stage;
      stage.after.micros = reader.Number64();
      stage.actions = reader.List<std::string>(4, [&] { return reader.Text(); });
      return stage;
    });
  }
  if (reader.version() >= kFirstVersionWithStageIds) {
    record.stage_ids = reader.List<uint32_t>(4, [&] { return reader.Number32(); });
    record.next_stage_id = reader.Number32();
  } else {
    // Groups were named by the numbers of their stages.
    record.next_stage_id = static_cast<uint32_t>(record.stages.size());
    record.stage_ids.resize(record.stages.size());
    std::iota(record.stage_ids.begin(), record.stage_ids.end(), 0u);
  }
  RESCIND_TRY(reader.Check());
  if (record.stage_ids.size() != record.stages.size()) {
    return Error{ErrorKind::kCorrupt, "what is remembered of a policy names other stages", ""};
  }
  return record;
}

}  // namespace rescind
