// The Merkle tree of RFC 6962: hashes, roots, inclusion and consistency proofs.
//
// Pure functions over hashes. Where the hashes come from (store, exported tiles) is behind
// NodeReader; what a leaf says is nobody's business here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/sha256.h"

namespace rescind {

using TreeHash = Sha256Digest;

TreeHash LeafHash(std::string_view data);                        // H(0x00 ‖ data)
TreeHash NodeHash(const TreeHash& left, const TreeHash& right);  // H(0x01 ‖ left ‖ right)
std::string HexOf(const TreeHash& hash);                         // 64 lowercase digits
TreeHash EmptyTreeRoot();                                        // H()

// Roots of perfect subtrees: level 0 are the leaf hashes, node (l, i) covers the leaves
// [i·2^l, (i+1)·2^l), all of which exist.
class NodeReader {
 public:
  virtual ~NodeReader() = default;
  virtual Result<TreeHash> Node(uint32_t level, uint64_t index) const = 0;
};

// The right edge of a growing tree: roots of its perfect subtrees, largest first.
class TreeFrontier {
 public:
  // That of the first `size` leaves.
  static Result<TreeFrontier> At(uint64_t size, const NodeReader& nodes);

  void Append(const TreeHash& leaf);
  uint64_t size() const { return size_; }
  TreeHash Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<TreeHash> subtrees_;
};

// The root of the tree of the first `size` leaves.
Result<TreeHash> RootAt(uint64_t size, const NodeReader& nodes);

// That leaf `index` is in the tree of `size` leaves. Requires index < size.
Result<std::vector<TreeHash>> InclusionProof(uint64_t index, uint64_t size,
                                             const NodeReader& nodes);
bool VerifyInclusion(const TreeHash& leaf, uint64_t index, uint64_t size,
                     const std::vector<TreeHash>& proof, const TreeHash& root);

// That the tree of `new_size` leaves begins with that of `old_size`. Requires old ≤ new. Empty
// when old is 0 or equals new.
Result<std::vector<TreeHash>> ConsistencyProof(uint64_t old_size, uint64_t new_size,
                                               const NodeReader& nodes);
bool VerifyConsistency(uint64_t old_size, uint64_t new_size, const TreeHash& old_root,
                       const TreeHash& new_root, const std::vector<TreeHash>& proof);

}  // namespace rescind
