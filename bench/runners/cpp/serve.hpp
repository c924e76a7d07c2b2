// A program that holds one net in an engine, times its own inferences and obeys line by line.
//
//     PROGRAM MODEL THREADS PRECISION SETTINGS REPLIES_FD
//
// SETTINGS is "name=value,name=value", or empty. bench/launcher/engine_process.py says how it begins
// and ends; bench/runners/cpp/__init__.py is its other side. Its commands and their answers:
//
//     {"infer": true}   {"outputs": n}         reads `inputs.bin`, writes `outputs.bin`
//     {"sample": n}     {"ns": [...]}          n inferences on those inputs
//     {"usage": true}   {"involuntary_switches": n, "cpu_s": s, "peak_rss_mib": m}
//
// Both files lie in its folder and hold tensors, one behind the other: a line "DTYPE RANK EXTENT...
// NAME", then the elements, row-major, in this machine's byte order. A sample is from the first
// input's copy in to the last output's copy out.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cfloat>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../paddle_lite/agent/json.hpp"
#include "../paddle_lite/agent/process.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace bench {

#if defined(__clang__)
constexpr const char* kCompiler = __VERSION__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kAnyType = "";

// This machine or this engine can't do what the cell asks: the cell is skipped with the reason.
struct Unavailable : std::runtime_error {
  Unavailable(const std::string& reason, const std::string& remedy)
      : std::runtime_error(reason), hint(remedy) {}
  std::string hint;
};

// What a session is opened with.
struct Cell {
  std::string model;
  int threads;
  std::string precision;
  std::map<std::string, std::string> settings;

  std::string setting(const std::string& name, const std::string& otherwise) const {
    const auto found = settings.find(name);
    return found == settings.end() ? otherwise : found->second;
  }
};

// Types by numpy's names.
inline size_t item_size(const std::string& dtype) {
  static const std::map<std::string, size_t> sizes = {
      {"float32", 4}, {"float16", 2}, {"float64", 8}, {"int64", 8}, {"int32", 4},
      {"int16", 2},   {"int8", 1},    {"uint8", 1},   {"bool", 1}};
  return sizes.at(dtype);
}

struct Tensor {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<char> data;

  size_t bytes() const {
    size_t product = item_size(dtype);
    for (const int64_t extent : shape) product *= static_cast<size_t>(extent);
    return product;
  }
};

// An engine with one net, open. `model`, `threads` and the rest of a Cell are its maker's.
class Net {
 public:
  virtual ~Net() = default;
  // The engine's version ("engine": "NAME VERSION"), effective threads, precision and settings.
  virtual Texts facts() const = 0;
  // The names and types of its inputs, in its order; kAnyType: it takes what it is given.
  virtual Texts inputs() const = 0;
  // Keep `tensors`, one for each input and in their order and types, for every `infer` to come.
  virtual void feed(std::vector<Tensor> tensors) = 0;
  // Copy the inputs in, run the net, copy the outputs out into buffers of this program's own.
  virtual void infer() = 0;
  // What `infer` has copied out last.
  virtual std::vector<Tensor> outputs() const = 0;
};

using Open = std::function<std::unique_ptr<Net>(const Cell&)>;

// Flush subnormal numbers to zero in this thread and those that it starts: as in
// bench/worker/subnormals.py.
inline void flush_subnormals() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t mode = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | (1u << 24)));
#endif
}

inline std::string subnormals() {
  volatile double smallest = DBL_MIN;
  return smallest / 2 > 0 ? "kept" : "flushed";
}

// Keep freed memory for the next inference, as a Python process does: the first large block that is
// freed there moves the C library's limits to these. Otherwise Paddle without oneDNN faults hundreds
// of pages in at each inference, and is slower than from Python.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

inline int64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

inline std::vector<Tensor> read_tensors(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Tensor> tensors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Tensor tensor;
    size_t rank = 0;
    words >> tensor.dtype >> rank;
    tensor.shape.resize(rank);
    for (int64_t& extent : tensor.shape) words >> extent;
    std::getline(words >> std::ws, tensor.name);
    tensor.data.resize(tensor.bytes());
    if (!words.eof() || !file.read(tensor.data.data(), static_cast<std::streamsize>(tensor.bytes())))
      throw std::runtime_error(path + " isn't whole");
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

inline void write_tensors(const std::string& path, const std::vector<Tensor>& tensors) {
  std::ofstream file(path, std::ios::binary);
  for (const Tensor& tensor : tensors) {
    file << tensor.dtype << ' ' << tensor.shape.size();
    for (const int64_t extent : tensor.shape) file << ' ' << extent;
    file << ' ' << tensor.name << '\n';
    file.write(tensor.data.data(), static_cast<std::streamsize>(tensor.data.size()));
  }
  if (!file.flush()) throw std::runtime_error(path + " can't be written");
}

class Server {
 public:
  Server(Open open, FILE* replies) : open_(std::move(open)), replies_(replies) {}

  // Open the net, say so, and answer commands until they end.
  void serve(const Cell& cell) {
    flush_subnormals();
    try {
      net_ = open_(cell);
      send(agent::Object().json("ready", ready()));
    } catch (const Unavailable& error) {
      send(agent::Object().text("unavailable", error.what()).text("hint", error.hint));
      return;
    }
    for (std::string line; std::getline(std::cin, line);) send(answer(line));
  }

 private:
  std::string ready() const {
    std::map<std::string, std::string> facts = {{"compiler", kCompiler},
                                                {"subnormals", subnormals()}};
    for (const auto& fact : net_->facts()) facts[fact.first] = fact.second;
    agent::Object told;
    for (const auto& fact : facts) told.text(fact.first, fact.second);
    const auto pair = [](const std::pair<std::string, std::string>& input) {
      return "[" + agent::quoted(input.first) + ", " + agent::quoted(input.second) + "]";
    };
    return agent::Object()
        .json("facts", told.str())
        .json("inputs", agent::array(net_->inputs(), pair))
        .str();
  }

  agent::Object answer(const std::string& line) {
    long long count = 0;
    if (std::sscanf(line.c_str(), "{\"sample\": %lld}", &count) == 1) return sample(count);
    if (line == "{\"usage\": true}") return usage();
    if (line == "{\"infer\": true}") return infer();
    throw std::runtime_error("there is no command " + line);
  }

  agent::Object infer() {
    net_->feed(read_tensors("inputs.bin"));
    net_->infer();
    const std::vector<Tensor> outputs = net_->outputs();
    write_tensors("outputs.bin", outputs);
    return agent::Object().integer("outputs", static_cast<int64_t>(outputs.size()));
  }

  // Nothing is printed, read or allocated between two readings of the clock but what `infer` does.
  agent::Object sample(long long count) {
    std::vector<int64_t> samples(static_cast<size_t>(count));
    for (int64_t& ns : samples) {
      const int64_t started = now_ns();
      net_->infer();
      ns = now_ns() - started;
    }
    return agent::Object().json(
        "ns", agent::array(samples, [](int64_t ns) { return agent::number(ns); }));
  }

  static agent::Object usage() {
    rusage used = {};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    // The peak is that of this program: getrusage's may be its parent's.
    return agent::Object()
        .integer("involuntary_switches", used.ru_nivcsw)
        .json("cpu_s", std::to_string(seconds(used.ru_utime) + seconds(used.ru_stime)))
        .json("peak_rss_mib", std::to_string(static_cast<double>(agent::peak_rss_kib()) / 1024));
  }

  void send(const agent::Object& object) {
    std::fprintf(replies_, "%s\n", object.str().c_str());
    if (std::fflush(replies_) != 0) std::_Exit(agent::kNobodyReads);
  }

  Open open_;
  FILE* replies_;
  std::unique_ptr<Net> net_;
};

inline std::map<std::string, std::string> parse_settings(const std::string& text) {
  std::map<std::string, std::string> settings;
  std::istringstream rest(text);
  for (std::string pair; std::getline(rest, pair, ',');) {
    const size_t middle = pair.find('=');
    settings[pair.substr(0, middle)] = pair.substr(middle + 1);
  }
  return settings;
}

// What each program's main returns: `open` makes the engine's Net of a Cell.
inline int serve(int argc, char** argv, const Open& open) {
  if (argc != 6) {
    std::cerr << "usage: PROGRAM MODEL THREADS PRECISION SETTINGS REPLIES_FD\n";
    return 2;
  }
  FILE* const replies = fdopen(std::atoi(argv[5]), "w");
  if (replies == nullptr) return 2;
  keep_freed_memory();
  try {
    Server(open, replies).serve({argv[1], std::atoi(argv[2]), argv[3], parse_settings(argv[4])});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace bench
