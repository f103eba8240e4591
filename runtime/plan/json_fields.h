// JsonFields: reads one JSON object field by field and remembers the first thing that is wrong.
//
// Reading goes on with neutral values after a failure, so that a reader is a plain list of
// fields; the caller asks failure() at the end. Places are paths such as "actions[3].due".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace rescind {

class JsonFields {
 public:
  using Json = nlohmann::ordered_json;

  // Neither argument is copied; both outlive this. `path` is "" for the document.
  JsonFields(const Json& object, std::string path);

  std::string Text(std::string_view name);
  bool Bool(std::string_view name);
  uint64_t Count(std::string_view name);
  Instant Time(std::string_view name);
  Duration Length(std::string_view name);
  std::vector<std::string> Texts(std::string_view name);
  std::map<std::string, std::string> TextMap(std::string_view name);
  bool IsNull(std::string_view name);
  // Whether an optional member is there: an earlier program may not have written it.
  bool Has(std::string_view name) const;

  template <typename T>
  T Object(std::string_view name, T (*read)(JsonFields&)) {
    JsonFields inner(Find(name, Json::value_t::object), Place(name), failure_);
    return read(inner);
  }

  template <typename T>
  std::vector<T> List(std::string_view name, T (*read)(JsonFields&)) {
    std::vector<T> items;
    const Json& list = Find(name, Json::value_t::array);
    items.reserve(list.size());
    for (size_t i = 0; i < list.size() && !failure_->has_value(); ++i) {
      JsonFields inner(list[i], Place(name) + "[" + std::to_string(i) + "]", failure_);
      items.push_back(read(inner));
    }
    return items;
  }

  // Records that `name` is wrong and why; only the first failure is kept.
  void Fail(std::string_view name, std::string_view why);
  const std::optional<std::string>& failure() const { return *failure_; }

 private:
  using Failure = std::shared_ptr<std::optional<std::string>>;

  JsonFields(const Json& object, std::string path, Failure failure);
  std::string Place(std::string_view name) const;
  // The member, or a neutral value of that type after recording the failure.
  const Json& Find(std::string_view name, Json::value_t type);

  const Json& object_;
  std::string path_;
  Failure failure_;
};

// Parses a whole document and checks its "format" member ("rescind.plan/1"). `thing` names it in
// errors; `remedy` says how to get a good one. Never throws.
Result<JsonFields::Json> ParseJsonDocument(std::string_view text, std::string_view format,
                                           std::string_view thing, std::string_view remedy);

}  // namespace rescind
