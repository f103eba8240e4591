// Layout (FORMAT.md): a version byte, then the fields of JournalEntry in order. Numbers are
// little-endian, a text stands behind its length as four bytes, an optional instant is
// Instant::Never() when absent. Nothing may follow.
#include "runtime/journal/journal_entry.h"

#include <fmt/format.h>

namespace rescind {
namespace {

constexpr uint8_t kVersion = 1;

class Writer {
 public:
  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Bool(bool value) { Byte(value ? 1 : 0); }
  void Number32(uint32_t value) { Little(value, 4); }
  void Number64(int64_t value) { Little(static_cast<uint64_t>(value), 8); }
  void Time(Instant instant) { Number64(instant.micros); }
  void Time(const std::optional<Instant>& instant) { Time(instant.value_or(Instant::Never())); }
  void Text(std::string_view text) {
    Number32(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  void Little(uint64_t value, int byte_count) {
    for (int i = 0; i < byte_count; ++i) Byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  std::string bytes_;
};

// Goes on with neutral values after the first failure; the caller asks ok() at the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  uint8_t Byte() { return static_cast<uint8_t>(Little(1)); }
  bool Bool() {
    const uint8_t byte = Byte();
    if (byte > 1) Fail();
    return byte == 1;
  }
  uint32_t Number32() { return static_cast<uint32_t>(Little(4)); }
  int64_t Number64() { return static_cast<int64_t>(Little(8)); }
  Instant Time() { return {Number64()}; }
  std::optional<Instant> OptionalTime() {
    const Instant instant = Time();
    return instant == Instant::Never() ? std::nullopt : std::optional(instant);
  }
  std::string Text() {
    const uint32_t length = Number32();
    if (length > rest_.size()) {
      Fail();
      return "";
    }
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }
  // The length of a list whose elements take at least `least_bytes` each.
  uint32_t Count(size_t least_bytes) {
    const uint32_t count = Number32();
    if (count > rest_.size() / least_bytes) {
      Fail();
      return 0;
    }
    return count;
  }
  template <typename Enum>
  Enum Choice(Enum last) {
    const uint8_t byte = Byte();
    if (byte < 1 || byte > static_cast<uint8_t>(last)) {
      Fail();
      return last;
    }
    return static_cast<Enum>(byte);
  }

 private:
  uint64_t Little(size_t byte_count) {
    if (rest_.size() < byte_count) {
      Fail();
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = byte_count; i > 0; --i) value = value << 8 | static_cast<uint8_t>(rest_[i - 1]);
    rest_.remove_prefix(byte_count);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

void WriteAction(Writer& writer, const Action& action) {
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
  writer.Number32(static_cast<uint32_t>(action.reasons.size()));
  for (const ActionReason& reason : action.reasons) {
    writer.Text(reason.policy);
    writer.Text(reason.finding_id);
    writer.Text(reason.because);
    writer.Number32(reason.stage);
    writer.Number32(static_cast<uint32_t>(reason.controls.size()));
    for (const std::string& control : reason.controls) writer.Text(control);
  }
}

ActionReason ReadReason(Reader& reader) {
  ActionReason reason;
  reason.policy = reader.Text();
  reason.finding_id = reader.Text();
  reason.because = reader.Text();
  reason.stage = reader.Number32();
  for (uint32_t count = reader.Count(4); count > 0; --count) {
    reason.controls.push_back(reader.Text());
  }
  return reason;
}

Action ReadAction(Reader& reader) {
  Action action;
  action.key = reader.Text();
  action.verb = reader.Choice(Verb::kNotify);
  action.playbook = reader.Text();
  action.target.entity = reader.Text();
  action.target.id = reader.Text();
  action.target.incarnation = reader.Number32();
  action.target.system = reader.Text();
  for (uint32_t count = reader.Count(8); count > 0; --count) {
    std::string path = reader.Text();
    std::string value = reader.Text();
    auto& attributes = action.target.attributes;
    // One encoding for one entry: the paths ascend.
    if (!attributes.empty() && attributes.rbegin()->first >= path) reader.Fail();
    attributes.emplace(std::move(path), std::move(value));
  }
  action.episode = reader.Number32();
  action.severity = reader.Choice(Severity::kCritical);
  for (uint32_t count = reader.Count(20); count > 0; --count) {
    action.reasons.push_back(ReadReason(reader));
  }
  return action;
}

}  // namespace

std::string EncodeEntry(const JournalEntry& entry) {
  Writer writer;
  writer.Byte(kVersion);
  WriteAction(writer, entry.action);
  writer.Text(entry.wanted_key);
  writer.Byte(static_cast<uint8_t>(entry.state));
  writer.Text(entry.account);
  writer.Number32(entry.order);
  writer.Text(entry.rollback_group);
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
  writer.Text(entry.preimage);
  writer.Text(entry.precondition_digest);
  writer.Text(entry.detail);
  return writer.Take();
}

Result<JournalEntry> DecodeEntry(std::string_view bytes) {
  Reader reader(bytes);
  const uint8_t version = reader.Byte();
  if (version > kVersion) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("the journal has a record of version {}, this program knows {}",
                             version, kVersion),
                 "run the newer rescind that wrote it"};
  }
  if (version == 0) reader.Fail();
  JournalEntry entry;
  entry.action = ReadAction(reader);
  entry.wanted_key = reader.Text();
  entry.state = reader.Choice(kLastActionState);
  entry.account = reader.Text();
  entry.order = reader.Number32();
  entry.rollback_group = reader.Text();
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
  entry.preimage = reader.Text();
  entry.precondition_digest = reader.Text();
  entry.detail = reader.Text();
  if (!reader.ok() || !reader.at_end()) {
    return Error{ErrorKind::kCorrupt, "a record of the journal is damaged",
                 "restore the store from a backup with `rescind restore-store`"};
  }
  return entry;
}

}  // namespace rescind
