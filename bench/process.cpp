// What does the operating system know about this process?
#include "process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace bench {
namespace {

cpu_set_t allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot read the CPU affinity");
  }
  return set;
}

/// Restricts the calling thread to those of its CPUs that are wanted, by their rank.
bool keep_cpus(auto&& wanted) {
  cpu_set_t set = allowed_cpus();
  for (unsigned cpu = 0, nth = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set) && !wanted(nth++)) CPU_CLR(cpu, &set);
  }
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

struct Field {
  std::string_view key;
  std::int64_t* value;
};

/// Numbers of a file of lines "Key: number [kB]"; sizes become bytes.
void read_fields(const char* path, std::initializer_list<Field> fields) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    for (const Field& field : fields) {
      if (!line.starts_with(field.key)) continue;
      std::istringstream rest(line.substr(field.key.size()));
      std::string unit;
      if (rest >> *field.value >> unit && unit == "kB") *field.value *= 1024;
    }
  }
}

std::int64_t nanoseconds(const timeval& t) {
  return std::int64_t{t.tv_sec} * 1'000'000'000 + std::int64_t{t.tv_usec} * 1000;
}

std::int64_t read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

unsigned usable_cpus() {
  const cpu_set_t set = allowed_cpus();
  return static_cast<unsigned>(CPU_COUNT(&set));
}

void pin_to_cpus(unsigned count) {
  if (!keep_cpus([=](unsigned nth) { return nth < count; })) {
    throw std::system_error(errno, std::generic_category(), "cannot pin the process to its CPUs");
  }
}

void pin_this_thread(unsigned wanted) {
  keep_cpus([=](unsigned nth) { return nth == wanted; });
}

void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::int64_t process_cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

Usage usage_so_far() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return {nanoseconds(r.ru_utime),
          nanoseconds(r.ru_stime),
          r.ru_nvcsw,
          r.ru_nivcsw,
          r.ru_minflt,
          r.ru_majflt};
}

Usage operator-(const Usage& a, const Usage& b) {
  return {a.user_ns - b.user_ns,
          a.system_ns - b.system_ns,
          a.voluntary_switches - b.voluntary_switches,
          a.involuntary_switches - b.involuntary_switches,
          a.minor_faults - b.minor_faults,
          a.major_faults - b.major_faults};
}

ProcessStatus process_status() {
  ProcessStatus status;
  read_fields("/proc/self/status", {{"Threads:", &status.threads},
                                    {"VmRSS:", &status.resident_bytes},
                                    {"VmHWM:", &status.peak_resident_bytes},
                                    {"VmPTE:", &status.page_table_bytes}});
  return status;
}

KernelMemory kernel_memory() {
  KernelMemory memory;
  read_fields("/proc/meminfo",
              {{"KernelStack:", &memory.stack_bytes}, {"SUnreclaim:", &memory.slab_bytes}});
  return memory;
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::optional<CpuUse> cpu_use_within(std::span<const CpuLook> looks, std::int64_t begin_ns,
                                     std::int64_t end_ns) {
  const auto first = std::ranges::lower_bound(looks, begin_ns, {}, &CpuLook::at_ns);
  const auto beyond = std::ranges::upper_bound(looks, end_ns, {}, &CpuLook::at_ns);
  if (beyond - first < 2) return std::nullopt;
  const CpuLook& last = *(beyond - 1);
  return CpuUse{.wall_ns = last.at_ns - first->at_ns, .cpu_ns = last.cpu_ns - first->cpu_ns};
}

CpuHistory::CpuHistory(std::size_t most) : most_(most) { looks_.reserve(most); }

void CpuHistory::add(const CpuLook& look) {
  if (looks_.size() == most_) {
    for (std::size_t i = 0; 2 * i < most_; ++i) looks_[i] = looks_[2 * i];
    looks_.resize((most_ + 1) / 2);
    every_ *= 2;
  }
  // Never less than before, as may come of clocks that are not read at quite the same moment.
  const std::int64_t before = looks_.empty() ? 0 : looks_.back().cpu_ns;
  looks_.push_back({.at_ns = look.at_ns, .cpu_ns = std::max(look.cpu_ns, before)});
}

PeakWatch::PeakWatch() : thread_([this](std::stop_token stop) { watch(stop); }) {}

PeakWatch::~PeakWatch() = default;

void PeakWatch::watch(std::stop_token stop) {
  // The folder has a subfolder per thread, so its link count tells their number; asking an open
  // file for it costs half a microsecond, where /proc/self/status costs ten times as much.
  const int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto count_threads = [&]() -> std::int64_t {
    struct stat info {};
    // Without the entries for itself and its parent, and without this thread.
    return fstat(tasks, &info) == 0 ? static_cast<std::int64_t>(info.st_nlink) - 3 : -1;
  };
  auto measure_memory = [&] {
    page_table_bytes_ = std::max(page_table_bytes_, process_status().page_table_bytes);
    const KernelMemory now = kernel_memory();
    kernel_.stack_bytes = std::max(kernel_.stack_bytes, now.stack_bytes);
    kernel_.slab_bytes = std::max(kernel_.slab_bytes, now.slab_bytes);
  };
  // Returns what it has cost.  The kernel sums over all threads of the process when it is asked for
  // the CPU time of all: some 50 ns for each.
  auto look_at_cpu_time = [&] {
    const std::int64_t mine_before = read_clock(CLOCK_THREAD_CPUTIME_ID);
    const std::int64_t all = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    const std::int64_t mine = read_clock(CLOCK_THREAD_CPUTIME_ID);
    cpu_history_.add({.at_ns = read_clock(CLOCK_MONOTONIC), .cpu_ns = all - mine});
    return mine - mine_before;
  };
  std::unique_lock lock(mutex_);
  std::size_t next_cpu_look = 0;
  for (std::size_t look = 0; !stop.stop_requested(); ++look) {
    const std::int64_t threads = count_threads();
    // Threads come and go between two looks at memory, so many more of them are worth one.
    if (look % 10 == 9 || threads > threads_ + threads_ / 4 + 10) measure_memory();
    threads_ = std::max(threads_, threads);
    if (look == next_cpu_look) {
      const auto cost_ns = static_cast<std::size_t>(look_at_cpu_time());
      next_cpu_look = look + std::max(cpu_history_.every(), cost_ns / 100'000 + 1);
    }
    wake_.wait_for(lock, stop, std::chrono::milliseconds(10), [] { return false; });
  }
  threads_ = std::max(threads_, count_threads());
  measure_memory();
  close(tasks);
  look_at_cpu_time();
  cpu_ns_ = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

PeakWatch::Peaks PeakWatch::stop() {
  thread_.request_stop();
  thread_.join();
  return {threads_, page_table_bytes_, kernel_, cpu_ns_, cpu_history_.looks()};
}

}  // namespace bench
