// CsvReader: a CSV file with a header, as rows of one entity.
//
// The header names fields, or columns that the options map to fields. An empty cell makes its
// field unknown, sets are written `a;b`. It knows the schema and nothing of the store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/feeds/csv_scanner.h"
#include "runtime/feeds/feed_reader.h"
#include "runtime/feeds/input_buffer.h"

namespace rescind {

class CsvReader final : public FeedReader {
 public:
  // `file` and `schema` must outlive it.
  CsvReader(ReadableFile& file, const Schema& schema, FeedOptions options);

  Status Open() override;
  Result<bool> Read(FeedBatch& batch) override;
  std::string_view preamble() const override { return preamble_; }
  const std::vector<std::string>& notices() const override { return notices_; }

 private:
  enum class Meaning : uint8_t { kIgnored, kId, kField, kSet, kEffective, kDeleted };
  struct Column {
    std::string name;  // as the header or --set has it
    Meaning meaning = Meaning::kIgnored;
    FieldId field;
    std::string value;  // --set only
  };
  using Problems = std::vector<BadRecord>;

  Status ReadHeader();
  void ReadColumn(size_t cell, Problems& problems);
  // What a name means: a field, `id`, or one of the @ names.
  std::optional<ValueProblem> Resolve(std::string_view name, Column& column) const;
  void CheckHeader(Problems& problems);
  void ReadConstants(Problems& problems);
  void NoticeMissingFields();
  Error HeaderError(const Problems& problems) const;

  void TakeRecord(FeedBatch& batch);
  // The row's values; the first problem and the column it is in.
  std::optional<ValueProblem> PutRow(FactDelta& delta, size_t& culprit) const;
  std::optional<ValueProblem> PutCell(const Column& column, std::string_view text,
                                      FactDelta& delta) const;
  Result<bool> IsDeleted(std::string_view text) const;
  void Reject(FeedBatch& batch, BadRecord bad) const;
  std::string FieldName(const Column& column) const;

  FeedOptions options_;
  ValueReader values_;
  InputBuffer buffer_;
  std::optional<CsvScanner> scanner_;
  EntityId entity_;
  std::vector<Column> columns_;    // of the file
  std::vector<Column> constants_;  // --set
  std::optional<size_t> id_column_;
  std::optional<size_t> deleted_column_;
  std::string preamble_;
  std::vector<std::string> notices_;
};

}  // namespace rescind
