#include "runtime/feeds/csv_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rescind {
namespace {

bool Contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// "id;name;status": one cell that should have been several.
std::string DelimiterHint(std::string_view header) {
  for (const char c : {';', '\t', '|'}) {
    if (header.find(c) == std::string_view::npos) continue;
    return fmt::format("the file seems to be separated by {}: give --delimiter '{}'",
                       c == '\t' ? std::string("tabs") : fmt::format("`{}`", c),
                       c == '\t' ? std::string("\\t") : std::string(1, c));
  }
  return "";
}

}  // namespace

CsvReader::CsvReader(ReadableFile& file, const Schema& schema, FeedOptions options)
    : options_(std::move(options)),
      values_(schema, options_.moments, options_.latest_effective),
      buffer_(file) {}

Status CsvReader::Open() {
  const auto entity = values_.schema().Find(options_.entity);
  if (!entity) {
    const ValueProblem problem = values_.UnknownEntity(options_.entity);
    return Error{ErrorKind::kInvalidInput, problem.what, problem.help};
  }
  entity_ = *entity;
  RESCIND_TRY(SkipByteOrderMark(buffer_));
  RESCIND_TRY(CheckBeginning(buffer_.rest(), options_.name));
  scanner_.emplace(buffer_, options_.delimiter);
  return ReadHeader();
}

Status CsvReader::ReadHeader() {
  RESCIND_ASSIGN(const bool any, scanner_->Next());
  Problems problems;
  if (!any) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} is empty: not even a header", options_.name),
                 "export it again; a source that has no rows gives the header alone"};
  }
  if (scanner_->in_trouble()) {
    const CsvScanner::Place place = scanner_->trouble_place();
    problems.push_back(
        {place.line, place.column, "", "", scanner_->trouble().what, scanner_->trouble().help, ""});
    return HeaderError(problems);
  }
  preamble_ = scanner_->record();
  for (size_t cell = 0; cell < scanner_->cells().size(); ++cell) ReadColumn(cell, problems);
  ReadConstants(problems);
  CheckHeader(problems);
  if (!problems.empty()) return HeaderError(problems);
  NoticeMissingFields();
  return {};
}

void CsvReader::ReadColumn(size_t cell, Problems& problems) {
  Column column;
  column.name = scanner_->cells()[cell];
  const CsvScanner::Place place = scanner_->CellPlace(cell);
  const auto report = [&](const ValueProblem& problem) {
    problems.push_back({place.line, place.column, column.name, "", problem.what, problem.help, ""});
  };
  const bool is_repeated = std::any_of(columns_.begin(), columns_.end(), [&](const Column& other) {
    return other.name == column.name;
  });
  const auto mapped = options_.map.find(column.name);
  if (column.name.empty()) {
    report({fmt::format("the header names no column number {}", cell + 1),
            "name it, or remove the delimiter at the end of every line"});
  } else if (is_repeated) {
    report({"the header names this column twice", "give the columns different names"});
  } else if (!Contains(options_.ignore, column.name)) {
    const std::string& meant = mapped == options_.map.end() ? column.name : mapped->second;
    if (auto problem = Resolve(meant, column)) {
      const bool is_inverse = values_.schema().entity(entity_).Find(meant).has_value();
      if (mapped == options_.map.end() && !is_inverse) {
        const std::string hint = scanner_->cells().size() == 1 ? DelimiterHint(column.name) : "";
        problem->help +=
            fmt::format("; give --map \"{}=FIELD\", or --ignore \"{}\"", column.name, column.name);
        if (!hint.empty()) problem->help = hint;
      }
      report(*std::move(problem));
    }
  }
  columns_.push_back(std::move(column));
}

std::optional<ValueProblem> CsvReader::Resolve(std::string_view name, Column& column) const {
  if (name == "id") {
    column.meaning = Meaning::kId;
  } else if (name == kEffectiveField) {
    column.meaning = Meaning::kEffective;
  } else if (name == kDeletedField) {
    column.meaning = Meaning::kDeleted;
  } else {
    const auto field = values_.schema().entity(entity_).Find(name);
    if (!field) return values_.UnknownField(entity_, name);
    const TypeKind kind = values_.schema().field(entity_, *field).type.kind;
    if (kind == TypeKind::kMany) return values_.InverseField(entity_, *field);
    column.meaning = kind == TypeKind::kSet ? Meaning::kSet : Meaning::kField;
    column.field = *field;
  }
  return std::nullopt;
}

void CsvReader::ReadConstants(Problems& problems) {
  for (const auto& [name, value] : options_.set) {
    Column column;
    column.name = name;
    column.value = value;
    std::optional<ValueProblem> problem = Resolve(name, column);
    if (!problem && (column.meaning == Meaning::kId || column.meaning == Meaning::kDeleted)) {
      problem = ValueProblem{"it differs from row to row", "give a column for it with --map"};
    }
    if (!problem) {
      FactDelta scratch{FactOrigin{}};
      scratch.BeginRow(entity_, "scratch");
      problem = PutCell(column, value, scratch);
    }
    if (problem) {
      problem->what = "--set: " + problem->what;
      problems.push_back({0, 0, name, ShowValue(value), problem->what, problem->help, ""});
    }
    constants_.push_back(std::move(column));
  }
}

// What is wrong with the columns together.
void CsvReader::CheckHeader(Problems& problems) {
  std::vector<std::string> names;
  std::vector<const Column*> seen;
  const auto check = [&](const Column& column, bool is_constant) {
    if (column.meaning == Meaning::kIgnored) return;
    const auto same = std::find_if(seen.begin(), seen.end(), [&](const Column* other) {
      return other->meaning == column.meaning && other->field == column.field;
    });
    if (same != seen.end() && is_constant) {
      problems.push_back({1, 0, (*same)->name, "",
                          fmt::format("the file gives `{}` in this column, and --set gives it too",
                                      FieldName(column)),
                          fmt::format("leave out --set \"{}=…\", or give --ignore \"{}\"",
                                      column.name, (*same)->name),
                          ""});
    } else if (same != seen.end()) {
      problems.push_back(
          {1, 0, column.name, "",
           fmt::format("it gives `{}`, and so does `{}`", FieldName(column), (*same)->name),
           fmt::format("give --ignore \"{}\"", column.name), ""});
    }
    seen.push_back(&column);
  };
  for (size_t i = 0; i < columns_.size(); ++i) {
    check(columns_[i], /*is_constant=*/false);
    names.push_back(columns_[i].name);
    if (columns_[i].meaning == Meaning::kId) id_column_ = i;
    if (columns_[i].meaning == Meaning::kDeleted) deleted_column_ = i;
  }
  for (const Column& column : constants_) check(column, /*is_constant=*/true);
  const auto check_named = [&](std::string_view option, const std::string& name) {
    if (Contains(names, name)) return;
    const std::string meant = Meant(name, names);
    problems.push_back({1, 0, name, "",
                        fmt::format("{} names a column that the header lacks", option),
                        meant.empty() ? fmt::format("its columns are {}", fmt::join(names, ", "))
                                      : fmt::format("did you mean `{}`?", meant),
                        ""});
  };
  for (const auto& [name, field] : options_.map) check_named("--map", name);
  for (const std::string& name : options_.ignore) check_named("--ignore", name);
  if (!id_column_ && problems.empty()) {
    problems.push_back({1, 0, "", "", "no column gives the rows' `id`",
                        fmt::format("say which one with --map COLUMN=id; the columns are {}",
                                    fmt::join(names, ", ")),
                        ""});
  }
}

Error CsvReader::HeaderError(const Problems& problems) const {
  std::vector<std::string> lines;
  for (const BadRecord& problem : problems) lines.push_back(problem.Text(options_.name));
  return {ErrorKind::kInvalidInput, fmt::format("{}", fmt::join(lines, "\n")), ""};
}

void CsvReader::NoticeMissingFields() {
  const EntityDef& entity = values_.schema().entity(entity_);
  std::vector<std::string> missing;
  for (uint32_t i = 0; i < entity.fields.size(); ++i) {
    if (!IsRequired(entity.fields[i])) continue;
    const auto gives = [&](const Column& column) { return column.field == FieldId(i); };
    if (std::any_of(columns_.begin(), columns_.end(), gives)) continue;
    if (std::any_of(constants_.begin(), constants_.end(), gives)) continue;
    missing.push_back(fmt::format("`{}`", entity.fields[i].name));
  }
  if (missing.empty()) return;
  notices_.push_back(
      fmt::format("{} does not give {}, which every {} needs: rows that have none yet stay "
                  "incomplete and match no policy until a feed gives it (or use --set)",
                  options_.name, fmt::join(missing, ", "), entity.name));
}

Result<bool> CsvReader::Read(FeedBatch& batch) {
  while (!batch.full()) {
    if (options_.keep_originals && scanner_->goes_on()) {
      RESCIND_TRY(scanner_->NextPart());
      batch.Reject(MorePart(scanner_->line(), {scanner_->record(), 0, scanner_->goes_on()}));
      continue;
    }
    RESCIND_ASSIGN(const bool any, scanner_->Next());
    batch.read_bytes = buffer_.consumed_bytes();
    if (!any) return false;
    TakeRecord(batch);
  }
  return true;
}

void CsvReader::TakeRecord(FeedBatch& batch) {
  if (scanner_->in_trouble()) {
    const CsvScanner::Place place = scanner_->trouble_place();
    Reject(batch, {place.line, place.column, "", "", scanner_->trouble().what,
                   scanner_->trouble().help, ""});
    return;
  }
  const size_t count = scanner_->cells().size();
  if (count != columns_.size()) {
    Reject(batch,
           {scanner_->line(), 0, "", "",
            fmt::format("this line has {} cells, the header {}", count, columns_.size()),
            "quote cells that hold the delimiter, and write empty cells for what is missing", ""});
    return;
  }
  const size_t rows_before = batch.delta.rows().size();
  size_t culprit = *id_column_;
  if (auto problem = PutRow(batch.delta, culprit)) {
    if (batch.delta.rows().size() > rows_before) batch.delta.DropRow();
    const CsvScanner::Place place = scanner_->CellPlace(culprit);
    const std::string_view value = scanner_->cells()[culprit];
    Reject(batch, {place.line, place.column, FieldName(columns_[culprit]), ShowValue(value),
                   std::move(problem->what), std::move(problem->help), ""});
    return;
  }
  batch.lines.push_back(scanner_->line());
  if (!options_.keep_originals) return;
  batch.originals += scanner_->record();
  batch.original_ends.push_back(batch.originals.size());
}

std::optional<ValueProblem> CsvReader::PutRow(FactDelta& delta, size_t& culprit) const {
  const auto cells = scanner_->cells();
  const std::string_view id = cells[*id_column_];
  if (auto problem = CheckId(id)) return problem;
  bool is_deleted = false;
  if (deleted_column_ && !cells[*deleted_column_].empty()) {
    const auto deleted = IsDeleted(cells[*deleted_column_]);
    culprit = *deleted_column_;
    if (!deleted.ok()) return ValueProblem{deleted.error().message, deleted.error().help};
    is_deleted = *deleted;
  }
  delta.BeginRow(entity_, id);
  if (is_deleted) delta.Delete();
  for (size_t i = 0; i < columns_.size(); ++i) {
    // Of a row that is gone only the instant matters.
    if (is_deleted && columns_[i].meaning != Meaning::kEffective) continue;
    culprit = i;
    if (auto problem = PutCell(columns_[i], cells[i], delta)) return problem;
  }
  for (const Column& column : constants_) {
    if (is_deleted && column.meaning != Meaning::kEffective) continue;
    if (auto problem = PutCell(column, column.value, delta)) return problem;
  }
  return std::nullopt;
}

std::optional<ValueProblem> CsvReader::PutCell(const Column& column, std::string_view text,
                                               FactDelta& delta) const {
  switch (column.meaning) {
    case Meaning::kField:
      if (text.empty()) return values_.PutUnknown(entity_, column.field, delta);
      return values_.Put(entity_, column.field, text, delta);
    case Meaning::kSet:
      if (text.empty()) return values_.PutUnknown(entity_, column.field, delta);
      return values_.PutSet(entity_, column.field, text, delta);
    case Meaning::kEffective:
      if (text.empty()) return std::nullopt;
      return values_.PutEffective(text, delta);
    case Meaning::kIgnored:
    case Meaning::kId:
    case Meaning::kDeleted: break;
  }
  return std::nullopt;
}

Result<bool> CsvReader::IsDeleted(std::string_view text) const {
  if (text == "true" || text == "TRUE" || text == "True") return true;
  if (text == "false" || text == "FALSE" || text == "False") return false;
  return Error{ErrorKind::kInvalidInput, "it is neither true nor false", "write true or false"};
}

void CsvReader::Reject(FeedBatch& batch, BadRecord bad) const {
  if (options_.keep_originals) bad.original = scanner_->record();
  bad.goes_on = scanner_->goes_on();
  batch.Reject(std::move(bad));
}

std::string CsvReader::FieldName(const Column& column) const {
  switch (column.meaning) {
    case Meaning::kField:
    case Meaning::kSet: return values_.schema().field(entity_, column.field).name;
    case Meaning::kId: return "id";
    case Meaning::kEffective: return std::string(kEffectiveField);
    case Meaning::kDeleted: return std::string(kDeletedField);
    case Meaning::kIgnored: break;
  }
  return column.name;
}

}  // namespace rescind
