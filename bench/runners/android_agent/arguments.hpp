// The command line, and the reasons why one is refused.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace agent {

constexpr int kBadArguments = 2;
constexpr int kBadModel = 3;
constexpr int kBadInput = 4;

// Ends the program: an `error` line with the reason, and the status.
struct Failure : std::runtime_error {
  Failure(int exit_status, const std::string& reason)
      : std::runtime_error(reason), status(exit_status) {}
  int status;
};

struct Arguments {
  std::string model;
  std::string input;
  std::vector<int64_t> shape;
  int threads;
  int power_mode;  // as the light API numbers them
  int64_t warmup;
  double warmup_s;
  double warmup_cap_s;
  int64_t steady_window;
  double steady_tolerance;  // 0: none is looked for
  int64_t repeats;
  int64_t min_repeats;
  double budget_s;
};

inline Failure bad(const std::string& name, const std::string& value, const std::string& wanted) {
  return Failure(kBadArguments, name + " is '" + value + "', not " + wanted);
}

// The whole of `text` as a number from `least` to `most`; strtoll makes an end of one beyond int64.
inline int64_t whole_number(const std::string& name, const std::string& text, int64_t least,
                            int64_t most) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < least || value > most) {
    throw bad(name, text,
              "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

class Flags {
 public:
  Flags(int argc, char** argv) {
    for (int i = 1; i < argc; i += 2) {
      if (!known(argv[i])) throw Failure(kBadArguments, "there is no flag '" + name(argv[i]) + "'");
      if (i + 1 == argc) throw Failure(kBadArguments, name(argv[i]) + " has no value");
      values_[argv[i]] = argv[i + 1];
    }
  }

  std::string text(const std::string& flag) const {
    const auto found = values_.find(flag);
    if (found == values_.end()) throw Failure(kBadArguments, flag + " is missing");
    return found->second;
  }

  int64_t integer(const std::string& flag, int64_t otherwise, int64_t least,
                  int64_t most = 100000000) const {
    const auto found = values_.find(flag);
    return found == values_.end() ? otherwise
                                  : whole_number(flag, found->second, least, most);
  }

  double real(const std::string& flag, double otherwise) const {
    const auto found = values_.find(flag);
    if (found == values_.end()) return otherwise;
    char* end = nullptr;
    const double value = std::strtod(found->second.c_str(), &end);
    if (found->second.empty() || *end != '\0' || !std::isfinite(value) || value < 0) {
      throw bad(flag, found->second, "a number from 0 on");
    }
    return value;
  }

  int power_mode() const {
    static const char* const names[] = {"high", "low", "full", "no_bind", "rand_high", "rand_low"};
    const auto found = values_.find("--power-mode");
    const std::string mode = found == values_.end() ? "no_bind" : found->second;
    for (int number = 0; number < 6; ++number) {
      if (mode == names[number]) return number;
    }
    throw bad("--power-mode", mode, "high, low, full, no_bind, rand_high or rand_low");
  }

 private:
  static std::string name(const char* flag) { return flag; }

  static bool known(const std::string& flag) {
    static const char* const flags[] = {
        "--model", "--shape", "--input", "--threads", "--power-mode", "--warmup",
        "--warmup-seconds", "--warmup-cap-seconds", "--steady-window", "--steady-tolerance",
        "--repeats", "--min-repeats", "--seconds"};
    for (const char* const one : flags) {
      if (flag == one) return true;
    }
    return false;
  }

  std::map<std::string, std::string> values_;
};

// "1,3,224,224" as dimensions of at most 2^28 elements, which is 1 GiB of float32.
inline std::vector<int64_t> parse_shape(const std::string& text) {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  std::vector<int64_t> shape;
  std::istringstream rest(text + ",");
  int64_t elements = 1;
  for (std::string dimension; std::getline(rest, dimension, ',');) {
    shape.push_back(whole_number("--shape", dimension, 1, kMostElements / elements));
    elements *= shape.back();
  }
  return shape;
}

inline Arguments parse_arguments(int argc, char** argv) {
  const Flags flags(argc, argv);
  Arguments arguments;
  arguments.model = flags.text("--model");
  arguments.shape = parse_shape(flags.text("--shape"));
  arguments.input = flags.text("--input");
  arguments.threads = static_cast<int>(flags.integer("--threads", 1, 1, 1024));
  arguments.power_mode = flags.power_mode();
  arguments.warmup = flags.integer("--warmup", 10, 0);
  arguments.warmup_s = flags.real("--warmup-seconds", 0);
  arguments.warmup_cap_s = flags.real("--warmup-cap-seconds", 60);
  arguments.steady_window = flags.integer("--steady-window", 10, 2);
  arguments.steady_tolerance = flags.real("--steady-tolerance", 0);
  arguments.repeats = flags.integer("--repeats", 100, 1);
  arguments.min_repeats = flags.integer("--min-repeats", 1, 1);
  arguments.budget_s = flags.real("--seconds", 60);
  if (arguments.min_repeats > arguments.repeats) {
    throw Failure(kBadArguments, "--min-repeats is more than --repeats");
  }
  return arguments;
}

}  // namespace agent
