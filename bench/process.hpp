// What does the operating system know about this process?  CPUs, memory, threads, CPU time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace bench {

/// CPUs that this process may run on.
unsigned usable_cpus();
/// Restricts the calling thread to the first `count` of them.  Threads it starts inherit it, so
/// that called first of all it pins the process.
void pin_to_cpus(unsigned count);

/// Restricts the calling thread to the `nth` of the CPUs that it may run on, counted from 0.  Where
/// the system refuses, the thread stays where it may be.
void pin_this_thread(unsigned nth);

/// Raises the limit on open files as far as this process may.
void allow_many_descriptors();

struct Usage {
  std::int64_t user_ns, system_ns, voluntary_switches, involuntary_switches, minor_faults,
      major_faults;
};
Usage usage_so_far();
Usage operator-(const Usage& after, const Usage& before);

/// All CPU time of the process so far, by the clock: finer than Usage, and cheap.
std::int64_t process_cpu_ns();

/// From /proc/self/status; -1 where the kernel does not say.
struct ProcessStatus {
  std::int64_t threads = -1, resident_bytes = -1, peak_resident_bytes = -1, page_table_bytes = -1;
};
ProcessStatus process_status();

/// From /proc/meminfo; -1 where the kernel does not say.  Of the whole machine, for no process is
/// told its own.  Most of a waiting thread's memory is there.
struct KernelMemory {
  std::int64_t stack_bytes = -1;  // KernelStack: to some 100 KB per CPU, and late to shrink
  std::int64_t slab_bytes = -1;   // SUnreclaim: a thread's other objects; moves by megabytes alone
};
KernelMemory kernel_memory();

/// Makes the peak of resident memory (VmHWM) start anew.  Without it the peak of the set-up, or of
/// whoever started this process, would be charged to the model.
void reset_peak_memory();

/// How much CPU time a process had used by some moment of the steady clock.
struct CpuLook {
  std::int64_t at_ns, cpu_ns;
};
struct CpuUse {
  std::int64_t wall_ns, cpu_ns;
};
/// From the first look in that time to the last; null if there are not two.
std::optional<CpuUse> cpu_use_within(std::span<const CpuLook> looks, std::int64_t begin_ns,
                                     std::int64_t end_ns);

/// Looks in the order of time, of which only so many are kept: when they are full, every other one
/// is dropped, and from then on only half as many are wanted.
class CpuHistory {
 public:
  explicit CpuHistory(std::size_t most = 2048);
  void add(const CpuLook& look);
  std::size_t every() const { return every_; }  // opportunities for a look, from one to the next
  const std::vector<CpuLook>& looks() const { return looks_; }

 private:
  std::size_t most_, every_ = 1;
  std::vector<CpuLook> looks_;
};

/// Looks at the process from a thread of its own.  Keeps the highest counts: threads every 10 ms;
/// page tables and kernel memory, which are dearer to ask for, every 100 ms and when the threads
/// have become many more.  Also how the CPU time grew, without its own: every 10 ms, or less often
/// where there are so many threads to sum over that it would take more than 1 % of a CPU.
class PeakWatch {
 public:
  PeakWatch();
  ~PeakWatch();
  struct Peaks {
    std::int64_t threads, page_table_bytes;
    KernelMemory kernel;
    std::int64_t cpu_ns;  // what watching has cost
    std::vector<CpuLook> cpu_looks;
  };
  Peaks stop();

 private:
  void watch(std::stop_token stop);
  std::int64_t threads_ = -1, page_table_bytes_ = -1, cpu_ns_ = 0;
  KernelMemory kernel_;
  CpuHistory cpu_history_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace bench
