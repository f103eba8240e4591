// ValueReader: the text of one value, by the declared type of its field, into a FactDelta.
//
// Both formats meet here, so a value means the same in CSV and NDJSON. It knows types and how
// dates are written; it does not know where the text stood.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time_zone.h"
#include "engine/facts/fact_delta.h"
#include "engine/facts/schema.h"
#include "runtime/feeds/bad_record.h"
#include "runtime/feeds/moment_format.h"

namespace rescind {

// How a feed writes dates and times.
struct MomentFormats {
  std::optional<MomentFormat> general;           // nothing: ISO 8601
  std::map<std::string, MomentFormat> by_field;  // beats `general`
  const TimeZone* zone = &UtcTimeZone();         // of what is written without offset

  // "%d.%m.%Y", or "starts_on=%d.%m.%Y" for one field.
  Status Add(std::string_view option);
  const MomentFormat* For(const std::string& field) const;
};

// Ids longer than this do not fit into keys and log entries.
inline constexpr size_t kMaxIdBytes = 1024;

// Whether a row that lacks the field is incomplete.
bool IsRequired(const FieldDef& field);

// Nothing when `id` may name a row: not empty, no control characters, no blanks around it.
std::optional<ValueProblem> CheckId(std::string_view id);

class ValueReader {
 public:
  // The schema and the formats must outlive it.
  ValueReader(const Schema& schema, const MomentFormats& formats, Instant latest_effective)
      : schema_(schema), formats_(formats), latest_effective_(latest_effective) {}

  // Adds the value to the row begun last, or says why not and leaves the delta as it was. Not for
  // sets and `many`.
  std::optional<ValueProblem> Put(EntityId entity, FieldId field, std::string_view text,
                                  FactDelta& delta) const;
  // Marks the field unknown; a field that is declared without `?` cannot be. A set becomes empty.
  std::optional<ValueProblem> PutUnknown(EntityId entity, FieldId field, FactDelta& delta) const;
  // Adds one member to the set begun last.
  std::optional<ValueProblem> PutMember(const FieldType& type, std::string_view text,
                                        FactDelta& delta) const;
  // "a;b", blanks around members do not count.
  std::optional<ValueProblem> PutSet(EntityId entity, FieldId field, std::string_view text,
                                     FactDelta& delta) const;
  // When a change took effect: a time, or a date, and not after `latest_effective`.
  std::optional<ValueProblem> PutEffective(std::string_view text, FactDelta& delta) const;

  // What an unknown field may have been meant to be.
  ValueProblem UnknownField(EntityId entity, std::string_view name) const;
  ValueProblem UnknownEntity(std::string_view name) const;
  // A field that no feed can set.
  ValueProblem InverseField(EntityId entity, FieldId field) const;
  const Schema& schema() const { return schema_; }

 private:
  ValueProblem NoMember(const EnumDef& enumeration, std::string_view text) const;
  std::optional<ValueProblem> PutTime(const FieldDef& field, FieldId id, std::string_view text,
                                      FactDelta& delta) const;
  std::optional<ValueProblem> PutDate(const FieldDef& field, FieldId id, std::string_view text,
                                      FactDelta& delta) const;

  const Schema& schema_;
  const MomentFormats& formats_;
  const Instant latest_effective_;
};

// The candidate that was meant: equal but for case, else the nearest. "" when none is near.
std::string Meant(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace rescind
