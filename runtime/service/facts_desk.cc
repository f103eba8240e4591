#include "runtime/service/facts_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace rescind {
namespace {

bool IsRequired(const FieldType& type) {
  return !type.optional && type.kind != TypeKind::kSet && type.kind != TypeKind::kMany;
}

// What is judged here: every required field, and every reference, to tell who names whom.
ColumnSet ColumnsToCheck(const Schema& schema) {
  ColumnSet columns;
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    const auto& fields = schema.entities()[e].fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (IsRequired(fields[f].type) || fields[f].type.kind == TypeKind::kReference) {
        columns.Add(EntityId(e), FieldId(f));
      }
    }
  }
  return columns.Closure(schema);
}

class Checker {
 public:
  Checker(const FactBase& facts, uint32_t listed_count, FactsReport& report)
      : facts_(facts), schema_(facts.schema()), listed_count_(listed_count), report_(report) {}

  Status Run() {
    for (uint32_t e = 0; e < schema_.entities().size(); ++e) {
      RESCIND_TRY(CheckEntity(EntityId(e)));
    }
    return {};
  }

 private:
  Status CheckEntity(EntityId entity) {
    const Table& table = facts_.table(entity);
    EntityCount count;
    count.entity = schema_.entity(entity).name;
    std::vector<RowId> unseen, incomplete;
    const std::vector<bool> has_gap = FindGaps(entity);
    for (uint32_t r = 0; r < table.row_count(); ++r) {
      const RowId row(r);
      switch (table.presence(row)) {
        case Presence::kAbsent:
          ++count.unseen;
          if (unseen.size() < listed_count_) unseen.push_back(row);
          break;
        case Presence::kRemoved: ++count.removed; break;
        case Presence::kLive:
          ++count.live;
          if (table.complete(row) && !has_gap[r]) break;
          ++count.incomplete;
          if (incomplete.size() < listed_count_) incomplete.push_back(row);
          break;
      }
    }
    if (table.row_count() > 0) report_.entities.push_back(count);
    RESCIND_TRY(ListUnseen(entity, unseen));
    for (const RowId row : incomplete) {
      RESCIND_ASSIGN(std::string id, facts_.texts().Id(entity, row));
      RESCIND_ASSIGN(std::string why, WhyIncomplete(entity, row));
      report_.incomplete.push_back({count.entity, std::move(id), std::move(why)});
    }
    return {};
  }

  // Rows in which a required field has no value. What Table::complete says is about references.
  std::vector<bool> FindGaps(EntityId entity) const {
    const Table& table = facts_.table(entity);
    std::vector<bool> has_gap(table.row_count());
    const auto& fields = schema_.entity(entity).fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (!IsRequired(fields[f].type)) continue;
      const Column& column = table.column(FieldId(f));
      for (uint32_t r = 0; r < table.row_count(); ++r) {
        if (column.IsUnknown(RowId(r))) has_gap[r] = true;
      }
    }
    return has_gap;
  }

  Result<std::string> WhyIncomplete(EntityId entity, RowId row) const {
    const Table& table = facts_.table(entity);
    const auto& fields = schema_.entity(entity).fields;
    std::string why;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      const FieldType& type = fields[f].type;
      if (!IsRequired(type)) continue;
      const Column& column = table.column(FieldId(f));
      std::string reason;
      if (column.IsUnknown(row)) {
        reason = fmt::format("`{}` was never given", fields[f].name);
      } else if (type.kind == TypeKind::kReference) {
        const RowId target(column.rows()[row.index()]);
        const Table& other = facts_.table(type.entity);
        if (other.complete(target)) continue;
        RESCIND_ASSIGN(const std::string id, facts_.texts().Id(type.entity, target));
        const char* state = "is incomplete itself";
        if (other.presence(target) == Presence::kAbsent) state = "was never listed by a feed";
        if (other.presence(target) == Presence::kRemoved) state = "is removed";
        reason = fmt::format("`{}` names {} {}, which {}", fields[f].name,
                             schema_.entity(type.entity).name, id, state);
      }
      if (!reason.empty()) why += (why.empty() ? "" : "; ") + reason;
    }
    return why;
  }

  // For each of these rows one that names it.
  Status ListUnseen(EntityId entity, const std::vector<RowId>& rows) {
    std::unordered_map<uint32_t, std::string> named_by;
    for (const RowId row : rows) named_by[row.index()] = "";
    for (uint32_t e = 0; e < schema_.entities().size() && !rows.empty(); ++e) {
      const auto& fields = schema_.entities()[e].fields;
      for (uint32_t f = 0; f < fields.size(); ++f) {
        const FieldType& type = fields[f].type;
        if (type.kind != TypeKind::kReference || type.entity != entity) continue;
        RESCIND_TRY(FindNaming(EntityId(e), FieldId(f), named_by));
      }
    }
    for (const RowId row : rows) {
      RESCIND_ASSIGN(std::string id, facts_.texts().Id(entity, row));
      report_.unseen.push_back({schema_.entity(entity).name, std::move(id), named_by[row.index()]});
    }
    return {};
  }

  Status FindNaming(EntityId entity, FieldId field,
                    std::unordered_map<uint32_t, std::string>& named_by) const {
    const Table& table = facts_.table(entity);
    const auto references = table.column(field).rows();
    for (uint32_t r = 0; r < references.size(); ++r) {
      if (references[r] == kNoRow || table.presence(RowId(r)) != Presence::kLive) continue;
      const auto wanted = named_by.find(references[r]);
      if (wanted == named_by.end() || !wanted->second.empty()) continue;
      RESCIND_ASSIGN(const std::string id, facts_.texts().Id(entity, RowId(r)));
      wanted->second = fmt::format("{} {}, `{}`", schema_.entity(entity).name, id,
                                   schema_.field(entity, field).name);
    }
    return {};
  }

  const FactBase& facts_;
  const Schema& schema_;
  uint32_t listed_count_;
  FactsReport& report_;
};

void CheckSources(const Store& store, const Workspace& workspace, const DeclaredSources& declared,
                  Instant now, FactsReport& report) {
  const Schema& schema = store.schema();
  std::vector<SourceStatus> known = store.Sources();
  for (const auto& declaration : declared) {
    const EntityId entity = declaration.first;
    for (const std::string& name : declaration.second) {
      const auto has = [&](const SourceStatus& status) {
        return status.source == name && status.entity == entity;
      };
      const auto found = std::find_if(known.begin(), known.end(), has);
      SourceCheck& check = report.sources.emplace_back();
      check.source = name;
      check.entity = schema.entity(entity).name;
      check.is_declared = true;
      check.max_age = workspace.sources.at(name).max_age;
      if (found == known.end()) continue;
      check.claimed_rows = found->claimed_rows;
      check.observed_at = found->observed_at;
      check.snapshot_observed_at = found->snapshot_observed_at;
      check.is_stale =
          check.max_age && now.micros - found->observed_at.micros > check.max_age->micros;
      known.erase(found);
    }
  }
  for (const SourceStatus& status : known) {
    SourceCheck& check = report.sources.emplace_back();
    check.source = status.source;
    check.entity = schema.entity(status.entity).name;
    check.claimed_rows = status.claimed_rows;
    check.observed_at = status.observed_at;
    check.snapshot_observed_at = status.snapshot_observed_at;
  }
  std::sort(report.sources.begin(), report.sources.end(),
            [](const SourceCheck& a, const SourceCheck& b) {
              return std::tie(a.source, a.entity) < std::tie(b.source, b.entity);
            });
}

}  // namespace

bool FactsReport::ok() const {
  return std::none_of(
             entities.begin(), entities.end(),
             [](const EntityCount& count) { return count.unseen > 0 || count.incomplete > 0; }) &&
         std::none_of(sources.begin(), sources.end(),
                      [](const SourceCheck& source) { return source.is_lacking(); });
}

Result<std::optional<RowFacts>> RowDesk::Show(EntityId entity, const std::string& id) {
  RESCIND_ASSIGN(std::optional<RowFacts> row, store_.Show(entity, id));
  const auto sources = declared_.find(entity);
  const bool is_listed_somewhere = sources != declared_.end() && !sources->second.empty();
  if (!row || row->presence != Presence::kAbsent || !is_listed_somewhere) return row;
  if (!lives_) {
    RESCIND_ASSIGN(lives_, store_.LoadFacts(ColumnSet(), declared_));
  }
  const Table& table = lives_->table(entity);
  row->presence = table.presence(row->row);
  row->removed_at = table.removed_at(row->row);
  return row;
}

Result<FieldRemarks> RowDesk::RemarkReferences(EntityId entity, const RowFacts& row) {
  FieldRemarks remarks;
  const EntityDef& definition = store_.schema().entity(entity);
  for (const RowFacts::Field& shown : row.fields) {
    const auto field = definition.Find(shown.name);
    if (!field || !shown.known) continue;
    const FieldType& type = definition.field(*field).type;
    if (type.kind != TypeKind::kReference) continue;
    RESCIND_ASSIGN(const auto named, Show(type.entity, shown.value));
    if (!named || named->presence == Presence::kLive) continue;
    std::string& remark = remarks[shown.name];
    const bool never_came = named->incarnation == 0;
    remark = named->presence == Presence::kAbsent ? "not delivered yet"
             : never_came                         ? "counts as removed"
                                                  : "removed";
    if (named->removed_at) {
      remark += (never_came ? " since " : " at ") + FormatInstant(*named->removed_at);
    }
  }
  return remarks;
}

Result<FactsReport> CheckFacts(Store& store, const Workspace& workspace,
                               const DeclaredSources& declared, Instant now,
                               uint32_t listed_count) {
  FactsReport report;
  RESCIND_ASSIGN(const FactBase facts, store.LoadFacts(ColumnsToCheck(store.schema()), declared));
  report.facts_seq = facts.facts_seq();
  report.last_change = facts.last_change();
  RESCIND_TRY(Checker(facts, listed_count, report).Run());
  CheckSources(store, workspace, declared, now, report);
  return report;
}

}  // namespace rescind
