// Collections: the members seen from the rows of a batch, one after the other in one batch of
// their own, so that what is asked of members runs over all of them at once.
//
//   rows of accounts     7       8    9
//   their grants         3 5     -    2 6 9        (inverse index)
//   members' batch       3 5 2 6 9   outer offsets 0 0 2 2 2
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

using CollectionKind = ir::Collection::Kind;

namespace {

constexpr uint8_t kNotMember = MemberList::kNotMember;

// Membership and something undecided.
uint8_t AndUndecided(uint8_t membership) {
  return membership == kNotMember ? membership : Worse(membership, kIsUndecided);
}

// Merges the paths by which one row is reached: a member if any path says so.
class PathMerge {
 public:
  void Add(uint8_t status, int64_t until_micros) {
    soonest_ = std::min(soonest_, until_micros);
    if (status == kIsKnown) {
      last_true_ = any_true_ ? std::max(last_true_, until_micros) : until_micros;
      any_true_ = true;
    }
    if (status == kIsUndecided) undecided_ = true;
    if (status >= kFirstError && status != kNotMember) error_ = std::min(error_, status);
  }
  uint8_t status() const {
    if (any_true_) return kIsKnown;
    if (error_ != kNotMember) return error_;
    return undecided_ ? kIsUndecided : kNotMember;
  }
  int64_t until() const { return any_true_ ? last_true_ : soonest_; }

 private:
  int64_t soonest_ = kNeverMicros;
  int64_t last_true_ = 0;
  bool any_true_ = false;
  bool undecided_ = false;
  uint8_t error_ = kNotMember;
};

// Lets each row stand once per outer row. Members nobody delivered are left as they are.
void EachOnce(MemberList& members) {
  std::vector<uint32_t> order(members.count());
  for (uint32_t i = 0; i < members.count(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (members.outer[a] != members.outer[b]) return members.outer[a] < members.outer[b];
    return members.rows[a] < members.rows[b];
  });
  MemberList once;
  for (size_t k = 0; k < order.size();) {
    const uint32_t first = order[k];
    PathMerge merge;
    size_t next = k;
    for (; next < order.size(); ++next) {
      const uint32_t i = order[next];
      const bool same = members.outer[i] == members.outer[first] &&
                        members.rows[i] == members.rows[first] && members.rows[i] != kNoRow;
      if (next > k && !same) break;
      merge.Add(members.status_of(i), members.until_of(i));
    }
    once.Add(members.outer[first], members.rows[first], merge.status(), members.is_readable(first),
             merge.until());
    k = next;
  }
  members = std::move(once);
}

}  // namespace

Batch& BatchEvaluator::MembersOf(ir::FrameId frame, ir::CollectionId collection,
                                 const SemiJoin* semi_join, Batch& outer,
                                 const Selection& selection) {
  auto& batches = batches_[frame.index()];
  Batch* free = nullptr;
  for (const auto& batch : batches) {
    if (batch->in_use) continue;
    if (batch->outer == &outer && batch->outer_generation == outer.generation &&
        batch->outer_selection_id == selection.id && batch->semi_join == semi_join) {
      batch->outer_selection = &selection;
      return *batch;
    }
    free = batch.get();
  }
  if (free == nullptr) {
    batches.push_back(std::make_unique<Batch>(program_.nodes.size()));
    free = batches.back().get();
  }
  const MembersUse use(*free);  // so that nobody else takes it while it is filled
  free->frame = frame;
  free->generation = ++last_generation_;
  free->outer = &outer;
  free->outer_generation = outer.generation;
  free->outer_selection = &selection;
  free->outer_selection_id = selection.id;
  free->semi_join = semi_join;
  free->members.Clear();
  if (semi_join != nullptr) {
    FillListed(*semi_join, outer, selection, free->members);
  } else {
    FillMembers(collection, outer, selection, free->members);
  }
  free->count = free->members.count();
  counters_.members_visited += free->count;
  SelectReadable(*free);
  return *free;
}

void BatchEvaluator::SelectReadable(Batch& batch) {
  const MemberList& members = batch.members;
  batch.readable = {nullptr, batch.count, selections_.NextId(), nullptr};
  if (members.plain()) return;
  batch.readable_offsets.clear();
  for (uint32_t i = 0; i < batch.count; ++i) {
    if (members.readable[i] != 0 && members.status[i] != kNotMember) {
      batch.readable_offsets.push_back(i);
    }
  }
  if (batch.readable_offsets.size() == batch.count) return;
  batch.readable.offsets = batch.readable_offsets.data();
  batch.readable.count = static_cast<uint32_t>(batch.readable_offsets.size());
  // An empty selection must not look like one of all rows.
  if (batch.readable.offsets == nullptr) batch.readable.offsets = members.outer.data();
}

void BatchEvaluator::FillMembers(ir::CollectionId id, Batch& outer, const Selection& selection,
                                 MemberList& members) {
  const ir::Collection& collection = program_.collection(id);
  switch (collection.kind) {
    case CollectionKind::kMany: return FillMany(collection, outer, selection, members);
    case CollectionKind::kSet: return FillSet(collection, outer, selection, members);
    case CollectionKind::kFlatMap: return FillMapped(collection, outer, selection, members);
    case CollectionKind::kFilter: return FillFiltered(collection, outer, selection, members);
    case CollectionKind::kTable: return FillTable(collection, selection, members);
  }
}

// The same members as by the collection, but for those that make no difference.
void BatchEvaluator::FillListed(const SemiJoin& semi_join, const Batch& outer,
                                const Selection& selection, MemberList& members) {
  const Table& table = plan_.input().facts.table(semi_join.member);
  const uint32_t* offsets = semi_join.offsets.data() + outer.first_row;
  ForEach(selection, [&](uint32_t i) {
    for (uint32_t k = offsets[i]; k < offsets[i + 1]; ++k) {
      const uint32_t row = semi_join.rows[k];
      const uint8_t status = semi_join.CompletePath(row) ? kIsKnown : kIsUndecided;
      members.Add(i, row, status, table.complete(RowId(row)), kNeverMicros);
    }
  });
}

void BatchEvaluator::FillTable(const ir::Collection& collection, const Selection& selection,
                               MemberList& members) {
  const auto row_count =
      static_cast<uint32_t>(program_.tables[collection.table.index()].rows.size());
  ForEach(selection, [&](uint32_t i) {
    for (uint32_t row = 0; row < row_count; ++row) members.Add(i, row);
  });
}

void BatchEvaluator::FillMany(const ir::Collection& collection, Batch& outer,
                              const Selection& selection, MemberList& members) {
  const ValueVector& base = Fetch(collection.base, outer, selection);
  const uint32_t* rows = base.values<uint32_t>();
  const FactBase& facts = plan_.input().facts;
  const InverseIndex& inverse = facts.table(collection.entity).inverse(collection.field);
  const EntityId entity = program_.schema.field(collection.entity, collection.field).type.entity;
  const uint8_t* complete = facts.table(entity).complete().data();
  const bool all_complete = plan_.all_complete(entity);
  ForEach(selection, [&](uint32_t i) {
    const int64_t until = base.until(i);
    if (until != kNeverMicros) members.Add(i, kNoRow, kNotMember, false, until);
    if (base.status(i) == kIsUnknown) return;
    if (base.status(i) != kIsKnown) {
      members.Add(i, kNoRow, base.status(i), false, until);
      return;
    }
    if (all_complete && until == kNeverMicros) {
      members.AddAll(i, inverse.Rows(RowId(rows[i]), merged_rows_));
      return;
    }
    for (const uint32_t row : inverse.Rows(RowId(rows[i]), merged_rows_)) {
      members.Add(i, row, kIsKnown, complete[row] != 0, until);
    }
  });
}

void BatchEvaluator::AddNamed(const Table& table, uint32_t outer_offset, uint32_t row,
                              uint8_t status, int64_t until_micros, MemberList& members) const {
  switch (table.presence(RowId(row))) {
    case Presence::kLive:
      members.Add(outer_offset, row, status, table.complete(RowId(row)), until_micros);
      return;
    case Presence::kAbsent:
      members.Add(outer_offset, kNoRow, AndUndecided(status), false, until_micros);
      return;
    case Presence::kRemoved: return;
  }
}

void BatchEvaluator::AddSetMember(int64_t set, uint32_t outer_offset, int64_t until_micros,
                                  const ir::Collection& collection, MemberList& members) {
  const auto source = static_cast<uint32_t>(static_cast<uint64_t>(set) >> 32);
  const auto stored = static_cast<uint32_t>(set);
  const Column& column = *plan_.set_source(source).column;
  if (collection.member.kind == ir::Type::Kind::kInt) {
    for (const int64_t number : column.pool().Integers(stored)) {
      members.AddLong(outer_offset, number, until_micros);
    }
    return;
  }
  const bool translates = collection.member.kind == ir::Type::Kind::kText &&
                          !plan_.at(collection.base).set_source.has_value();
  for (const uint32_t member : column.pool().Members(stored)) {
    if (collection.member.kind == ir::Type::Kind::kRow) {
      const Table& table = plan_.input().facts.table(collection.member.entity);
      AddNamed(table, outer_offset, member, kIsKnown, until_micros, members);
      continue;
    }
    const uint32_t code = translates ? texts_.ToOwn(&column.dictionary(), member) : member;
    members.Add(outer_offset, code, kIsKnown, true, until_micros);
  }
}

void BatchEvaluator::FillSet(const ir::Collection& collection, Batch& outer,
                             const Selection& selection, MemberList& members) {
  const ValueVector& base = Fetch(collection.base, outer, selection);
  const int64_t* sets = base.values<int64_t>();
  ForEach(selection, [&](uint32_t i) {
    const int64_t until = base.until(i);
    const bool is_int = collection.member.kind == ir::Type::Kind::kInt;
    const auto add_unseen = [&](uint8_t status) {
      members.Add(i, kNoRow, status, false, until);
      if (is_int) members.longs.push_back(0);
    };
    if (until != kNeverMicros) add_unseen(kNotMember);
    if (base.status(i) == kIsUnknown) return;
    if (base.status(i) != kIsKnown) return add_unseen(base.status(i));
    AddSetMember(sets[i], i, until, collection, members);
  });
}

void BatchEvaluator::FillMapped(const ir::Collection& collection, Batch& outer,
                                const Selection& selection, MemberList& members) {
  if (lists_in_use_ == lists_.size()) lists_.push_back(std::make_unique<MemberList>());
  MemberList& inner = *lists_[lists_in_use_++];
  inner.Clear();
  FillMembers(collection.inner, outer, selection, inner);
  const Table& table = plan_.input().facts.table(collection.entity);
  const FieldType& type = program_.schema.field(collection.entity, collection.field).type;
  const Table& target = plan_.input().facts.table(type.entity);
  const bool all_complete = plan_.all_complete(type.entity);
  const InverseIndex* const inverse =
      type.kind == TypeKind::kMany ? &table.inverse(collection.field) : nullptr;
  for (uint32_t k = 0; k < inner.count(); ++k) {
    const uint32_t row = inner.rows[k];
    uint8_t status = inner.status_of(k);
    const int64_t until = inner.until_of(k);
    // What an incomplete row leads to is as undecided as the row itself.
    if (row == kNoRow || !inner.is_readable(k)) status = AndUndecided(status);
    if (row == kNoRow) {
      members.Add(inner.outer[k], kNoRow, status, false, until);
      continue;
    }
    if (type.kind == TypeKind::kMany) {
      if (all_complete && status == kIsKnown && until == kNeverMicros) {
        members.AddAll(inner.outer[k], inverse->Rows(RowId(row), merged_rows_));
        continue;
      }
      for (const uint32_t member : inverse->Rows(RowId(row), merged_rows_)) {
        members.Add(inner.outer[k], member, status, target.complete(RowId(member)), until);
      }
      continue;
    }
    const Column& column = table.column(collection.field);
    if (type.kind == TypeKind::kSet) {
      for (const uint32_t member : column.pool().Members(column.sets()[row])) {
        AddNamed(target, inner.outer[k], member, status, until, members);
      }
      continue;
    }
    const uint32_t named = column.rows()[row];
    const bool missing = named == kNoRow || target.presence(RowId(named)) == Presence::kRemoved;
    if (!missing) {
      AddNamed(target, inner.outer[k], named, status, until, members);
    } else if (!type.optional) {
      members.Add(inner.outer[k], kNoRow, AndUndecided(status), false, until);
    }
  }
  --lists_in_use_;
  // Rows that refer to different rows are different: only references and sets can meet.
  if (type.kind != TypeKind::kMany) EachOnce(members);
}

void BatchEvaluator::FillFiltered(const ir::Collection& collection, Batch& outer,
                                  const Selection& selection, MemberList& members) {
  Batch& batch = MembersOf(collection.frame, collection.inner, nullptr, outer, selection);
  const MembersUse use(batch);
  const MemberList& inner = batch.members;
  const ValueVector* condition = nullptr;
  if (batch.readable.count > 0) condition = &Fetch(collection.condition, batch, batch.readable);
  for (uint32_t k = 0; k < batch.count; ++k) {
    uint8_t status = inner.status_of(k);
    int64_t until = inner.until_of(k);
    if (!inner.is_readable(k)) {
      status = AndUndecided(status);
    } else if (status != kNotMember) {
      const uint8_t answer = condition->status(k);
      if (answer == kIsKnown && condition->values<uint8_t>()[k] == 0) {
        status = kNotMember;
        until = condition->until(k);
      } else {
        until = std::min(until, condition->until(k));
        if (answer != kIsKnown) status = Worse(status, std::max(answer, kIsUndecided));
      }
    }
    if (status == kNotMember && until == kNeverMicros) continue;
    members.Add(inner.outer[k], inner.rows[k], status, inner.is_readable(k), until);
    if (!inner.longs.empty()) members.longs.push_back(inner.longs[k]);
  }
}

}  // namespace rescind::eval
