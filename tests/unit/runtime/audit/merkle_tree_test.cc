#include "runtime/audit/merkle_tree.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>

#include <bit>

#include "runtime/audit/tile.h"

namespace rescind {
namespace {

std::string Hex(const TreeHash& hash) {
  std::string hex;
  for (const uint8_t byte : hash) hex += fmt::format("{:02x}", byte);
  return hex;
}

// The definition of RFC 6962 §2.1, word for word: the oracle.
TreeHash SlowRoot(const std::vector<TreeHash>& leaves, size_t begin, size_t count) {
  if (count == 0) return EmptyTreeRoot();
  if (count == 1) return leaves[begin];
  size_t split = 1;
  while (split * 2 < count) split *= 2;
  return NodeHash(SlowRoot(leaves, begin, split), SlowRoot(leaves, begin + split, count - split));
}

class LeafNodes final : public NodeReader {
 public:
  explicit LeafNodes(std::vector<TreeHash> given) : leaves(std::move(given)) {}
  Result<TreeHash> Node(uint32_t level, uint64_t index) const override {
    return SlowRoot(leaves, index << level, size_t{1} << level);
  }
  std::vector<TreeHash> leaves;
};

LeafNodes Leaves(size_t count) {
  std::vector<TreeHash> leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(LeafHash(fmt::format("leaf {}", i)));
  return LeafNodes(std::move(leaves));
}

TEST_CASE("RootsAreThoseOfTheKnownVectors") {
  const std::vector<std::string> data = {
      "", std::string(1, '\0'), "\x10", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"};
  const std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  TreeFrontier frontier;
  CHECK(Hex(frontier.Root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (size_t i = 0; i < data.size(); ++i) {
    frontier.Append(LeafHash(data[i]));
    CHECK(Hex(frontier.Root()) == roots[i]);
  }
}

TEST_CASE("FrontierAndRootAtAgreeWithTheDefinition") {
  const LeafNodes nodes = Leaves(300);
  TreeFrontier frontier;
  for (uint64_t size = 0; size <= 300; ++size) {
    const TreeHash expected = SlowRoot(nodes.leaves, 0, size);
    REQUIRE(frontier.Root() == expected);
    REQUIRE(RootAt(size, nodes).value() == expected);
    REQUIRE(TreeFrontier::At(size, nodes).value().Root() == expected);
    if (size < 300) frontier.Append(nodes.leaves[size]);
  }
}

TEST_CASE("EveryLeafOfEverySmallTreeIsProvedAndNothingElseIs") {
  const LeafNodes nodes = Leaves(40);
  for (uint64_t size = 1; size <= 40; ++size) {
    const TreeHash root = RootAt(size, nodes).value();
    for (uint64_t index = 0; index < size; ++index) {
      auto proof = InclusionProof(index, size, nodes).value();
      REQUIRE(VerifyInclusion(nodes.leaves[index], index, size, proof, root));
      // Neither another leaf, nor another place, nor another root, nor another length.
      CHECK_FALSE(VerifyInclusion(LeafHash("else"), index, size, proof, root));
      if (size > 1) {
        CHECK_FALSE(VerifyInclusion(nodes.leaves[index], (index + 1) % size, size, proof, root));
      }
      CHECK_FALSE(VerifyInclusion(nodes.leaves[index], index, size, proof, EmptyTreeRoot()));
      CHECK_FALSE(VerifyInclusion(nodes.leaves[index], size, size, proof, root));
      proof.push_back(root);
      CHECK_FALSE(VerifyInclusion(nodes.leaves[index], index, size, proof, root));
      proof.pop_back();
      if (!proof.empty()) {
        proof.pop_back();
        CHECK_FALSE(VerifyInclusion(nodes.leaves[index], index, size, proof, root));
      }
    }
  }
}

TEST_CASE("EveryEarlierTreeIsProvedAndAnAlteredOneIsNot") {
  const LeafNodes nodes = Leaves(40);
  for (uint64_t size = 0; size <= 40; ++size) {
    const TreeHash root = RootAt(size, nodes).value();
    for (uint64_t old_size = 0; old_size <= size; ++old_size) {
      const TreeHash old_root = RootAt(old_size, nodes).value();
      auto proof = ConsistencyProof(old_size, size, nodes).value();
      REQUIRE(VerifyConsistency(old_size, size, old_root, root, proof));
      CHECK_FALSE(VerifyConsistency(old_size, size, LeafHash("else"), root, proof));
      if (old_size > 0) {
        CHECK_FALSE(VerifyConsistency(old_size, size, old_root, LeafHash("else"), proof));
      }
      for (TreeHash& hash : proof) {
        hash[7] ^= 1;
        CHECK_FALSE(VerifyConsistency(old_size, size, old_root, root, proof));
        hash[7] ^= 1;
      }
      proof.push_back(root);
      CHECK_FALSE(VerifyConsistency(old_size, size, old_root, root, proof));
    }
    CHECK_FALSE(VerifyConsistency(size + 1, size, root, root, {}));
  }
}

TEST_CASE("ProofsOfLargeTreesVerify") {
  const LeafNodes nodes = Leaves(2000);
  CHECK(rc::check("inclusion and consistency", [&] {
    const auto size = *rc::gen::inRange<uint64_t>(1, 2001);
    const auto index = *rc::gen::inRange<uint64_t>(0, size);
    const auto old_size = *rc::gen::inRange<uint64_t>(0, size + 1);
    const TreeHash root = RootAt(size, nodes).value();
    RC_ASSERT(VerifyInclusion(nodes.leaves[index], index, size,
                              InclusionProof(index, size, nodes).value(), root));
    RC_ASSERT(VerifyConsistency(old_size, size, RootAt(old_size, nodes).value(), root,
                                ConsistencyProof(old_size, size, nodes).value()));
  }));
}

TEST_CASE("TilesHoldTheHashesOfTheirLevel") {
  const size_t count = 256 * 256 + 256 * 3 + 7;
  std::vector<TreeHash> leaves;
  TileEdge edge;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<TreeHash>> tiles;
  const auto keep = [&](uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes) {
    CHECK(tiles.emplace(std::pair(level, index), hashes).second);
  };
  for (size_t i = 0; i < count; ++i) {
    leaves.push_back(LeafHash(std::to_string(i)));
    edge.Append(leaves.back(), keep);
  }
  CHECK(tiles.size() == 256 + 3 + 1);
  for (const auto& [place, hashes] : tiles) REQUIRE(hashes.size() == kTileWidth);
  edge.TakePartial(keep);
  CHECK(tiles.size() == 256 + 3 + 1 + 3);  // seven leaves, three of level 1, one of level 2
  CHECK(tiles.at({0, 259}).size() == 7);
  CHECK(tiles.at({1, 1}).size() == 3);
  CHECK(tiles.at({2, 0}).size() == 1);
  CHECK(tiles.at({0, 2})[5] == leaves[2 * 256 + 5]);
  CHECK(tiles.at({1, 0})[9] == SlowRoot(leaves, 9 * 256, 256));
  CHECK(tiles.at({2, 0})[0] == SlowRoot(leaves, 0, 65536));
}

TEST_CASE("PathsOfTilesAreThoseOfTheSpecification") {
  CHECK(TilePath(0, 1234067, 256) == "tile/0/x001/x234/067");
  CHECK(TilePath(3, 0, 256) == "tile/3/000");
  CHECK(TilePath(0, 999, 12) == "tile/0/999.p/12");
  CHECK(TilePath(1, 1000, 1) == "tile/1/x001/000.p/1");
  CHECK(BundlePath(5, 256) == "tile/entries/005");
  CHECK(BundlePath(70123, 255) == "tile/entries/x070/123.p/255");
}

TEST_CASE("BundlesComeApartAsTheyWerePutTogether") {
  std::string bundle;
  const std::vector<std::string> leaves = {"", "a", std::string(65535, 'x'),
                                           std::string("\0\1", 2)};
  for (const std::string& leaf : leaves) AppendToBundle(bundle, leaf);
  const auto split = SplitBundle(bundle, 4);
  REQUIRE(split.ok());
  for (size_t i = 0; i < leaves.size(); ++i) CHECK((*split)[i] == leaves[i]);
  CHECK(SplitBundle(bundle, 5).error().message.find("ends after 4 of 5") != std::string::npos);
  CHECK(SplitBundle(bundle, 3).error().message.find("follow the last") != std::string::npos);
  for (size_t cut = 0; cut < 4; ++cut) CHECK_FALSE(SplitBundle(bundle.substr(0, cut), 4).ok());
  CHECK_FALSE(SplitBundle(std::string_view(bundle).substr(0, bundle.size() - 1), 4).ok());
}

}  // namespace
}  // namespace rescind
