// How is a model measured?
#include "harness.hpp"

#include <fmt/format.h>

#include <malloc.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

namespace bench {

const char* name_of(Status status) {
  static constexpr std::array names = {"ok", "invalid", "skipped", "crash"};
  return names[static_cast<std::size_t>(status)];
}

std::string impossible(const Bounds& bounds, nanoseconds makespan, nanoseconds cpu_time,
                       unsigned cpus) {
  if (makespan < bounds.waits_path) {
    return fmt::format("the run took {} ns, less than its longest chain of waits ({} ns)",
                       makespan.count(), bounds.waits_path.count());
  }
  // CPU time is read a moment before and after the clock, and counted in whole microseconds.
  const nanoseconds most = makespan * cpus + makespan / 100 + std::chrono::milliseconds(1);
  if (cpu_time > most) {
    return fmt::format("the run used {} ns of CPU time, more than {} CPUs have in {} ns",
                       cpu_time.count(), cpus, makespan.count());
  }
  return {};
}

namespace {

/// Of threads, memory, descriptors, buffers or ports.
bool is_lack(const std::error_code& code) {
  static constexpr std::array lacks = {std::errc::resource_unavailable_try_again,
                                       std::errc::not_enough_memory,
                                       std::errc::too_many_files_open,
                                       std::errc::too_many_files_open_in_system,
                                       std::errc::no_buffer_space,
                                       std::errc::address_not_available};
  return std::ranges::any_of(lacks, [&](std::errc lack) { return code == lack; });
}

/// Does `work`; what it throws becomes the measurement's status and reason.
void attempt(Measurement& m, auto&& work) {
  try {
    work();
  } catch (const std::system_error& error) {
    const bool cannot = is_lack(error.code());
    m.status = cannot ? Status::skipped : Status::crash;
    m.reason = cannot ? fmt::format("this machine's limits do not allow it: {}", error.what())
                      : error.what();
  } catch (const std::bad_alloc&) {
    m.status = Status::skipped;
    m.reason = "this machine has not enough memory for it";
  } catch (const std::exception& error) {
    m.status = Status::crash;
    m.reason = error.what();
  } catch (...) {
    m.status = Status::crash;
    m.reason = "the model threw something that is no std::exception";
  }
}

std::string fault_of(const Measurement& m, const Answer& expected, const Ledger& ledger) {
  std::string fault =
      m.stop ? ledger.prefix_fault(reference_values(ledger.workload())) : ledger.fault(expected);
  if (!fault.empty()) return fault;
  if (usable_cpus() != m.cpus) return "the model changed the CPUs that the process is pinned to";
  // A run that was cut off may be shorter than any bound on the whole, unless it had enough.
  const bool bounded = !m.stop || m.stop->why == Ledger::Stop::Why::enough;
  return impossible(bounded ? m.bounds : Bounds{}, m.metrics.makespan,
                    nanoseconds(m.usage.user_ns + m.usage.system_ns), m.cpus);
}

/// Asks the run to stop when its time has come, unless it is over by then.
class StopWatch {
 public:
  StopWatch(Ledger& ledger, std::optional<std::uint32_t> after_us) {
    if (!after_us) return;
    const auto at = Ledger::Clock::now() + std::chrono::microseconds(*after_us);
    if (*after_us == 0) {  // before the model has seen anything
      ledger.ask_to_stop(Ledger::Stop::Why::outside);
      return;
    }
    thread_ = std::jthread([&ledger, at](std::stop_token over) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      if (never.wait_until(lock, over, at, [] { return false; }) || over.stop_requested()) return;
      ledger.ask_to_stop(Ledger::Stop::Why::outside);
    });
  }

 private:
  std::jthread thread_;
};

std::int64_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

std::int64_t heap_in_use() {
  const auto info = mallinfo2();
  return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

Left what_is_there() { return {process_status().threads, open_descriptors(), heap_in_use()}; }

/// For a moment, and more than `patience` would be strange, the kernel still counts a thread that
/// was joined.
Left left_since(const Left& before, std::chrono::milliseconds patience) {
  const auto until = Ledger::Clock::now() + patience;
  while (Ledger::Clock::now() < until && process_status().threads > before.threads) {
    std::this_thread::yield();
  }
  const Left now = what_is_there();
  return {now.threads - before.threads, now.descriptors - before.descriptors,
          now.heap_bytes - before.heap_bytes};
}

StopReport report_of(const Ledger& ledger, const Ledger::Stop& stop, std::int64_t cpu_at_end) {
  StopReport report{.why = stop.why,
                    .asked = nanoseconds(stop.asked - ledger.opened_at()),
                    .acknowledged = nanoseconds(ledger.closed_at() - stop.asked),
                    .cpu = nanoseconds(cpu_at_end - stop.process_cpu)};
  for (const Ledger::TurnRecord& record : ledger.turns()) {
    report.finished += record.ending == Ending::finished;
    report.started_after += record.started > stop.asked;
  }
  return report;
}

EndpointReport report_of(const MockLlm& llm, const MockLlm::Use& before) {
  const MockLlm::Use use = llm.use();
  return {.own_cpu = llm.has_own_cpu(),
          .cpu = nanoseconds(use.cpu_ns - before.cpu_ns),
          .peak_resident_bytes = use.peak_resident_bytes,
          .stats = llm.stats()};
}

/// What went wrong in the run, if anything, was for want of it.
void blame_if_gone(const MockLlm& llm, Measurement& m) {
  const bool answers = m.endpoint ? !m.endpoint->stats.empty() : !llm.stats().empty();
  if (answers && llm.running()) return;
  if (m.status == Status::ok) m.status = Status::invalid;
  m.reason = fmt::format("the mock LLM (process {}) ended during the run, or answers no more{}{}",
                         llm.pid(), m.reason.empty() ? "" : ": ", m.reason);
}

/// Calls `run` between two clock reads.  Returns how much CPU time the process had used at the end.
std::int64_t run_on_the_clock(RunFunction run, const Cell& cell, const Resources& resources,
                              Ledger& ledger) {
  ledger.open();
  const StopWatch stop_watch(ledger, cell.stop_after_us);
  try {
    run(ledger.workload(), resources, ledger);
  } catch (const Stopped&) {
    if (!ledger.stop()) throw;
  }
  ledger.stop();  // a model may heed it a moment before it is stamped: it is, when the run ends
  ledger.close();
  return process_cpu_ns();
}

/// What its stamps tell of a run that came to its end.
void derive(Measurement& m, const Ledger& ledger, const Answer& expected) {
  m.metrics.makespan = nanoseconds(ledger.closed_at() - ledger.opened_at());
  m.answer = ledger.answer();
  m.reason = fault_of(m, expected, ledger);
  if (!m.reason.empty()) {
    m.status = Status::invalid;
  } else if (!m.stop) {
    const Stamps stamps = stamps_of(ledger);
    m.metrics = metrics_of(stamps, m.costs, m.cpus);
    if (const auto idle = idle_phase(stamps)) {
      m.idle_cpu = cpu_use_within(m.peaks.cpu_looks, idle->begin, idle->end);
    }
  }
}

}  // namespace

Counts counts_of(const Ledger& ledger) {
  const Receipts done = ledger.receipts();
  Counts counts{.attempts = done.attempts, .failed = done.failed, .skipped = done.skipped};
  for (const Ledger::CallRecord& call : ledger.calls()) {
    if (call.attempts > 0) counts.retries += call.attempts - 1;
    counts.unexpected += call.unexpected;
    counts.events += call.events;
  }
  return counts;
}

Measurement measure(RunFunction run, const Model& model, const Cell& cell, unsigned cpus,
                    const Answer& expected, Ledger& ledger, const MockLlm* llm) {
  Measurement m;
  m.cpus = cpus;
  const Workload& workload = ledger.workload();
  attempt(m, [&] {
    m.costs.probe(workload, cpus);
    m.before = process_status();
    m.kernel_before = kernel_memory();
    reset_peak_memory();
    const Left there_before = what_is_there();
    std::optional<PeakWatch> watch(std::in_place);
    const Usage before = usage_so_far();
    ledger.set_policy(cell.on_error);
    if (llm) ledger.set_endpoint(llm->endpoint());
    const Resources resources{.workers = cell.workers,
                              .endpoint = llm ? llm->endpoint() : Endpoint{},
                              .stop = ledger.stop_token()};
    const MockLlm::Use llm_before = llm ? llm->use() : MockLlm::Use{};
    std::int64_t cpu_at_end = 0;
    attempt(m, [&] { cpu_at_end = run_on_the_clock(run, cell, resources, ledger); });
    if (ledger.closed_at() == 0) ledger.close();
    m.usage = usage_so_far() - before;
    m.after = process_status();
    m.peaks = watch->stop();
    watch.reset();
    // It is told of runs that were stopped; in others a pool that stays would only cost time.
    m.left = left_since(there_before, std::chrono::milliseconds(ledger.stop() ? 50 : 0));
    m.left.heap_bytes -= static_cast<std::int64_t>(m.peaks.cpu_looks.capacity() * sizeof(CpuLook));
    m.costs.probe(workload, cpus);
    m.bounds = bounds(workload, m.costs, cpus);
    m.structural_bound = structural_bound(m.bounds, model.structure, cell.workers);
    m.counts = counts_of(ledger);
    if (const auto at = ledger.first_error_at(); at > 0) {
      m.first_error = nanoseconds(at - ledger.opened_at());
    }
    if (m.status != Status::ok) return;

    if (llm) m.endpoint = report_of(*llm, llm_before);
    const auto stop = ledger.stop();
    if (stop && stop->asked < ledger.closed_at()) m.stop = report_of(ledger, *stop, cpu_at_end);
    derive(m, ledger, expected);
  });
  if (llm) blame_if_gone(*llm, m);
  return m;
}

}  // namespace bench
