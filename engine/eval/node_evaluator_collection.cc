// Collections and folds. A member that counts makes `any` true; all of them together a count.
//
//   no(g in i.accounts.grants where g.expires_at has passed)
//   members: g1 (expired), g2 (expires in May), g3 (incomplete)
//   counts:  true for ever, false until May, undecided  ->  any is true for ever
#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/assert.h"
#include "engine/eval/node_evaluator.h"

namespace rescind::eval {

using ir::Op;

namespace {

__extension__ using Wide = __int128;

// Restores what a frame stood on: the same frame may be in use further out.
class Rebinding {
 public:
  Rebinding(std::vector<std::optional<Value>>& bound, ir::FrameId frame)
      : place_(bound[frame.index()]), outer_(place_) {}
  ~Rebinding() { place_ = outer_; }
  Rebinding(const Rebinding&) = delete;
  Rebinding& operator=(const Rebinding&) = delete;

 private:
  std::optional<Value>& place_;
  std::optional<Value> outer_;
};

// Several answers of which one true is enough: true until the last true one ends. Without one, an
// error (the smallest, so that order does not matter), or undecided, or false, until anything
// changes.
class Choice {
 public:
  void Add(const Timed& answer) {
    soonest_ = std::min(soonest_, answer.until);
    if (IsTrue(answer.value)) {
      last_true_ = last_true_ ? std::max(*last_true_, answer.until) : answer.until;
      ++true_count_;
    }
    AddStatus(answer.value);
  }
  void AddStatus(const Value& value) {
    if (value.status == ValueStatus::kUndecided) undecided_ = true;
    if (value.status != ValueStatus::kError) return;
    if (error_ == EvaluationError::kNone || value.error < error_) error_ = value.error;
  }
  void EndBy(Instant until) { soonest_ = std::min(soonest_, until); }

  int64_t true_count() const { return true_count_; }
  Instant soonest() const { return soonest_; }
  // Nothing when all answers are known.
  std::optional<Value> Trouble() const {
    if (error_ != EvaluationError::kNone) return FailedValue(error_);
    if (undecided_) return UndecidedValue();
    return std::nullopt;
  }
  Timed Any() const {
    if (last_true_) return {KnownValue(true), *last_true_};
    return {Trouble().value_or(KnownValue(false)), soonest_};
  }

 private:
  Instant soonest_ = Instant::Never();
  std::optional<Instant> last_true_;
  int64_t true_count_ = 0;
  bool undecided_ = false;
  EvaluationError error_ = EvaluationError::kNone;
};

// Two times or two dates.
bool IsBefore(const Value& left, const Value& right) {
  if (const auto* day = std::get_if<Day>(&left.content)) {
    return *day < std::get<Day>(right.content);
  }
  return std::get<Instant>(left.content) < std::get<Instant>(right.content);
}

CollectionMember Unseen(const Timed& membership) {
  return {std::nullopt, false, AndOf(membership, {UndecidedValue()})};
}

// Merges the paths by which one row is reached. What nobody delivered stays, at the end.
std::vector<CollectionMember> EachOnce(std::vector<CollectionMember> members) {
  std::map<uint32_t, std::pair<CollectionMember, Choice>> by_row;
  std::vector<CollectionMember> unseen;
  for (CollectionMember& member : members) {
    if (!member.member) {
      unseen.push_back(std::move(member));
      continue;
    }
    const uint32_t row = std::get<FactRow>(member.member->content).row.index();
    auto& [merged, paths] = by_row[row];
    paths.Add(member.membership);
    merged = std::move(member);
  }
  std::vector<CollectionMember> result;
  for (auto& [row, entry] : by_row) {
    entry.first.membership = entry.second.Any();
    result.push_back(std::move(entry.first));
  }
  result.insert(result.end(), unseen.begin(), unseen.end());
  return result;
}

}  // namespace

CollectionMember NodeEvaluator::RowMember(EntityId entity, uint32_t row,
                                          const Timed& membership) const {
  return {KnownValue(FactRow{entity, RowId(row)}), input_.facts.table(entity).complete(RowId(row)),
          membership};
}

std::vector<CollectionMember> NodeEvaluator::Members(ir::CollectionId id) {
  const ir::Collection& collection = input_.program.collection(id);
  switch (collection.kind) {
    case ir::Collection::Kind::kMany:
    case ir::Collection::Kind::kSet: return BaseMembers(collection);
    case ir::Collection::Kind::kFlatMap: return MappedMembers(collection);
    case ir::Collection::Kind::kFilter: return FilteredMembers(collection);
    case ir::Collection::Kind::kTable: break;
  }
  std::vector<CollectionMember> members;
  const size_t row_count = input_.program.tables[collection.table.index()].rows.size();
  for (uint32_t row = 0; row < row_count; ++row) {
    members.push_back({KnownValue(TableRow{collection.table, row}), true, {KnownValue(true)}});
  }
  return members;
}

std::vector<CollectionMember> NodeEvaluator::BaseMembers(const ir::Collection& collection) {
  const Timed base = Evaluate(collection.base);
  std::vector<CollectionMember> members;
  // The whole collection becomes another one when its base does: somebody who is no member yet.
  if (base.until != Instant::Never()) {
    members.push_back({std::nullopt, false, {KnownValue(false), base.until}});
  }
  if (base.value.status == ValueStatus::kUnknown) return members;
  if (!base.value.known()) {
    members.push_back({std::nullopt, false, base});
    return members;
  }
  const Timed is_member{KnownValue(true), base.until};
  if (collection.kind == ir::Collection::Kind::kMany) {
    const auto [entity, row] = std::get<FactRow>(base.value.content);
    const FieldType& type = input_.program.schema.field(entity, collection.field).type;
    const InverseIndex& inverse = input_.facts.table(entity).inverse(collection.field);
    std::vector<uint32_t> merged;
    for (uint32_t member : inverse.Rows(row, merged)) {
      members.push_back(RowMember(type.entity, member, is_member));
    }
    return members;
  }
  for (const Value& member : SetMembers(std::get<StoredSet>(base.value.content))) {
    const auto* row = std::get_if<FactRow>(&member.content);
    if (row == nullptr) {
      members.push_back({member, true, is_member});
      continue;
    }
    const Presence presence = input_.facts.table(row->entity).presence(row->row);
    if (presence == Presence::kAbsent) members.push_back(Unseen(is_member));
    if (presence != Presence::kLive) continue;
    members.push_back(RowMember(row->entity, row->row.index(), is_member));
  }
  return members;
}

std::vector<CollectionMember> NodeEvaluator::MappedMembers(const ir::Collection& collection) {
  const FieldType& type = input_.program.schema.field(collection.entity, collection.field).type;
  const Table& table = input_.facts.table(collection.entity);
  std::vector<CollectionMember> members;
  for (const CollectionMember& inner : Members(collection.inner)) {
    if (!inner.member) {
      members.push_back(Unseen(inner.membership));
      continue;
    }
    // What an incomplete row leads to is as undecided as the row itself.
    const Timed membership =
        inner.readable ? inner.membership : AndOf(inner.membership, {UndecidedValue()});
    const auto [entity, row] = std::get<FactRow>(inner.member->content);
    std::vector<uint32_t> named;
    if (type.kind == TypeKind::kMany) {
      std::vector<uint32_t> merged;
      const auto rows = table.inverse(collection.field).Rows(row, merged);
      named.assign(rows.begin(), rows.end());
    } else if (type.kind == TypeKind::kSet) {
      const Column& column = table.column(collection.field);
      const auto rows = column.pool().Members(column.sets()[row.index()]);
      named.assign(rows.begin(), rows.end());
    } else {
      const Value value = ReadField(entity, collection.field, row);
      if (value.status == ValueStatus::kUndecided) members.push_back(Unseen(membership));
      if (value.known()) named.push_back(std::get<FactRow>(value.content).row.index());
    }
    for (uint32_t member : named) {
      const Presence presence = input_.facts.table(type.entity).presence(RowId(member));
      if (presence == Presence::kAbsent) members.push_back(Unseen(membership));
      if (presence != Presence::kLive) continue;
      members.push_back(RowMember(type.entity, member, membership));
    }
  }
  return EachOnce(std::move(members));
}

std::vector<CollectionMember> NodeEvaluator::FilteredMembers(const ir::Collection& collection) {
  const Rebinding rebinding(bound_, collection.frame);
  std::vector<CollectionMember> members;
  for (CollectionMember& inner : Members(collection.inner)) {
    Timed condition{UndecidedValue()};
    if (inner.member && inner.readable && !IsFalse(inner.membership.value)) {
      Bind(collection.frame, *inner.member);
      condition = Evaluate(collection.condition);
    }
    inner.membership = AndOf(inner.membership, condition);
    if (IsFalse(inner.membership.value) && inner.membership.until == Instant::Never()) continue;
    members.push_back(std::move(inner));
  }
  return members;
}

Timed NodeEvaluator::Counts(const ir::Node& fold, const CollectionMember& member) {
  if (IsFalse(member.membership.value)) return member.membership;
  if (!member.member || !member.readable) return AndOf(member.membership, {UndecidedValue()});
  Bind(fold.inner, *member.member);
  Timed condition = Evaluate(fold.operands[0]);
  if (fold.op == Op::kAll && condition.value.known()) {
    condition.value = KnownValue(IsFalse(condition.value));
  }
  return AndOf(member.membership, condition);
}

Timed NodeEvaluator::EvaluateFold(const ir::Node& node) {
  const Rebinding rebinding(bound_, node.inner);
  const std::vector<CollectionMember> members = Members(node.collection);
  if (node.op == Op::kSum || node.op == Op::kLatest || node.op == Op::kEarliest) {
    return FoldValues(node, members);
  }
  Choice choice;
  for (const CollectionMember& member : members) choice.Add(Counts(node, member));
  if (node.op == Op::kCount) {
    return {choice.Trouble().value_or(KnownValue(choice.true_count())), choice.soonest()};
  }
  Timed any = choice.Any();
  if (node.op == Op::kAll && any.value.known()) any.value = KnownValue(!IsTrue(any.value));
  return any;
}

Timed NodeEvaluator::FoldValues(const ir::Node& node,
                                const std::vector<CollectionMember>& members) {
  Choice choice;
  Wide sum = 0;
  std::optional<Value> extreme;
  for (const CollectionMember& member : members) {
    const Timed counts = Counts(node, member);
    choice.Add(counts);
    if (!IsTrue(counts.value)) continue;
    const Timed value = Evaluate(node.operands[1]);
    choice.EndBy(value.until);
    choice.AddStatus(value.value);
    if (!value.value.known()) continue;
    if (node.op == Op::kSum) {
      const auto* duration = std::get_if<Duration>(&value.value.content);
      sum += duration != nullptr ? duration->micros : std::get<int64_t>(value.value.content);
      continue;
    }
    const bool later = !extreme || IsBefore(*extreme, value.value);
    const bool earlier = !extreme || IsBefore(value.value, *extreme);
    if (node.op == Op::kLatest ? later : earlier) extreme = value.value;
  }
  if (const auto trouble = choice.Trouble()) return {*trouble, choice.soonest()};
  if (node.op != Op::kSum) return {extreme.value_or(UnknownValue()), choice.soonest()};
  if (sum < std::numeric_limits<int64_t>::min() || sum > std::numeric_limits<int64_t>::max()) {
    return {FailedValue(EvaluationError::kOverflow), choice.soonest()};
  }
  const auto number = static_cast<int64_t>(sum);
  if (node.type.kind == ir::Type::Kind::kDuration) {
    return {KnownValue(Duration{number}), choice.soonest()};
  }
  return {KnownValue(number), choice.soonest()};
}

}  // namespace rescind::eval
