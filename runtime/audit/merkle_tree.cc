// A tree of n leaves is a perfect tree over the largest power of two below n, and the tree of the
// rest. So 5 leaves a b c d e are ((a b)(c d)) e, the frontier is [abcd, e], and the root is
// H(1 ‖ abcd ‖ e). A range of leaves that is aligned and a power of two long is one node.
#include "runtime/audit/merkle_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/base/assert.h"

namespace rescind {
namespace {

// The split of a range of `count` leaves, count ≥ 2: the largest power of two below it.
uint64_t SplitOf(uint64_t count) { return std::bit_floor(count - 1); }

// The hash of the leaves [begin, begin + count), count ≥ 1, where begin is a multiple of the
// power of two that is not below count: true of every range that splitting a tree gives.
Result<TreeHash> RangeHash(uint64_t begin, uint64_t count, const NodeReader& nodes) {
  if (std::has_single_bit(count)) {
    const auto level = static_cast<uint32_t>(std::countr_zero(count));
    return nodes.Node(level, begin >> level);
  }
  const uint64_t split = SplitOf(count);
  RESCIND_ASSIGN(const TreeHash left, RangeHash(begin, split, nodes));
  RESCIND_ASSIGN(const TreeHash right, RangeHash(begin + split, count - split, nodes));
  return NodeHash(left, right);
}

// The siblings on the way from the first `kept` leaves of a range up to the range's root, for a
// consistency proof. `whole`: the kept leaves' root is the old root, which the verifier knows.
Status AddConsistency(uint64_t kept, uint64_t begin, uint64_t count, bool whole,
                      const NodeReader& nodes, std::vector<TreeHash>& proof) {
  if (kept == count) {
    if (whole) return {};
    RESCIND_ASSIGN(const TreeHash hash, RangeHash(begin, count, nodes));
    proof.push_back(hash);
    return {};
  }
  const uint64_t split = SplitOf(count);
  if (kept <= split) {
    RESCIND_TRY(AddConsistency(kept, begin, split, whole, nodes, proof));
    RESCIND_ASSIGN(const TreeHash right, RangeHash(begin + split, count - split, nodes));
    proof.push_back(right);
    return {};
  }
  RESCIND_TRY(AddConsistency(kept - split, begin + split, count - split, false, nodes, proof));
  RESCIND_ASSIGN(const TreeHash left, RangeHash(begin, split, nodes));
  proof.push_back(left);
  return {};
}

}  // namespace

TreeHash LeafHash(std::string_view data) {
  std::string bytes;
  bytes.reserve(data.size() + 1);
  bytes.push_back('\0');
  bytes.append(data);
  return Sha256(bytes);
}

TreeHash NodeHash(const TreeHash& left, const TreeHash& right) {
  std::array<char, 65> bytes;
  bytes[0] = '\1';
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 33);
  return Sha256({bytes.data(), bytes.size()});
}

std::string HexOf(const TreeHash& hash) {
  std::string hex;
  for (const uint8_t byte : hash) hex += fmt::format("{:02x}", byte);
  return hex;
}

TreeHash EmptyTreeRoot() { return Sha256(""); }

Result<TreeFrontier> TreeFrontier::At(uint64_t size, const NodeReader& nodes) {
  TreeFrontier frontier;
  frontier.size_ = size;
  uint64_t begin = 0;
  for (uint64_t rest = size; rest > 0; rest -= std::bit_floor(rest)) {
    const auto level = static_cast<uint32_t>(std::bit_width(rest) - 1);
    RESCIND_ASSIGN(const TreeHash hash, nodes.Node(level, begin >> level));
    frontier.subtrees_.push_back(hash);
    begin += std::bit_floor(rest);
  }
  return frontier;
}

void TreeFrontier::Append(const TreeHash& leaf) {
  subtrees_.push_back(leaf);
  ++size_;
  // Every trailing zero bit of the new size joins two subtrees of one size.
  for (int joins = std::countr_zero(size_); joins > 0; --joins) {
    const TreeHash right = subtrees_.back();
    subtrees_.pop_back();
    subtrees_.back() = NodeHash(subtrees_.back(), right);
  }
  // INVARIANT: one subtree for each bit of the size.
  RESCIND_ASSERT(subtrees_.size() == static_cast<size_t>(std::popcount(size_)),
                 "the frontier does not fit the tree's size");
}

TreeHash TreeFrontier::Root() const {
  if (subtrees_.empty()) return EmptyTreeRoot();
  TreeHash root = subtrees_.back();
  for (size_t i = subtrees_.size() - 1; i > 0; --i) root = NodeHash(subtrees_[i - 1], root);
  return root;
}

Result<TreeHash> RootAt(uint64_t size, const NodeReader& nodes) {
  if (size == 0) return EmptyTreeRoot();
  return RangeHash(0, size, nodes);
}

Result<std::vector<TreeHash>> InclusionProof(uint64_t index, uint64_t size,
                                             const NodeReader& nodes) {
  RESCIND_ASSERT(index < size, "no such leaf in the tree");
  std::vector<TreeHash> proof;
  uint64_t begin = 0;
  uint64_t count = size;
  while (count > 1) {
    const uint64_t split = SplitOf(count);
    const bool is_left = index - begin < split;
    const Result<TreeHash> sibling =
        is_left ? RangeHash(begin + split, count - split, nodes) : RangeHash(begin, split, nodes);
    if (!sibling.ok()) return sibling.error();
    proof.push_back(*sibling);
    if (!is_left) begin += split;
    count = is_left ? split : count - split;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool VerifyInclusion(const TreeHash& leaf, uint64_t index, uint64_t size,
                     const std::vector<TreeHash>& proof, const TreeHash& root) {
  if (index >= size) return false;
  uint64_t node = index;
  uint64_t last = size - 1;
  TreeHash hash = leaf;
  for (const TreeHash& sibling : proof) {
    if (last == 0) return false;  // longer than the path
    if ((node & 1) != 0 || node == last) {
      hash = NodeHash(sibling, hash);
      // A right edge has no sibling on the levels where it is a left child.
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

Result<std::vector<TreeHash>> ConsistencyProof(uint64_t old_size, uint64_t new_size,
                                               const NodeReader& nodes) {
  RESCIND_ASSERT(old_size <= new_size, "a tree does not shrink");
  std::vector<TreeHash> proof;
  if (old_size == 0) return proof;
  RESCIND_TRY(AddConsistency(old_size, 0, new_size, true, nodes, proof));
  return proof;
}

bool VerifyConsistency(uint64_t old_size, uint64_t new_size, const TreeHash& old_root,
                       const TreeHash& new_root, const std::vector<TreeHash>& proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == EmptyTreeRoot();
  // The old tree's last perfect subtree is where both paths meet; when it is the whole old tree
  // its root is known and not in the proof.
  uint64_t node = old_size - 1;
  uint64_t last = new_size - 1;
  while ((node & 1) != 0) {
    node >>= 1;
    last >>= 1;
  }
  size_t next = 0;
  TreeHash from_old = old_root;
  TreeHash from_new = old_root;
  if (!std::has_single_bit(old_size)) {
    if (proof.empty()) return false;
    from_old = from_new = proof[next++];
  }
  for (; next < proof.size(); ++next) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      from_old = NodeHash(proof[next], from_old);
      from_new = NodeHash(proof[next], from_new);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      from_new = NodeHash(from_new, proof[next]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && from_old == old_root && from_new == new_root;
}

}  // namespace rescind
