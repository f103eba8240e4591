// Population: who a large organisation is, made up: the rows that all benches work on.
//
// The same scale gives the same rows, bit by bit, on every machine: each value is a hash of its
// place, so that nothing depends on the order in which it is asked for. Entitlements follow Zipf's
// law. It knows columns and neither files nor stores; population_facts.h and population_files.h
// carry the same rows there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/facts/column.h"
#include "engine/facts/fact_base.h"
#include "engine/facts/schema.h"

namespace rescind::bench {

// The instant at which the benches judge: 2026-06-01T00:00:00Z.
inline constexpr Instant kBenchNow{1'780'272'000'000'000};

struct PopulationColumn {
  std::string field;
  Column values;
};

// The past of a tracked field.
struct PopulationHistory {
  std::string field;
  Column previous;
  std::vector<int64_t> changed_at;
};

// Rows that are not live come last and have no values.
struct PopulationTable {
  std::string entity;
  std::string sql_name;
  std::string id_prefix;  // the id of row 7 is "grant-00000007"
  std::vector<uint8_t> presence;
  std::vector<PopulationColumn> columns;
  std::vector<PopulationHistory> histories;

  uint32_t row_count() const { return static_cast<uint32_t>(presence.size()); }
  uint32_t live_count() const;
  const PopulationHistory* FindHistory(std::string_view field) const;
};

// In the order of Tables().
struct Population {
  std::vector<PopulationTable> tables;

  const PopulationTable& Find(std::string_view entity) const;
  std::string Id(const PopulationTable& table, uint32_t row) const;
};

// Scale 1: 1 M identities, 1.2 M accounts, 10 M grants, 800,000 credentials, 400,000 sessions,
// 20,000 entitlements on 50 systems. `schema` is one with the standard model.
Population MakePopulation(const Schema& schema, double scale);

}  // namespace rescind::bench
