#include "tests/differential/fact_difference.h"

#include <algorithm>
#include <string>

namespace rescind {
namespace {

// Every value in a form that means the same with other dictionaries and pools.
std::string Plain(const Column& column, const FieldType& type, RowId row) {
  const uint32_t i = row.index();
  switch (column.physical()) {
    case Physical::kByte: return std::to_string(column.bytes()[i]);
    case Physical::kDay: return std::to_string(column.days()[i]);
    case Physical::kLong: return std::to_string(column.longs()[i]);
    case Physical::kRow: return std::to_string(column.rows()[i]);
    case Physical::kCode: {
      const uint32_t code = column.codes()[i];
      return code == kUnknownCode ? "unknown" : "=" + std::string(column.dictionary().Text(code));
    }
    case Physical::kSet: break;
  }
  std::set<std::string> members;
  const uint32_t set = column.sets()[i];
  if (type.element == TypeKind::kInt) {
    for (const int64_t member : column.pool().Integers(set)) members.insert(std::to_string(member));
  } else {
    for (const uint32_t member : column.pool().Members(set)) {
      members.insert(type.element == TypeKind::kText ? std::string(column.dictionary().Text(member))
                                                     : std::to_string(member));
    }
  }
  std::string text;
  for (const std::string& member : members) text += member + '\0';
  return text;
}

bool SameField(const FactBase& before, const FactBase& after, EntityId entity, FieldId field,
               bool history, RowId row) {
  const FieldType& type = after.schema().field(entity, field).type;
  const Table& old_table = before.table(entity);
  const Table& new_table = after.table(entity);
  const auto plain = [&](const Column& column) { return Plain(column, type, row); };
  if (plain(old_table.column(field)) != plain(new_table.column(field))) return false;
  if (!history) return true;
  const TrackedColumn& old_past = old_table.tracked(field);
  const TrackedColumn& new_past = new_table.tracked(field);
  return plain(old_past.previous) == plain(new_past.previous) &&
         old_past.changed_at[row.index()] == new_past.changed_at[row.index()];
}

class Walk {
 public:
  Walk(const RowChange& changed, const FactBase& before, const FactBase& after)
      : changed_(changed), before_(before), after_(after), entity_(changed.change.entity) {
    rows_.insert(changed.row);
  }

  void Take(const ir::Step& step, bool is_first) {
    std::set<RowId> found;
    switch (step.kind) {
      case ir::Step::Kind::kReferred: TakeReferred(step, is_first, found); break;
      case ir::Step::Kind::kReferrers:
        FindReferrers(after_.table(step.entity).column(step.field).rows(), found);
        break;
      case ir::Step::Kind::kPastReferrers:
        FindReferrers(after_.table(step.entity).tracked(step.field).previous.rows(), found);
        break;
      case ir::Step::Kind::kHolders: FindHolders(step, found); break;
      case ir::Step::Kind::kEverything:
        for (uint32_t row = 0; row < after_.table(step.entity).row_count(); ++row) {
          found.insert(RowId(row));
        }
        break;
    }
    rows_ = std::move(found);
    entity_ = step.entity;
  }

  const std::set<RowId>& rows() const { return rows_; }

 private:
  void TakeReferred(const ir::Step& step, bool is_first, std::set<RowId>& found) const {
    const auto add = [&](const FactBase& facts, RowId row) {
      const Table& table = facts.table(entity_);
      if (row.index() >= table.row_count()) return;
      const uint32_t named = table.column(step.field).rows()[row.index()];
      if (named != kNoRow) found.insert(RowId(named));
    };
    const bool by_what_changed = is_first && changed_.change.kind == FactChange::Kind::kField &&
                                 changed_.change.field == step.field;
    for (const RowId row : rows_) {
      add(after_, row);
      if (by_what_changed) add(before_, row);
    }
  }

  void FindReferrers(std::span<const uint32_t> references, std::set<RowId>& found) const {
    for (uint32_t row = 0; row < references.size(); ++row) {
      if (references[row] != kNoRow && rows_.count(RowId(references[row])) > 0) {
        found.insert(RowId(row));
      }
    }
  }

  void FindHolders(const ir::Step& step, std::set<RowId>& found) const {
    const Column& column = after_.table(step.entity).column(step.field);
    for (uint32_t row = 0; row < column.row_count(); ++row) {
      const auto members = column.pool().Members(column.sets()[row]);
      if (std::any_of(members.begin(), members.end(),
                      [&](uint32_t member) { return rows_.count(RowId(member)) > 0; })) {
        found.insert(RowId(row));
      }
    }
  }

  const RowChange& changed_;
  const FactBase& before_;
  const FactBase& after_;
  EntityId entity_;
  std::set<RowId> rows_;
};

}  // namespace

std::vector<RowChange> FactDifference(const FactBase& before, const FactBase& after,
                                      const ColumnSet& columns) {
  using Kind = FactChange::Kind;
  std::vector<RowChange> changes;
  const ColumnSet whole = columns.Closure(after.schema());
  for (uint32_t e = 0; e < after.schema().entities().size(); ++e) {
    const EntityId entity(e);
    const Table& old_table = before.table(entity);
    const Table& new_table = after.table(entity);
    for (uint32_t i = 0; i < new_table.row_count(); ++i) {
      const RowId row(i);
      const bool is_new = i >= old_table.row_count();
      if (is_new || old_table.presence(row) != new_table.presence(row) ||
          old_table.removed_at(row) != new_table.removed_at(row)) {
        changes.push_back({{Kind::kLife, entity, {}}, row});
      }
      if (is_new || old_table.complete(row) != new_table.complete(row)) {
        changes.push_back({{Kind::kCompleteness, entity, {}}, row});
      }
      for (const auto& [owner, field] : whole.fields) {
        if (owner != entity) continue;
        if (is_new ||
            !SameField(before, after, entity, field, whole.HasHistory(entity, field), row)) {
          changes.push_back({{Kind::kField, entity, field}, row});
        }
      }
    }
  }
  return changes;
}

std::set<RowId> RowsBehind(const ir::InversePath& path, const RowChange& changed,
                           const FactBase& before, const FactBase& after) {
  Walk walk(changed, before, after);
  for (size_t i = 0; i < path.size(); ++i) walk.Take(path[i], i == 0);
  return walk.rows();
}

}  // namespace rescind
