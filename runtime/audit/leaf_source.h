// LeafSource: the entries of a log in their order, wherever they lie: in a store (log_reader.h) or
// in an exported folder (export_reader.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "engine/base/result.h"

namespace rescind {

class LeafSource {
 public:
  virtual ~LeafSource() = default;
  // How many leaves there are.
  virtual Result<uint64_t> Size() const = 0;
  // Leaves from `from` on until `take` returns false. kCorrupt when one is missing between two.
  virtual Status Scan(
      uint64_t from,
      const std::function<bool(uint64_t index, std::string_view leaf)>& take) const = 0;
};

}  // namespace rescind
