// What does the operating system know about this process?
#include "process.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>
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

std::int64_t nanoseconds(const timeval& t) {
  return std::int64_t{t.tv_sec} * 1'000'000'000 + std::int64_t{t.tv_usec} * 1000;
}

}  // namespace

unsigned usable_cpus() {
  const cpu_set_t set = allowed_cpus();
  return static_cast<unsigned>(CPU_COUNT(&set));
}

void pin_to_cpus(unsigned count) {
  cpu_set_t set = allowed_cpus();
  for (unsigned cpu = 0, kept = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set) && ++kept > count) CPU_CLR(cpu, &set);
  }
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot pin the process to its CPUs");
  }
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
  std::ifstream file("/proc/self/status");
  for (std::string key; file >> key;) {
    std::int64_t* field = key == "Threads:" ? &status.threads
                          : key == "VmRSS:" ? &status.resident_bytes
                          : key == "VmHWM:" ? &status.peak_resident_bytes
                          : key == "VmPTE:" ? &status.page_table_bytes
                                            : nullptr;
    if (field && file >> *field && field != &status.threads) *field *= 1024;
    std::getline(file, key);
  }
  return status;
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

PeakWatch::PeakWatch()
    : thread_([this](std::stop_token stop) {
        std::unique_lock lock(mutex_);
        do look();
        while (!wake_.wait_for(lock, stop, std::chrono::milliseconds(5),
                               [&] { return stop.stop_requested(); }));
        look();
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        cpu_ns_ = std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
      }) {}

PeakWatch::~PeakWatch() = default;

void PeakWatch::look() {
  const ProcessStatus status = process_status();
  threads_ = std::max(threads_, status.threads - 1);  // without this one
  page_table_bytes_ = std::max(page_table_bytes_, status.page_table_bytes);
}

PeakWatch::Peaks PeakWatch::stop() {
  thread_.request_stop();
  thread_.join();
  return {threads_, page_table_bytes_, cpu_ns_};
}

}  // namespace bench
