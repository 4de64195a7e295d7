// How is a model measured?
#include "harness.hpp"

#include <fmt/format.h>

#include <array>
#include <new>
#include <system_error>

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

/// Does `work`; what it throws becomes the measurement's status and reason.
void attempt(Measurement& m, auto&& work) {
  try {
    work();
  } catch (const std::system_error& error) {
    const bool cannot = error.code() == std::errc::resource_unavailable_try_again ||
                        error.code() == std::errc::not_enough_memory ||
                        error.code() == std::errc::too_many_files_open;
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
  if (std::string fault = ledger.fault(expected); !fault.empty()) return fault;
  if (usable_cpus() != m.cpus) return "the model changed the CPUs that the process is pinned to";
  return impossible(m.bounds, nanoseconds(ledger.closed_at() - ledger.opened_at()),
                    nanoseconds(m.usage.user_ns + m.usage.system_ns), m.cpus);
}

}  // namespace

Measurement measure(RunFunction run, const Model& model, const Cell& cell, unsigned cpus,
                    const Answer& expected, Ledger& ledger) {
  Measurement m;
  m.cpus = cpus;
  const Workload& workload = ledger.workload();
  attempt(m, [&] {
    m.costs.probe(workload, cpus);
    m.before = process_status();
    m.kernel_before = kernel_memory();
    reset_peak_memory();
    PeakWatch watch;
    const Usage before = usage_so_far();
    ledger.open();
    attempt(m, [&] { run(workload, {.workers = cell.workers}, ledger); });
    ledger.close();
    m.usage = usage_so_far() - before;
    m.after = process_status();
    m.peaks = watch.stop();
    m.costs.probe(workload, cpus);
    m.bounds = bounds(workload, m.costs, cpus);
    m.structural_bound = structural_bound(m.bounds, model.structure, cell.workers);
    if (m.status != Status::ok) return;

    m.answer = ledger.answer();
    m.reason = fault_of(m, expected, ledger);
    if (m.reason.empty()) {
      const Stamps stamps = stamps_of(ledger);
      m.metrics = metrics_of(stamps, m.costs, cpus);
      if (const auto idle = idle_phase(stamps)) {
        m.idle_cpu = cpu_use_within(m.peaks.cpu_looks, idle->begin, idle->end);
      }
    } else {
      m.status = Status::invalid;
    }
  });
  return m;
}

}  // namespace bench
