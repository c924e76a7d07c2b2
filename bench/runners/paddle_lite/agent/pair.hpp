// A session of two models that are open at once and work by turns, as bench/experiments/ab/interleave.py has it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "arguments.hpp"
#include "engine.hpp"
#include "json.hpp"
#include "start.hpp"
#include "tasks.hpp"

namespace agent {

// As Rule.calls there: the fastest inference of the warm-up tells.
inline int64_t calls_of_a_burst(const Samples& warm, const Arguments& rule) {
  const int64_t each_ns = std::max<int64_t>(*std::min_element(warm.begin(), warm.end()), 1);
  const double wanted = std::ceil(rule.burst_s * 1e9 / static_cast<double>(each_ns));
  if (wanted >= static_cast<double>(rule.most_calls)) return rule.most_calls;
  return std::max(static_cast<int64_t>(wanted), rule.least_calls);
}

// While one arm warms up the other one rests: so it shows which threads are whose.
inline Samples warm_up_alone(Engine* engine, const Arguments& rule) {
  print_tasks(engine->event_of("tasks"), "before");
  const Samples taken = warm_up(engine, rule);
  print_tasks(engine->event_of("tasks"), "after");
  return taken;
}

// Nothing is printed within a burst.
inline void burst(Engine* engine, int64_t calls) {
  Samples taken;
  taken.reserve(static_cast<size_t>(calls));
  for (int64_t i = 0; i < calls; ++i) taken.push_back(engine->run());
  const auto write_ns = [](int64_t ns) { return number(ns); };
  print(engine->event_of("burst").json("ns", array(taken, write_ns)));
}

inline void measure_pair(const Arguments& arguments) {
  const std::vector<float> input = read_input(arguments.input, arguments.shape);
  arm_at_work() = "a";
  Engine a(arguments.arm, arguments.shape, input);
  arm_at_work() = "b";
  Engine b(arguments.against, arguments.shape, input);
  const auto turn_of = [&a, &b](char arm) {
    arm_at_work() = arm;
    Engine* const engine = arm == 'a' ? &a : &b;
    engine->begin_turn();
    return engine;
  };
  print_start(a.version());
  print(a.loaded());
  print(b.loaded());
  for (const char arm : {'a', 'b'}) print_first(turn_of(arm));
  const Samples warm_a = warm_up_alone(turn_of('a'), arguments);
  const Samples warm_b = warm_up_alone(turn_of('b'), arguments);
  const int64_t calls_a = calls_of_a_burst(warm_a, arguments);
  const int64_t calls_b = calls_of_a_burst(warm_b, arguments);
  for (const char arm : arguments.order) burst(turn_of(arm), arm == 'a' ? calls_a : calls_b);
  print(event("end")
            .integer("warmup", static_cast<int64_t>(warm_a.size() + warm_b.size()))
            .integer("bursts", static_cast<int64_t>(arguments.order.size()))
            .integer("peak_rss_kib", peak_rss_kib()));
}

}  // namespace agent
