// What the schema no longer declares: it goes once it holds nothing.
#include <doctest/doctest.h>

#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {
namespace {

// A workspace that has extended `identity` by one field, or not, and once had an entity `badge`.
class OrphanFixture : public StoreFixture {
 public:
  static Schema Extended(std::string field, TypeKind kind = TypeKind::kText) {
    Schema schema = StoreSchema();
    FieldDef extra = MakeField(std::move(field), kind, true, true);
    if (kind == TypeKind::kSet) extra.type.element = TypeKind::kText;
    schema.AddField(kIdentity, extra);
    return schema;
  }
  void OpenWith(Schema schema) {
    store.reset();
    SetSchema(std::move(schema));
    Open();
  }
  Error Refused(Schema schema) {
    store.reset();
    SetSchema(std::move(schema));
    const auto opened = TryOpen();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().kind == ErrorKind::kUnsupported);
    return opened.error();
  }
  void Say(FieldId field, const char* text) {
    clock.Advance({10});
    FactDelta delta = From("hr");
    delta.BeginRow(kIdentity, "ann");
    if (text == nullptr) {
      delta.SetUnknown(field);
    } else {
      delta.SetText(field, text);
    }
    Commit(delta);
  }

  static constexpr FieldId kExtra{5};
};

}  // namespace

// A field that was mistyped in an `extend` had to be declared for ever once anything was imported.
TEST_CASE_FIXTURE(OrphanFixture, "A field that never had a value is let go, in log and chunks") {
  OpenWith(Extended("departmnt"));
  Say(kName, "Ann");
  Say(kExtra, nullptr);
  SUBCASE("in the log") {}
  SUBCASE("in chunks") { REQUIRE(store->Close().ok()); }
  store.reset();
  options.read_only = true;
  OpenWith(Extended("department"));  // a reader takes it without changing anything
  options.read_only = false;
  OpenWith(Extended("department"));
  CHECK_FALSE(Show(kIdentity, "ann").fields.back().known);
  CHECK_FALSE(Show(kIdentity, "ann").fields.back().origin);
  Say(kExtra, "sales");
  for (int round = 0; round < 2; ++round) {
    CHECK(Show(kIdentity, "ann").fields.back().value == "sales");
    CHECK(Show(kIdentity, "ann").fields.front().value == "Ann");
    REQUIRE(store->Close().ok());
    Open();
  }
}

TEST_CASE_FIXTURE(OrphanFixture, "A field with a value is kept, and the error says the way out") {
  OpenWith(Extended("departmnt"));
  Say(kExtra, "sales");
  const Error held = Refused(StoreSchema());
  CHECK(held.message ==
        "field identity.departmnt is in the store and no longer declared: 1 row has a value of it, "
        "removed rows counted too");
  CHECK(held.help.find("declare it again, `extend identity { departmnt : text? }`") == 0);
  CHECK(held.help.find("import `null`") != std::string::npos);

  OpenWith(Extended("departmnt"));
  Say(kExtra, nullptr);
  const Error past = Refused(StoreSchema());
  CHECK(past.message ==
        "field identity.departmnt is in the store and no longer declared: no row has a value of it "
        "any more, but the history had one until " +
            FormatInstant(clock.Now()));
  CHECK(past.help.find("[history] max_age") != std::string::npos);

  options.history_age = {5};
  OpenWith(Extended("departmnt"));
  clock.Advance({10});
  Say(kName, "Ann");
  REQUIRE(store->Checkpoint().ok());
  OpenWith(StoreSchema());
  CHECK(Show(kIdentity, "ann").fields.front().value == "Ann");
  // Declared again it is another field: nothing of the old one is there.
  OpenWith(Extended("departmnt"));
  CHECK_FALSE(Show(kIdentity, "ann").fields.back().known);
  CHECK_FALSE(Show(kIdentity, "ann").fields.back().origin);
}

TEST_CASE_FIXTURE(OrphanFixture, "A field without a value may get another type") {
  OpenWith(Extended("badge"));
  Say(kName, "Ann");
  OpenWith(Extended("badge", TypeKind::kSet));
  OpenWith(Extended("badge", TypeKind::kText));
  Say(kExtra, "b1");
  CHECK(Refused(Extended("badge", TypeKind::kSet)).message ==
        "field identity.badge holds values of type text in the store and is set now: 1 row has a "
        "value of it, removed rows counted too");
}

TEST_CASE_FIXTURE(OrphanFixture, "An entity without rows is let go, one with rows is kept") {
  Schema wide = StoreSchema();
  const EntityId badge = wide.AddEntity("bagde");
  wide.AddField(badge, MakeField("colour", TypeKind::kText, true));
  OpenWith(wide);
  Say(kName, "Ann");
  OpenWith(StoreSchema());
  OpenWith(wide);
  FactDelta delta = From("doors");
  delta.BeginRow(badge, "b1");
  Commit(delta);
  CHECK(Refused(StoreSchema()).message ==
        "entity bagde is in the store and no longer declared: it has rows of it");
  OpenWith(wide);
  REQUIRE(store->Close().ok());
  CHECK(Refused(StoreSchema()).message.find("it has rows of it") != std::string::npos);
}

// What lies beside the facts could be read only by who knew every field of them.
TEST_CASE_FIXTURE(OrphanFixture,
                  "Without the facts a store is opened by whoever lacks the schema") {
  OpenWith(Extended("departmnt"));
  Say(kExtra, "sales");
  KeyValueBatch before;
  before.Put("beside/1", "kept");
  REQUIRE(store->CommitExtra(before).ok());
  options.without_facts = true;
  OpenWith(Schema());
  CHECK(store->key_values().Get("beside/1")->value_or("") == "kept");
  KeyValueBatch after;
  after.Put("beside/2", "added");
  REQUIRE(store->CommitExtra(after).ok());
  CHECK(store->Sources().empty());
  CHECK(store->Find(kIdentity, "ann").error().kind == ErrorKind::kUnsupported);
  CHECK(store->LoadFacts(ColumnSet(), {}).error().kind == ErrorKind::kUnsupported);
  CHECK(store->Commit(From("hr"), {}).error().kind == ErrorKind::kUnsupported);
  CHECK(store->BeginImport({}).error().kind == ErrorKind::kUnsupported);
  CHECK(store->Checkpoint().error().kind == ErrorKind::kUnsupported);
  REQUIRE(store->Close().ok());
  options.without_facts = false;
  OpenWith(Extended("departmnt"));
  CHECK(Show(kIdentity, "ann").fields.back().value == "sales");
  CHECK(store->key_values().Get("beside/2")->value_or("") == "added");
  // It makes no store.
  options.without_facts = true;
  TemporaryFolder elsewhere;
  CHECK(Store::Open(elsewhere / "store", schema_, {files, clock, random}, options).error().kind ==
        ErrorKind::kNotFound);
  CHECK_FALSE(files.Exists(elsewhere / "store"));
}

}  // namespace rescind
