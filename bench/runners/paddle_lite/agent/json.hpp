// JSON objects, one a line on stdout, marked and flushed; see LINES.md.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace agent {

constexpr int kNobodyReads = 5;

// Stands before each line of this program: the library, the linker and the shell may write to the
// same stream.
constexpr const char* kMark = "@bench_agent ";

// A JSON string in ASCII: a byte above 0x7e is written by its number, whatever its encoding.
inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const unsigned char byte : text) {
    if (byte < 0x20 || byte > 0x7e) {
      char escape[16];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      out += escape;
      continue;
    }
    if (byte == '"' || byte == '\\') out += '\\';
    out += static_cast<char>(byte);
  }
  return out + "\"";
}

// Nine significant digits tell any two floats apart; JSON has no NaN and no infinity.
inline std::string number(float value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

inline std::string number(int64_t value) { return std::to_string(value); }

// A JSON array of what `write` makes of each item.
template <typename Items, typename Write>
std::string array(const Items& items, Write write) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += ", ";
    out += write(item);
  }
  return "[" + out + "]";
}

class Object {
 public:
  Object& text(const std::string& name, const std::string& value) {
    return json(name, quoted(value));
  }

  Object& integer(const std::string& name, int64_t value) { return json(name, number(value)); }

  // `value` is JSON already.
  Object& json(const std::string& name, const std::string& value) {
    members_ += (members_.empty() ? "" : ", ") + quoted(name) + ": " + value;
    return *this;
  }

  std::string str() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

inline Object event(const std::string& name) { return Object().text("event", name); }

// A line that can't be written means that nobody reads: the program ends.
inline void print(const Object& object) {
  const std::string line = kMark + object.str() + "\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  if (!written || std::fflush(stdout) != 0) std::_Exit(kNobodyReads);
}

}  // namespace agent
