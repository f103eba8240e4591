// Upwards, a row has a handful of references, so asking walks them. Downwards, an entitlement may
// have a million grants, so the answer for all rows is made once: first the labels sink to all that
// belongs to a seed (as often as something changes; the depth of the schema, 3 or 4), then they
// rise to all that they belong to.
//   seed: identity ann; account a1 belongs to ann, grant g to a1 and to entitlement vpn
//   sinks: ann → a1 → g; rises: g → vpn, so `delete vpn` finds something covered below it.
#include "runtime/plan/coverage.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {

std::vector<Belonging> Belongings(const Schema& schema) {
  std::vector<Belonging> result;
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    const EntityDef& entity = schema.entities()[e];
    for (uint32_t f = 0; f < entity.fields.size(); ++f) {
      const FieldDef& field = entity.fields[f];
      if (field.type.kind != TypeKind::kReference) continue;
      const bool owns = entity.name == "account" && field.name == "owner";
      if (field.type.optional && !owns) continue;
      result.push_back({EntityId(e), FieldId(f), field.type.entity});
    }
  }
  return result;
}

Coverage::Coverage(const FactBase& facts)
    : facts_(facts),
      belongings_(Belongings(facts.schema())),
      upward_(facts.schema().entities().size()),
      seeds_(facts.schema().entities().size()) {
  for (const Belonging& belonging : belongings_) {
    if (facts.table(belonging.child).has(belonging.field)) {
      upward_[belonging.child.index()].push_back(belonging);
    }
  }
}

void Coverage::AddSeed(EntityId entity, RowId row, uint32_t label) {
  RESCIND_ASSERT(label != kNone, "the greatest label says that there is none");
  RESCIND_ASSERT(!built_, "a seed added after a question about what lies below");
  LowerTo(seeds_, entity, row, label);
  empty_ = false;
}

uint32_t Coverage::LabelAt(const Labels& labels, EntityId entity, RowId row) const {
  const std::vector<uint32_t>& of_entity = labels[entity.index()];
  return of_entity.empty() ? kNone : of_entity[row.index()];
}

void Coverage::LowerTo(Labels& labels, EntityId entity, RowId row, uint32_t label) const {
  std::vector<uint32_t>& of_entity = labels[entity.index()];
  if (of_entity.empty()) of_entity.assign(facts_.table(entity).row_count(), kNone);
  of_entity[row.index()] = std::min(of_entity[row.index()], label);
}

std::optional<uint32_t> Coverage::Covers(EntityId entity, RowId row) const {
  if (empty_) return std::nullopt;
  struct Place {
    EntityId entity;
    RowId row;
    bool operator==(const Place&) const = default;
  };
  uint32_t lowest = kNone;
  std::vector<Place> places = {{entity, row}};
  // A workspace's entity may belong to itself: a place is visited once.
  for (size_t i = 0; i < places.size(); ++i) {
    const Place place = places[i];
    lowest = std::min(lowest, LabelAt(seeds_, place.entity, place.row));
    for (const Belonging& belonging : upward_[place.entity.index()]) {
      const uint32_t parent =
          facts_.table(place.entity).column(belonging.field).rows()[place.row.index()];
      if (parent == kNoRow) continue;
      const Place next = {belonging.parent, RowId(parent)};
      if (std::find(places.begin(), places.end(), next) == places.end()) places.push_back(next);
    }
  }
  return lowest == kNone ? std::nullopt : std::optional(lowest);
}

std::optional<uint32_t> Coverage::CoversBelow(EntityId entity, RowId row) {
  if (empty_) return std::nullopt;
  if (!built_) BuildBelow();
  const uint32_t label = LabelAt(below_, entity, row);
  return label == kNone ? std::nullopt : std::optional(label);
}

void Coverage::BuildBelow() {
  built_ = true;
  Labels covered = seeds_;
  const auto pass = [&](auto step) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const Belonging& belonging : belongings_) {
        const Table& table = facts_.table(belonging.child);
        if (!table.has(belonging.field)) continue;
        const auto parents = table.column(belonging.field).rows();
        for (uint32_t child = 0; child < table.row_count(); ++child) {
          if (parents[child] == kNoRow || table.presence(RowId(child)) != Presence::kLive) continue;
          changed |= step(belonging, RowId(child), RowId(parents[child]));
        }
      }
    }
  };
  pass([&](const Belonging& belonging, RowId child, RowId parent) {
    const uint32_t label = LabelAt(covered, belonging.parent, parent);
    if (label >= LabelAt(covered, belonging.child, child)) return false;
    LowerTo(covered, belonging.child, child, label);
    return true;
  });
  below_.resize(covered.size());
  pass([&](const Belonging& belonging, RowId child, RowId parent) {
    const uint32_t label =
        std::min(LabelAt(covered, belonging.child, child), LabelAt(below_, belonging.child, child));
    if (label >= LabelAt(below_, belonging.parent, parent)) return false;
    LowerTo(below_, belonging.parent, parent, label);
    return true;
  });
}

}  // namespace rescind
