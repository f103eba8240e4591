#include "engine/facts/fact_base.h"

#include <doctest/doctest.h>

#include "engine/facts/fact_base_builder.h"
#include "engine/facts/fact_delta.h"

namespace rescind {
namespace {

// system <- account(owner?) <- grant; identity has a manager.
std::shared_ptr<const Schema> SmallSchema() {
  auto schema = std::make_shared<Schema>();
  const EntityId identity = schema->AddEntity("identity");
  const EntityId account = schema->AddEntity("account");
  const EntityId grant = schema->AddEntity("grant");
  const auto reference = [](EntityId to, bool optional) {
    FieldType type;
    type.kind = TypeKind::kReference;
    type.entity = to;
    type.optional = optional;
    return type;
  };
  FieldType text;
  text.optional = true;
  FieldType set;
  set.kind = TypeKind::kSet;
  schema->AddField(identity, {"department", text, true});
  schema->AddField(identity, {"manager", reference(identity, true), false});
  const FieldId owner = schema->AddField(account, {"owner", reference(identity, true), true});
  schema->AddField(account, {"tags", set, false});
  const FieldId of = schema->AddField(grant, {"account", reference(account, false), false});
  FieldType time;
  time.kind = TypeKind::kTime;
  time.optional = true;
  schema->AddField(grant, {"last_used", time, false});
  FieldType many;
  many.kind = TypeKind::kMany;
  many.entity = account;
  many.via = owner;
  schema->AddField(identity, {"accounts", many, false});
  many.entity = grant;
  many.via = of;
  schema->AddField(account, {"grants", many, false});
  return schema;
}

struct Named {
  const FactBase& base;
  EntityId Entity(std::string_view name) const { return base.schema().Find(name).value(); }
  const Table& TableOf(std::string_view name) const { return base.table(Entity(name)); }
  FieldId Field(std::string_view entity, std::string_view field) const {
    return base.schema().entity(Entity(entity)).Find(field).value();
  }
  RowId Row(std::string_view entity, std::string_view id) const {
    return base.texts().Find(Entity(entity), id).value().value();
  }
};

TEST_CASE("RowWhoseRequiredReferenceNeverCameIsIncomplete") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("grant", "g1").Set("account", "a1");
  facts.Live("grant", "g2").Set("account", "a2");
  facts.Live("grant", "g3");
  facts.Live("account", "a2");
  const FactBase base = facts.Build();
  const Named named{base};
  CHECK_FALSE(named.TableOf("grant").complete(named.Row("grant", "g1")));
  CHECK(named.TableOf("grant").complete(named.Row("grant", "g2")));
  CHECK_FALSE(named.TableOf("grant").complete(named.Row("grant", "g3")));
  CHECK(named.TableOf("account").presence(named.Row("account", "a1")) == Presence::kAbsent);
  CHECK(named.TableOf("account").live_count() == 1);
}

TEST_CASE("RemovedRequiredTargetMakesTheRowIncompleteAndOptionalDoesNot") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("account", "a").Set("owner", "ann");
  facts.Live("grant", "g").Set("account", "b");
  facts.Remove("identity", "ann", Instant{5});
  facts.Remove("account", "b");
  const FactBase base = facts.Build();
  const Named named{base};
  CHECK(named.TableOf("account").complete(named.Row("account", "a")));
  CHECK_FALSE(named.TableOf("grant").complete(named.Row("grant", "g")));
  CHECK(named.TableOf("identity").removed_at(named.Row("identity", "ann")) == Instant{5});
  CHECK_FALSE(named.TableOf("account").removed_at(named.Row("account", "b")).has_value());
}

TEST_CASE("AbsentRowOfAClosedEntityCountsAsRemovedUnlessMentionedLater") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("account", "a").Set("owner", "ann");
  facts.Close("identity", Instant{7});
  facts.Live("account", "b").Set("owner", "bob");
  const FactBase base = facts.Build();
  const Named named{base};
  CHECK(base.closed(named.Entity("identity")));
  CHECK_FALSE(base.closed(named.Entity("account")));
  const Table& identities = named.TableOf("identity");
  CHECK(identities.presence(named.Row("identity", "ann")) == Presence::kRemoved);
  CHECK(identities.presence(named.Row("identity", "bob")) == Presence::kAbsent);
  CHECK(identities.removed_at(named.Row("identity", "ann")) == Instant{7});
  CHECK_FALSE(identities.removed_at(named.Row("identity", "bob")).has_value());
}

TEST_CASE("AnAbsentRowCountsAsRemovedSinceTheFirstThatLackedIt") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("account", "a").Set("owner", "ann");
  facts.Close("identity", Instant{7});
  facts.Live("account", "b").Set("owner", "bob");
  facts.Close("identity");
  facts.Live("account", "c").Set("owner", "eve");
  facts.Close("identity", Instant{9});
  facts.Close("identity", Instant{11});
  // What was removed by name at an instant that nobody knows stays so.
  facts.Remove("identity", "kim");
  facts.Close("identity", Instant{13});
  const FactBase base = facts.Build();
  const Named named{base};
  const Table& identities = named.TableOf("identity");
  CHECK(identities.removed_at(named.Row("identity", "ann")) == Instant{7});
  CHECK_FALSE(identities.removed_at(named.Row("identity", "bob")).has_value());
  CHECK(identities.removed_at(named.Row("identity", "eve")) == Instant{9});
  CHECK_FALSE(identities.removed_at(named.Row("identity", "kim")).has_value());
}

TEST_CASE("InverseIndexListsLiveRowsAscending") {
  FactBaseBuilder facts(SmallSchema());
  for (const char* id : {"g1", "g2", "g3", "g4"}) facts.Live("grant", id).Set("account", "a");
  facts.Live("account", "a").Set("owner", "ann");
  facts.Live("account", "b").Set("owner", "ann");
  facts.Remove("grant", "g2");
  const FactBase base = facts.Build();
  const Named named{base};
  const auto& grants = named.TableOf("account").inverse(named.Field("account", "grants"));
  std::vector<uint32_t> merged;
  const auto of_a = grants.Rows(named.Row("account", "a"), merged);
  CHECK(std::vector<uint32_t>(of_a.begin(), of_a.end()) == std::vector<uint32_t>{0, 2, 3});
  CHECK(grants.Count(named.Row("account", "b")) == 0);
  const auto& accounts = named.TableOf("identity").inverse(named.Field("identity", "accounts"));
  CHECK(accounts.Count(named.Row("identity", "ann")) == 2);
}

TEST_CASE("ValuesComeBackAndUnknownIsTheSentinel") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("identity", "ann").Set("department", "it").SetPast("department", "hr", Instant{7});
  facts.Live("identity", "bob");
  facts.Live("account", "a").Set("tags", std::vector<std::string>{"x", "b", "x"});
  facts.Live("account", "b");
  facts.Live("grant", "g").Set("account", "a").Set("last_used", Instant{42});
  const FactBase base = facts.Build();
  const Named named{base};
  const Table& identities = named.TableOf("identity");
  const FieldId department = named.Field("identity", "department");
  const Column& departments = identities.column(department);
  CHECK(departments.dictionary().Text(departments.codes()[0]) == "it");
  CHECK(departments.codes()[1] == kUnknownCode);
  const TrackedColumn& past = identities.tracked(department);
  CHECK(past.previous.dictionary().Text(past.previous.codes()[0]) == "hr");
  CHECK(past.changed_at == RawLargeVector<int64_t>{7, kUnknownLong});
  const Column& tags = named.TableOf("account").column(named.Field("account", "tags"));
  CHECK(tags.pool().Members(tags.sets()[0]).size() == 2);
  CHECK(tags.pool().Has(tags.sets()[0], tags.dictionary().Find("b").value()));
  CHECK(tags.sets()[1] == kEmptySet);
  CHECK(named.TableOf("grant").column(named.Field("grant", "last_used")).longs()[0] == 42);
}

TEST_CASE("OnlyWantedColumnsAndRequiredReferencesAreLoaded") {
  FactBaseBuilder facts(SmallSchema());
  facts.Live("account", "a").Set("owner", "ann");
  facts.Live("grant", "g").Set("account", "a");
  ColumnSet wanted;
  const auto held = SmallSchema();
  const Schema& schema = *held;
  const EntityId account = schema.Find("account").value();
  const EntityId identity = schema.Find("identity").value();
  wanted.Add(identity, schema.entity(identity).Find("accounts").value());
  wanted.AddIds(account);
  const FactBase base = facts.Build(wanted);
  const Named named{base};
  CHECK(named.TableOf("account").has(named.Field("account", "owner")));
  CHECK(named.TableOf("grant").has(named.Field("grant", "account")));
  CHECK_FALSE(named.TableOf("grant").has(named.Field("grant", "last_used")));
  CHECK(named.TableOf("account").has_ids());
  const Column& ids = named.TableOf("account").ids();
  CHECK(ids.dictionary().Text(ids.codes()[0]) == "a");
}

TEST_CASE("DroppedDeltaRowLeavesNothingBehind") {
  FactDelta delta({"hr", Instant{1}});
  delta.BeginRow(EntityId(0), "ann");
  delta.SetText(FieldId(0), "it");
  delta.BeginRow(EntityId(0), "bob");
  delta.BeginSet(FieldId(1));
  delta.AddText("x");
  delta.DropRow();
  delta.BeginRow(EntityId(0), "cyd");
  delta.BeginSet(FieldId(1));
  delta.AddNumber(3);
  REQUIRE(delta.rows().size() == 2);
  CHECK(delta.text(delta.rows()[1].key) == "cyd");
  const DeltaValue& set = delta.values(delta.rows()[1])[0];
  REQUIRE(delta.members(set).size() == 1);
  CHECK(delta.members(set)[0].number == 3);
  CHECK(delta.text(delta.values(delta.rows()[0])[0].text) == "it");
}

}  // namespace
}  // namespace rescind
