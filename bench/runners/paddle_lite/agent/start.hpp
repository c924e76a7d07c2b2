// What the program says of itself, and which of two arms is at work when something fails.
#pragma once

#include <unistd.h>

#include <string>

#include "json.hpp"

namespace agent {

constexpr const char* kVersion = "3";
#if defined(__aarch64__)
constexpr const char* kAbi = "arm64-v8a";
#elif defined(__arm__)
constexpr const char* kAbi = "armeabi-v7a";
#else
constexpr const char* kAbi = "unknown";
#endif

inline void print_start(const std::string& library) {
  print(event("start")
            .text("agent", kVersion)
            .text("library", library)
            .text("abi", kAbi)
            .integer("pid", getpid()));
}

// The arm's name, empty where none is at work.
inline std::string& arm_at_work() {
  static std::string name;
  return name;
}

}  // namespace agent
