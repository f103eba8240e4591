#include "runtime/service/unsent_notice.h"

#include "engine/base/assert.h"
#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kUnsentNoticeVersion = 1;
constexpr std::string_view kServicePrefix = "service/";

}  // namespace

std::string UnsentNoticeKey(std::string_view sent_key) {
  // INVARIANT: what is written down of a message that was sent lies below kServicePrefix.
  RESCIND_ASSERT(sent_key.starts_with(kServicePrefix), "a sent notice of another owner");
  return std::string(kUnsentNoticePrefix) + std::string(sent_key.substr(kServicePrefix.size()));
}

std::string EncodeUnsentNotice(const UnsentNotice& notice) {
  RecordWriter writer(kUnsentNoticeVersion);
  writer.Text(notice.kind);
  writer.Text(notice.policy);
  writer.Text(notice.finding);
  writer.Text(notice.entity);
  writer.Text(notice.target);
  writer.Number32(notice.stage);
  writer.Text(notice.recipient);
  writer.Text(notice.problem);
  writer.Text(notice.remedy);
  writer.Time(notice.since);
  writer.Time(notice.tried_at);
  writer.Text(notice.subject);
  writer.Text(notice.text);
  writer.List(notice.about, [&](const auto& field) {
    writer.Text(field.first);
    writer.Text(field.second);
  });
  return writer.Take();
}

Result<UnsentNotice> DecodeUnsentNotice(std::string_view bytes) {
  RecordReader reader(bytes, kUnsentNoticeVersion, "a notice that was not sent");
  UnsentNotice notice;
  notice.kind = reader.Text();
  notice.policy = reader.Text();
  notice.finding = reader.Text();
  notice.entity = reader.Text();
  notice.target = reader.Text();
  notice.stage = reader.Number32();
  notice.recipient = reader.Text();
  notice.problem = reader.Text();
  notice.remedy = reader.Text();
  notice.since = reader.Time();
  notice.tried_at = reader.Time();
  notice.subject = reader.Text();
  notice.text = reader.Text();
  notice.about = reader.List<std::pair<std::string, std::string>>(8, [&] {
    std::string name = reader.Text();
    return std::pair(std::move(name), reader.Text());
  });
  RESCIND_TRY(reader.Check());
  return notice;
}

Result<std::vector<std::pair<std::string, UnsentNotice>>> ListUnsentNotices(
    const KeyValueReader& reader) {
  std::vector<std::pair<std::string, UnsentNotice>> notices;
  Status failure;
  RESCIND_TRY(
      reader.Scan(kUnsentNoticePrefix, "", [&](std::string_view key, std::string_view value) {
        auto notice = DecodeUnsentNotice(value);
        if (!notice) {
          failure = std::move(notice).error().In(key);
          return false;
        }
        notices.emplace_back(key, *std::move(notice));
        return true;
      }));
  RESCIND_TRY(std::move(failure));
  return notices;
}

}  // namespace rescind
