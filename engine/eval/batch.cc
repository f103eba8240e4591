#include "engine/eval/batch.h"

namespace rescind::eval {

void MemberList::Clear() {
  outer.clear();
  rows.clear();
  longs.clear();
  status.clear();
  readable.clear();
  until.clear();
}

void MemberList::Explain() {
  if (!plain() || outer.empty()) return;
  status.assign(outer.size(), kIsKnown);
  readable.assign(outer.size(), 1);
  until.assign(outer.size(), kNeverMicros);
}

void MemberList::AddPlainDetails() {
  status.push_back(kIsKnown);
  readable.push_back(1);
  until.push_back(kNeverMicros);
}

void MemberList::Add(uint32_t outer_offset, uint32_t row, uint8_t its_status, bool is_readable,
                     int64_t until_micros) {
  if (its_status == kIsKnown && is_readable && until_micros == kNeverMicros) {
    Add(outer_offset, row);
    return;
  }
  Explain();
  outer.push_back(outer_offset);
  rows.push_back(row);
  status.push_back(its_status);
  readable.push_back(is_readable ? 1 : 0);
  until.push_back(until_micros);
}

}  // namespace rescind::eval
