// NaiveStore: what a store must know, in the most obvious way: maps by id, a copy a commit.
//
// The oracle of the property test. It shares no code with the store but the delta that both read.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {

struct NaiveField {
  std::string value = "unknown";  // "" for a set
  std::optional<std::string> previous;
  std::optional<int64_t> changed_at;
  std::optional<std::string> last_known;  // while the value is unknown
  std::optional<int64_t> told_at;         // when the last record that gave it took effect
  std::optional<std::pair<std::string, int64_t>> origin;
  std::optional<int64_t> verified_at;
  bool operator==(const NaiveField&) const = default;
};

struct NaiveRow {
  Presence presence = Presence::kAbsent;
  uint32_t incarnation = 0;
  std::optional<int64_t> removed_at;
  std::set<std::string> sources;
  std::map<std::string, NaiveField> fields;
  std::optional<int64_t> verified_at;
  std::optional<int64_t> deletion_seen;  // observed_at of the newest `deleted` line
  bool operator==(const NaiveRow&) const = default;
};

using NaiveFacts = std::map<std::pair<uint32_t, std::string>, NaiveRow>;

class NaiveStore {
 public:
  explicit NaiveStore(const Schema& schema) : schema_(schema) {}

  void Apply(const FactDelta& delta, const FactOrigin& origin, int64_t at, CommitReport& report) {
    for (const DeltaRow& given : delta.rows()) ApplyRow(delta, given, origin, at, report);
  }
  // False: the shrink guard refuses, or the source has delivered a later snapshot.
  bool Withdraw(const FactOrigin& origin, const std::set<uint32_t>& entities,
                const std::set<std::pair<uint32_t, std::string>>& listed, int64_t at,
                const NaiveFacts& before, bool allow_shrink, CommitReport& report) {
    std::map<uint32_t, size_t> left;
    for (const uint32_t entity : entities) {
      if (SnapshotSince(entity, origin)) return false;
      size_t had = 0, lost = 0;
      for (const auto& [key, row] : before) {
        if (key.first != entity || row.sources.count(origin.source) == 0) continue;
        ++had;
        lost += listed.count(key) == 0 && !ListedSince(key.first, row, origin);
      }
      for (const auto& [key, row] : facts) {
        left[entity] += key.first == entity && row.sources.count(origin.source) > 0;
      }
      left[entity] -= lost;
      const size_t most = largest[{entity, origin.source}];
      if (allow_shrink) continue;
      if (lost * 10 > had || (most > left[entity] && (most - left[entity]) * 10 > most)) {
        return false;
      }
    }
    for (const uint32_t entity : entities) {
      snapshots_[{entity, origin.source}] = origin.observed_at;
      size_t& most = largest[{entity, origin.source}];
      most = allow_shrink ? left[entity] : std::max(most, left[entity]);
    }
    for (auto& [key, row] : facts) {
      if (entities.count(key.first) == 0 || listed.count(key) > 0) continue;
      if (ListedSince(key.first, row, origin)) continue;
      if (row.sources.erase(origin.source) == 0 || !row.sources.empty()) continue;
      if (row.presence != Presence::kLive) continue;
      Remove(row, at, report);
    }
    return true;
  }

  NaiveFacts facts;
  // Rows after the largest snapshot of a source, deleted ones apart. The histories of the test are
  // too short for it to grow old.
  std::map<std::pair<uint32_t, std::string>, size_t> largest;

 private:
  static void Remove(NaiveRow& row, int64_t at, CommitReport& report) {
    row.presence = Presence::kRemoved;
    row.removed_at = at;
    ++report.rows_removed;
  }

  // Whether the source itself has shown the row in a delivery that it observed later.
  bool ListedSince(uint32_t entity, const NaiveRow& row, const FactOrigin& origin) const {
    if (row.sources.count(origin.source) == 0) return false;
    if (SnapshotSince(entity, origin)) return true;
    return std::any_of(row.fields.begin(), row.fields.end(), [&](const auto& field) {
      const auto& known = field.second.origin;
      return known && known->first == origin.source && origin.observed_at.micros < known->second;
    });
  }
  bool SnapshotSince(uint32_t entity, const FactOrigin& origin) const {
    const auto latest = snapshots_.find({entity, origin.source});
    return latest != snapshots_.end() && origin.observed_at < latest->second;
  }
  bool DroppedSince(uint32_t entity, const NaiveRow& row, const FactOrigin& origin) const {
    return (row.deletion_seen && origin.observed_at.micros < *row.deletion_seen) ||
           (SnapshotSince(entity, origin) && row.sources.count(origin.source) == 0);
  }

  NaiveRow& Row(EntityId entity, std::string_view id) {
    const auto [it, added] = facts.try_emplace({entity.index(), std::string(id)});
    if (added) {
      for (const FieldDef& field : schema_.entity(entity).fields) {
        if (field.type.kind == TypeKind::kMany) continue;
        it->second.fields[field.name].value = field.type.kind == TypeKind::kSet ? "" : "unknown";
      }
    }
    return it->second;
  }

  // A new life has no past.
  void BeginLife(EntityId entity, NaiveRow& row) {
    row.presence = Presence::kLive;
    row.removed_at.reset();
    if (row.incarnation++ == 0) return;
    for (const FieldDef& field : schema_.entity(entity).fields) {
      const auto former = row.fields.find(field.name);
      if (former == row.fields.end()) continue;
      const auto verified_at = former->second.verified_at;
      former->second = NaiveField{};
      former->second.verified_at = verified_at;
      if (field.type.kind == TypeKind::kSet) former->second.value = "";
    }
  }

  void Delete(uint32_t entity, NaiveRow& row, bool own, int64_t observed, int64_t since,
              CommitReport& report) {
    auto& seen = own ? row.verified_at : row.deletion_seen;
    seen = std::max(seen.value_or(observed), observed);
    for (const std::string& source : row.sources) {
      size_t& most = largest[{entity, source}];
      most -= most > 0;
    }
    row.sources.clear();
    if (row.presence == Presence::kRemoved) {
      ++report.rows_unchanged;
    } else {
      Remove(row, since, report);
    }
  }

  // Whether the record corrected the date of a change.
  static bool Date(const std::vector<NaiveField*>& fields, int64_t effective, bool says_new) {
    bool corrected = false;
    for (NaiveField* field : fields) {
      const bool is_news = field->told_at != effective;
      const bool dates_change = field->changed_at && (field->changed_at == field->told_at ||
                                                      effective < *field->changed_at);
      if (is_news && dates_change && !says_new) {
        field->changed_at = effective;
        corrected = true;
      }
      field->told_at = effective;
    }
    return corrected;
  }

  bool IsBeforeSeenUse(const FactDelta& delta, const FieldDef& field, const DeltaValue& value,
                       const NaiveField& known) {
    if (!field.latest || !known.origin || known.origin->first != kRescindSource) return false;
    if (known.value == "unknown") return false;
    const std::string text = Text(delta, field.type, value);
    return text == "unknown" || *ParseInstant(text) < *ParseInstant(known.value);
  }

  void ApplyRow(const FactDelta& delta, const DeltaRow& given, const FactOrigin& origin, int64_t at,
                CommitReport& report) {
    const bool own = origin.source == kRescindSource;
    const int64_t since = given.effective_micros != kUnknownLong ? given.effective_micros : at;
    const int64_t observed = origin.observed_at.micros;
    NaiveRow& row = Row(given.entity, delta.text(given.key));
    ++report.rows_given;
    const uint32_t entity = given.entity.index();
    const bool overtaken =
        given.deleted ? ListedSince(entity, row, origin) : DroppedSince(entity, row, origin);
    if (!own && (overtaken || (row.verified_at && observed < *row.verified_at))) {
      ++report.rows_ignored;
      return;
    }
    if (given.deleted) return Delete(entity, row, own, observed, since, report);
    const bool was_live = row.presence == Presence::kLive;
    if (!was_live && !own) {
      BeginLife(given.entity, row);
    }
    if (!own) row.sources.insert(origin.source);
    bool changed = false, ignored = false;
    std::vector<NaiveField*> given_fields;
    for (const DeltaValue& value : delta.values(given)) {
      const FieldDef& field = schema_.field(given.entity, value.field);
      NaiveField& known = row.fields[field.name];
      const bool before_ours = known.verified_at && observed < *known.verified_at;
      const bool outdated = known.origin && observed < known.origin->second;
      if (!own && (before_ours || outdated || IsBeforeSeenUse(delta, field, value, known))) {
        ignored = true;
        continue;
      }
      if (own) known.verified_at = std::max(known.verified_at.value_or(observed), observed);
      const std::string text = Text(delta, field.type, value);
      if (text != known.value) {
        changed = true;
        const std::optional<std::string> before =
            known.value != "unknown" ? known.value : known.last_known;
        if (field.tracked && text != "unknown" && before && *before != text) {
          known.previous = before;
          known.changed_at = since;
        }
        known.last_known = text == "unknown" ? before : std::nullopt;
        known.value = text;
      }
      given_fields.push_back(&known);
      known.origin = {origin.source, observed};
    }
    if (given.effective_micros != kUnknownLong) {
      changed |= Date(given_fields, given.effective_micros, changed || (!was_live && !own));
    }
    report.rows_ignored += ignored;
    if (!was_live && !own) {
      ++report.rows_added;
    } else if (changed && was_live) {
      ++report.rows_changed;
    } else {
      ++report.rows_unchanged;
    }
  }

  std::string Number(TypeKind kind, EnumId enumeration, int64_t number) const {
    switch (kind) {
      case TypeKind::kBool: return number != 0 ? "true" : "false";
      case TypeKind::kEnum:
        return schema_.enumeration(enumeration).members[static_cast<size_t>(number)];
      case TypeKind::kTime: return FormatInstant({number});
      case TypeKind::kDate: return FormatDay({static_cast<int32_t>(number)});
      default: return std::to_string(number);
    }
  }

  std::string Text(const FactDelta& delta, const FieldType& type, const DeltaValue& value) {
    switch (value.kind) {
      case DeltaKind::kUnknown: return type.kind == TypeKind::kSet ? "" : "unknown";
      case DeltaKind::kNumber: return Number(type.kind, type.enumeration, value.number);
      case DeltaKind::kText: return std::string(delta.text(value.text));
      case DeltaKind::kReference:
        Row(type.entity, delta.text(value.text));
        return std::string(delta.text(value.text));
      case DeltaKind::kSet: break;
    }
    // As a set of members, whatever order the store keeps them in.
    std::set<std::string> members;
    for (const DeltaMember& member : delta.members(value)) {
      if (type.element == TypeKind::kInt) {
        members.insert(std::to_string(member.number));
        continue;
      }
      members.emplace(delta.text(member.text));
      if (type.element == TypeKind::kReference) Row(type.entity, delta.text(member.text));
    }
    std::string text;
    for (const std::string& member : members) text += (text.empty() ? "" : ";") + member;
    return text;
  }

  const Schema& schema_;
  // By entity and source.
  std::map<std::pair<uint32_t, std::string>, Instant> snapshots_;
};

}  // namespace rescind
