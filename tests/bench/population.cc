#include "tests/bench/population.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rescind::bench {
namespace {

constexpr auto kLiveByte = static_cast<uint8_t>(Presence::kLive);
constexpr auto kRemovedByte = static_cast<uint8_t>(Presence::kRemoved);
constexpr auto kAbsentByte = static_cast<uint8_t>(Presence::kAbsent);

// Random numbers for one field of one entity: a function of the row alone.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed * 0x9E3779B97F4A7C15ULL) {}

  // In [0, 1). `turn` tells several throws for one row apart.
  double Part(uint64_t row, uint64_t turn = 0) const {
    return static_cast<double>(Bits(row, turn) >> 11) * 0x1.0p-53;
  }
  bool Chance(double probability, uint64_t row, uint64_t turn) const {
    return Part(row, turn) < probability;
  }
  uint32_t Below(uint32_t limit, uint64_t row, uint64_t turn = 0) const {
    return static_cast<uint32_t>(Part(row, turn) * limit);
  }
  // An instant that lies between `least` and `most` days before kBenchNow.
  int64_t DaysAgo(double least, double most, uint64_t row, uint64_t turn) const {
    const double days = least + (most - least) * Part(row, turn);
    return kBenchNow.micros - static_cast<int64_t>(days * static_cast<double>(kMicrosPerDay));
  }

 private:
  uint64_t Bits(uint64_t row, uint64_t turn) const {  // splitmix64
    uint64_t z = seed_ + (row * 16 + turn) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  uint64_t seed_;
};

// One choice of several, with its weight in thousandths.
struct Weighted {
  std::string_view member;
  uint32_t thousandths;
};

struct Sizes {
  uint32_t identities, removed, unseen, accounts, unseen_accounts;
  uint32_t grants, credentials, sessions, entitlements, systems;
};

Sizes SizesAt(double scale) {
  const auto of = [scale](double count) {
    return static_cast<uint32_t>(std::max(1.0, std::round(count * scale)));
  };
  return {.identities = of(1'000'000),
          .removed = of(2'000),
          .unseen = of(1'000),
          .accounts = of(1'200'000),
          .unseen_accounts = of(500),
          .grants = of(10'000'000),
          .credentials = of(800'000),
          .sessions = of(400'000),
          .entitlements = std::max(100u, of(20'000)),
          .systems = 50};
}

// Fills one table column by column.
class TableMaker {
 public:
  TableMaker(const Schema& schema, std::string entity, std::string sql_name, uint32_t live_count,
             uint64_t seed)
      : schema_(schema), entity_(*schema.Find(entity)), live_count_(live_count), dice_(seed) {
    table_.id_prefix = entity;
    table_.entity = std::move(entity);
    table_.sql_name = std::move(sql_name);
    table_.presence.assign(live_count, kLiveByte);
  }

  void AddDead(uint8_t presence, uint32_t count) {
    table_.presence.insert(table_.presence.end(), count, presence);
  }
  const Dice& dice() const { return dice_; }

  Column& Add(std::string_view field) {
    const FieldDef& definition = schema_.field(entity_, *schema_.entity(entity_).Find(field));
    table_.columns.push_back(
        {std::string(field), Column(PhysicalOf(definition.type.kind), table_.row_count())});
    return table_.columns.back().values;
  }
  void AddEnum(std::string_view field, const std::vector<Weighted>& choices) {
    const FieldDef& definition = schema_.field(entity_, *schema_.entity(entity_).Find(field));
    const EnumDef& members = schema_.enumeration(definition.type.enumeration);
    const uint64_t turn = NextTurn();
    const auto bytes = Add(field).mutable_bytes();
    for (uint32_t row = 0; row < live_count_; ++row) {
      uint32_t left = dice_.Below(1'000, row, turn);
      for (const Weighted& choice : choices) {
        if (left < choice.thousandths) {
          bytes[row] = *members.Find(choice.member);
          break;
        }
        left -= choice.thousandths;
      }
    }
  }
  void AddBool(std::string_view field, double chance) {
    const uint64_t turn = NextTurn();
    const auto bytes = Add(field).mutable_bytes();
    for (uint32_t row = 0; row < live_count_; ++row) bytes[row] = dice_.Chance(chance, row, turn);
  }
  // `value(row)`; a column's sentinel for unknown.
  template <typename F>
  void AddLongs(std::string_view field, F value) {
    const auto longs = Add(field).mutable_longs();
    for (uint32_t row = 0; row < live_count_; ++row) longs[row] = value(row);
  }
  template <typename F>
  void AddDays(std::string_view field, F value) {
    const auto days = Add(field).mutable_days();
    for (uint32_t row = 0; row < live_count_; ++row) days[row] = value(row);
  }
  template <typename F>
  void AddRows(std::string_view field, F value) {
    const auto rows = Add(field).mutable_words();
    for (uint32_t row = 0; row < live_count_; ++row) rows[row] = value(row);
  }
  template <typename F>
  void AddTexts(std::string_view field, F value) {
    Column& column = Add(field);
    for (uint32_t row = 0; row < live_count_; ++row) {
      column.mutable_words()[row] = column.mutable_dictionary().Intern(value(row));
    }
  }
  PopulationTable& table() { return table_; }
  uint32_t live_count() const { return live_count_; }
  uint64_t NextTurn() { return turn_++; }

 private:
  const Schema& schema_;
  EntityId entity_;
  uint32_t live_count_;
  Dice dice_;
  uint64_t turn_ = 8;  // those below are the fields' own
  PopulationTable table_;
};

std::string Department(uint32_t number) { return fmt::format("department-{:02}", number); }

// One in 25 people moved within two years.
void AddDepartments(TableMaker& maker) {
  const Dice& dice = maker.dice();
  const Dice moves(0xD0);
  maker.AddTexts("department", [&](uint32_t row) { return Department(dice.Below(40, row, 1)); });
  const Column& departments = maker.table().columns.back().values;
  PopulationHistory history{"department", Column::Like(departments), {}};
  history.changed_at.assign(maker.table().row_count(), kUnknownLong);
  for (uint32_t row = 0; row < maker.live_count(); ++row) {
    if (!moves.Chance(0.04, row, 0)) continue;
    const uint32_t other =
        (departments.codes()[row] + 1 + moves.Below(30, row, 1)) % departments.dictionary().count();
    if (other == departments.codes()[row]) continue;  // a small population has few departments
    history.previous.mutable_words()[row] = other;
    history.changed_at[row] = moves.DaysAgo(0.1, 730, row, 2);
  }
  maker.table().histories.push_back(std::move(history));
}

PopulationTable MakeIdentities(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "identity", "identities", sizes.identities, 1);
  maker.AddDead(kRemovedByte, sizes.removed);
  maker.AddDead(kAbsentByte, sizes.unseen);
  const Dice& dice = maker.dice();
  maker.AddEnum(
      "kind",
      {{"employee", 800}, {"contractor", 120}, {"partner", 30}, {"guest", 30}, {"service", 20}});
  maker.AddEnum("status", {{"active", 970}, {"on_leave", 20}, {"suspended", 6}, {"terminated", 4}});
  AddDepartments(maker);
  maker.AddTexts("email", [](uint32_t row) { return fmt::format("p{:07}@example.org", row); });
  const auto today = static_cast<int32_t>(kBenchNow.micros / kMicrosPerDay);
  maker.AddDays("contract_end", [&](uint32_t row) {
    if (dice.Chance(0.8, row, 2)) return kUnknownDay;
    return dice.Chance(0.01, row, 3) ? today - 1 - static_cast<int32_t>(dice.Below(200, row, 4))
                                     : today + static_cast<int32_t>(dice.Below(365, row, 4));
  });
  maker.AddRows("sponsor", [&](uint32_t row) {
    const double part = dice.Part(row, 5);
    if (part < 0.004) return kNoRow;
    if (part < 0.006) return sizes.identities + dice.Below(sizes.removed, row, 6);
    if (part < 0.007) return sizes.identities + sizes.removed + dice.Below(sizes.unseen, row, 6);
    return dice.Below(sizes.identities, row, 6);
  });
  return std::move(maker.table());
}

PopulationTable MakeAccounts(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "account", "accounts", sizes.accounts, 2);
  maker.AddDead(kAbsentByte, sizes.unseen_accounts);
  const Dice& dice = maker.dice();
  maker.AddRows("system", [&](uint32_t row) { return dice.Below(sizes.systems, row, 0); });
  maker.AddRows("owner", [&](uint32_t row) {
    const double part = dice.Part(row, 1);
    if (part < 0.003) return kNoRow;
    if (part < 0.004) return sizes.identities + dice.Below(sizes.removed, row, 2);
    if (part < 0.005) return sizes.identities + sizes.removed + dice.Below(sizes.unseen, row, 2);
    return row < sizes.identities ? row : dice.Below(sizes.identities, row, 2);
  });
  maker.AddTexts("username", [&](uint32_t row) {
    return dice.Chance(0.01, row, 3) ? fmt::format("svc-legacy-{}", row)
                                     : fmt::format("u{:07}", row);
  });
  maker.AddEnum("purpose", {{"personal", 900}, {"service", 70}, {"shared", 20}});
  maker.AddEnum("status", {{"active", 970}, {"disabled", 30}});
  maker.AddBool("privileged", 0.03);
  maker.AddLongs("created_at", [&](uint32_t row) { return dice.DaysAgo(1, 1'500, row, 4); });
  maker.AddLongs("last_login", [&](uint32_t row) {
    if (dice.Chance(0.002, row, 5)) return kUnknownLong;
    return dice.Chance(0.005, row, 6) ? dice.DaysAgo(45, 300, row, 7) : dice.DaysAgo(0, 44, row, 7);
  });
  return std::move(maker.table());
}

// Rank k of n with a probability that falls as 1 / k.
uint32_t ZipfRank(double part, uint32_t count) {
  const double rank = std::exp(part * std::log(static_cast<double>(count) + 1.0));
  return std::min(count, static_cast<uint32_t>(rank)) - 1;
}

PopulationTable MakeGrants(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "grant", "grants", sizes.grants, 3);
  const Dice& dice = maker.dice();
  const Dice ends(0xE0);
  maker.AddRows("account", [&](uint32_t row) {
    return dice.Chance(0.0005, row, 0) ? sizes.accounts + dice.Below(sizes.unseen_accounts, row, 1)
                                       : dice.Below(sizes.accounts, row, 1);
  });
  maker.AddRows("entitlement",
                [&](uint32_t row) { return ZipfRank(dice.Part(row, 2), sizes.entitlements); });
  const auto granted = [&](uint32_t row) { return dice.DaysAgo(0.5, 1'100, row, 3); };
  maker.AddLongs("granted_at", granted);
  maker.AddEnum("source",
                {{"direct", 140}, {"birthright", 400}, {"request", 450}, {"emergency", 10}});
  maker.AddLongs("expires_at", [&](uint32_t row) {
    const double part = ends.Part(row, 0);
    if (part < 0.002) return ends.DaysAgo(0, 60, row, 1);
    return part < 0.2 ? ends.DaysAgo(-365, 0, row, 1) : kUnknownLong;
  });
  maker.AddLongs("last_used", [&](uint32_t row) {
    const int64_t since = granted(row);
    const bool young = since > kBenchNow.micros - 85 * kMicrosPerDay;
    if (young) return dice.Chance(0.3, row, 4) ? kUnknownLong : since;
    return dice.Chance(0.004, row, 5) ? std::max(since, dice.DaysAgo(90, 400, row, 6))
                                      : dice.DaysAgo(0, 85, row, 6);
  });
  maker.AddLongs("certified_at", [&](uint32_t row) {
    return dice.Chance(0.1, row, 7) ? kUnknownLong : ends.DaysAgo(0, 182, row, 2);
  });
  return std::move(maker.table());
}

PopulationTable MakeCredentials(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "credential", "credentials", sizes.credentials, 4);
  const Dice& dice = maker.dice();
  maker.AddRows("account", [&](uint32_t row) {
    return dice.Chance(0.0005, row, 0) ? sizes.accounts + dice.Below(sizes.unseen_accounts, row, 1)
                                       : dice.Below(sizes.accounts, row, 1);
  });
  maker.AddEnum(
      "kind",
      {{"password", 400}, {"api_key", 300}, {"token", 100}, {"ssh_key", 150}, {"certificate", 50}});
  maker.AddEnum("status", {{"active", 900}, {"revoked", 100}});
  maker.AddLongs("created_at", [&](uint32_t row) {
    if (dice.Chance(0.02, row, 2)) return kUnknownLong;
    return dice.Chance(0.01, row, 3) ? dice.DaysAgo(90, 900, row, 4) : dice.DaysAgo(0, 89, row, 4);
  });
  return std::move(maker.table());
}

PopulationTable MakeSessions(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "session", "sessions", sizes.sessions, 5);
  const Dice& dice = maker.dice();
  maker.AddRows("account", [&](uint32_t row) { return dice.Below(sizes.accounts, row, 0); });
  maker.AddLongs("started_at", [&](uint32_t row) {
    if (dice.Chance(0.01, row, 1)) return kUnknownLong;
    return dice.Chance(0.003, row, 2) ? dice.DaysAgo(0.5, 3, row, 3)
                                      : dice.DaysAgo(0, 0.49, row, 3);
  });
  return std::move(maker.table());
}

PopulationTable MakeEntitlements(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "entitlement", "entitlements", sizes.entitlements, 6);
  const Dice& dice = maker.dice();
  maker.AddRows("system", [&](uint32_t row) { return dice.Below(sizes.systems, row, 0); });
  maker.AddTexts("name", [](uint32_t row) -> std::string {
    if (row == 30) return "vendor-create";
    if (row == 31) return "vendor-pay";
    return fmt::format("right-{:05}", row);
  });
  maker.AddEnum("risk", {{"low", 500}, {"medium", 300}, {"high", 80}, {"critical", 20}});
  return std::move(maker.table());
}

PopulationTable MakeSystems(const Schema& schema, const Sizes& sizes) {
  TableMaker maker(schema, "system", "systems", sizes.systems, 7);
  maker.AddTexts("name", [](uint32_t row) { return fmt::format("system {}", row); });
  return std::move(maker.table());
}

}  // namespace

uint32_t PopulationTable::live_count() const {
  return static_cast<uint32_t>(std::count(presence.begin(), presence.end(), kLiveByte));
}

const PopulationHistory* PopulationTable::FindHistory(std::string_view field) const {
  for (const PopulationHistory& history : histories) {
    if (history.field == field) return &history;
  }
  return nullptr;
}

const PopulationTable& Population::Find(std::string_view entity) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const PopulationTable& table) {
    return table.entity == entity;
  });
  RESCIND_ASSERT(found != tables.end(), "a table that the population lacks");
  return *found;
}

std::string Population::Id(const PopulationTable& table, uint32_t row) const {
  return fmt::format("{}-{:08}", table.id_prefix, row);
}

Population MakePopulation(const Schema& schema, double scale) {
  const Sizes sizes = SizesAt(scale);
  Population population;
  population.tables.push_back(MakeSystems(schema, sizes));
  population.tables.push_back(MakeIdentities(schema, sizes));
  population.tables.push_back(MakeEntitlements(schema, sizes));
  population.tables.push_back(MakeAccounts(schema, sizes));
  population.tables.push_back(MakeGrants(schema, sizes));
  population.tables.push_back(MakeCredentials(schema, sizes));
  population.tables.push_back(MakeSessions(schema, sizes));
  return population;
}

}  // namespace rescind::bench
