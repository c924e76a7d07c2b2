// A stand-in for tests: no Paddle Lite. The few names of its light API that the device program uses,
// with the signatures that the real header gives them. standin.cpp says what it "computes".
#ifndef STANDIN_PADDLE_API_H_
#define STANDIN_PADDLE_API_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paddle {
namespace lite_api {

using shape_t = std::vector<int64_t>;

enum class TargetType : int { kUnk = 0, kHost = 1 };

typedef enum {
  LITE_POWER_HIGH = 0,
  LITE_POWER_LOW = 1,
  LITE_POWER_FULL = 2,
  LITE_POWER_NO_BIND = 3,
  LITE_POWER_RAND_HIGH = 4,
  LITE_POWER_RAND_LOW = 5
} PowerMode;

struct Tensor {
  explicit Tensor(void* raw);
  explicit Tensor(const void* raw);

  void Resize(const shape_t& shape);

  template <typename T>
  const T* data() const;

  template <typename T>
  T* mutable_data(TargetType type = TargetType::kHost) const;

  shape_t shape() const;

 private:
  void* raw_tensor_;
};

class PaddlePredictor {
 public:
  PaddlePredictor() = default;
  virtual std::unique_ptr<Tensor> GetInput(int i) = 0;
  virtual std::unique_ptr<const Tensor> GetOutput(int i) const = 0;
  virtual void Run() = 0;
  virtual std::string GetVersion() const = 0;
  virtual ~PaddlePredictor() = default;
};

class ConfigBase {
  int threads_{1};
  PowerMode mode_{LITE_POWER_NO_BIND};
#ifdef STANDIN_OTHER_RELEASE
  std::string more_[8];  // each release has other members here
#endif

 public:
  explicit ConfigBase(PowerMode mode = LITE_POWER_NO_BIND, int threads = 1);
  void set_threads(int threads);
  int threads() const { return threads_; }
  void set_power_mode(PowerMode mode);
  PowerMode power_mode() const { return mode_; }
};

class MobileConfig : public ConfigBase {
  std::string lite_model_file_;

 public:
  void set_model_from_file(const std::string& x);
  const std::string& lite_model_file() const { return lite_model_file_; }
};

template <typename ConfigT>
std::shared_ptr<PaddlePredictor> CreatePaddlePredictor(const ConfigT&);

}  // namespace lite_api
}  // namespace paddle

#endif  // STANDIN_PADDLE_API_H_
