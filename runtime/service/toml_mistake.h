// What is wrong with a file that is no TOML, in our words: those of the library that reads it are
// made for programmers, and change with its version.
#pragma once

#include <string>
#include <string_view>

namespace rescind {

struct TomlMistake {
  std::string message;
  std::string help;
};

// `description`: what toml++ says, "Error while parsing table header: expected ']', saw '\\n'".
// What it says of no known kind is called by the place alone.
TomlMistake ReadTomlMistake(std::string_view description);

}  // namespace rescind
