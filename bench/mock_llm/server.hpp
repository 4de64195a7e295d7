// How is the mock LLM reached?  It accepts connections on 127.0.0.1 and hands them to its threads.
#pragma once

#include <cstdint>
#include <memory>

#include "settings.hpp"

namespace bench::mock_llm {

class Server {
 public:
  /// Listens.  Throws std::runtime_error that says what failed and what to do.
  explicit Server(const Settings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const;
  /// A connection to this one is refused, always.
  std::uint16_t refusing_port() const;

  /// Serves until it is stopped.  Ends on SIGTERM and SIGINT too, once `end_on_signals` was called.
  void run();
  /// Any thread may call.
  void stop();

  void end_on_signals();
  /// Ends when nothing more can come from standard input: its other end is gone.
  void end_with_stdin();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bench::mock_llm
