// How is the mock LLM started beside a run?
#include "mock_llm_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include <vector>

#include "process.hpp"

extern char** environ;

namespace bench {
namespace {

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A descriptor that is closed again.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::pair<int, int> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail(errno, "pipe2");
  return {ends[0], ends[1]};
}

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (line.size() < 1000) {
    const ssize_t got = read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    line += c;
  }
  return line;
}

}  // namespace

MockLlm::MockLlm() {
  const auto [in_read, in_write] = make_pipe();
  const Descriptor child_in(in_read);
  Descriptor our_in(in_write);
  const auto [out_read, out_write] = make_pipe();
  const Descriptor our_out(out_read);
  Descriptor child_out(out_write);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDOUT_FILENO);
  std::string program = INTERLEAVE_MOCK_LLM, flag = "--until-stdin-closes";
  std::vector<char*> arguments = {program.data(), flag.data(), nullptr};
  const int error =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error(fmt::format("the mock LLM {} cannot be started ({}): build it again",
                                         program, std::strerror(error)));
  }
  stdin_ = our_in.release();
  close(child_out.release());
  const std::string line = read_line(our_out.get());
  const auto said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object() || !said.contains("port") || !said.contains("refusing_port")) {
    end();
    throw std::runtime_error(
        fmt::format("the mock LLM {} did not say where it listens, but '{}'", program, line));
  }
  endpoint_ = {.port = said["port"], .refusing_port = said["refusing_port"]};
}

MockLlm::~MockLlm() { end(); }

MockLlm::IgnoredPipeSignal::IgnoredPipeSignal() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
}
MockLlm::IgnoredPipeSignal::~IgnoredPipeSignal() { sigaction(SIGPIPE, &before, nullptr); }

void MockLlm::end() {
  if (stdin_ >= 0) close(std::exchange(stdin_, -1));
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool MockLlm::running() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

std::string MockLlm::stats() const {
  const Descriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // and to connect
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  constexpr std::string_view request =
      "GET /stats HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string reply;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    reply.append(buffer, static_cast<std::size_t>(got));
  }
  const auto body = reply.find("\r\n\r\n");
  return body == std::string::npos ? std::string() : reply.substr(body + 4);
}

MockLlm::Use MockLlm::use() const {
  Use use;
  clockid_t clock{};
  timespec t{};
  if (clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &t) == 0) {
    use.cpu_ns = t.tv_sec * std::nano::den + t.tv_nsec;
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);) {
    std::int64_t kib = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %ld", &kib) == 1) use.peak_resident_bytes = kib * 1024;
  }
  return use;
}

void MockLlm::pin_beside(unsigned cpus_of_the_run) {
  cpu_set_t left;
  if (sched_getaffinity(0, sizeof left, &left) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus_of_the_run > 0; ++cpu) {
    if (!CPU_ISSET(cpu, &left)) continue;
    CPU_CLR(cpu, &left);
    --cpus_of_the_run;
  }
  own_cpu_ = CPU_COUNT(&left) > 0 && sched_setaffinity(pid_, sizeof left, &left) == 0;
}

}  // namespace bench
