#include "runtime/plan/exemption.h"

#include <fmt/format.h>

#include "engine/base/blank_text.h"
#include "engine/base/sha256.h"
#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kExemptionVersion = 1;

std::string KeyOf(std::string_view id) { return std::string(kExemptionPrefix) + std::string(id); }

Error Refusal(std::string message, std::string help) {
  return Error{ErrorKind::kInvalidInput, std::move(message), std::move(help)};
}

}  // namespace

std::string Exemption::RowText() const {
  return entity.empty() ? "everything" : entity + " " + row_id;
}

std::string Exemption::Text() const {
  if (policy.empty()) return RowText();
  return entity.empty() ? "policy " + policy : RowText() + " for policy " + policy;
}

Result<Exemption> NewExemption(Exemption wanted) {
  if (wanted.entity.empty() != wanted.row_id.empty()) {
    return Refusal("an exemption names an entity and an id, or neither",
                   "name the row as `ENTITY ID`, such as `account ldap/ann`");
  }
  if (IsBlank(wanted.reason)) {
    return Refusal("an exemption needs a reason", "give it with --reason");
  }
  if (IsBlank(wanted.owner)) {
    return Refusal("an exemption needs an owner who answers for it", "give one with --owner");
  }
  if (wanted.expires_at <= wanted.created_at) {
    return Refusal(fmt::format("the exemption would be over before it begins: it expires {}",
                               FormatInstant(wanted.expires_at)),
                   "give an instant that lies ahead with --until");
  }
  if (wanted.expires_at == Instant::Never()) {
    return Refusal("an exemption must expire", "give an instant with --until");
  }
  wanted.ended_at.reset();
  Sha256Fields fields;
  fields.Add(wanted.entity).Add(wanted.row_id).Add(wanted.policy).Add(wanted.reason);
  fields.Add(wanted.owner).Add(static_cast<uint64_t>(wanted.created_at.micros));
  fields.Add(static_cast<uint64_t>(wanted.expires_at.micros));
  wanted.id = "e-" + fields.Hex().substr(0, 12);
  return wanted;
}

void PutExemption(KeyValueBatch& batch, const Exemption& exemption) {
  batch.Put(KeyOf(exemption.id), EncodeExemption(exemption));
}

Result<std::vector<Exemption>> ListExemptions(const KeyValueReader& reader) {
  std::vector<Exemption> exemptions;
  Status failure;
  RESCIND_TRY(reader.Scan(kExemptionPrefix, "", [&](std::string_view key, std::string_view value) {
    auto exemption = DecodeExemption(value);
    if (!exemption) {
      failure = std::move(exemption).error().In(key);
      return false;
    }
    exemptions.push_back(*std::move(exemption));
    return true;
  }));
  RESCIND_TRY(std::move(failure));
  return exemptions;
}

Status EndExemption(const KeyValueReader& reader, std::string_view id, Instant now,
                    KeyValueBatch& batch) {
  RESCIND_ASSIGN(const auto bytes, reader.Get(KeyOf(id)));
  if (!bytes) {
    return Error{ErrorKind::kNotFound, fmt::format("there is no exemption {}", id),
                 "`rescind exempt list` shows all"};
  }
  RESCIND_ASSIGN(auto exemption, DecodeExemption(*bytes));
  if (exemption.end() <= now) {
    return Error{
        ErrorKind::kStale,
        fmt::format("exemption {} has been over since {}", id, FormatInstant(exemption.end())), ""};
  }
  exemption.ended_at = now;
  PutExemption(batch, exemption);
  return {};
}

std::string EncodeExemption(const Exemption& exemption) {
  RecordWriter writer(kExemptionVersion);
  writer.Text(exemption.id);
  writer.Text(exemption.entity);
  writer.Text(exemption.row_id);
  writer.Text(exemption.policy);
  writer.Text(exemption.reason);
  writer.Text(exemption.owner);
  writer.Time(exemption.created_at);
  writer.Time(exemption.expires_at);
  writer.Time(exemption.ended_at);
  return writer.Take();
}

Result<Exemption> DecodeExemption(std::string_view bytes) {
  RecordReader reader(bytes, kExemptionVersion, "an exemption");
  Exemption exemption;
  exemption.id = reader.Text();
  exemption.entity = reader.Text();
  exemption.row_id = reader.Text();
  exemption.policy = reader.Text();
  exemption.reason = reader.Text();
  exemption.owner = reader.Text();
  exemption.created_at = reader.Time();
  exemption.expires_at = reader.Time();
  exemption.ended_at = reader.OptionalTime();
  RESCIND_TRY(reader.Check());
  return exemption;
}

}  // namespace rescind
