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
  std::unique_lock lock(mutex_);
  for (int look = 0; !stop.stop_requested(); ++look) {
    const std::int64_t threads = count_threads();
    // Threads come and go between two looks at memory, so many more of them are worth one.
    if (look % 10 == 9 || threads > threads_ + threads_ / 4 + 10) measure_memory();
    threads_ = std::max(threads_, threads);
    wake_.wait_for(lock, stop, std::chrono::milliseconds(10), [] { return false; });
  }
  threads_ = std::max(threads_, count_threads());
  measure_memory();
  close(tasks);
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  cpu_ns_ = std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

PeakWatch::Peaks PeakWatch::stop() {
  thread_.request_stop();
  thread_.join();
  return {threads_, page_table_bytes_, kernel_, cpu_ns_};
}

}  // namespace bench
