#include "engine/eval/sweep_plan.h"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/assert.h"

namespace rescind::eval {

using ir::Op;
using Kind = ir::Type::Kind;

int64_t NumberOf(const ir::Constant& constant) {
  if (const auto* answer = std::get_if<bool>(&constant)) return *answer ? 1 : 0;
  if (const auto* number = std::get_if<int64_t>(&constant)) return *number;
  if (const auto* instant = std::get_if<Instant>(&constant)) return instant->micros;
  if (const auto* day = std::get_if<Day>(&constant)) return day->days;
  return std::get<Duration>(constant).micros;
}

SweepPlan::SweepPlan(const EvaluationInput& input, const SweepOptions& options,
                     const std::vector<ir::NodeId>& roots)
    : input_(input), deadlines_(options.deadlines), nodes_(input.program.nodes.size()) {
  cell_rows_.resize(input.program.tables.size());
  for (uint32_t e = 0; e < input.program.schema.entities().size(); ++e) {
    row_counts_.push_back(input.facts.table(EntityId(e)).row_count());
  }
  for (ir::NodeId root : roots) PlanNode(root);
  if (options.pushdown_fan_in) PlanPushdowns(roots, *options.pushdown_fan_in);
  if (options.semi_join_share) PlanSemiJoins(roots, *options.semi_join_share);
}
SweepPlan::~SweepPlan() = default;

void SweepPlan::PlanPushdowns(const std::vector<ir::NodeId>& roots, uint32_t fan_in) {
  // Codes of a worker's own dictionary mean nothing to another worker.
  const auto can_push = [this](ir::NodeId id) {
    return node(id).type.kind != Kind::kText || at(id).dictionary != nullptr;
  };
  for (const PushedNode& pushed :
       ChoosePushdowns(program(), input_.facts, roots, fan_in, can_push)) {
    const EntityId entity = node(pushed.reference).type.entity;
    const uint32_t row_count = input_.facts.table(entity).row_count();
    auto column = std::make_unique<PushedColumn>();
    column->pushed = pushed;
    column->width = at(pushed.node).width;
    column->is_condition = node(pushed.node).type.kind == Kind::kBool;
    column->values.resize(size_t{row_count} * BytesOf(column->width));
    column->status.resize(row_count, kIsKnown);
    if (deadlines_ && node(pushed.node).moves) column->until.resize(row_count);
    auto together = std::find_if(
        pushdowns_.begin(), pushdowns_.end(),
        [&](const Pushdown& pushdown) { return pushdown.reference == pushed.reference; });
    if (together == pushdowns_.end()) {
      pushdowns_.push_back({node(pushed.node).frame, pushed.reference, entity, {}});
      together = std::prev(pushdowns_.end());
    }
    together->columns.push_back(column.get());
    nodes_[pushed.node.index()].pushed = column.get();
    pushed_columns_.push_back(std::move(column));
  }
}

void SweepPlan::PlanSemiJoins(const std::vector<ir::NodeId>& roots, uint32_t share) {
  semi_joins_ = ChooseSemiJoins(program(), input_.facts, roots);
  for (SemiJoin& join : semi_joins_) {
    join.most_pairs = input_.facts.table(join.member).row_count() / share;
    nodes_[join.fold.index()].semi_join = &join;
  }
}

std::optional<uint32_t> SweepPlan::ConstantRow(ir::NodeId id) const {
  return IfLive(node(id).type.entity, at(id).row);
}

std::optional<uint32_t> SweepPlan::CellRow(ir::TableId table, uint32_t row, uint32_t column) const {
  return IfLive(program().tables[table.index()].columns[column].type.entity,
                cell_rows_[table.index()][column][row]);
}

std::optional<RowId> SweepPlan::FindRow(EntityId entity, const std::string& id) const {
  const auto found = input_.facts.texts().Find(entity, id);
  return found.ok() ? *found : std::nullopt;
}

std::optional<uint32_t> SweepPlan::IfLive(EntityId entity, std::optional<RowId> row) const {
  if (!row || input_.facts.table(entity).presence(*row) != Presence::kLive) return std::nullopt;
  return row->index();
}

void SweepPlan::PlanCollection(ir::CollectionId id) {
  const ir::Collection& collection = program().collection(id);
  if (collection.base.valid()) PlanNode(collection.base);
  if (collection.condition.valid()) PlanNode(collection.condition);
  if (collection.inner.valid()) PlanCollection(collection.inner);
  if (collection.frame.valid()) {
    // Conditions ask for the member through nodes of their own; nothing else to bind.
    RESCIND_ASSERT(program().frame(collection.frame).source == collection.inner,
                   "a filter whose frame stands on another collection");
  }
}

void SweepPlan::PlanNode(ir::NodeId id) {
  NodePlan& plan = nodes_[id.index()];
  if (plan.planned) return;
  plan.planned = true;
  const ir::Node& node = this->node(id);
  plan.width = WidthOf(node.type.kind);
  for (ir::NodeId operand : node.operands) PlanNode(operand);
  if (node.collection.valid()) PlanCollection(node.collection);
  switch (node.op) {
    case Op::kMember: plan.complete = node.type.kind == Kind::kRow; break;
    case Op::kConstant:
    case Op::kConstantRow: BindConstant(node, plan); break;
    case Op::kId:
    case Op::kField:
    case Op::kChangedAt:
    case Op::kPrevious:
    case Op::kRemovedAt: BindPath(node, plan); break;
    case Op::kColumn: BindCells(node); break;
    case Op::kInSet: BindInSet(node, plan); break;
    case Op::kMatches:
      plan.pattern =
          std::make_unique<re2::RE2>(program().patterns[node.pattern.index()], re2::RE2::Quiet);
      break;
    default: break;
  }
  BindText(node, plan);
  BindSet(node, plan);
  if (plan.dictionary != nullptr) dictionaries_[plan.dictionary] = plan.dictionary->count();
  const bool names_rows = node.op == Op::kConstantRow || !plan.unfound.empty() ||
                          (node.op == Op::kInSet && !plan.contains.empty());
  if (names_rows || plan.memo != nullptr || plan.set_memo != nullptr) following_.push_back(id);
}

void SweepPlan::BindConstant(const ir::Node& node, NodePlan& plan) {
  if (node.op == Op::kConstantRow || node.type.kind == Kind::kRow) {
    plan.row = FindRow(node.type.entity, std::get<std::string>(node.constant));
    return;
  }
  plan.constant = true;
  if (node.type.kind == Kind::kText) {
    plan.text = std::get<std::string>(node.constant);
  } else {
    plan.number = NumberOf(node.constant);
  }
}

void SweepPlan::BindPath(const ir::Node& node, NodePlan& plan) {
  const EntityId entity = this->node(node.operands[0]).type.entity;
  plan.table = &input_.facts.table(entity);
  if (node.op == Op::kId) {
    plan.column = &plan.table->ids();
    plan.required = true;
    return;
  }
  const FieldType& type = program().schema.field(entity, node.field).type;
  if (node.op == Op::kChangedAt) {
    plan.tracked = &plan.table->tracked(node.field);
    return;
  }
  const bool previous = node.op == Op::kPrevious;
  plan.column =
      previous ? &plan.table->tracked(node.field).previous : &plan.table->column(node.field);
  plan.required = !previous && !type.optional;
  if (type.kind == TypeKind::kReference) plan.target = &input_.facts.table(type.entity);
  // A complete row's required references name complete rows.
  plan.complete = node.op == Op::kField && type.kind == TypeKind::kReference && plan.required &&
                  at(node.operands[0]).complete;
}

void SweepPlan::BindCells(const ir::Node& node) {
  const ir::TableId id = this->node(node.operands[0]).type.table;
  const ir::Table& table = program().tables[id.index()];
  auto& columns = cell_rows_[id.index()];
  columns.resize(table.columns.size());
  auto& rows = columns[node.column];
  if (node.type.kind != Kind::kRow || rows.size() == table.rows.size()) return;
  for (const auto& cells : table.rows) {
    const auto& cell = cells[node.column];
    rows.push_back(cell ? FindRow(node.type.entity, std::get<std::string>(*cell)) : std::nullopt);
  }
}

uint32_t SweepPlan::SourceOf(EntityId entity, FieldId field) {
  for (uint32_t i = 0; i < set_sources_.size(); ++i) {
    if (set_sources_[i].entity == entity && set_sources_[i].field == field) return i;
  }
  const Column& column = input_.facts.table(entity).column(field);
  set_sources_.push_back({entity, field, &column});
  dictionaries_[&column.dictionary()] = column.dictionary().count();
  return static_cast<uint32_t>(set_sources_.size() - 1);
}

void SweepPlan::BindSet(const ir::Node& node, NodePlan& plan) {
  if (node.type.kind == Kind::kSet) {
    if (node.op == Op::kField || node.op == Op::kPrevious) {
      plan.set_source = SourceOf(node.entity, node.field);
    } else if (node.op == Op::kCoalesce &&
               at(node.operands[0]).set_source == at(node.operands[1]).set_source) {
      plan.set_source = at(node.operands[0]).set_source;
    }
  }
  if (node.op != Op::kHas || !at(node.operands[1]).constant) return;
  if (const auto source = at(node.operands[0]).set_source) {
    plan.set_memo = std::make_unique<PredicateMemo>(set_source(*source).column->pool().count());
  }
}

// Of the members of a set of text: the set's, if all come from one column.
const TextDictionary* SweepPlan::MemberDictionary(ir::FrameId frame) {
  ir::CollectionId id = program().frame(frame).source;
  while (program().collection(id).kind == ir::Collection::Kind::kFilter) {
    id = program().collection(id).inner;
  }
  const ir::NodeId base = program().collection(id).base;
  PlanNode(base);
  const auto source = at(base).set_source;
  return source ? &set_source(*source).column->dictionary() : nullptr;
}

// Which dictionary a text's codes belong to, and a memo for what is asked of each code.
void SweepPlan::BindText(const ir::Node& node, NodePlan& plan) {
  if (node.type.kind == Kind::kText) {
    if (node.op == Op::kCoalesce) {
      const TextDictionary* first = at(node.operands[0]).dictionary;
      if (first == at(node.operands[1]).dictionary) plan.dictionary = first;
    } else if (node.op == Op::kMember) {
      plan.dictionary = MemberDictionary(node.frame);
    } else if (node.op == Op::kId || node.op == Op::kField || node.op == Op::kPrevious) {
      plan.dictionary = &plan.column->dictionary();
    }
  }
  const bool asks = node.op == Op::kInSet || node.op == Op::kMatches ||
                    node.op == Op::kStartsWith || node.op == Op::kEndsWith ||
                    node.op == Op::kContains;
  if (!asks || this->node(node.operands[0]).type.kind != Kind::kText) return;
  if (node.operands.size() > 1 && !at(node.operands[1]).constant) return;
  const TextDictionary* dictionary = at(node.operands[0]).dictionary;
  if (dictionary != nullptr) plan.memo = std::make_unique<PredicateMemo>(dictionary->count());
}

void SweepPlan::BindInSet(const ir::Node& node, NodePlan& plan) {
  const ir::ConstantSet& set = program().sets[node.set.index()];
  switch (set.element.kind) {
    case Kind::kText:
      for (const auto& item : set.items) plan.texts.push_back(std::get<std::string>(item));
      std::sort(plan.texts.begin(), plan.texts.end());
      return;
    case Kind::kRow: {
      plan.contains.assign(input_.facts.table(set.element.entity).row_count(), 0);
      for (const auto& item : set.items) {
        const std::string& row_id = std::get<std::string>(item);
        if (const auto row = FindRow(set.element.entity, row_id)) {
          plan.contains[row->index()] = 1;
        } else {
          plan.unfound.push_back(row_id);
        }
      }
      return;
    }
    case Kind::kBool:
    case Kind::kEnum:
      plan.contains.assign(256, 0);
      for (const auto& item : set.items) {
        plan.contains[static_cast<uint8_t>(NumberOf(item))] = 1;
      }
      return;
    default:
      for (const auto& item : set.items) plan.numbers.push_back(NumberOf(item));
      std::sort(plan.numbers.begin(), plan.numbers.end());
      return;
  }
}

// ---- Facts that are edited --------------------------------------------------------------------

bool SweepPlan::Follow(Instant now) {
  RESCIND_ASSERT(pushdowns_.empty() && semi_joins_.empty(), "a plan that has looked ahead");
  input_.now = now;
  bool more_rows = false;
  for (uint32_t e = 0; e < row_counts_.size(); ++e) {
    const uint32_t row_count = input_.facts.table(EntityId(e)).row_count();
    more_rows |= row_counts_[e] != row_count;
    row_counts_[e] = row_count;
  }
  if (more_rows) FollowCells();
  for (const ir::NodeId id : following_) FollowNode(id);
  bool more_texts = false;
  for (auto& [dictionary, count] : dictionaries_) {
    more_texts |= dictionary->count() != count;
    count = dictionary->count();
  }
  return more_texts;
}

void SweepPlan::FollowNode(ir::NodeId id) {
  NodePlan& plan = nodes_[id.index()];
  const ir::Node& node = this->node(id);
  if (node.op == Op::kConstantRow && !plan.row) {
    plan.row = FindRow(node.type.entity, std::get<std::string>(node.constant));
  }
  if (node.op == Op::kInSet && program().sets[node.set.index()].element.kind == Kind::kRow) {
    const EntityId entity = program().sets[node.set.index()].element.entity;
    const uint32_t row_count = input_.facts.table(entity).row_count();
    if (plan.contains.size() < row_count) plan.contains.resize(row_count, 0);
    std::erase_if(plan.unfound, [&](const std::string& row_id) {
      const auto row = FindRow(entity, row_id);
      if (row) plan.contains[row->index()] = 1;
      return row.has_value();
    });
  }
  if (plan.memo != nullptr) {
    const uint32_t count = at(node.operands[0]).dictionary->count();
    if (plan.memo->count() < count) plan.memo->Grow(count * 2);
  }
  if (plan.set_memo != nullptr) {
    const uint32_t count = set_source(*at(node.operands[0]).set_source).column->pool().count();
    if (plan.set_memo->count() < count) plan.set_memo->Grow(count * 2);
  }
}

// Rows that cells name and that nobody had mentioned.
void SweepPlan::FollowCells() {
  for (size_t t = 0; t < cell_rows_.size(); ++t) {
    const ir::Table& table = program().tables[t];
    for (size_t c = 0; c < cell_rows_[t].size(); ++c) {
      auto& rows = cell_rows_[t][c];
      for (size_t r = 0; r < rows.size(); ++r) {
        const auto& cell = table.rows[r][c];
        if (rows[r] || !cell) continue;
        rows[r] = FindRow(table.columns[c].type.entity, std::get<std::string>(*cell));
      }
    }
  }
}

}  // namespace rescind::eval
