// The part of NaiveMeaning that looks at the members of collections.
#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "tests/differential/naive_meaning.h"

namespace rescind {

using eval::FactRow;
using eval::StoredSet;
using eval::TableRow;
using eval::ValueStatus;
using typed::ExprKind;
using Answer = NaiveAnswer;

// A row that is not complete is one about which nothing can be said.
NaiveMeaning::Member NaiveMeaning::RowMember(EntityId entity, RowId row,
                                             const Answer& membership) const {
  return {Answer{ValueStatus::kKnown, FactRow{entity, row}}, facts_.table(entity).complete(row),
          membership};
}

// The live rows whose reference names the row, found by looking at all of them.
std::vector<uint32_t> NaiveMeaning::Naming(EntityId entity, FieldId field, RowId row) const {
  const FieldType& many = program_.schema.field(entity, field).type;
  const Table& table = facts_.table(many.entity);
  std::vector<uint32_t> rows;
  for (uint32_t candidate = 0; candidate < table.row_count(); ++candidate) {
    if (table.presence(RowId(candidate)) != Presence::kLive) continue;
    if (table.column(many.via).rows()[candidate] == row.index()) rows.push_back(candidate);
  }
  return rows;
}

std::vector<NaiveMeaning::Member> NaiveMeaning::Members(const Expr& unresolved) {
  const Expr& expr = Resolve(unresolved);
  std::vector<Member> members;
  if (expr.kind == ExprKind::kTable) {
    const typed::TableId table = expr.table;
    for (uint32_t row = 0; row < program_.tables[table.index()].rows.size(); ++row) {
      const TableRow at{ir::TableId(table.index()), row};
      members.push_back({Answer{ValueStatus::kKnown, at}, true, Truth(true)});
    }
    return members;
  }
  if (expr.kind == ExprKind::kFilter) {
    for (Member member : Members(*expr.operands[0])) {
      member.membership = Counts(expr, member, false);
      if (member.membership != Truth(false)) members.push_back(std::move(member));
    }
    return members;
  }
  if (expr.kind == ExprKind::kFlatMap) return FlatMembers(expr);
  if (expr.kind == ExprKind::kRowsOfSet) return Members(*expr.operands[0]);
  const bool many = expr.kind == ExprKind::kMany;
  const Answer base = many ? Of(*expr.operands[0]) : Of(expr);
  if (base.status == ValueStatus::kUnknown) return members;
  if (!base.known()) return {{std::nullopt, false, base}};
  if (many) {
    const auto [entity, row] = std::get<FactRow>(base.content);
    const EntityId member = program_.schema.field(expr.entity, expr.field).type.entity;
    for (const uint32_t naming : Naming(entity, expr.field, row)) {
      members.push_back(RowMember(member, RowId(naming), Truth(true)));
    }
    return members;
  }
  for (const Answer& member : SetMembers(std::get<StoredSet>(base.content))) {
    const auto [entity, row] = std::get<FactRow>(member.content);
    const Presence presence = facts_.table(entity).presence(row);
    if (presence == Presence::kAbsent) members.push_back({std::nullopt, false, kUndecided});
    if (presence == Presence::kLive) members.push_back(RowMember(entity, row, Truth(true)));
  }
  return members;
}

// What each member leads to; one row that several lead to is one member.
std::vector<NaiveMeaning::Member> NaiveMeaning::FlatMembers(const Expr& expr) {
  const FieldType& type = program_.schema.field(expr.entity, expr.field).type;
  std::vector<Member> unseen;
  std::map<uint32_t, std::vector<Answer>> paths;  // by row
  for (const Member& member : Members(*expr.operands[0])) {
    const Answer membership =
        member.readable ? member.membership : And({member.membership, kUndecided});
    const auto lead_to = [&](uint32_t row) {
      const Presence presence = facts_.table(type.entity).presence(RowId(row));
      if (presence == Presence::kAbsent) {
        unseen.push_back({std::nullopt, false, And({membership, kUndecided})});
      }
      if (presence == Presence::kLive) paths[row].push_back(membership);
    };
    if (!member.row) {
      unseen.push_back(member);
      continue;
    }
    const auto [entity, row] = std::get<FactRow>(member.row->content);
    const Table& table = facts_.table(entity);
    if (type.kind == TypeKind::kMany) {
      for (const uint32_t naming : Naming(entity, expr.field, row)) lead_to(naming);
      continue;
    }
    const Answer value = Stored(entity, expr.field, table.column(expr.field), row, !type.optional);
    if (type.kind == TypeKind::kSet) {
      for (const Answer& one : SetMembers(std::get<StoredSet>(value.content))) {
        lead_to(std::get<FactRow>(one.content).row.index());
      }
    } else if (value.known()) {
      lead_to(std::get<FactRow>(value.content).row.index());
    } else if (value.status == ValueStatus::kUndecided) {
      unseen.push_back({std::nullopt, false, And({membership, kUndecided})});
    }
  }
  std::vector<Member> members;
  for (const auto& [row, memberships] : paths) {
    members.push_back(RowMember(type.entity, RowId(row), Or(memberships)));
  }
  members.insert(members.end(), unseen.begin(), unseen.end());
  return members;
}

// Whether it is a member for which the condition holds (`turned`: does not hold).
Answer NaiveMeaning::Counts(const Expr& fold, const Member& member, bool turned) {
  if (!member.row || !member.readable) return And({member.membership, kUndecided});
  if (member.membership == Truth(false)) return member.membership;
  const auto before = members_;
  members_[fold.binder] = *member.row;
  Answer condition = fold.operands[1] ? Of(*fold.operands[1]) : Truth(true);
  members_ = before;
  if (turned) condition = Not(condition);
  return And({member.membership, condition});
}

Answer NaiveMeaning::Fold(const Expr& expr, bool exact) {
  if (expr.operands.size() > 2) return FoldValues(expr, exact);
  const bool all = expr.kind == ExprKind::kAll;
  std::vector<Answer> counts;
  for (const Member& member : Members(*expr.operands[0])) {
    counts.push_back(Counts(expr, member, all));
  }
  if (expr.kind == ExprKind::kAny) return Or(counts);
  if (expr.kind != ExprKind::kCount) return Not(Or(counts));  // no; all: none does not
  Wide count = 0;
  ValueStatus worst = ValueStatus::kKnown;
  for (const Answer& one : counts) {
    worst = std::max(worst, one.status);
    if (one == Truth(true)) ++count;
  }
  if (worst != ValueStatus::kKnown) return {worst, {}};
  return {worst, count};
}

// latest, earliest, sum: unknown values are skipped, whatever else is not known is not skipped.
Answer NaiveMeaning::FoldValues(const Expr& expr, bool exact) {
  std::optional<Wide> result;
  if (expr.kind == ExprKind::kSum) result = 0;
  ValueStatus worst = ValueStatus::kKnown;
  for (const Member& member : Members(*expr.operands[0])) {
    const Answer counts = Counts(expr, member, false);
    if (counts == Truth(false)) continue;
    Answer value = counts;
    if (member.row && member.readable && (exact || counts.known())) {
      const auto before = members_;
      members_[expr.binder] = *member.row;
      value = exact ? Exact(*expr.operands[2]) : Of(*expr.operands[2]);
      members_ = before;
    }
    if (value.status == ValueStatus::kUnknown) continue;
    worst = std::max({worst, counts.status, value.status});
    if (!value.known()) continue;
    const Wide number = std::get<Wide>(value.content);
    if (expr.kind == ExprKind::kSum) {
      *result += number;
    } else if (!result || (expr.kind == ExprKind::kLatest ? number > *result : number < *result)) {
      result = number;
    }
  }
  if (worst != ValueStatus::kKnown) return {worst, {}};
  if (!result) return {ValueStatus::kUnknown, {}};
  if (expr.kind == ExprKind::kSum && (*result < INT64_MIN || *result > INT64_MAX)) {
    return {ValueStatus::kError, {}};
  }
  return {ValueStatus::kKnown, *result};
}

std::vector<FactRow> NaiveMeaning::Targets(const Expr& rows) {
  std::vector<FactRow> targets;
  for (const Member& member : Members(rows)) {
    if (!member.row || !member.readable || member.membership != Truth(true)) continue;
    targets.push_back(std::get<FactRow>(member.row->content));
  }
  return targets;
}

}  // namespace rescind
