#include "tests/differential/fact_editing.h"

#include <string>
#include <vector>

namespace rescind {
namespace {

class Editing {
 public:
  Editing(FactEditor& editor, const FactBase& edited, const FactBase& wanted)
      : editor_(editor), edited_(edited), wanted_(wanted) {}

  void Lives(EntityId entity) {
    const Table& from = wanted_.table(entity);
    const Table& to = edited_.table(entity);
    if (from.lacked() != to.lacked() || from.closed_row_count() != to.closed_row_count()) {
      editor_.Close(entity, from.closed_row_count(), from.lacked());
    }
    for (uint32_t i = 0; i < from.row_count(); ++i) {
      const RowId row(i);
      // Whether it has lived bears on since when it counts as removed.
      if (to.incarnation(row) != from.incarnation(row)) {
        editor_.SetIncarnation(entity, row, from.incarnation(row));
      }
      if (to.presence(row) != from.presence(row) || to.removed_at(row) != from.removed_at(row)) {
        editor_.SetPresence(entity, row, from.presence(row), from.removed_at(row));
      }
    }
  }

  void Field(EntityId entity, FieldId field, bool history) {
    const FieldType& type = wanted_.schema().field(entity, field).type;
    const Column& column = wanted_.table(entity).column(field);
    for (uint32_t i = 0; i < column.row_count(); ++i) {
      const RowId row(i);
      const int64_t value = ValueIn(column, entity, field, type, row);
      const Column& to = edited_.table(entity).column(field);
      if (RawValue(to, row) != value) editor_.SetValue(entity, field, row, value);
      if (!history) continue;
      const TrackedColumn& past = wanted_.table(entity).tracked(field);
      const TrackedColumn& its_past = edited_.table(entity).tracked(field);
      const int64_t previous = ValueIn(past.previous, entity, field, type, row);
      if (RawValue(its_past.previous, row) != previous ||
          its_past.changed_at[i] != past.changed_at[i]) {
        editor_.SetPrevious(entity, field, row, previous);
        editor_.SetChangedAt(entity, field, row, past.changed_at[i]);
      }
    }
  }

 private:
  static int64_t RawValue(const Column& column, RowId row) {
    const uint32_t i = row.index();
    switch (column.physical()) {
      case Physical::kByte: return column.bytes()[i];
      case Physical::kCode: return column.codes()[i];
      case Physical::kDay: return column.days()[i];
      case Physical::kLong: return column.longs()[i];
      case Physical::kRow: return column.rows()[i];
      case Physical::kSet: return column.sets()[i];
    }
    RESCIND_UNREACHABLE("unknown physical type");
  }

  // As a value of the edited FactBase, which has codes and sets of its own.
  int64_t ValueIn(const Column& column, EntityId entity, FieldId field, const FieldType& type,
                  RowId row) {
    const int64_t value = RawValue(column, row);
    if (column.physical() == Physical::kCode) {
      if (value == kUnknownCode) return value;
      return editor_.Intern(entity, field, column.dictionary().Text(static_cast<uint32_t>(value)));
    }
    if (column.physical() != Physical::kSet) return value;
    const auto set = static_cast<uint32_t>(value);
    if (type.element == TypeKind::kInt) {
      return editor_.InternSet(entity, field, column.pool().Integers(set));
    }
    std::vector<uint32_t> members;
    for (const uint32_t member : column.pool().Members(set)) {
      members.push_back(type.element == TypeKind::kText
                            ? editor_.Intern(entity, field, column.dictionary().Text(member))
                            : member);
    }
    return editor_.InternSet(entity, field, std::span<const uint32_t>(members));
  }

  FactEditor& editor_;
  const FactBase& edited_;
  const FactBase& wanted_;
};

}  // namespace

void EditTowards(FactEditor& editor, const FactBase& edited, const FactBase& wanted,
                 const ColumnSet& columns) {
  const auto entity_count = static_cast<uint32_t>(wanted.schema().entities().size());
  for (uint32_t e = 0; e < entity_count; ++e) {
    std::vector<std::string> ids;
    const uint32_t row_count = wanted.table(EntityId(e)).row_count();
    for (uint32_t row = edited.table(EntityId(e)).row_count(); row < row_count; ++row) {
      ids.push_back(wanted.texts().Id(EntityId(e), RowId(row)).value());
    }
    if (!ids.empty()) editor.AddRows(EntityId(e), ids);
  }
  editor.SetTexts(wanted.shared_texts());
  Editing editing(editor, edited, wanted);
  for (uint32_t e = 0; e < entity_count; ++e) editing.Lives(EntityId(e));
  const ColumnSet whole = columns.Closure(wanted.schema());
  for (const auto& [entity, field] : whole.fields) {
    editing.Field(entity, field, whole.HasHistory(entity, field));
  }
}

}  // namespace rescind
