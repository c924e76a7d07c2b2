// What is effective in this process, read from /proc and /sys as proc(5) describes them.
#pragma once

#include <dirent.h>
#include <sched.h>
#include <unistd.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "json.hpp"
#include "process.hpp"

namespace agent {

// The fields of a stat file from the third on: the name before them may hold spaces.
inline std::vector<std::string> stat_fields(const std::string& stat) {
  std::istringstream rest(stat.substr(stat.rfind(')') + 1));
  return {std::istream_iterator<std::string>(rest), std::istream_iterator<std::string>()};
}

// A thread's time on a CPU in ns. Kernels without scheduler statistics say 0: there, clock ticks.
inline int64_t on_cpu_ns(const std::string& schedstat, const std::vector<std::string>& stat) {
  const int64_t exact = std::atoll(schedstat.c_str());
  if (exact > 0) return exact;
  const int64_t ticks = std::atoll(stat[14 - 3].c_str()) + std::atoll(stat[15 - 3].c_str());
  return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

// One thread as JSON, empty where it has ended meanwhile.
inline std::string task(const std::string& tid) {
  const std::string folder = "/proc/self/task/" + tid;
  const std::string status = read_text(folder + "/status");
  const std::vector<std::string> stat = stat_fields(read_text(folder + "/stat"));
  if (status.empty() || stat.size() <= 39 - 3) return "";
  return Object()
      .integer("tid", std::atoll(tid.c_str()))
      .text("name", status_field(status, "Name"))
      .text("allowed", status_field(status, "Cpus_allowed_list"))
      .integer("core", std::atoll(stat[39 - 3].c_str()))
      .integer("on_cpu_ns", on_cpu_ns(read_text(folder + "/schedstat"), stat))
      .str();
}

// The ids of this process's threads.
inline std::vector<std::string> thread_ids() {
  std::vector<std::string> found;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) {
      found.push_back(entry->d_name);
    }
  }
  closedir(folder);
  return found;
}

inline std::vector<std::string> tasks() {
  std::vector<std::string> found;
  for (const std::string& tid : thread_ids()) {
    const std::string json = task(tid);
    if (!json.empty()) found.push_back(json);
  }
  return found;
}

inline cpu_set_t own_affinity() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) CPU_ZERO(&mask);
  return mask;
}

// The cores that this program might use when it began; main asks first.
inline const cpu_set_t& affinity_at_start() {
  static const cpu_set_t mask = own_affinity();
  return mask;
}

// Undo what the library bound, for every thread: it binds at each run, and never undoes it.
inline void restore_affinity() {
  for (const std::string& tid : thread_ids()) {
    sched_setaffinity(static_cast<pid_t>(std::atoll(tid.c_str())), sizeof(cpu_set_t),
                      &affinity_at_start());
  }
}

// The cores whose clock can be read, with it: an offline one and a virtual one tell none.
inline std::vector<std::string> cores() {
  std::vector<std::string> found;
  const int64_t count = sysconf(_SC_NPROCESSORS_CONF);
  for (int64_t core = 0; core < count; ++core) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(core);
    const int64_t khz = std::atoll(read_text(folder + "/cpufreq/scaling_cur_freq").c_str());
    if (khz > 0) found.push_back(Object().integer("core", core).integer("khz", khz).str());
  }
  return found;
}

inline void print_tasks(Object line, const std::string& when) {
  const auto as_is = [](const std::string& json) { return json; };
  print(line.text("when", when)
            .json("cores", array(cores(), as_is))
            .json("tasks", array(tasks(), as_is)));
}

}  // namespace agent
