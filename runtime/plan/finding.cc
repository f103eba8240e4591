#include "runtime/plan/finding.h"

#include "engine/base/sha256.h"
#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kFindingVersion = 1;
constexpr uint8_t kPolicyVersion = 1;

}  // namespace

std::optional<Instant> Finding::BegunAt(uint32_t stage) const {
  for (const StageBegin& begin : begun) {
    if (begin.stage == stage) return begin.at;
  }
  return std::nullopt;
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
  writer.List(finding.begun, [&](const StageBegin& begin) {
    writer.Number32(begin.stage);
    writer.Time(begin.at);
  });
  writer.List(finding.noticed, [&](uint32_t stage) { writer.Number32(stage); });
  writer.List(finding.notified, [&](const std::string& name) { writer.Text(name); });
  writer.List(finding.guards, [&](const TargetGuard& guard) {
    writer.Text(guard.entity);
    writer.Number32(guard.row.index());
    writer.Byte(static_cast<uint8_t>(guard.verb));
    writer.Time(guard.until);
  });
  writer.Time(finding.alarmed_at);
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
  finding.begun = reader.List<StageBegin>(12, [&] {
    const uint32_t stage = reader.Number32();
    return StageBegin{stage, reader.Time()};
  });
  finding.noticed = reader.List<uint32_t>(4, [&] { return reader.Number32(); });
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
  RESCIND_TRY(reader.Check());
  return finding;
}

std::string EncodePolicyRecord(const PolicyRecord& record) {
  RecordWriter writer(kPolicyVersion);
  writer.Text(record.policy);
  writer.Time(record.enforced_since);
  writer.Text(record.confirmed_meaning);
  writer.Number64(record.confirmed_notice.micros);
  return writer.Take();
}

Result<PolicyRecord> DecodePolicyRecord(std::string_view bytes) {
  RecordReader reader(bytes, kPolicyVersion, "what is remembered of a policy");
  PolicyRecord record;
  record.policy = reader.Text();
  record.enforced_since = reader.OptionalTime();
  record.confirmed_meaning = reader.Text();
  record.confirmed_notice.micros = reader.Number64();
  RESCIND_TRY(reader.Check());
  return record;
}

}  // namespace rescind
