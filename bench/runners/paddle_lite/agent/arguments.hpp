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

// As the light API numbers them.
constexpr const char* kPowerModes[] = {"high", "low", "full", "no_bind", "rand_high", "rand_low"};
constexpr int kUnbound = 3;
constexpr int kMostThreads = 1024;

// Ends the program: an `error` line with the reason, and the status.
struct Failure : std::runtime_error {
  Failure(int exit_status, const std::string& reason)
      : std::runtime_error(reason), status(exit_status) {}
  int status;
};

struct Arm {
  std::string name;  // "a" or "b", empty where there is one model only
  std::string model;
  int threads;
  int power_mode;  // an index of kPowerModes
};

struct Arguments {
  Arm arm;
  Arm against;        // with an `order` alone
  std::string order;  // of the bursts of both: "abba"
  std::string input;
  std::vector<int64_t> shape;
  double burst_s;
  int64_t least_calls;
  int64_t most_calls;
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

  bool has(const std::string& flag) const { return values_.count(flag) > 0; }

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

  int power_mode(const std::string& flag, int otherwise) const {
    const auto found = values_.find(flag);
    if (found == values_.end()) return otherwise;
    for (int number = 0; number < 6; ++number) {
      if (found->second == kPowerModes[number]) return number;
    }
    throw bad(flag, found->second, "high, low, full, no_bind, rand_high or rand_low");
  }

 private:
  static std::string name(const char* flag) { return flag; }

  static bool known(const std::string& flag) {
    static const char* const flags[] = {
        "--model", "--shape", "--input", "--threads", "--power-mode", "--warmup",
        "--warmup-seconds", "--warmup-cap-seconds", "--steady-window", "--steady-tolerance",
        "--repeats", "--min-repeats", "--seconds", "--against", "--against-threads",
        "--against-power-mode", "--order", "--burst-seconds", "--least-calls", "--most-calls"};
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

// "abba": pairs of one burst of each arm, in any order within a pair.
inline std::string parse_order(const std::string& text) {
  constexpr size_t kMostBursts = 20000;
  bool paired = !text.empty() && text.size() % 2 == 0 && text.size() <= kMostBursts;
  for (size_t i = 0; paired && i < text.size(); i += 2) {
    const std::string pair = text.substr(i, 2);
    paired = pair == "ab" || pair == "ba";
  }
  if (!paired) throw bad("--order", text, "pairs of a and b, 10000 at most");
  return text;
}

// What two models take, over what one takes.
inline void parse_pair(const Flags& flags, Arguments* arguments) {
  arguments->against.model = flags.text("--against");
  arguments->order = parse_order(flags.text("--order"));
  arguments->arm.name = "a";
  arguments->against.name = "b";
  arguments->against.threads =
      static_cast<int>(flags.integer("--against-threads", arguments->arm.threads, 1, kMostThreads));
  arguments->against.power_mode =
      flags.power_mode("--against-power-mode", arguments->arm.power_mode);
  arguments->burst_s = flags.real("--burst-seconds", 0.05);
  arguments->least_calls = flags.integer("--least-calls", 4, 1, 1000000);
  arguments->most_calls = flags.integer("--most-calls", 200, 1, 1000000);
  if (arguments->least_calls > arguments->most_calls) {
    throw Failure(kBadArguments, "--least-calls is more than --most-calls");
  }
  if (arguments->warmup < 1) throw bad("--warmup", "0", "1 or more, as two models take it");
}

inline Arguments parse_arguments(int argc, char** argv) {
  const Flags flags(argc, argv);
  Arguments arguments;
  arguments.arm.model = flags.text("--model");
  arguments.shape = parse_shape(flags.text("--shape"));
  arguments.input = flags.text("--input");
  arguments.arm.threads = static_cast<int>(flags.integer("--threads", 1, 1, kMostThreads));
  arguments.arm.power_mode = flags.power_mode("--power-mode", kUnbound);
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
  if (flags.has("--against") || flags.has("--order")) parse_pair(flags, &arguments);
  return arguments;
}

}  // namespace agent
