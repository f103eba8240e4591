// Types as messages say them.
#include <fmt/format.h>

#include "engine/base/assert.h"
#include "engine/check/typed_ast.h"

namespace rescind::typed {

namespace {

std::string ElementText(const Schema& schema, const Type& type, Type::Kind kind) {
  switch (kind) {
    case Type::Kind::kText: return "text";
    case Type::Kind::kInt: return "int";
    case Type::Kind::kEnum:
      return rescind::FormatType(schema, {TypeKind::kEnum, false, type.enumeration, {}, {}, {}});
    case Type::Kind::kRow: return schema.entity(type.entity).name;
    default: RESCIND_UNREACHABLE("no element of a set");
  }
}

}  // namespace

std::string FormatType(const Schema& schema, const Type& type) {
  std::string text;
  switch (type.kind) {
    case Type::Kind::kError: return "error";
    case Type::Kind::kBool: text = "bool"; break;
    case Type::Kind::kTime: text = "time"; break;
    case Type::Kind::kDate: text = "date"; break;
    case Type::Kind::kDuration: text = "duration"; break;
    case Type::Kind::kCivil: text = "civil length"; break;
    case Type::Kind::kText:
    case Type::Kind::kInt:
    case Type::Kind::kEnum:
    case Type::Kind::kRow: text = ElementText(schema, type, type.kind); break;
    case Type::Kind::kTableRow: text = "row of a table"; break;
    case Type::Kind::kSet: text = "set of " + ElementText(schema, type, type.element); break;
    case Type::Kind::kRows: text = "many " + schema.entity(type.entity).name; break;
    case Type::Kind::kTableRows: text = "rows of a table"; break;
  }
  return type.optional ? text + "?" : text;
}

}  // namespace rescind::typed
