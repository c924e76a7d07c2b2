// Paddle Inference on the CPU, through its C++ API: what bench/runners/paddle.py does, call by call.

#include <algorithm>

#include "paddle_inference.hpp"
#include "serve.hpp"

namespace {

using paddle_infer::DataType;

#ifdef PADDLE_SDK
const std::string kPackage = "paddle_inference ";
#else
const std::string kPackage = "paddlepaddle ";
#endif

// How values of one type get into a tensor of the engine's and out again.
struct Type {
  DataType type;
  const char* name;
  void (*copy_in)(paddle_infer::Tensor*, const char*);
  void (*copy_out)(const paddle_infer::Tensor&, char*);
};

template <typename T>
constexpr Type type(DataType type, const char* name) {
  return {type, name,
          [](paddle_infer::Tensor* to, const char* from) {
            to->CopyFromCpu(reinterpret_cast<const T*>(from));
          },
          [](const paddle_infer::Tensor& from, char* to) {
            from.CopyToCpu(reinterpret_cast<T*>(to));
          }};
}

constexpr Type kTypes[] = {
    type<float>(DataType::FLOAT32, "float32"),
    type<phi::dtype::float16>(DataType::FLOAT16, "float16"),
    type<double>(DataType::FLOAT64, "float64"),
    type<int64_t>(DataType::INT64, "int64"),
    type<int32_t>(DataType::INT32, "int32"),
    type<int8_t>(DataType::INT8, "int8"),
    type<uint8_t>(DataType::UINT8, "uint8"),
    type<bool>(DataType::BOOL, "bool"),
};

template <typename Matches>
const Type& find_type(const std::string& tensor, Matches matches) {
  const auto* const found = std::find_if(std::begin(kTypes), std::end(kTypes), matches);
  if (found != std::end(kTypes)) return *found;
  throw std::runtime_error("tensor " + tensor + " has a type that numpy or Paddle hasn't got");
}

const Type& type_of(const std::string& tensor, DataType type) {
  return find_type(tensor, [type](const Type& known) { return known.type == type; });
}

const Type& type_of(const bench::Tensor& tensor) {
  return find_type(tensor.name, [&](const Type& known) { return tensor.dtype == known.name; });
}

// The line of what Paddle throws that says why: headings, a traceback and places in Paddle's sources
// stand around it.
std::string cause_of(const std::string& thrown) {
  static const std::string heading = "Error Message Summary:";
  const size_t summary = thrown.rfind(heading);
  std::istringstream lines(summary == std::string::npos ? thrown
                                                        : thrown.substr(summary + heading.size()));
  for (std::string line; std::getline(lines >> std::ws, line);) {
    if (line[0] != '-' && line != "In user code:") return line.substr(0, line.find(" (at "));
  }
  return thrown;
}

// Do `work` of Paddle's; throws its errors with their cause alone.
template <typename Work>
void with_cause(bool onednn, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    const std::string cause = cause_of(error.what());
    if (!onednn || cause.find("Unimplemented") == std::string::npos) {
      throw std::runtime_error(cause);
    }
    throw std::runtime_error("Paddle Inference can't run this net with oneDNN (" + cause +
                             "): give its entry in catalog.toml "
                             "settings.paddle-cpp.onednn = \"off\"");
  }
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Frees tensors once that many GB wait; a negative number: when the predictor goes. Read when a
// predictor is made.
void set_tensor_gc(const std::string& setting) {
  if (!paddle::flags::SetFlagValue("eager_delete_tensor_gb", setting == "eager" ? "0" : "-1")) {
    throw std::runtime_error("this Paddle has no flag eager_delete_tensor_gb");
  }
}

// oneDNN by its name in this Config: SDKs before Paddle 3.2 have the older one alone, at which later
// ones warn.
template <typename Config>
auto set_onednn(Config* config, bool on, int) -> decltype(config->EnableONEDNN()) {
  return on ? config->EnableONEDNN() : config->DisableONEDNN();
}

template <typename Config>
void set_onednn(Config* config, bool on, long) {
  return on ? config->EnableMKLDNN() : config->DisableMKLDNN();
}

template <typename Config>
auto onednn_of(const Config& config, int) -> decltype(config.onednn_enabled()) {
  return config.onednn_enabled();
}

template <typename Config>
bool onednn_of(const Config& config, long) {
  return config.mkldnn_enabled();
}

std::string parameters_of(const std::string& model) {
  return model.substr(0, model.rfind('.')) + ".pdiparams";
}

class PaddleNet : public bench::Net {
 public:
  explicit PaddleNet(const bench::Cell& cell) : config_(cell.model, parameters_of(cell.model)) {
    set_tensor_gc(cell.setting("tensor_gc", "off"));
    configure(cell);
    predictor_ = paddle_infer::CreatePredictor(config_);
    for (const std::string& name : predictor_->GetInputNames()) {
      ins_.push_back({predictor_->GetInputHandle(name).release(), {}, nullptr});
      names_.emplace_back(name, bench::kAnyType);  // Paddle tells float32 of whole numbers too
    }
    for (const std::string& name : predictor_->GetOutputNames()) {
      outs_.push_back({predictor_->GetOutputHandle(name).release(), {name, {}, {}, {}}, nullptr});
    }
  }

  bench::Texts facts() const override {
    std::istringstream version(paddle_infer::GetVersion());
    std::string word, number;
    version >> word >> number;  // "version: 3.3.1"
    return {{"engine", kPackage + number},
            {"threads", std::to_string(config_.cpu_math_library_num_threads())},
            {"precision", "fp32"},
            {"onednn", onednn_of(config_, 0) ? "on" : "off"},
            {"tensor_gc", paddle_flags::FLAGS_eager_delete_tensor_gb < 0 ? "off" : "eager"},
            {"ir", config_.new_ir_enabled() ? "pir" : "program"}};
  }

  bench::Texts inputs() const override { return names_; }

  void feed(std::vector<bench::Tensor> tensors) override {
    if (tensors.size() != ins_.size()) throw std::runtime_error("the net has other inputs");
    for (size_t i = 0; i < tensors.size(); ++i) {
      Port& in = ins_[i];
      in.type = &type_of(tensors[i]);
      in.handle->Reshape({tensors[i].shape.begin(), tensors[i].shape.end()});
      in.value = std::move(tensors[i]);
    }
  }

  void infer() override {
    with_cause(onednn_of(config_, 0), [this] { end_to_end(); });
  }

  std::vector<bench::Tensor> outputs() const override {
    std::vector<bench::Tensor> found;
    for (const Port& out : outs_) found.push_back(out.value);
    return found;
  }

 private:
  // An input or output: the engine's side, which lives as long as this program, and this one's.
  struct Port {
    paddle_infer::Tensor* handle;
    bench::Tensor value;
    const Type* type;
  };

  void end_to_end() {
    for (const Port& in : ins_) in.type->copy_in(in.handle, in.value.data.data());
    predictor_->Run();
    for (Port& out : outs_) {
      if (out.type == nullptr) {
        out.type = &type_of(out.value.name, out.handle->type());
        out.value.dtype = out.type->name;
      }
      const std::vector<int> shape = out.handle->shape();
      out.value.shape.assign(shape.begin(), shape.end());
      out.value.data.resize(out.value.bytes());
      out.type->copy_out(*out.handle, out.value.data.data());
    }
  }

  // Every default that differs between versions is set here.
  void configure(const bench::Cell& cell) {
    config_.DisableGpu();
    config_.DisableGlogInfo();
    config_.SetCpuMathLibraryNumThreads(cell.threads);
    config_.SwitchIrOptim(1);
    if (ends_with(cell.model, ".json")) {
      // Paddle 3.3 refuses EnableMemoryOptim() on a PIR file without these two.
      config_.EnableNewIR(true);
      config_.EnableNewExecutor(true);
    }
    config_.EnableMemoryOptim(true);
    set_onednn(&config_, cell.setting("onednn", "on") == "on", 0);
  }

  paddle_infer::Config config_;
  std::shared_ptr<paddle_infer::Predictor> predictor_;
  std::vector<Port> ins_;
  std::vector<Port> outs_;
  bench::Texts names_;
};

}  // namespace

int main(int argc, char** argv) {
  return bench::serve(argc, argv, [](const bench::Cell& cell) {
    std::unique_ptr<bench::Net> net;
    with_cause(false, [&] { net.reset(new PaddleNet(cell)); });
    return net;
  });
}
