// What one snapshot may take away. Example: 10% of 25 rows lets 2 go and refuses 3.
#include <fmt/format.h>

#include "runtime/store/store.h"

namespace rescind {

bool ShrinkLimit::Allows(uint64_t withdrawn_count, uint64_t before_count) const {
  const auto most = static_cast<uint64_t>(amount);
  if (!is_percent) return withdrawn_count <= most;
  // A table has less than 2^32 rows, so neither product overflows.
  return withdrawn_count * 1'000'000 <= before_count * most;
}

std::string ShrinkLimit::Text() const {
  if (!is_percent) return fmt::format("{} rows", amount);
  return fmt::format("{}%", static_cast<double>(amount) / 10'000);
}

}  // namespace rescind
