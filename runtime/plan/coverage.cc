// Upwards, a row has a handful of references, so asking walks them. Downwards, an entitlement may
// have a million grants, so the answer for all rows is made once: first the labels sink to all that
// belongs to a seed (as often as something changes; the depth of the schema, 3 or 4), then they
// rise to all that they belong to.
//   seed: identity ann; account a1 belongs to ann, grant g to a1 and to entitlement vpn
//   sinks: ann → a1 → g; rises: g → vpn, so `delete vpn` finds something covered below it.
#include "runtime/plan/coverage.h"

#include <algorithm>
#include <set>
#include <utility>

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

void IndexBelongings(FactBase& facts) {
  for (const Belonging& belonging : Belongings(facts.schema())) {
    if (facts.table(belonging.child).has(belonging.field)) {
      facts.IndexReference(belonging.child, belonging.field);
    }
  }
}

Coverage::Coverage(const FactBase& facts, Below below)
    : facts_(facts),
      how_below_(below),
      upward_(facts.schema().entities().size()),
      downward_(facts.schema().entities().size()),
      seeds_(facts.schema().entities().size()) {
  for (const Belonging& belonging : Belongings(facts.schema())) {
    const Table& table = facts.table(belonging.child);
    if (!table.has(belonging.field)) continue;
    upward_[belonging.child.index()].push_back(belonging);
    downward_[belonging.parent.index()].push_back(belonging);
    RESCIND_ASSERT(below == Below::kByPasses || table.is_indexed(belonging.field),
                   "walks down need the index of what belongs to a row");
  }
}

void Coverage::AddSeed(EntityId entity, RowId row, uint32_t label) {
  RESCIND_ASSERT(label != kNone, "the greatest label says that there is none");
  const uint32_t known = LabelAt(seeds_, entity, row);
  SetSeed(entity, row, std::min(known, label));
}

void Coverage::SetSeed(EntityId entity, RowId row, std::optional<uint32_t> label) {
  RESCIND_ASSERT(!built_, "a seed that changed after a question about what lies below");
  const uint32_t known = LabelAt(seeds_, entity, row);
  const uint32_t wanted = label.value_or(kNone);
  if (known == wanted) return;
  std::vector<uint32_t>& of_entity = seeds_[entity.index()];
  if (of_entity.size() <= row.index()) of_entity.resize(facts_.table(entity).row_count(), kNone);
  of_entity[row.index()] = wanted;
  if (known == kNone) ++seed_count_;
  if (wanted == kNone) --seed_count_;
}

uint32_t Coverage::LabelAt(const Labels& labels, EntityId entity, RowId row) const {
  const std::vector<uint32_t>& of_entity = labels[entity.index()];
  return row.index() < of_entity.size() ? of_entity[row.index()] : kNone;
}

void Coverage::LowerTo(Labels& labels, EntityId entity, RowId row, uint32_t label) const {
  std::vector<uint32_t>& of_entity = labels[entity.index()];
  if (of_entity.size() <= row.index()) of_entity.resize(facts_.table(entity).row_count(), kNone);
  of_entity[row.index()] = std::min(of_entity[row.index()], label);
}

std::optional<uint32_t> Coverage::Covers(EntityId entity, RowId row) const {
  if (seed_count_ == 0) return std::nullopt;
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
  if (seed_count_ == 0) return std::nullopt;
  if (how_below_ == Below::kByPasses && !built_) BuildBelow();
  const uint32_t label =
      how_below_ == Below::kByPasses ? LabelAt(below_, entity, row) : WalkBelow(entity, row);
  return label == kNone ? std::nullopt : std::optional(label);
}

uint32_t Coverage::WalkBelow(EntityId entity, RowId row) const {
  uint32_t lowest = kNone;
  using Place = std::pair<EntityId, RowId>;
  std::set<Place> seen = {{entity, row}};
  std::vector<Place> open = {{entity, row}};
  std::vector<uint32_t> merged;
  while (!open.empty()) {
    const auto [parent, parent_row] = open.back();
    open.pop_back();
    for (const Belonging& belonging : downward_[parent.index()]) {
      const InverseIndex& referrers = facts_.table(belonging.child).referrers(belonging.field);
      for (const uint32_t child : referrers.Rows(parent_row, merged)) {
        const Place place = {belonging.child, RowId(child)};
        if (!seen.insert(place).second) continue;
        lowest = std::min(lowest, Covers(place.first, place.second).value_or(kNone));
        open.push_back(place);
      }
    }
  }
  return lowest;
}

void Coverage::BuildBelow() {
  built_ = true;
  Labels covered = seeds_;
  const auto pass = [&](auto step) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& belongings : upward_) {
        for (const Belonging& belonging : belongings) {
          const Table& table = facts_.table(belonging.child);
          const auto parents = table.column(belonging.field).rows();
          for (uint32_t child = 0; child < table.row_count(); ++child) {
            if (parents[child] == kNoRow) continue;
            changed |= step(belonging, RowId(child), RowId(parents[child]));
          }
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
    if (facts_.table(belonging.child).presence(child) != Presence::kLive) return false;
    const uint32_t label =
        std::min(LabelAt(covered, belonging.child, child), LabelAt(below_, belonging.child, child));
    if (label >= LabelAt(below_, belonging.parent, parent)) return false;
    LowerTo(below_, belonging.parent, parent, label);
    return true;
  });
}

}  // namespace rescind
