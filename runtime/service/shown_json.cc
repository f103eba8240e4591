#include "runtime/service/shown_json.h"

#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"

namespace rescind {

std::string ShownJson(const nlohmann::ordered_json& json) {
  constexpr int kIndent = 2;
  return VisibleJson(
             json.dump(kIndent, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
         "\n";
}

}  // namespace rescind
