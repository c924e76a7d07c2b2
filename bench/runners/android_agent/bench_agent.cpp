// Measures one session of one model with Paddle Lite's light API; LINES.md says what it prints.
//
// One process a session, as on the host: load, first inference, warm-up, samples. Nothing is
// printed or read between the two readings of the clock that make a sample.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
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
namespace {

namespace lite = paddle::lite_api;

constexpr const char* kVersion = "1";
#if defined(__aarch64__)
constexpr const char* kAbi = "arm64-v8a";
#elif defined(__arm__)
constexpr const char* kAbi = "armeabi-v7a";
#else
constexpr const char* kAbi = "unknown";
#endif

using Samples = std::vector<int64_t>;

// Monotonic, in ns: steady_clock is CLOCK_MONOTONIC on Linux.
int64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

int64_t elements(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (const int64_t dimension : shape) product *= dimension;
  return product;
}

std::vector<float> read_input(const std::string& path, const std::vector<int64_t>& shape) {
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
void check_model(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(kBadModel, "model '" + path + "' can't be read");
  if (file.peek() == std::ifstream::traits_type::eof()) {
    throw Failure(kBadModel, "model '" + path + "' is empty or no file");
  }
}

class Engine {
 public:
  Engine(const Arguments& arguments, std::vector<float> input) : input_(std::move(input)) {
    lite::MobileConfig config;
    config.set_model_from_file(arguments.model);
    config.set_threads(arguments.threads);
    config.set_power_mode(static_cast<lite::PowerMode>(arguments.power_mode));
    predictor_ = lite::CreatePaddlePredictor<lite::MobileConfig>(config);
    if (!predictor_) throw Failure(kBadModel, "the library made no predictor of the model");
    input_tensor_ = predictor_->GetInput(0);
    if (!input_tensor_) throw Failure(kBadModel, "the model has no input");
    input_tensor_->Resize(arguments.shape);
  }

  std::string version() const { return predictor_->GetVersion(); }
  const std::vector<float>& output() const { return output_; }
  const std::vector<int64_t>& output_shape() const { return output_shape_; }

  // One inference, its input copied in and its output copied out; returns its duration in ns.
  int64_t run() {
    const int64_t started = now_ns();
    float* const to = input_tensor_->mutable_data<float>();
    std::memcpy(to, input_.data(), input_.size() * sizeof(float));
    predictor_->Run();
    read_output();
    return now_ns() - started;
  }

 private:
  void read_output() {
    const std::unique_ptr<const lite::Tensor> tensor = predictor_->GetOutput(0);
    if (!tensor) throw Failure(kBadModel, "the model has no output");
    output_shape_ = tensor->shape();
    const int64_t count = output_shape_.empty() ? 0 : elements(output_shape_);
    const float* const from = count > 0 ? tensor->data<float>() : nullptr;
    if (from == nullptr) throw Failure(kBadModel, "the output is empty");
    output_.assign(from, from + count);
  }

  std::vector<float> input_;
  std::vector<float> output_;
  std::vector<int64_t> output_shape_;
  std::shared_ptr<lite::PaddlePredictor> predictor_;
  std::unique_ptr<lite::Tensor> input_tensor_;
};

// Run `count` times, print each sample and append it to `taken`.
void sample(Engine* engine, const std::string& phase, int64_t count, Samples* taken) {
  for (int64_t i = 0; i < count; ++i) {
    taken->push_back(engine->run());
    print(event("sample").text("phase", phase).integer("ns", taken->back()));
  }
}

bool spent(int64_t started_ns, double seconds) {
  return static_cast<double>(now_ns() - started_ns) >= seconds * 1e9;
}

double median(Samples samples) {
  std::sort(samples.begin(), samples.end());
  const size_t half = samples.size() / 2;
  const double upper = static_cast<double>(samples[half]);
  if (samples.size() % 2 == 1) return upper;
  return (static_cast<double>(samples[half - 1]) + upper) / 2;
}

bool is_steady(const Samples& window, double tolerance) {
  const auto middle = window.begin() + static_cast<Samples::difference_type>(window.size() / 2);
  const double first = median(Samples(window.begin(), middle));
  const double second = median(Samples(middle, window.end()));
  return std::fabs(second - first) <= tolerance * first;
}

// The rule of bench/measure.py, in its order; `taken` gets every sample.
bool warm_up(Engine* engine, const Arguments& rule, Samples* taken) {
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

// As there, the budget is looked at every ten samples.
Samples take_samples(Engine* engine, const Arguments& rule) {
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

void print_output(const Engine& engine) {
  const auto write_size = [](int64_t dimension) { return number(dimension); };
  const auto write_value = [](float value) { return number(value); };
  print(event("output")
            .json("shape", array(engine.output_shape(), write_size))
            .json("data", array(engine.output(), write_value)));
}

void measure(const Arguments& arguments) {
  std::vector<float> input = read_input(arguments.input, arguments.shape);
  check_model(arguments.model);
  const int64_t started = now_ns();
  Engine engine(arguments, std::move(input));
  const int64_t load_ns = now_ns() - started;
  print(event("start")
            .text("agent", kVersion)
            .text("library", engine.version())
            .text("abi", kAbi)
            .integer("pid", getpid()));
  print(event("loaded").integer("load_ns", load_ns));
  print(event("first").integer("first_inference_ns", engine.run()));
  print_output(engine);
  Samples warm;
  const bool steady = warm_up(&engine, arguments, &warm);
  print(event("steady").json("steady", steady ? "true" : "false"));
  print_tasks("before");
  const Samples timed = take_samples(&engine, arguments);
  print_tasks("after");
  print(event("end")
            .integer("warmup", static_cast<int64_t>(warm.size()))
            .integer("timed", static_cast<int64_t>(timed.size()))
            .integer("peak_rss_kib", peak_rss_kib()));
  // The figures are out: a fall in the library's teardown must not take them.
  std::_Exit(0);
}

void refuse(int status, const std::string& reason) {
  print(event("error").text("reason", reason));
  std::_Exit(status);
}

}  // namespace
}  // namespace agent

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // print() ends the program when nobody reads
  std::signal(SIGTERM, SIG_DFL);
  try {
    agent::measure(agent::parse_arguments(argc, argv));
  } catch (const agent::Failure& failure) {
    agent::refuse(failure.status, failure.what());
  } catch (const std::bad_alloc&) {
    agent::refuse(agent::kBadInput, "there is not enough memory");
  } catch (const std::exception& error) {
    agent::refuse(agent::kBadModel, std::string("the library threw: ") + error.what());
  } catch (...) {
    agent::refuse(agent::kBadModel, "the library threw something that isn't an exception");
  }
}
