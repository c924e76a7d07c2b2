// A stand-in for tests: no Paddle Lite, no net and no figure worth anything.
//
// A run keeps the effective threads busy for a few ms of CPU time, the first runs for longer, or for
// the ms that MODEL.ms lists in turn, then 2. Then it gives the logits that lie in MODEL.logits
// (float32); both files are placed there by a test. Without logits it gives 1000 values made of the
// input's sum.
//
// It fails as the library does (lite/utils/log/logging.h, built without exceptions): it returns no
// null and throws nothing, but writes one line to stderr and aborts. It binds as the library does
// (lite/core/device_info.cc): setters act at once and clamp, each run binds its threads anew, and
// LITE_POWER_NO_BIND leaves what an earlier run bound. STANDIN_BIG says how many cores are big, the
// last ones; half of them otherwise. The model's first bytes, or those of MODEL.fault, may ask for a fault:
//
//   ABORT     the load aborts with its line      SILENT    without a word, as with logging left out
//   CRASH     the load is a SIGSEGV              HANG      the load never ends
//   RUNABORT  the third run aborts with its line RUNHANG   the third run never ends
//   EMPTY     the output has no element          NAN       the logits are NaN and the infinities
#include "paddle_api.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <mutex>
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

// One line on stderr in the library's form.
void log(char level, const std::string& where, const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm at;
  localtime_r(&now, &at);
  std::fprintf(stderr, "[%c %2d/%2d %2d:%2d:%2d.%3d %s] %s \n", level, 1 + at.tm_mon, at.tm_mday,
               at.tm_hour, at.tm_min, at.tm_sec, 0, where.c_str(), text.c_str());
}

[[noreturn]] void fail(const std::string& where, const std::string& text) {
  log('F', where, text);
  std::abort();
}

// Threads that stay, as OpenMP's do: one team for all models, and the caller is one of it.
class Team {
 public:
  // Have `threads` of them do `work` at the same time; returns when all are done.
  void run(size_t threads, const std::function<void()>& work) {
    while (others_ + 1 < threads) {
      std::thread([this](size_t index) { serve(index); }, others_++).detach();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    work_ = work;
    wanted_ = threads - 1;
    done_ = 0;
    ++round_;
    changed_.notify_all();
    lock.unlock();
    work();
    lock.lock();
    changed_.wait(lock, [this] { return done_ == wanted_; });
  }

 private:
  void serve(size_t index) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (int64_t served = 0;;) {
      changed_.wait(lock, [this, &served] { return round_ != served; });
      served = round_;
      if (index >= wanted_) continue;
      lock.unlock();
      work_();
      lock.lock();
      ++done_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  size_t wanted_ = 0;
  size_t done_ = 0;
  int64_t round_ = 0;
  size_t others_ = 0;
};

// Cores, power mode and threads: of the process, not of a model.
class DeviceInfo {
 public:
  static DeviceInfo& global() {
    static DeviceInfo* const info = new DeviceInfo;  // its threads outlive main
    return *info;
  }

  PowerMode mode() const { return mode_; }
  int threads() const { return static_cast<int>(active_.size()); }

  void set_run_mode(PowerMode mode, int threads) {
    const size_t wanted = std::min(static_cast<size_t>(threads), big_.size() + little_.size());
    mode_ = mode;
    active_ = choose(wanted);
    if (active_.empty()) active_.push_back(0);
    if (mode_ == LITE_POWER_NO_BIND) return;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    for (const int core : active_) CPU_SET(static_cast<size_t>(core), &mask);
    // Where the kernel refuses, nothing is bound: the library logs that and goes on.
    team_.run(active_.size(), [&mask] { sched_setaffinity(0, sizeof mask, &mask); });
  }

  void burn_all(double ms) {
    team_.run(active_.size(), [ms] { burn(ms); });
  }

 private:
  DeviceInfo() {
    const int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_CONF));
    const char* const told = std::getenv("STANDIN_BIG");
    const int big = told == nullptr ? cores - cores / 2 : std::atoi(told);
    log('I', ".../lite/core/device_info.cc:1190 Setup",
        "ARM multiprocessors number: " + std::to_string(cores));
    for (int core = 0; core < cores; ++core) {
      (core < cores - big ? little_ : big_).push_back(core);
      log('I', ".../lite/core/device_info.cc:1192 Setup",
          "ARM multiprocessors ID: " + std::to_string(core) + ", max freq: 2841, min freq: 2841");
    }
    set_run_mode(LITE_POWER_NO_BIND, 1);
  }

  std::vector<int> choose(size_t threads) {
    if (mode_ == LITE_POWER_LOW || mode_ == LITE_POWER_RAND_LOW) {
      if (!little_.empty()) return first(little_, threads);
      mode_ = LITE_POWER_HIGH;
      return first(big_, threads);
    }
    if (mode_ == LITE_POWER_HIGH || mode_ == LITE_POWER_RAND_HIGH) {
      std::vector<int> from_the_top(big_.rbegin(), big_.rend());
      return first(from_the_top, threads);
    }
    std::vector<int> all(big_);
    all.insert(all.end(), little_.begin(), little_.end());
    return first(all, threads);
  }

  static std::vector<int> first(const std::vector<int>& cores, size_t threads) {
    if (threads > cores.size()) {
      log('W', ".../lite/core/device_info.cc:1060 RequestPowerHighMode",
          "Request thread num: " + std::to_string(threads) + ", truncate thread num to " +
              std::to_string(cores.size()));
    }
    return {cores.begin(), cores.begin() + static_cast<long>(std::min(threads, cores.size()))};
  }

  std::vector<int> big_;
  std::vector<int> little_;
  std::vector<int> active_;
  PowerMode mode_ = LITE_POWER_NO_BIND;
  Team team_;
};

class StandIn : public PaddlePredictor {
 public:
  StandIn(const MobileConfig& config, const std::string& asked)
      : asked_(asked), mode_(config.power_mode()), threads_(config.threads()) {
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
    DeviceInfo::global().set_run_mode(mode_, threads_);
    if (runs_ == 3) fall();
    DeviceInfo::global().burn_all(next_ms());
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
    if (asked("RUNABORT")) {
      fail("...s/lite/core/op_lite.cc:81 CheckShape", "Check failed: filter_dims == 4: 3!==4 ");
    }
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
  PowerMode mode_;
  int threads_;
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

ConfigBase::ConfigBase(PowerMode mode, int threads) {
  DeviceInfo::global().set_run_mode(mode, threads);
  mode_ = DeviceInfo::global().mode();
  threads_ = DeviceInfo::global().threads();
}
void ConfigBase::set_threads(int threads) {
  DeviceInfo::global().set_run_mode(mode_, threads);
  mode_ = DeviceInfo::global().mode();
  threads_ = DeviceInfo::global().threads();
}
void ConfigBase::set_power_mode(PowerMode mode) {
  DeviceInfo::global().set_run_mode(mode, threads_);
  mode_ = DeviceInfo::global().mode();
  threads_ = DeviceInfo::global().threads();
}
void MobileConfig::set_model_from_file(const std::string& x) { lite_model_file_ = x; }

template <>
std::shared_ptr<PaddlePredictor> CreatePaddlePredictor(const MobileConfig& config) {
  std::vector<char> bytes = read_bytes(config.lite_model_file() + ".fault");
  if (bytes.empty()) bytes = read_bytes(config.lite_model_file());
  const std::string asked(bytes.begin(), bytes.begin() + (bytes.size() < 8 ? bytes.size() : 8));
  if (asked.empty() || asked.compare(0, 5, "ABORT") == 0) {
    fail("...te/model_parser/model_parser.cc:712 LoadModelNaiveFromFile",
         "The model format cannot be recognized. Please make sure you use the correct interface and "
         "model file.");
  }
  if (asked.compare(0, 6, "SILENT") == 0) std::abort();
  if (asked.compare(0, 5, "CRASH") == 0) std::raise(SIGSEGV);
  if (asked.compare(0, 4, "HANG") == 0) hang();
  return std::make_shared<StandIn>(config, asked);
}

}  // namespace lite_api
}  // namespace paddle
