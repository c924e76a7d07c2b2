// A session of one model: load, first inference, warm-up, samples.
#pragma once

#include <cstdint>
#include <vector>

#include "arguments.hpp"
#include "engine.hpp"
#include "json.hpp"
#include "start.hpp"
#include "tasks.hpp"

namespace agent {

// As in bench/worker/sampling.py, the budget is looked at every ten samples.
inline Samples take_samples(Engine* engine, const Arguments& rule) {
  constexpr int64_t kChunk = 10;
  const int64_t started = now_ns();
  Samples taken;
  while (static_cast<int64_t>(taken.size()) < rule.repeats) {
    const int64_t goal = spent(started, rule.budget_s) ? rule.min_repeats : rule.repeats;
    const int64_t wanted = goal - static_cast<int64_t>(taken.size());
    if (wanted <= 0) break;
    sample(engine, "timed", wanted < kChunk ? wanted : kChunk, &taken);
  }
  return taken;
}

inline void measure_one(const Arguments& arguments) {
  const std::vector<float> input = read_input(arguments.input, arguments.shape);
  Engine engine(arguments.arm, arguments.shape, input);
  print_start(engine.version());
  print(engine.loaded());
  print_first(&engine);
  const Samples warm = warm_up(&engine, arguments);
  print_tasks(engine.event_of("tasks"), "before");
  const Samples timed = take_samples(&engine, arguments);
  print_tasks(engine.event_of("tasks"), "after");
  print(event("end")
            .integer("warmup", static_cast<int64_t>(warm.size()))
            .integer("timed", static_cast<int64_t>(timed.size()))
            .integer("peak_rss_kib", peak_rss_kib()));
}

}  // namespace agent
