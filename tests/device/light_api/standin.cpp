// A stand-in for tests: no Paddle Lite, no net and no figure worth anything.
//
// A run keeps the asked threads busy for a few ms of CPU time, the first runs for longer, or for the
// ms that MODEL.ms lists in turn, then 2. Then it gives the logits that lie in MODEL.logits (float32);
// both files are placed there by a test. Without logits it gives 1000 values made of the input's sum.
// The model's first bytes may ask for a fault:
//
//   THROW     the load throws           NULL      the load makes no predictor
//   CRASH     the load aborts           HANG      the load never ends
//   RUNTHROW  the third run throws      RUNCRASH  the third run aborts
//   RUNHANG   the third run never ends  EMPTY     the output has no element
//   NAN       the logits are NaN and the infinities
#include "paddle_api.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace paddle {
namespace lite_api {
namespace {

struct RawTensor {
  shape_t shape;
  std::vector<float> values;
};

std::vector<char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

[[noreturn]] void hang() {
  for (;;) pause();
}

// Keep this thread on a CPU for `ms` of its own CPU time, however busy the machine is.
void burn(double ms) {
  const auto used_ms = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  for (const double until = used_ms() + ms; used_ms() < until;) {
  }
}

// As on a phone whose upper half of cores is big: HIGH takes from the top, one mask for all threads.
// Where the kernel refuses, nothing is bound and nothing is said, as in the real library.
void bind(PowerMode mode, int threads) {
  if (mode == LITE_POWER_NO_BIND) return;
  const int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_CONF));
  const int big = cores / 2;
  const bool high = mode == LITE_POWER_HIGH || mode == LITE_POWER_RAND_HIGH;
  int first = 0;
  int last = mode == LITE_POWER_FULL ? cores : big;
  if (high) {
    last = cores;
    first = cores - threads > big ? cores - threads : big;
  }
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (int core = first; core < last; ++core) CPU_SET(static_cast<size_t>(core), &mask);
  sched_setaffinity(0, sizeof mask, &mask);
}

// Threads that stay, as OpenMP's do; the caller is one of them.
class Team {
 public:
  Team(PowerMode mode, int threads) {
    bind(mode, threads);  // those made from here on inherit the mask
    for (int i = 1; i < threads; ++i) others_.emplace_back([this] { work(); });
  }

  ~Team() {
    round(-1);
    for (std::thread& other : others_) other.join();
  }

  void run(double ms) {
    round(ms);
    burn(ms);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_ == others_.size(); });
  }

 private:
  void round(double ms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ms_ = ms;
    done_ = 0;
    ++round_;
    changed_.notify_all();
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (int64_t seen = 0;;) {
      changed_.wait(lock, [this, &seen] { return round_ != seen; });
      seen = round_;
      if (ms_ < 0) return;
      const double ms = ms_;
      lock.unlock();
      burn(ms);
      lock.lock();
      ++done_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  double ms_ = 0;
  size_t done_ = 0;
  int64_t round_ = 0;
  std::vector<std::thread> others_;
};

class StandIn : public PaddlePredictor {
 public:
  StandIn(const MobileConfig& config, const std::string& asked)
      : asked_(asked), team_(config.power_mode(), config.threads()) {
    const std::vector<char> bytes = read_bytes(config.lite_model_file() + ".logits");
    const float* const from = reinterpret_cast<const float*>(bytes.data());
    logits_.assign(from, from + bytes.size() / sizeof(float));
    std::ifstream listed(config.lite_model_file() + ".ms");
    listed_ms_.assign(std::istream_iterator<double>(listed), std::istream_iterator<double>());
  }

  std::unique_ptr<Tensor> GetInput(int) override {
    return std::unique_ptr<Tensor>(new Tensor(static_cast<void*>(&input_)));
  }

  std::unique_ptr<const Tensor> GetOutput(int) const override {
    return std::unique_ptr<const Tensor>(new Tensor(static_cast<const void*>(&output_)));
  }

  std::string GetVersion() const override { return "stand-in"; }

  void Run() override {
    ++runs_;
    if (runs_ == 3) fall();
    team_.run(next_ms());
    output_.values = logits();
    const int64_t batch = input_.shape.empty() ? 1 : input_.shape[0];
    const int64_t count = static_cast<int64_t>(output_.values.size());
    output_.shape = {batch, count / batch};
  }

 private:
  static constexpr double kMs = 2;

  double next_ms() {
    if (listed_ms_.empty()) return kMs + (slower_ms_ *= 0.8);
    const size_t run = static_cast<size_t>(runs_) - 1;
    return run < listed_ms_.size() ? listed_ms_[run] : kMs;
  }

  bool asked(const std::string& fault) const { return asked_.compare(0, fault.size(), fault) == 0; }

  void fall() const {
    if (asked("RUNTHROW")) throw std::runtime_error("the stand-in was asked to throw in a run");
    if (asked("RUNCRASH")) std::abort();
    if (asked("RUNHANG")) hang();
  }

  std::vector<float> logits() const {
    if (asked("EMPTY")) return {};
    if (asked("NAN")) {
      const float infinity = std::numeric_limits<float>::infinity();
      return {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 1};
    }
    if (!logits_.empty()) return logits_;
    float sum = 0;
    for (const float value : input_.values) sum += value;
    std::vector<float> made(1000);
    for (size_t i = 0; i < made.size(); ++i) made[i] = sum / static_cast<float>(i + 1);
    return made;
  }

  std::string asked_;
  Team team_;
  std::vector<float> logits_;
  std::vector<double> listed_ms_;
  RawTensor input_;
  RawTensor output_;
  int64_t runs_ = 0;
  double slower_ms_ = 8;
};

}  // namespace

Tensor::Tensor(void* raw) : raw_tensor_(raw) {}
Tensor::Tensor(const void* raw) : raw_tensor_(const_cast<void*>(raw)) {}

void Tensor::Resize(const shape_t& shape) {
  RawTensor* const raw = static_cast<RawTensor*>(raw_tensor_);
  size_t count = 1;
  for (const int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  raw->shape = shape;
  raw->values.resize(count);
}

template <>
const float* Tensor::data<float>() const {
  return static_cast<const RawTensor*>(raw_tensor_)->values.data();
}

template <>
float* Tensor::mutable_data<float>(TargetType) const {
  return static_cast<RawTensor*>(raw_tensor_)->values.data();
}

shape_t Tensor::shape() const { return static_cast<const RawTensor*>(raw_tensor_)->shape; }

ConfigBase::ConfigBase(PowerMode mode, int threads) : threads_(threads), mode_(mode) {}
void ConfigBase::set_threads(int threads) { threads_ = threads; }
void ConfigBase::set_power_mode(PowerMode mode) { mode_ = mode; }
void MobileConfig::set_model_from_file(const std::string& x) { lite_model_file_ = x; }

template <>
std::shared_ptr<PaddlePredictor> CreatePaddlePredictor(const MobileConfig& config) {
  const std::vector<char> bytes = read_bytes(config.lite_model_file());
  const std::string asked(bytes.begin(), bytes.begin() + (bytes.size() < 8 ? bytes.size() : 8));
  if (asked.empty()) throw std::runtime_error("the stand-in can't read its model");
  if (asked.compare(0, 5, "THROW") == 0) throw std::runtime_error("the stand-in was asked to throw");
  if (asked.compare(0, 4, "NULL") == 0) return nullptr;
  if (asked.compare(0, 5, "CRASH") == 0) std::abort();
  if (asked.compare(0, 4, "HANG") == 0) hang();
  return std::make_shared<StandIn>(config, asked);
}

}  // namespace lite_api
}  // namespace paddle
