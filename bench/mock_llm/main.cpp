// The mock LLM as a program: says where it listens, and serves until it is told to end.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "flags.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
  using namespace bench::mock_llm;
  try {
    const Settings settings = parse_flags(argc, argv);
    if (!settings.help.empty()) {
      std::fputs(settings.help.c_str(), stdout);
      return 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    Server server(settings);
    server.end_on_signals();
    if (settings.until_stdin_closes) server.end_with_stdin();
    fmt::print("{{\"port\": {}, \"refusing_port\": {}}}\n", server.port(), server.refusing_port());
    std::fflush(stdout);
    server.run();
    return 0;
  } catch (const UsageError& error) {
    fmt::print(stderr, "mock_llm: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mock_llm: {}\n", error.what());
    return 1;
  }
}
