// Measures one session with Paddle Lite's light API, of one model or of two by turns; LINES.md says
// what it prints.
//
// One process a session, as on the host. Nothing is printed or read between the two readings of the
// clock that make a sample.

#include <csignal>
#include <cstdlib>
#include <new>
#include <string>

#include "arguments.hpp"
#include "json.hpp"
#include "pair.hpp"
#include "single.hpp"
#include "start.hpp"

namespace agent {
namespace {

void refuse(int status, const std::string& reason) {
  Object line = event("error").text("reason", reason);
  if (!arm_at_work().empty()) line.text("arm", arm_at_work());
  print(line);
  std::_Exit(status);
}

void measure(const Arguments& arguments) {
  if (arguments.order.empty()) {
    measure_one(arguments);
  } else {
    measure_pair(arguments);
  }
  // The figures are out: a fall in the library's teardown must not take them.
  std::_Exit(0);
}

}  // namespace
}  // namespace agent

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // print() ends the program when nobody reads
  std::signal(SIGTERM, SIG_DFL);
  agent::affinity_at_start();
  try {
    agent::measure(agent::parse_arguments(argc, argv));
  } catch (const agent::Failure& failure) {
    agent::refuse(failure.status, failure.what());
  } catch (const std::bad_alloc&) {
    agent::refuse(agent::kBadInput, "there is not enough memory");
  }
}
