// Does a model stay right, and leave nothing, when trouble comes over and over?  All runs are in
// one process, so that what each leaves behind adds up.
//
//     <model>_soak RUNS [WORKERS]
//
// Prints one line of JSON for each kind of trouble: {"model", "scenario", "io", "on_error",
// "stopped", "runs", "proved", "fault" (the first one, or null), "failures" (of turns, each run),
// "threads_left", "descriptors_left", "heap_left_bytes_per_run"}.  The first runs fill caches that
// are kept.  Then the least that is there after any run of the second quarter is set against the
// least of the last one: what a collector of garbage has not come to yet is no leak, and a leak
// raises the least as well.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <thread>

#include "mock_llm_process.hpp"
#include "presets.hpp"
#include "process.hpp"
#include "program.hpp"
#include "trial.hpp"

namespace bench {
namespace {

struct Trouble {
  const char* scenario;
  OnError on_error = OnError::isolate;
  bool stopped = false;  // somewhere in the middle
};

constexpr Trouble troubles[] = {
    {"faulty"},     {"storm"},   {"storm", OnError::fail_fast},    {"storm", OnError::first_error},
    {"rate-limit"}, {"first-k"}, {"tree", OnError::isolate, true},
};

/// Asks for a stop when the nth turn starts, on the thread that starts it.
class StopAt : public Observer {
 public:
  explicit StopAt(std::uint64_t start) : start_(start) {}
  void on_start(const Turn&) override {
    if (started_.fetch_add(1) == start_) ledger->ask_to_stop(Ledger::Stop::Why::outside);
  }
  void on_finish(const Turn&) override {}
  Ledger* ledger = nullptr;

 private:
  const std::uint64_t start_;
  std::atomic<std::uint64_t> started_ = 0;
};

struct Left {
  std::int64_t threads, descriptors, heap_bytes;
};

/// In use in all arenas of the C library: mallinfo2 knows the main one alone.
std::int64_t heap_in_use() {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* file = open_memstream(&text, &size);
  malloc_info(0, file);
  std::fclose(file);
  const std::string_view xml(text, size);
  // The totals of the process come last: `<total type="rest" count="1" size="2"/>` and so on.
  auto number_after = [&](std::string_view mark) {
    std::int64_t value = 0;
    if (const auto at = xml.rfind(mark); at != xml.npos) {
      const auto from = xml.find("size=\"", at) + 6;
      std::from_chars(xml.data() + from, xml.data() + xml.size(), value);
    }
    return value;
  };
  const std::int64_t in_use =
      number_after("<system type=\"current\"") + number_after("<total type=\"mmap\"") -
      number_after("<total type=\"fast\"") - number_after("<total type=\"rest\"");
  std::free(text);
  return in_use;
}

Left what_is_there() {
  return {process_status().threads,
          std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), heap_in_use()};
}

Left least(const std::optional<Left>& before, const Left& now) {
  if (!before) return now;
  return {std::min(before->threads, now.threads), std::min(before->descriptors, now.descriptors),
          std::min(before->heap_bytes, now.heap_bytes)};
}

/// One run; how many of its turns failed.
std::uint64_t run_once(const Workload& workload, const Trouble& trouble, std::uint64_t number,
                       unsigned workers, const Endpoint& endpoint, std::string& fault) {
  StopAt stop_at(mix64(number) % workload.turns.size());
  Ledger ledger(workload, trouble.stopped ? &stop_at : nullptr);
  stop_at.ledger = &ledger;
  ledger.set_policy(trouble.on_error);
  fault = fault_of_trial(workload, ledger, workers, endpoint);
  return ledger.receipts().failed;
}

nlohmann::json soak(const Trouble& trouble, std::uint64_t runs, unsigned workers,
                    const MockLlm* llm) {
  // Slow enough for replies to come well within the limits of calls, also beside other programs.
  const Cell cell{.scenario = trouble.scenario,
                  .agents = 8,
                  .cpu_share = 0.05,
                  .time_scale = 1e-3,
                  .tcp = llm != nullptr};
  Workload workload = find_preset(cell.scenario)->make(cell);
  if (llm) workload = with_calls(workload);
  std::uint64_t proved = 0, failures = 0;
  std::optional<std::string> first_fault;
  std::optional<Left> early, late;
  const std::uint64_t first_early = runs / 4,
                      first_late = runs - std::max(1UL, runs / 2 - runs / 4);
  for (std::uint64_t number = 0; number < runs; ++number) {
    std::string fault;
    failures =
        run_once(workload, trouble, number, workers, llm ? llm->endpoint() : Endpoint{}, fault);
    proved += fault.empty();
    if (!fault.empty() && !first_fault) first_fault = fault;
    const Left now = what_is_there();
    if (number >= first_early && number < first_early + (runs - first_late))
      early = least(early, now);
    if (number >= first_late) late = least(late, now);
  }
  return {{"model", model_name},
          {"scenario", trouble.scenario},
          {"io", llm ? "tcp" : "timer"},
          {"on_error", name_of(trouble.on_error)},
          {"stopped", trouble.stopped},
          {"runs", runs},
          {"proved", proved},
          {"fault", first_fault ? nlohmann::json(*first_fault) : nlohmann::json(nullptr)},
          {"failures", failures},
          {"threads_left", late->threads - early->threads},
          {"descriptors_left", late->descriptors - early->descriptors},
          {"heap_left_bytes_per_run", static_cast<double>(late->heap_bytes - early->heap_bytes) /
                                          static_cast<double>(first_late - first_early)}};
}

std::optional<unsigned> number(const char* text) {
  unsigned value = 0;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc{} || end != view.data() + view.size() || value == 0) return std::nullopt;
  return value;
}

}  // namespace
}  // namespace bench

int bench::run_program(int argc, char** argv, Prepare) {
  const auto runs = argc > 1 ? number(argv[1]) : std::nullopt;
  const auto workers = argc > 2 ? number(argv[2]) : std::optional(2U);
  if (argc > 3 || !runs || *runs < 2 || !workers) {
    std::cerr << fmt::format("usage: {}_soak RUNS [WORKERS]\n", model_name);
    return 2;
  }
  const MockLlm llm;
  bool all_right = true;
  for (const MockLlm* io : {static_cast<const MockLlm*>(nullptr), &llm}) {
    for (const Trouble& trouble : troubles) {
      const nlohmann::json line = soak(trouble, *runs, *workers, io);
      std::cout << line.dump() << std::endl;
      all_right = all_right && line["proved"] == line["runs"];
    }
  }
  return all_right ? 0 : 1;
}
