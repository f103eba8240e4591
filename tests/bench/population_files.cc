#include "tests/bench/population_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

namespace rescind::bench {
namespace {

// A file that is written from front to back. The first failure is kept until Close().
class LineFile {
 public:
  explicit LineFile(std::string path)
      : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wb")) {}
  ~LineFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  template <typename... Values>
  void Print(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(buffer_), format, std::forward<Values>(values)...);
  }
  void EndLine() {
    buffer_.push_back('\n');
    if (buffer_.size() >= kFlushBytes) Flush();
  }
  // Adds itself to `files`.
  Status Close(uint64_t rows, WrittenFiles& files) {
    Flush();
    if (file_ == nullptr || failed_ || std::fclose(std::exchange(file_, nullptr)) != 0) {
      return Error{ErrorKind::kIo, fmt::format("writing {}: {}", path_, std::strerror(errno)),
                   "is there room on the disk? TMPDIR names another folder"};
    }
    files.paths.push_back(path_);
    files.rows += rows;
    files.bytes += bytes_;
    return {};
  }

 private:
  static constexpr size_t kFlushBytes = 1 << 20;

  void Flush() {
    if (file_ == nullptr) return;
    failed_ |= std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size();
    bytes_ += buffer_.size();
    buffer_.clear();
  }

  std::string path_;
  std::FILE* file_;
  fmt::memory_buffer buffer_;
  uint64_t bytes_ = 0;
  bool failed_ = false;
};

// One value as each of the formats writes it.
class ValueWriter {
 public:
  ValueWriter(const Population& population, const Schema& schema)
      : population_(population), schema_(schema) {}

  const FieldType& TypeOf(const PopulationTable& table, std::string_view field) const {
    const EntityId entity = *schema_.Find(table.entity);
    return schema_.field(entity, *schema_.entity(entity).Find(field)).type;
  }

  // `quote` goes around everything that JSON quotes. Texts of the population need no escapes.
  void Write(LineFile& file, const FieldType& type, const Column& column, uint32_t row,
             std::string_view quote) const {
    switch (type.kind) {
      case TypeKind::kText:
        file.Print("{0}{1}{0}", quote, column.dictionary().Text(column.codes()[row]));
        break;
      case TypeKind::kEnum:
        file.Print("{0}{1}{0}", quote,
                   schema_.enumeration(type.enumeration).members[column.bytes()[row]]);
        break;
      case TypeKind::kBool: file.Print("{}", column.bytes()[row] != 0); break;
      case TypeKind::kTime:
        file.Print("{0}{1}{0}", quote, FormatInstant({column.longs()[row]}));
        break;
      case TypeKind::kDate: file.Print("{0}{1}{0}", quote, FormatDay({column.days()[row]})); break;
      case TypeKind::kReference: {
        const PopulationTable& target = population_.Find(schema_.entity(type.entity).name);
        file.Print("{0}{1}{0}", quote, population_.Id(target, column.rows()[row]));
        break;
      }
      default: RESCIND_ASSERT(false, "the population has no values of this type");
    }
  }

 private:
  const Population& population_;
  const Schema& schema_;
};

// The values before anybody moved.
const Column& EarlierValues(const PopulationTable& table, const PopulationColumn& column,
                            uint32_t row) {
  const PopulationHistory* history = table.FindHistory(column.field);
  const bool moved = history != nullptr && history->changed_at[row] != kUnknownLong;
  return moved ? history->previous : column.values;
}

bool IsLive(const PopulationTable& table, uint32_t row) {
  return table.presence[row] == static_cast<uint8_t>(Presence::kLive);
}

void WriteCsvHeader(LineFile& file, const PopulationTable& table, std::string_view first) {
  file.Print("{}", first);
  for (const PopulationColumn& column : table.columns) file.Print(",{}", column.field);
}

Status WriteImportFile(const Population& population, const Schema& schema, FileFormat format,
                       const PopulationTable& table, const std::string& path, WrittenFiles& files) {
  const ValueWriter values(population, schema);
  const bool is_json = format == FileFormat::kNdjson;
  std::vector<FieldType> types;
  for (const auto& column : table.columns) types.push_back(values.TypeOf(table, column.field));
  LineFile file(path);
  if (!is_json) {
    WriteCsvHeader(file, table, "id");
    file.EndLine();
  }
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    if (!IsLive(table, row)) continue;
    const std::string id = population.Id(table, row);
    if (is_json) {
      file.Print(R"({{"entity":"{}","id":"{}")", table.entity, id);
    } else {
      file.Print("{}", id);
    }
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = EarlierValues(table, table.columns[i], row);
      const bool is_unknown = column.IsUnknown(RowId(row));
      if (!is_json) file.Print(",");
      if (is_unknown) continue;
      if (is_json) file.Print(",\"{}\":", table.columns[i].field);
      values.Write(file, types[i], column, row, is_json ? "\"" : "");
    }
    if (is_json) file.Print("}}");
    file.EndLine();
  }
  return file.Close(table.live_count(), files);
}

std::string SqlType(const Schema& schema, const PopulationTable& table,
                    const PopulationColumn& column) {
  const EntityId entity = *schema.Find(table.entity);
  switch (schema.field(entity, *schema.entity(entity).Find(column.field)).type.kind) {
    case TypeKind::kBool: return "BOOLEAN";
    case TypeKind::kTime: return "TIMESTAMP";
    case TypeKind::kDate: return "DATE";
    case TypeKind::kReference: return "INTEGER";
    case TypeKind::kEnum: return fmt::format("{}_{}", table.entity, column.field);
    default: return "VARCHAR";
  }
}

void WriteEnumTypes(LineFile& file, const ValueWriter& values, const Schema& schema,
                    const PopulationTable& table) {
  for (const PopulationColumn& column : table.columns) {
    const FieldType& type = values.TypeOf(table, column.field);
    if (type.kind != TypeKind::kEnum) continue;
    file.Print("CREATE TYPE {}_{} AS ENUM (", table.entity, column.field);
    const auto& members = schema.enumeration(type.enumeration).members;
    for (size_t i = 0; i < members.size(); ++i) file.Print("{}'{}'", i > 0 ? ", " : "", members[i]);
    file.Print(");");
    file.EndLine();
  }
}

void WriteLoadStatement(LineFile& file, const ValueWriter& values, const Schema& schema,
                        const PopulationTable& table, const std::string& csv) {
  WriteEnumTypes(file, values, schema, table);
  file.Print("CREATE TABLE {} AS SELECT * FROM read_csv('{}', header = true, columns = {{",
             table.sql_name, csv);
  file.Print("'row': 'INTEGER', 'presence': 'presence', 'complete': 'BOOLEAN'");
  for (const PopulationColumn& column : table.columns) {
    file.Print(", '{}': '{}'", column.field, SqlType(schema, table, column));
  }
  for (const PopulationHistory& history : table.histories) {
    file.Print(", '{}_changed_at': 'TIMESTAMP'", history.field);
  }
  file.Print("}});");
  file.EndLine();
}

std::string SqlTime(int64_t micros) {
  std::string text = FormatInstant({micros});
  text.pop_back();  // the Z: TIMESTAMP is UTC without saying so
  return text;
}

void WritePeerValue(LineFile& file, const ValueWriter& values, const FieldType& type,
                    const Column& column, uint32_t row) {
  if (type.kind == TypeKind::kReference) {
    file.Print("{}", column.rows()[row]);
  } else if (type.kind == TypeKind::kTime) {
    file.Print("{}", SqlTime(column.longs()[row]));
  } else {
    values.Write(file, type, column, row, "");
  }
}

Status WritePeerTable(const Population& population, const FactBase& facts,
                      const PopulationTable& table, const std::string& path, WrittenFiles& files) {
  constexpr std::string_view kPresenceNames[] = {"absent", "live", "removed"};
  const ValueWriter values(population, facts.schema());
  const auto complete = facts.table(*facts.schema().Find(table.entity)).complete();
  std::vector<FieldType> types;
  for (const auto& column : table.columns) types.push_back(values.TypeOf(table, column.field));
  LineFile file(path);
  WriteCsvHeader(file, table, "row,presence,complete");
  for (const auto& history : table.histories) file.Print(",{}_changed_at", history.field);
  file.EndLine();
  for (uint32_t row = 0; row < table.row_count(); ++row) {
    file.Print("{},{},{}", row, kPresenceNames[table.presence[row]], complete[row] != 0);
    for (size_t i = 0; i < table.columns.size(); ++i) {
      file.Print(",");
      const Column& column = table.columns[i].values;
      if (!column.IsUnknown(RowId(row))) WritePeerValue(file, values, types[i], column, row);
    }
    for (const PopulationHistory& history : table.histories) {
      file.Print(",");
      const int64_t at = history.changed_at[row];
      if (at != kUnknownLong) file.Print("{}", SqlTime(at));
    }
    file.EndLine();
  }
  return file.Close(table.row_count(), files);
}

}  // namespace

Result<WrittenFiles> WriteImportFiles(const Population& population, const Schema& schema,
                                      FileFormat format, const std::string& folder) {
  WrittenFiles files;
  const char* suffix = format == FileFormat::kNdjson ? "ndjson" : "csv";
  for (const PopulationTable& table : population.tables) {
    RESCIND_TRY(WriteImportFile(population, schema, format, table,
                                fmt::format("{}/{}.{}", folder, table.entity, suffix), files));
  }
  return files;
}

Result<WrittenFiles> WriteLaterFile(const Population& population, const Schema& schema,
                                    const std::string& folder) {
  const ValueWriter values(population, schema);
  WrittenFiles files;
  LineFile file(folder + "/later.ndjson");
  uint64_t rows = 0;
  for (const PopulationTable& table : population.tables) {
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      if (table.presence[row] == static_cast<uint8_t>(Presence::kRemoved)) {
        file.Print(R"({{"entity":"{}","id":"{}","deleted":true}})", table.entity,
                   population.Id(table, row));
        file.EndLine();
        ++rows;
      }
      for (const PopulationHistory& history : table.histories) {
        if (history.changed_at[row] == kUnknownLong) continue;
        const auto& column = *std::find_if(
            table.columns.begin(), table.columns.end(),
            [&](const PopulationColumn& known) { return known.field == history.field; });
        file.Print(R"({{"entity":"{}","id":"{}","effective_at":"{}","{}":)", table.entity,
                   population.Id(table, row), FormatInstant({history.changed_at[row]}),
                   history.field);
        values.Write(file, values.TypeOf(table, history.field), column.values, row, "\"");
        file.Print("}}");
        file.EndLine();
        ++rows;
      }
    }
  }
  RESCIND_TRY(file.Close(rows, files));
  return files;
}

Result<WrittenFiles> WritePeerFiles(const Population& population, const FactBase& facts,
                                    const std::string& folder) {
  const ValueWriter values(population, facts.schema());
  WrittenFiles files;
  LineFile load(folder + "/load.sql");
  load.Print("CREATE TYPE presence AS ENUM ('absent', 'live', 'removed');");
  load.EndLine();
  for (const PopulationTable& table : population.tables) {
    const std::string path = fmt::format("{}/{}.csv", folder, table.sql_name);
    WriteLoadStatement(load, values, facts.schema(), table, path);
    RESCIND_TRY(WritePeerTable(population, facts, table, path, files));
  }
  RESCIND_TRY(load.Close(0, files));
  return files;
}

}  // namespace rescind::bench
