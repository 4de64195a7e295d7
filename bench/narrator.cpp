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

Narrator::Narrator(const Workload& workload)
    : workload_(workload), endings_(scripted_endings(workload)) {
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
  if (endings_[turn.id] == Ending::skipped) return;  // it starts to hear that it is
  say(fmt::format(fmt::runtime(started_), workload_.agent_names[turn.agent], turn.id));
}

void Narrator::on_finish(const Turn& turn) {
  const std::string& text = endings_[turn.id] == Ending::failed    ? failed_
                            : endings_[turn.id] == Ending::skipped ? skipped_
                                                                   : finished_;
  say(fmt::format(fmt::runtime(text), workload_.agent_names[turn.agent], turn.id));
}

}  // namespace bench
