// What does a run look like while it happens?
#include "narrator.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace bench {
namespace {

void say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);  // one call is one locked write
  std::fflush(stdout);
}

}  // namespace

Narrator::Narrator(const Workload& workload) : workload_(workload) {
  if (workload.name == "pizza" || workload.name == "pizza-chain") {
    started_ = "Started making {} pizza...\n";
    finished_ = "{} pizza is ready!\n";
    say(workload.name == "pizza" ? "\n--- ASYNC (All at once) ---\n"
                                 : "\n--- SYNC (One after another) ---\n");
  } else {
    started_ = "{}: turn {} started\n";
    finished_ = "{}: turn {} finished\n";
  }
}

void Narrator::on_start(const Turn& turn) {
  say(fmt::format(fmt::runtime(started_), workload_.agent_names[turn.agent], turn.id));
}

void Narrator::on_finish(const Turn& turn) {
  say(fmt::format(fmt::runtime(finished_), workload_.agent_names[turn.agent], turn.id));
}

}  // namespace bench
