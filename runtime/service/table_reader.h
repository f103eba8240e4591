// TableReader: reads the keys of one TOML table and collects every mistake with its place.
//
// Used only by workspace.cc: toml++ does not leave runtime/service. A key that is asked for is
// known; RejectUnknown then reports the others with did-you-mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "engine/base/instant.h"
#include "runtime/executors/settings.h"
#include "runtime/service/workspace.h"

namespace rescind {

TextRange RangeOf(const toml::source_region& source);
// "rescind.toml:3:1".
std::string PlaceOf(const std::string& file, const toml::source_region& source);

class TableReader {
 public:
  // `name` is how messages call the table: "[limits]". `problems` must outlive this.
  TableReader(const toml::table& table, std::string file, std::string name,
              std::vector<WorkspaceProblem>& problems);

  bool Has(std::string_view key) const { return table_.contains(key); }
  // nullopt: absent, or wrong and reported.
  std::optional<std::string> Text(const std::string& key);
  std::optional<int64_t> Integer(const std::string& key, int64_t least, int64_t most);
  std::optional<Duration> Length(const std::string& key);
  // The same, and "0" or 0 for no length at all.
  std::optional<Duration> LengthOrNone(const std::string& key, Duration most);
  std::optional<uint64_t> Size(const std::string& key);  // "500MB", in bytes
  std::optional<Share> Part(const std::string& key);     // "5%" or 200
  std::optional<std::string> OneOf(const std::string& key, const std::vector<std::string>& choices);
  std::optional<std::vector<std::string>> TextList(const std::string& key);
  // ["2026-12-25", 2026-12-26]: texts or TOML's own dates.
  std::optional<std::vector<Day>> Days(const std::string& key);
  // "a" and ["a", "b"] both.
  std::optional<std::vector<std::string>> TextOrList(const std::string& key);
  // Any value that a setting may have; floats, dates and tables are reported.
  std::optional<SettingValue> Setting(const std::string& key);
  // Every key that was not asked for yet, as settings.
  ExecutorSettings RemainingSettings();
  // The table below `key`; nullptr when absent, or no table and reported.
  const toml::table* Table(const std::string& key);

  void Reject(const std::string& key, std::string_view problem);
  void RejectUnknown();
  std::string Place(const std::string& key) const;

 private:
  const toml::node* Find(const std::string& key);

  const toml::table& table_;
  std::string file_;
  std::string name_;
  std::vector<WorkspaceProblem>& problems_;
  std::vector<std::string> known_keys_;
};

// "500MB", "20GB", "1TB", in powers of 1,024; in bytes. nullopt when malformed, 0 or too large.
std::optional<uint64_t> ParseSize(std::string_view text);
// "5%", "0.5%". nullopt when malformed or not above 0% and at most 100%.
std::optional<Share> ParsePercent(std::string_view text);

}  // namespace rescind
