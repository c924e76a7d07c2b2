// OpenVINO on the CPU, through its C++ API: what bench/runners/openvino.py does, call by call.

#include <cstring>
#include <set>

#include <openvino/openvino.hpp>

#include "serve.hpp"

namespace {

const std::map<std::string, ov::element::Type> kHints = {
    {"fp32", ov::element::f32}, {"bf16", ov::element::bf16}, {"fp16", ov::element::f16}};
// What the CPU must list as supported: asked for more, OpenVINO takes another precision silently.
const std::map<std::string, std::string> kCapabilities = {{"bf16", "BF16"}, {"fp16", "FP16"}};
// By the names of OpenVINO's element types; the lowest of those in the running graph is effective.
const std::map<std::string, std::string> kLow = {
    {"bf16", "bf16"}, {"f16", "fp16"}, {"i8", "int8"}, {"u8", "int8"}};
const std::map<std::string, std::string> kTypes = {
    {"f32", "float32"}, {"f16", "float16"}, {"f64", "float64"}, {"i64", "int64"}, {"i32", "int32"},
    {"i16", "int16"},   {"i8", "int8"},     {"u8", "uint8"},    {"boolean", "bool"}};
const ov::Property<bool> kFlushSubnormals{"CPU_DENORMALS_OPTIMIZATION"};

void require_capability(ov::Core* core, const std::string& precision) {
  const auto needed = kCapabilities.find(precision);
  if (needed == kCapabilities.end()) return;
  const auto listed = core->get_property("CPU", ov::device::capabilities);
  const std::set<std::string> supported(listed.begin(), listed.end());
  if (supported.count(needed->second) > 0) return;
  std::string able = "fp32";
  for (const auto& item : kCapabilities) {
    if (supported.count(item.second) > 0) able += " or " + item.first;
  }
  throw bench::Unavailable("OpenVINO has no " + precision + " on this chip",
                           "use precision " + able);
}

// The name of an input or output, of which a converter may have left it none.
std::string name_of(const ov::Output<const ov::Node>& port) {
  const std::set<std::string> names(port.get_names().begin(), port.get_names().end());
  if (!names.empty()) return *names.begin();
  return port.get_node()->get_friendly_name() + "." + std::to_string(port.get_index());
}

std::string type_of(const ov::element::Type& type) {
  const auto found = kTypes.find(type.get_type_name());
  if (found != kTypes.end()) return found->second;
  throw bench::Unavailable("the net has a tensor of type " + type.get_type_name() +
                               ", which numpy hasn't got",
                           "measure it with another runner");
}

class OpenVinoNet : public bench::Net {
 public:
  explicit OpenVinoNet(const bench::Cell& cell) {
    require_capability(&core_, cell.precision);
    // Every property whose default is another one, or differs from chip to chip.
    compiled_ = core_.compile_model(
        cell.model, "CPU", ov::inference_num_threads(cell.threads), ov::num_streams(1),
        ov::hint::inference_precision(kHints.at(cell.precision)),
        ov::hint::enable_cpu_pinning(false), kFlushSubnormals(true));
    request_ = compiled_.create_infer_request();
    for (const auto& port : compiled_.inputs()) ins_.push_back(request_.get_tensor(port));
    for (const auto& port : compiled_.outputs()) {
      outs_.push_back(request_.get_tensor(port));
      results_.push_back({name_of(port), type_of(port.get_element_type()), {}, {}});
    }
  }

  bench::Texts facts() const override {
    const std::string version = ov::get_openvino_version().buildNumber;
    return {{"engine", "openvino " + version.substr(0, version.find('-'))},
            {"threads", std::to_string(compiled_.get_property(ov::inference_num_threads))},
            {"precision", precision()},
            {"precision_hint",
             compiled_.get_property(ov::hint::inference_precision).get_type_name()},
            {"streams", std::to_string(compiled_.get_property(ov::num_streams).num)},
            {"pinning", compiled_.get_property(ov::hint::enable_cpu_pinning) ? "on" : "off"},
            {"subnormals", compiled_.get_property(kFlushSubnormals) ? "flushed" : "kept"}};
  }

  bench::Texts inputs() const override {
    bench::Texts found;
    for (const auto& port : compiled_.inputs()) {
      found.emplace_back(name_of(port), type_of(port.get_element_type()));
    }
    return found;
  }

  void feed(std::vector<bench::Tensor> tensors) override {
    if (tensors.size() != ins_.size()) throw std::runtime_error("the net has other inputs");
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].data.size() != ins_[i].get_byte_size()) {
        throw std::runtime_error("input " + tensors[i].name + " has another size than the net's");
      }
    }
    feeds_ = std::move(tensors);
  }

  void infer() override {
    for (size_t i = 0; i < feeds_.size(); ++i) {
      std::memcpy(ins_[i].data(), feeds_[i].data.data(), feeds_[i].data.size());
    }
    request_.infer();
    for (size_t i = 0; i < outs_.size(); ++i) {
      const char* const from = static_cast<const char*>(outs_[i].data());
      results_[i].data.assign(from, from + outs_[i].get_byte_size());
    }
  }

  std::vector<bench::Tensor> outputs() const override {
    std::vector<bench::Tensor> found = results_;
    for (size_t i = 0; i < found.size(); ++i) {
      const ov::Shape shape = outs_[i].get_shape();
      found[i].shape.assign(shape.begin(), shape.end());
    }
    return found;
  }

 private:
  // What the running graph computes in, node by node: the hint is only a wish.
  std::string precision() const {
    std::set<std::string> types;
    for (const auto& node : compiled_.get_runtime_model()->get_ops()) {
      types.insert(node->get_rt_info().at("runtimePrecision").as<std::string>());
    }
    std::set<std::string> lowered;
    for (const std::string& type : types) {
      const auto found = kLow.find(type);
      if (found != kLow.end()) lowered.insert(found->second);
    }
    std::string all;
    for (const std::string& low : lowered) all += (all.empty() ? "" : " and ") + low;
    if (!all.empty()) return all;
    return types.count("f32") > 0 ? "fp32" : "unknown";
  }

  ov::Core core_;
  ov::CompiledModel compiled_;
  ov::InferRequest request_;
  std::vector<ov::Tensor> ins_;
  std::vector<ov::Tensor> outs_;
  std::vector<bench::Tensor> feeds_;
  std::vector<bench::Tensor> results_;
};

}  // namespace

int main(int argc, char** argv) {
  return bench::serve(argc, argv, [](const bench::Cell& cell) {
    return std::unique_ptr<bench::Net>(new OpenVinoNet(cell));
  });
}
