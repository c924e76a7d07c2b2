// One model opened with the light API, how it warms up, and what is printed of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "json.hpp"
#include "paddle_api.h"
#include "tasks.hpp"

namespace agent {

namespace lite = paddle::lite_api;

using Samples = std::vector<int64_t>;

// Monotonic, in ns: steady_clock is CLOCK_MONOTONIC on Linux.
inline int64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

inline bool spent(int64_t started_ns, double seconds) {
  return static_cast<double>(now_ns() - started_ns) >= seconds * 1e9;
}

inline int64_t elements(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t dimension : shape) product *= dimension;
  return product;
}

inline std::vector<float> read_input(const std::string& path, const std::vector<int64_t>& shape) {
  const int64_t wanted = elements(shape) * static_cast<int64_t>(sizeof(float));
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const int64_t size = file ? static_cast<int64_t>(file.tellg()) : -1;
  file.seekg(0);
  if (size < 0 || (size > 0 && file.peek() == std::ifstream::traits_type::eof())) {
    throw Failure(kBadInput, "input '" + path + "' can't be read");
  }
  if (size != wanted) {
    throw Failure(kBadInput, "input '" + path + "' has " + std::to_string(size) +
                                 " bytes, the shape takes " + std::to_string(wanted));
  }
  std::vector<float> values(static_cast<size_t>(elements(shape)));
  file.read(reinterpret_cast<char*>(values.data()), wanted);
  if (!file) throw Failure(kBadInput, "input '" + path + "' can't be read");
  return values;
}

// The library ends the process on a file that it can't open: so this looks first.
inline void check_model(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(kBadModel, "model '" + path + "' can't be read");
  if (file.peek() == std::ifstream::traits_type::eof()) {
    throw Failure(kBadModel, "model '" + path + "' is empty or no file");
  }
}

// The configuration for `arm`, which stays for good.
//
// The library fills it in and the header reads it: of two releases, each has its own layout. So it
// gets room to spare, and a setting that can't be read back ends the program with the reason.
inline const lite::MobileConfig& configured(const Arm& arm) {
  constexpr size_t kSpare = 4096;
  char* const room = new char[sizeof(lite::MobileConfig) + kSpare]();
  lite::MobileConfig* const config = new (room) lite::MobileConfig;
  config->set_model_from_file(arm.model);
  if (config->lite_model_file() != arm.model) {
    throw Failure(kBadModel, "the library isn't of the release whose header this was built with");
  }
  config->set_threads(arm.threads);
  config->set_power_mode(static_cast<lite::PowerMode>(arm.power_mode));
  return *config;
}

class Engine {
 public:
  // `input` has to outlive this.
  Engine(const Arm& arm, const std::vector<int64_t>& shape, const std::vector<float>& input)
      : name_(arm.name), input_(input) {
    check_model(arm.model);
    const int64_t started = now_ns();
    const lite::MobileConfig& config = configured(arm);
    predictor_ = lite::CreatePaddlePredictor<lite::MobileConfig>(config);
    threads_ = config.threads();
    power_mode_ = config.power_mode();
    input_tensor_ = predictor_->GetInput(0);
    input_tensor_->Resize(shape);
    load_ns_ = now_ns() - started;
  }

  // Before a turn of this model: where it isn't bound, another one's binding is undone.
  void begin_turn() const {
    if (power_mode_ == kUnbound) restore_affinity();
  }

  std::string version() const { return predictor_->GetVersion(); }
  const std::vector<float>& output() const { return output_; }
  const std::vector<int64_t>& output_shape() const { return output_shape_; }

  // An event of this engine: it names its arm where there are two.
  Object event_of(const std::string& event_name) const {
    Object line = event(event_name);
    if (!name_.empty()) line.text("arm", name_);
    return line;
  }

  // How its load went, and with which threads and power mode it runs.
  Object loaded() const {
    return event_of("loaded")
        .integer("load_ns", load_ns_)
        .integer("threads", threads_)
        .text("power_mode", kPowerModes[power_mode_]);
  }

  // The library's own part of the last inference, in ns.
  int64_t run_ns() const { return run_ns_; }

  // One inference, its input copied in and its output copied out; returns its duration in ns.
  int64_t run() {
    const int64_t started = now_ns();
    float* const to = input_tensor_->mutable_data<float>();
    std::memcpy(to, input_.data(), input_.size() * sizeof(float));
    const int64_t ran = now_ns();
    predictor_->Run();
    run_ns_ = now_ns() - ran;
    read_output();
    return now_ns() - started;
  }

 private:
  void read_output() {
    const std::unique_ptr<const lite::Tensor> tensor = predictor_->GetOutput(0);
    output_shape_ = tensor->shape();
    const int64_t count = output_shape_.empty() ? 0 : elements(output_shape_);
    const float* const from = count > 0 ? tensor->data<float>() : nullptr;
    if (from == nullptr) throw Failure(kBadModel, "the output is empty");
    output_.assign(from, from + count);
  }

  const std::string name_;
  const std::vector<float>& input_;
  int64_t load_ns_ = 0;
  int64_t run_ns_ = 0;
  int threads_ = 0;     // effective, as the library says: it clamps what it was given
  int power_mode_ = 0;  // likewise
  std::vector<float> output_;
  std::vector<int64_t> output_shape_;
  std::shared_ptr<lite::PaddlePredictor> predictor_;
  std::unique_ptr<lite::Tensor> input_tensor_;
};

// Its first inference and what came out of it.
inline void print_first(Engine* engine) {
  const int64_t first_ns = engine->run();
  print(engine->event_of("first").integer("first_inference_ns", first_ns));
  const auto write_size = [](int64_t dimension) { return number(dimension); };
  const auto write_value = [](float value) { return number(value); };
  print(engine->event_of("output")
            .json("shape", array(engine->output_shape(), write_size))
            .json("data", array(engine->output(), write_value)));
}

// Run `count` times, print each sample and append it to `taken`.
inline void sample(Engine* engine, const std::string& phase, int64_t count, Samples* taken) {
  for (int64_t i = 0; i < count; ++i) {
    taken->push_back(engine->run());
    print(engine->event_of("sample")
              .text("phase", phase)
              .integer("ns", taken->back())
              .integer("run_ns", engine->run_ns()));
  }
}

inline double median(Samples samples) {
  std::sort(samples.begin(), samples.end());
  const size_t half = samples.size() / 2;
  const double upper = static_cast<double>(samples[half]);
  if (samples.size() % 2 == 1) return upper;
  return (static_cast<double>(samples[half - 1]) + upper) / 2;
}

inline bool is_steady(const Samples& window, double tolerance) {
  const auto middle = window.begin() + static_cast<Samples::difference_type>(window.size() / 2);
  const double first = median(Samples(window.begin(), middle));
  const double second = median(Samples(middle, window.end()));
  return std::fabs(second - first) <= tolerance * first;
}

// The rule of bench/worker/sampling.py, in its order; `taken` gets every sample.
inline bool reaches_steady(Engine* engine, const Arguments& rule, Samples* taken) {
  const int64_t started = now_ns();
  while (static_cast<int64_t>(taken->size()) < rule.warmup || !spent(started, rule.warmup_s)) {
    if (!taken->empty() && spent(started, rule.warmup_cap_s)) return false;
    sample(engine, "warmup", 1, taken);
  }
  if (rule.steady_tolerance <= 0) return false;
  while (!spent(started, rule.warmup_cap_s)) {
    sample(engine, "warmup", rule.steady_window, taken);
    const Samples window(taken->end() - rule.steady_window, taken->end());
    if (is_steady(window, rule.steady_tolerance)) return true;
  }
  return false;
}

// Warm it up and say whether it became steady; returns its samples.
inline Samples warm_up(Engine* engine, const Arguments& rule) {
  Samples taken;
  const bool steady = reaches_steady(engine, rule, &taken);
  print(engine->event_of("steady").json("steady", steady ? "true" : "false"));
  return taken;
}

}  // namespace agent
