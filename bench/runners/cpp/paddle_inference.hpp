// What paddle.cpp calls of Paddle Inference 3.3.1, declared here because its wheel has the library,
// libpaddle.so, and no header of it. An SDK's own header stands in its place: -DPADDLE_SDK.
//
// Nothing here is inline in that library, so no layout is relied on: a Config is storage that it
// constructs and destroys, predictors and tensors are pointers that it hands out.
#pragma once

#ifdef PADDLE_SDK
#include "paddle_inference_api.h"
#else

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace paddle {

class AnalysisConfig {
 public:
  AnalysisConfig(const std::string& program, const std::string& parameters);
  AnalysisConfig(const AnalysisConfig&) = delete;
  ~AnalysisConfig();

  void DisableGpu();
  void DisableGlogInfo();
  void SetCpuMathLibraryNumThreads(int threads);
  void SwitchIrOptim(int on);
  void EnableNewIR(bool on);
  void EnableNewExecutor(bool on);
  void EnableMemoryOptim(bool on);
  void EnableONEDNN();
  void DisableONEDNN();

  int cpu_math_library_num_threads() const;
  bool onednn_enabled() const;
  bool new_ir_enabled() const;

 private:
  alignas(std::max_align_t) unsigned char storage_[1 << 16];  // its own are some 3 KiB
};

}  // namespace paddle

namespace paddle_infer {

using Config = paddle::AnalysisConfig;

enum DataType { FLOAT32, INT64, INT32, UINT8, INT8, FLOAT16, BOOL, FLOAT64, BFLOAT16 };

class Tensor {
 public:
  void Reshape(const std::vector<int>& shape);
  std::vector<int> shape() const;
  DataType type() const;
  template <typename T>
  void CopyFromCpu(const T* data);
  template <typename T>
  void CopyToCpu(T* data) const;
};

class Predictor {
 public:
  std::vector<std::string> GetInputNames();
  std::vector<std::string> GetOutputNames();
  std::unique_ptr<Tensor> GetInputHandle(const std::string& name);
  std::unique_ptr<Tensor> GetOutputHandle(const std::string& name);
  bool Run();
};

std::shared_ptr<Predictor> CreatePredictor(const Config& config);
std::string GetVersion();

}  // namespace paddle_infer

#endif

namespace phi::dtype {
struct float16;
}

namespace paddle::flags {
bool SetFlagValue(const std::string& name, const std::string& value);
}

namespace paddle_flags {
extern double FLAGS_eager_delete_tensor_gb;
}
