// Goes down from the rule's condition, always into a part that is undecided, to the fact that
// nobody has delivered.
//   no(s in a.sessions where s.account.owner.status == active), owner i9 never delivered
//   "identity i9 has not been delivered (field owner of account a)"
#include "engine/eval/undecided_cause.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "engine/base/time_zone.h"

namespace rescind::eval {
namespace {

using ir::Op;

// Nothing that a person wrote takes more; a cause that is not found by then stays general.
constexpr size_t kMostSteps = 20'000;

// Sentences about facts that are not there.
class Lack {
 public:
  explicit Lack(const FactBase& facts) : facts_(facts) {}

  Result<std::string> Name(FactRow row) const {
    RESCIND_ASSIGN(const std::string id, facts_.texts().Id(row.entity, row.row));
    return fmt::format("{} {}", facts_.schema().entity(row.entity).name, id);
  }
  Result<std::string> OfRow(FactRow missing) const {
    RESCIND_ASSIGN(const std::string name, Name(missing));
    const bool removed = facts_.table(missing.entity).presence(missing.row) == Presence::kRemoved;
    return fmt::format("{} has {}", name, removed ? "been removed" : "not been delivered");
  }
  // What a field of a row names is not there, or the field itself has no value.
  Result<std::string> OfField(FactRow row, FieldId field) const {
    const FieldType& type = facts_.schema().field(row.entity, field).type;
    const Table& table = facts_.table(row.entity);
    RESCIND_ASSIGN(const std::string name, Name(row));
    const std::string place =
        fmt::format("field {} of {}", facts_.schema().field(row.entity, field).name, name);
    if (type.kind == rescind::TypeKind::kReference && table.has(field)) {
      const uint32_t named = table.column(field).rows()[row.row.index()];
      if (named != kNoRow) {
        RESCIND_ASSIGN(const std::string missing, OfRow({type.entity, RowId(named)}));
        return fmt::format("{} ({})", missing, place);
      }
    }
    return fmt::format("{} has not been delivered", place);
  }

 private:
  const FactBase& facts_;
};

// Along required references to the one that leads nowhere. Rows may require each other in a circle.
class IncompleteSearch {
 public:
  explicit IncompleteSearch(const FactBase& facts) : facts_(facts), lack_(facts) {}

  Result<std::string> Of(FactRow row) {
    if (!seen_.insert({row.entity, row.row}).second) return std::string();
    const auto& fields = facts_.schema().entity(row.entity).fields;
    const Table& table = facts_.table(row.entity);
    std::vector<FactRow> incomplete;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      const FieldType& type = fields[f].type;
      const bool is_required = type.kind == rescind::TypeKind::kReference && !type.optional;
      if (!is_required || !table.has(FieldId(f))) continue;
      const uint32_t named = table.column(FieldId(f)).rows()[row.row.index()];
      if (named == kNoRow) return lack_.OfField(row, FieldId(f));
      const Table& other = facts_.table(type.entity);
      if (other.presence(RowId(named)) != Presence::kLive) return lack_.OfField(row, FieldId(f));
      if (!other.complete(RowId(named))) incomplete.push_back({type.entity, RowId(named)});
    }
    for (const FactRow& named : incomplete) {
      RESCIND_ASSIGN(std::string cause, Of(named));
      if (!cause.empty()) return cause;
    }
    return std::string();
  }

 private:
  const FactBase& facts_;
  const Lack lack_;
  std::set<std::pair<EntityId, RowId>> seen_;
};

// Every search answers with a sentence, or nothing where it found none.
class CauseSearch {
 public:
  CauseSearch(const ir::Program& program, NodeEvaluator& evaluator)
      : program_(program),
        facts_(evaluator.input().facts),
        evaluator_(evaluator),
        lack_(evaluator.input().facts) {}

  Result<std::string> OfNode(ir::NodeId id) {
    if (++step_count_ > kMostSteps) return std::string();
    if (evaluator_.Evaluate(id).value.status != ValueStatus::kUndecided) return std::string();
    const ir::Node& node = program_.node(id);
    if (node.collection.valid()) return OfFold(node);
    for (const ir::NodeId operand : node.operands) {
      RESCIND_ASSIGN(std::string cause, OfNode(operand));
      if (!cause.empty()) return cause;
    }
    return OfItself(node);
  }

 private:
  // Its operands are there.
  Result<std::string> OfItself(const ir::Node& node) {
    switch (node.op) {
      case Op::kField:
      case Op::kRemovedAt: {
        const Value base = evaluator_.Evaluate(node.operands[0]).value;
        const auto* row = base.known() ? std::get_if<FactRow>(&base.content) : nullptr;
        return row == nullptr ? std::string() : lack_.OfField(*row, node.field);
      }
      case Op::kToday:
      case Op::kDayReached:
      case Op::kDateOf:
      case Op::kStartOf: {
        const Value zone = evaluator_.Evaluate(node.operands.back()).value;
        if (!zone.known()) return std::string("the time zone is unknown");
        const auto* name = std::get_if<std::string>(&zone.content);
        if (name == nullptr || FindTimeZone(*name) != nullptr) return std::string();
        return fmt::format("the time zone `{}` is not known", *name);
      }
      default: return std::string();
    }
  }

  Result<std::string> OfFold(const ir::Node& fold) {
    RESCIND_ASSIGN(std::string cause, OfCollection(fold.collection));
    if (!cause.empty()) return cause;
    return OfMembers(fold.collection, fold.inner, fold.operands);
  }

  // What the parts lack when they look at a member.
  Result<std::string> OfMembers(ir::CollectionId collection, ir::FrameId frame,
                                const std::vector<ir::NodeId>& parts) {
    if (evaluator_.IsBound(frame)) return std::string();
    for (const CollectionMember& member : evaluator_.Members(collection)) {
      if (!member.member || !member.readable || IsFalse(member.membership.value)) continue;
      evaluator_.Bind(frame, *member.member);
      for (const ir::NodeId part : parts) {
        auto cause = OfNode(part);
        if (!cause.ok() || !cause->empty()) {
          evaluator_.Release(frame);
          return cause;
        }
      }
      evaluator_.Release(frame);
    }
    return std::string();
  }

  Result<std::string> OfCollection(ir::CollectionId id) {
    const ir::Collection& collection = program_.collection(id);
    std::string cause;
    switch (collection.kind) {
      case ir::Collection::Kind::kMany: {
        RESCIND_ASSIGN(cause, OfNode(collection.base));
        break;
      }
      case ir::Collection::Kind::kSet: {
        RESCIND_ASSIGN(cause, OfSet(collection));
        break;
      }
      case ir::Collection::Kind::kFlatMap: {
        RESCIND_ASSIGN(cause, OfCollection(collection.inner));
        if (cause.empty()) {
          RESCIND_ASSIGN(cause, OfNamed(collection));
        }
        break;
      }
      case ir::Collection::Kind::kFilter: {
        RESCIND_ASSIGN(cause, OfCollection(collection.inner));
        if (cause.empty()) {
          RESCIND_ASSIGN(cause,
                         OfMembers(collection.inner, collection.frame, {collection.condition}));
        }
        break;
      }
      case ir::Collection::Kind::kTable: return std::string();
    }
    if (!cause.empty()) return cause;
    for (const CollectionMember& member : evaluator_.Members(id)) {
      if (!member.member || member.readable) continue;
      const auto* row = std::get_if<FactRow>(&member.member->content);
      if (row == nullptr) continue;
      RESCIND_ASSIGN(cause, IncompleteSearch(facts_).Of(*row));
      if (!cause.empty()) return cause;
    }
    return std::string();
  }

  Result<std::string> OfSet(const ir::Collection& collection) {
    RESCIND_ASSIGN(std::string cause, OfNode(collection.base));
    if (!cause.empty()) return cause;
    const Value base = evaluator_.Evaluate(collection.base).value;
    const auto* set = base.known() ? std::get_if<StoredSet>(&base.content) : nullptr;
    if (set == nullptr) return std::string();
    for (const Value& member : evaluator_.SetMembers(*set)) {
      const auto* row = std::get_if<FactRow>(&member.content);
      if (row != nullptr && IsAbsent(*row)) return lack_.OfRow(*row);
    }
    return std::string();
  }

  // What the members of the inner collection name.
  Result<std::string> OfNamed(const ir::Collection& collection) {
    const FieldType& type = program_.schema.field(collection.entity, collection.field).type;
    if (type.kind == rescind::TypeKind::kMany) return std::string();
    const Column& column = facts_.table(collection.entity).column(collection.field);
    for (const CollectionMember& member : evaluator_.Members(collection.inner)) {
      if (!member.member || !member.readable) continue;
      const FactRow row = std::get<FactRow>(member.member->content);
      if (type.kind == rescind::TypeKind::kReference) {
        const uint32_t named = column.rows()[row.row.index()];
        const bool lacks = named == kNoRow ? !type.optional : IsAbsent({type.entity, RowId(named)});
        if (lacks) return lack_.OfField(row, collection.field);
        continue;
      }
      for (const uint32_t named : column.pool().Members(column.sets()[row.row.index()])) {
        const FactRow other = {type.entity, RowId(named)};
        if (IsAbsent(other)) return lack_.OfRow(other);
      }
    }
    return std::string();
  }

  bool IsAbsent(FactRow row) const {
    return facts_.table(row.entity).presence(row.row) == Presence::kAbsent;
  }

  const ir::Program& program_;
  const FactBase& facts_;
  NodeEvaluator& evaluator_;
  const Lack lack_;
  size_t step_count_ = 0;
};

}  // namespace

Result<std::string> WhyIncomplete(const EvaluationInput& input, FactRow row) {
  if (input.facts.table(row.entity).complete(row.row)) return std::string();
  RESCIND_ASSIGN(std::string cause, IncompleteSearch(input.facts).Of(row));
  if (cause.empty()) cause = "a row that it belongs to has not been delivered yet";
  return cause;
}

UndecidedCause::UndecidedCause(const EvaluationInput& input, const ir::Rule& rule)
    : rule_(rule), evaluator_(input), zone_(input, rule) {}

Result<std::string> UndecidedCause::At(RowId row) {
  RESCIND_ASSIGN(std::string cause, WhyIncomplete(evaluator_.input(), {rule_.entity, row}));
  if (!cause.empty()) return cause;
  if (const auto zone = zone_.NameAt(row)) {
    return fmt::format("the time zone `{}` is not known", *zone);
  }
  evaluator_.Bind(rule_.frame, KnownValue(FactRow{rule_.entity, row}));
  RESCIND_ASSIGN(cause, CauseSearch(evaluator_.input().program, evaluator_).OfNode(rule_.match));
  if (cause.empty()) cause = "it hangs on a row that no feed has delivered yet";
  return cause;
}

}  // namespace rescind::eval
