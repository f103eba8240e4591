// BadRecord: one record of a feed that cannot be taken, and why.
//
// A record is one line of NDJSON or one row of CSV. Readers fill it, the load collects it, faces
// print it. It says where (file, line, column), what (field and value) and how to mend it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rescind {

// What is wrong with a value, before anybody knows where it stands.
struct ValueProblem {
  std::string what;
  std::string help;
};

struct BadRecord {
  uint64_t line = 0;    // one-based, where the record or the value begins
  uint64_t column = 0;  // one-based, in code points; 0: the record as a whole
  std::string field;    // of the entity, or the column's name; may be empty
  std::string value;    // as given, safe to print, shortened; may be empty
  std::string what;
  std::string help;
  std::string original = {};  // the record as it stood, only where it is wanted for a reject file
  // A record that is too long to be held comes in pieces, one behind the other: the first says what
  // is wrong, the others have nothing but their part of the original.
  bool goes_on = false;    // another piece follows
  bool continues = false;  // it is such a piece, and no record of its own

  // "hr.csv:7:12: field `status`, value \"aktive\": it is no member of … (did you mean …?)"
  std::string Text(std::string_view file) const;
};

// `text` for people: quoted, control characters and bytes that are not UTF-8 escaped, shortened.
std::string ShowValue(std::string_view text);

// The offset of the first byte that does not belong to well-formed UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view text);

// Code points in `text`, which need not be well-formed.
uint64_t CountCodePoints(std::string_view text);

}  // namespace rescind
