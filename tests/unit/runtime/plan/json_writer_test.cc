#include "runtime/plan/json_writer.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "engine/base/sha256.h"
#include "runtime/plan/plan_json.h"
#include "tests/unit/runtime/plan/sample_plan.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Any bytes, those that need care more often than chance has them.
std::string AnyText(std::mt19937_64& random) {
  static const std::vector<std::string> parts = {"plain",
                                                 "\"",
                                                 "\\",
                                                 "\n",
                                                 "\t\b\f\r",
                                                 std::string(1, '\0'),
                                                 "\x1f",
                                                 "\x7f",
                                                 "ü",
                                                 "€",
                                                 "😀",
                                                 "\xff",
                                                 "\xe2\x82",
                                                 "\xc0\x80",
                                                 "\xed\xa0\x80",
                                                 "/",
                                                 "ab cd",
                                                 "\xf4\x90\x80\x80",
                                                 "\xf0\x9f\x98",
                                                 "0"};
  std::string text;
  for (uint64_t left = random() % 5; left > 0; --left) text += parts[random() % parts.size()];
  return text;
}

// Writes a random value and returns the same as a tree.
Json WriteAny(JsonWriter& writer, std::mt19937_64& random, int depth) {
  switch (random() % (depth > 3 ? 6 : 8)) {
    case 0: writer.Null(); return Json();
    case 1: writer.Bool(true); return Json(true);
    case 2: {
      const uint64_t number = random() >> (random() % 64);
      writer.Count(number);
      return Json(number);
    }
    case 3: {
      const std::vector<std::string> texts(random() % 3, AnyText(random));
      writer.Texts(texts);
      return Json(texts);
    }
    case 4: {
      std::map<std::string, std::string> texts;
      for (uint64_t i = random() % 3; i > 0; --i) texts[AnyText(random)] = AnyText(random);
      writer.TextMap(texts);
      Json object = Json::object();
      for (const auto& [name, text] : texts) object[name] = text;
      return object;
    }
    case 5: {
      const std::string text = AnyText(random);
      writer.Text(text);
      return Json(text);
    }
    case 6: {
      Json list = Json::array();
      writer.BeginList();
      for (uint64_t i = random() % 4; i > 0; --i)
        list.push_back(WriteAny(writer, random, depth + 1));
      writer.EndList();
      return list;
    }
    default: {
      Json object = Json::object();
      writer.BeginObject();
      for (uint64_t i = 0; i < random() % 4; ++i) {
        const std::string name = "member_" + std::to_string(i);
        writer.Name(name);
        object[name] = WriteAny(writer, random, depth + 1);
      }
      writer.EndObject();
      return object;
    }
  }
}

TEST_CASE("JSON written straight has the bytes of the same JSON written as a tree") {
  const uint64_t seed = TestSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3000; ++round) {
    const int indent = random() % 2 == 0 ? -1 : 2;
    std::string written;
    JsonWriter writer(indent, [&](std::string_view piece) { written += piece; });
    const Json tree = WriteAny(writer, random, 0);
    writer.Finish();
    REQUIRE(written == Dump(tree, indent));
  }
}

TEST_CASE("A long document comes in pieces and loses nothing") {
  std::string written;
  int pieces = 0;
  JsonWriter writer(-1, [&](std::string_view piece) {
    written += piece;
    ++pieces;
  });
  Json tree = Json::array();
  writer.BeginList();
  for (uint64_t i = 0; i < 20'000; ++i) {
    writer.BeginObject();
    writer.Member("number", i);
    writer.EndObject();
    tree.push_back({{"number", i}});
  }
  writer.EndList();
  writer.Finish();
  CHECK(written == Dump(tree, -1));
  CHECK(pieces > 2);
}

TEST_CASE("A plan's file and digest are those of its tree, whatever its texts hold") {
  const uint64_t seed = TestSeed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    Plan plan = SamplePlan();
    plan.actions[0].reasons[0].because = AnyText(random);
    plan.actions[0].action.target.attributes[AnyText(random)] = AnyText(random);
    plan.actions[1].reasons.push_back(plan.actions[1].reasons[0]);
    plan.actions[1].reasons[1].controls = {"pci_dss_4 8.2.6", "cis_8 5.3"};
    plan.filter_policies = {AnyText(random)};
    const EarlierAction earlier{"key", Verb::kRevoke, "grant", AnyText(random), "", "p"};
    plan.delta = {"the last", round % 2 == 0, 1, 1, {earlier}, {}};
    plan.delta.left_alone.push_back({earlier, NotActedReason::kExempt, AnyText(random)});
    plan.actions[0].escalated = {plan.as_of, AnyText(random), AnyText(random)};
    SealPlan(plan);
    const std::string written = EncodePlan(plan);
    Json tree = Json::parse(written);
    CHECK(Dump(tree, 2) + "\n" == written);
    CHECK(tree["actions"][1]["controls"] == Json({"pci_dss_4 8.2.6", "cis_8 5.3"}));
    tree.erase("format");
    tree.erase("plan_id");
    CHECK(plan.id == "sha256:" + Sha256Hex(Dump(tree, -1)));
  }
}

TEST_CASE("A plan that two threads write has the digest of its file") {
  Plan plan;
  for (const size_t count : {1, 2047, 2048, 2049, 5000}) {
    CAPTURE(count);
    while (plan.actions.size() < count) {
      const std::string id = "grant " + std::to_string(plan.actions.size());
      plan.actions.push_back(SampleAction(id, Verb::kRevoke, ActionStatus::kReady));
    }
    SealPlan(plan);
    Json tree = Json::parse(EncodePlan(plan));
    CHECK(tree["actions"].size() == count);
    tree.erase("format");
    tree.erase("plan_id");
    CHECK(plan.id == "sha256:" + Sha256Hex(Dump(tree, -1)));
  }
}

}  // namespace
}  // namespace rescind
