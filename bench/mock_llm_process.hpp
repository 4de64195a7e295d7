// How is the mock LLM started beside a run?  As a child, which ends with this process.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <string>

#include "exchange.hpp"

namespace bench {

/// The program mock_llm of the same build, on a port that it picks and reports.  It ends when its
/// standard input is closed, which the kernel does when this process is gone, however it went.
/// While there is one this process ignores SIGPIPE: not every library says MSG_NOSIGNAL when it
/// writes to a connection that the peer has reset, and nothing but a call is to fail then.
class MockLlm {
 public:
  /// Throws std::system_error or std::runtime_error that says what failed and what to do.
  MockLlm();
  MockLlm(const MockLlm&) = delete;
  MockLlm& operator=(const MockLlm&) = delete;
  ~MockLlm();

  const Endpoint& endpoint() const { return endpoint_; }
  pid_t pid() const { return pid_; }

  /// Whether it still runs.
  bool running() const;

  /// What it says of itself (GET /stats), as JSON; empty if it does not answer.
  std::string stats() const;

  /// What it has used so far.  0: unknown.
  struct Use {
    std::int64_t cpu_ns = 0, peak_resident_bytes = 0;
  };
  Use use() const;

  /// Pins it to the CPUs that this process may use but a run of so many does not, if there are any.
  /// To be called before this process pins itself: afterwards none is left.
  void pin_beside(unsigned cpus_of_the_run);
  bool has_own_cpu() const { return own_cpu_; }

 private:
  void end();

  pid_t pid_ = -1;
  int stdin_ = -1;  // the end that this process holds
  Endpoint endpoint_;
  bool own_cpu_ = false;

  struct IgnoredPipeSignal {
    IgnoredPipeSignal();
    ~IgnoredPipeSignal();
    struct sigaction before;
  };
  const IgnoredPipeSignal ignored_;
};

}  // namespace bench
