// A stand-in for an engine: its outputs are its inputs. What it is to do otherwise, its model says.

#include <csignal>

#include "serve.hpp"

namespace {

class Mirror : public bench::Net {
 public:
  explicit Mirror(const bench::Cell& cell) : cell_(cell) {
    if (cell.model == "refuses") throw bench::Unavailable("no such chip", "buy one");
    if (cell.model == "throws") throw std::runtime_error("the model is torn");
  }

  bench::Texts facts() const override {
    return {{"engine", "mirror 1.0"},
            {"threads", std::to_string(cell_.threads)},
            {"precision", cell_.precision},
            {"finish", cell_.setting("finish", "matt")}};
  }

  bench::Texts inputs() const override {
    bench::Texts found;
    std::istringstream rest(cell_.model);  // "NAME:TYPE NAME:TYPE"
    for (std::string word; rest >> word;) {
      const size_t middle = word.find(':');
      found.emplace_back(word.substr(0, middle), word.substr(middle + 1));
    }
    return found;
  }

  void feed(std::vector<bench::Tensor> tensors) override { given_ = std::move(tensors); }

  void infer() override {
    if (given_.at(0).name == "falls") std::raise(SIGSEGV);
    made_ = given_;
  }

  std::vector<bench::Tensor> outputs() const override { return made_; }

 private:
  bench::Cell cell_;
  std::vector<bench::Tensor> given_;
  std::vector<bench::Tensor> made_;
};

}  // namespace

int main(int argc, char** argv) {
  return bench::serve(argc, argv, [](const bench::Cell& cell) {
    return std::unique_ptr<bench::Net>(new Mirror(cell));
  });
}
