// What /proc says of this process as a whole, as proc(5) describes it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace agent {

// The file's text, empty where there is none or it can't be read.
inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// What follows `key` on its line of a status file, without the space around it.
inline std::string status_field(const std::string& status, const std::string& key) {
  const size_t found = ("\n" + status).find("\n" + key + ":");
  if (found == std::string::npos) return "";
  const size_t start = status.find_first_not_of(" \t", found + key.size() + 1);
  if (start == std::string::npos) return "";
  return status.substr(start, status.find('\n', start) - start);
}

// The most memory that this process has held, 0 where the kernel doesn't tell.
inline int64_t peak_rss_kib() {
  return std::atoll(status_field(read_text("/proc/self/status"), "VmHWM").c_str());
}

}  // namespace agent
