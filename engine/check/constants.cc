#include "engine/check/constants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "engine/base/sha256.h"
#include "engine/base/sort_unique.h"
#include "engine/base/visible_text.h"
#include "engine/check/canonical_text.h"
#include "engine/check/csv_text.h"
#include "engine/check/expression_checker.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::check {

using typed::Constant;
using typed::Type;

namespace {

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<CivilDuration> ParseCivil(std::string_view text) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto count = ParseInteger(text.substr(0, blank));
  if (!count || *count < 0 || *count > 1'000'000) return std::nullopt;
  const std::string_view unit = text.substr(blank + 1);
  const auto is = [&](std::string_view one, std::string_view many) {
    return unit == one || unit == many;
  };
  if (is("day", "days")) return CivilDuration{CivilUnit::kDays, *count};
  if (is("week", "weeks")) return CivilDuration{CivilUnit::kDays, *count * 7};
  if (is("month", "months")) return CivilDuration{CivilUnit::kMonths, *count};
  if (is("year", "years")) return CivilDuration{CivilUnit::kYears, *count};
  if (is("business day", "business days")) {
    return CivilDuration{CivilUnit::kBusinessDays, *count};
  }
  return std::nullopt;
}

template <typename T>
std::optional<Constant> Wrap(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return Constant(*value);
}

}  // namespace

std::optional<Constant> ParseConstant(const Schema& schema, const Type& type,
                                      std::string_view text) {
  switch (type.kind) {
    case Type::Kind::kText: {
      const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
      return Constant(std::string(quoted ? text.substr(1, text.size() - 2) : text));
    }
    case Type::Kind::kBool:
      if (text == "true") return Constant(true);
      if (text == "false") return Constant(false);
      return std::nullopt;
    case Type::Kind::kInt: return Wrap(ParseInteger(text));
    case Type::Kind::kTime: return Wrap(ParseInstant(text));
    case Type::Kind::kDate: return Wrap(ParseDay(text));
    case Type::Kind::kDuration: return Wrap(ParseDuration(text));
    case Type::Kind::kCivil: return Wrap(ParseCivil(text));
    case Type::Kind::kEnum: {
      const auto member = schema.enumeration(type.enumeration).Find(text);
      if (!member) return std::nullopt;
      return Constant(typed::EnumValue{type.enumeration, *member});
    }
    case Type::Kind::kRow:
      if (text.empty()) return std::nullopt;
      return Constant(typed::RowKey{type.entity, std::string(text)});
    default: return std::nullopt;
  }
}

namespace {

bool IsScalar(const Type& type) {
  return type.kind != Type::Kind::kError && type.kind != Type::Kind::kSet;
}

// ---- Params -------------------------------------------------------------------------------------

void ApplyOverride(CheckState& state, typed::Param& param) {
  const auto given = state.options.params.find(param.name);
  if (given == state.options.params.end()) return;
  const auto value = ParseConstant(state.schema(), param.type, given->second);
  if (value) {
    param.value = *value;
    param.overridden = true;
    return;
  }
  const std::string type = state.Type(param.type);
  const auto place = state.options.param_places.find(param.name);
  const bool placed = place != state.options.param_places.end();
  auto mistake = state.Mistake(
      kBadOverride, placed ? place->second.value : param.span,
      fmt::format("`{}` in {} is no `{}`", given->second, state.options.params_file, type));
  if (placed) {
    mistake.Label(fmt::format("`{}` is a `{}`", param.name, type));
    mistake.Note(param.span, fmt::format("`{}` is declared here", param.name));
  } else {
    mistake.Label(fmt::format("`{}` is declared here", param.name));
  }
  if (param.type.kind == Type::Kind::kDuration) {
    mistake.Help(fmt::format("write it as `\"60d\"` or `\"12h\"` in [params] of {}",
                             state.options.params_file));
  } else if (param.type.kind == Type::Kind::kCivil) {
    mistake.Help(fmt::format("write it as `\"6 months\"` or `\"30 days\"` in [params] of {}",
                             state.options.params_file));
  } else if (param.type.kind == Type::Kind::kEnum) {
    mistake.Help(
        fmt::format("the members are {}",
                    fmt::join(state.schema().enumeration(param.type.enumeration).members, ", ")));
  }
}

void CheckParam(CheckState& state, uint32_t index) {
  const auto& declared = state.params[index];
  if (declared.declaration->incomplete) return;  // reported
  typed::Param& param = state.program.params[index];
  param.name = declared.module + "." + declared.decl->name.text;
  param.span = declared.decl->name.span;
  param.type = ResolveType(state, declared.decl->type);
  if (param.type.kind == Type::Kind::kError) return;
  if (!IsScalar(param.type) || param.type.optional) {
    state
        .Mistake(kTypeMismatch, declared.decl->type.span,
                 fmt::format("a param cannot be `{}`", state.Type(param.type)))
        .Help(param.type.optional ? "a param always has a value: leave the `?` out"
                                  : "for several values declare a `list`");
    return;
  }
  ExpressionChecker checker(state, declared.module, nullptr);
  const ast::Expr& written = *declared.decl->value;
  const bool is_name = written.As<ast::NameExpr>() || written.As<ast::FieldExpr>();
  if (is_name && param.type.kind != Type::Kind::kEnum) {
    state.Mistake(kNotConstant, written.span, "the value of a param is a literal")
        .Help(fmt::format("write a literal of type `{}`", state.Type(param.type)));
    return;
  }
  const auto value = checker.CheckConstant(written, param.type);
  if (!value) return;
  param.value = *value;
  // A civil length makes it a civil param: it goes with dates.
  if (std::holds_alternative<CivilDuration>(*value)) param.type.kind = Type::Kind::kCivil;
  ApplyOverride(state, param);
  state.sound_param[index] = true;
}

void CheckOverrideNames(CheckState& state) {
  if (state.names_incomplete) return;
  std::vector<std::string> names;
  for (const typed::Param& param : state.program.params) names.push_back(param.name);
  for (const auto& [name, value] : state.options.params) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const auto place = state.options.param_places.find(name);
    const bool placed = place != state.options.param_places.end();
    auto mistake = state.Mistake(kBadOverride, placed ? place->second.name : Span{},
                                 fmt::format("[params] of {} sets `{}`, but there is no such param",
                                             state.options.params_file, name));
    if (placed) mistake.Label("no param of that name");
    if (const auto near = DidYouMean(name, names)) {
      mistake.Help(fmt::format("did you mean `{}`?", *near));
    } else {
      mistake.Help("name it in full, as `module.name`, or take it out");
    }
  }
}

// ---- Files --------------------------------------------------------------------------------------

struct DataFile {
  std::string path;
  std::vector<CsvRow> rows;  // the header first
};

// Relative to the folder of the policy file that names it; never out of the workspace.
std::optional<std::string> PathOf(CheckState& state, const std::string& written, Span span) {
  std::string folder = state.sources.Get(span.file).name();
  const size_t slash = folder.rfind('/');
  folder = slash == std::string::npos ? "" : folder.substr(0, slash);
  std::vector<std::string> parts;
  bool leaves = written.empty() || written.front() == '/' ||
                written.find('\\') != std::string::npos || written.find('\0') != std::string::npos;
  std::string all = folder + "/" + written;
  size_t begin = 0;
  while (begin <= all.size() && !leaves) {
    const size_t end = std::min(all.find('/', begin), all.size());
    const std::string part = all.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      leaves = true;
    } else {
      parts.pop_back();
    }
  }
  if (leaves || parts.empty()) {
    state.Mistake(kBadDataFile, span, "this file lies outside the workspace")
        .Help("name a file below the workspace, relative to this policy file: `lists/a.csv`");
    return std::nullopt;
  }
  return fmt::format("{}", fmt::join(parts, "/"));
}

// A list is a part of the policy: what it names must be what people read. CSV has no escapes.
bool ReportHiddenMark(CheckState& state, Span span, const std::string& path,
                      std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const HiddenMark mark = FindHiddenMark(text, begin);
  // A NUL byte is the parser's to report.
  if (mark.begin == std::string_view::npos || mark.code_point == 0) return false;
  const auto line = 1 + std::ranges::count(text.substr(0, mark.begin), '\n');
  state
      .Mistake(syntax::kHiddenMark, span,
               fmt::format("{}, line {}: a hidden character stands here: U+{:04X}, {}", path, line,
                           mark.code_point, HiddenMarkName(mark.code_point)))
      .Help(IsOddBlank(mark.code_point)
                ? "write a common blank there; a value that is meant to hold it can be written in "
                  "a policy file, as `\\u{…}`"
                : "remove it there; a value that is meant to hold it can be written in a policy "
                  "file, as `\\u{…}`");
  return true;
}

std::optional<DataFile> ReadDataFile(CheckState& state, const std::string& written, Span span) {
  const auto path = PathOf(state, written, span);
  if (!path) return std::nullopt;
  if (!state.options.read_file) {
    state.Mistake(kBadDataFile, span, "data files are read only as part of a workspace")
        .Help("run the check in the workspace's folder");
    return std::nullopt;
  }
  const auto text = state.options.read_file(*path);
  if (!text.ok()) {
    auto mistake = state.Mistake(kBadDataFile, span, text.error().message);
    if (!text.error().help.empty()) mistake.Help(text.error().help);
    return std::nullopt;
  }
  if (ReportHiddenMark(state, span, *path, *text)) return std::nullopt;
  auto rows = ParseCsv(*text);
  if (!rows.ok()) {
    state.Mistake(kBadDataFile, span, fmt::format("{}, {}", *path, rows.error().message))
        .Help(rows.error().help);
    return std::nullopt;
  }
  if (rows->empty()) {
    state.Mistake(kBadDataFile, span, fmt::format("{} is empty", *path))
        .Help("its first line names the columns");
    return std::nullopt;
  }
  return DataFile{*path, std::move(*rows)};
}

void ReportCell(CheckState& state, Span span, const DataFile& file, const CsvRow& row,
                std::string_view column, std::string_view cell, const Type& type) {
  auto mistake = state.Mistake(kBadDataFile, span,
                               fmt::format("{}, line {}, column `{}`: `{}` is no `{}`", file.path,
                                           row.line, column, cell, state.Type(type)));
  if (type.kind == Type::Kind::kEnum) {
    const auto& members = state.schema().enumeration(type.enumeration).members;
    if (const auto near = DidYouMean(cell, members)) {
      mistake.Help(fmt::format("did you mean `{}`?", *near));
    } else {
      mistake.Help(fmt::format("the members are {}", fmt::join(members, ", ")));
    }
  } else if (cell.empty()) {
    mistake.Help("declare the column's type with `?` if it may be missing");
  }
}

// ---- Lists --------------------------------------------------------------------------------------

// Constants have no order of their own: by their text.
std::string KeyOf(const Constant& constant) {
  return std::visit(
      []<typename T>(const T& value) -> std::string {
        if constexpr (std::is_same_v<T, bool>) return value ? "t" : "f";
        if constexpr (std::is_same_v<T, int64_t>) return std::to_string(value);
        if constexpr (std::is_same_v<T, std::string>) return value;
        if constexpr (std::is_same_v<T, Instant>) return std::to_string(value.micros);
        if constexpr (std::is_same_v<T, Day>) return std::to_string(value.days);
        if constexpr (std::is_same_v<T, Duration>) return std::to_string(value.micros);
        if constexpr (std::is_same_v<T, CivilDuration>) return std::to_string(value.count);
        if constexpr (std::is_same_v<T, typed::EnumValue>) return std::to_string(value.member);
        if constexpr (std::is_same_v<T, typed::RowKey>) return value.id;
      },
      constant);
}

void FillFromItems(CheckState& state, const Declared<ast::ListDecl>& declared, typed::List& list) {
  ExpressionChecker checker(state, declared.module, nullptr);
  std::set<std::string> seen;
  for (const auto& item : declared.decl->items) {
    auto value = checker.CheckConstant(*item, list.element);
    if (value && seen.insert(KeyOf(*value)).second) {
      list.items.push_back(std::move(*value));
    }
  }
}

void FillFromFile(CheckState& state, const ast::ListDecl& decl, typed::List& list) {
  const auto file = ReadDataFile(state, *decl.file, decl.source_span);
  if (!file) return;
  const auto& header = file->rows.front().cells;
  const bool named = header.size() == 1 &&
                     (header[0] == "id" || header[0] == "value" || header[0] == decl.name.text);
  if (!named) {
    state
        .Mistake(kBadDataFile, decl.source_span,
                 fmt::format("{}: the first line must name its one column", file->path))
        .Help(fmt::format("write `id`, `value` or `{}` as the first line, then one value a line",
                          decl.name.text));
    return;
  }
  std::set<std::string> seen;
  for (size_t i = 1; i < file->rows.size(); ++i) {
    const CsvRow& row = file->rows[i];
    const std::string cell =
        row.cells.size() == 1 ? row.cells[0] : fmt::format("{}", fmt::join(row.cells, ","));
    auto value =
        row.cells.size() == 1 ? ParseConstant(state.schema(), list.element, cell) : std::nullopt;
    if (!value) {
      ReportCell(state, decl.source_span, *file, row, header[0], cell, list.element);
    } else if (seen.insert(KeyOf(*value)).second) {
      list.items.push_back(std::move(*value));
    }
  }
}

void CheckList(CheckState& state, uint32_t index) {
  const auto& declared = state.lists[index];
  if (declared.declaration->incomplete) return;  // reported
  typed::List& list = state.program.lists[index];
  list.name = declared.module + "." + declared.decl->name.text;
  list.span = declared.decl->name.span;
  list.element = ResolveType(state, declared.decl->element);
  if (list.element.kind == Type::Kind::kError) return;
  if (!IsScalar(list.element) || list.element.optional) {
    state
        .Mistake(kTypeMismatch, declared.decl->element.span,
                 fmt::format("a list cannot hold `{}`", state.Type(list.element)))
        .Help("it holds single values, all of them known");
    return;
  }
  // A broken item is reported; what uses the list is checked all the same.
  if (declared.decl->file) {
    FillFromFile(state, *declared.decl, list);
  } else {
    FillFromItems(state, declared, list);
  }
  state.sound_list[index] = true;
}

// ---- Tables -------------------------------------------------------------------------------------

bool ResolveColumns(CheckState& state, const ast::TableDecl& decl, typed::Table& table) {
  bool sound = true;
  for (const ast::Parameter& column : decl.columns) {
    const Type type = ResolveType(state, column.type);
    if (!column.name.ok() || type.kind == Type::Kind::kError) {
      sound = false;
      continue;
    }
    for (const auto& other : table.columns) {
      if (other.name != column.name.text) continue;
      state.Mistake(kDeclaredTwice, column.name.span,
                    fmt::format("there is a column `{}` already", column.name.text));
      sound = false;
    }
    if (!IsScalar(type)) {
      state.Mistake(kTypeMismatch, column.type.span, "a cell of a table holds one value");
      sound = false;
    }
    table.columns.push_back({column.name.text, type});
  }
  return sound;
}

// Where each column stands in the file; empty: reported.
std::vector<size_t> MapHeader(CheckState& state, const ast::TableDecl& decl,
                              const typed::Table& table, const DataFile& file) {
  const auto& header = file.rows.front().cells;
  std::vector<size_t> places;
  std::vector<std::string> missing;
  for (const auto& column : table.columns) {
    const auto found = std::find(header.begin(), header.end(), column.name);
    if (found == header.end()) missing.push_back(column.name);
    places.push_back(static_cast<size_t>(found - header.begin()));
  }
  if (missing.empty() && header.size() == table.columns.size()) return places;
  std::vector<std::string> wanted;
  for (const auto& column : table.columns) wanted.push_back(column.name);
  state
      .Mistake(kBadDataFile, decl.file_span,
               fmt::format("{}: the columns are {}, not {}", file.path, fmt::join(header, ", "),
                           fmt::join(wanted, ", ")))
      .Help("the first line names exactly the declared columns, in any order");
  return {};
}

void FillTable(CheckState& state, const ast::TableDecl& decl, typed::Table& table) {
  const auto file = ReadDataFile(state, decl.file, decl.file_span);
  if (!file) return;
  const std::vector<size_t> places = MapHeader(state, decl, table, *file);
  if (places.empty()) return;
  for (size_t r = 1; r < file->rows.size(); ++r) {
    const CsvRow& row = file->rows[r];
    if (row.cells.size() != places.size()) {
      state
          .Mistake(kBadDataFile, decl.file_span,
                   fmt::format("{}, line {}: {} cells where there are {} columns", file->path,
                               row.line, row.cells.size(), places.size()))
          .Help("put cells that hold a comma into quotes");
      continue;
    }
    std::vector<std::optional<Constant>> cells;
    for (size_t c = 0; c < places.size(); ++c) {
      const std::string& cell = row.cells[places[c]];
      const Type& type = table.columns[c].type;
      std::optional<Constant> value;
      if (!cell.empty()) value = ParseConstant(state.schema(), type, cell);
      if (!value && !(cell.empty() && type.optional)) {
        ReportCell(state, decl.file_span, *file, row, table.columns[c].name, cell, type);
      }
      cells.push_back(std::move(value));
    }
    table.rows.push_back(std::move(cells));
  }
}

// What a table holds is part of what a policy means.
std::string HashOf(const CheckState& state, const typed::Table& table) {
  const CanonicalText canonical(state.program, nullptr);
  std::vector<size_t> order(table.columns.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return table.columns[a].name < table.columns[b].name; });
  std::vector<std::string> lines;
  for (const auto& row : table.rows) {
    std::string line;
    for (const size_t c : order) line += (row[c] ? canonical.Of(*row[c]) : "unknown") + "\n";
    lines.push_back(std::move(line));
  }
  SortUnique(lines);  // a relation has no order, and no row twice
  Sha256Fields fields;
  fields.Add(order.size());
  for (const size_t c : order) fields.Add(table.columns[c].name);
  for (const std::string& line : lines) fields.Add(line);
  return "sha256:" + fields.Hex();
}

void CheckTable(CheckState& state, uint32_t index) {
  const auto& declared = state.tables[index];
  if (declared.declaration->incomplete) return;  // reported
  typed::Table& table = state.program.tables[index];
  table.name = declared.module + "." + declared.decl->name.text;
  table.span = declared.decl->name.span;
  if (!ResolveColumns(state, *declared.decl, table)) return;
  // A broken file is reported; what uses the table is checked all the same.
  FillTable(state, *declared.decl, table);
  table.content_hash = HashOf(state, table);
  state.sound_table[index] = true;
}

}  // namespace

void CheckConstants(CheckState& state) {
  for (uint32_t i = 0; i < state.params.size(); ++i) CheckParam(state, i);
  CheckOverrideNames(state);
  for (uint32_t i = 0; i < state.lists.size(); ++i) CheckList(state, i);
  for (uint32_t i = 0; i < state.tables.size(); ++i) CheckTable(state, i);
}

}  // namespace rescind::check
