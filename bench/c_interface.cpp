// How does a model in another language take part?
#include "c_interface.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <system_error>
#include <vector>

#include "model.hpp"
#include "program.hpp"

namespace bench {

char library_version[64];  // where bench::model points to; its other facts are known to CMake

namespace {

InterleaveModel other;

/// The workload that the other language was shown last, and what it was shown.
struct Shown {
  const Workload* workload = nullptr;
  std::vector<std::uint64_t> first_step, first_before;
  std::vector<std::uint8_t> step_kinds;
  std::vector<std::uint32_t> before;
} shown;

Ledger* ledger;  // of the run under way

std::mutex mutex;
std::exception_ptr error;  // the first one of the run; guarded by the mutex

thread_local std::optional<TurnFailed> turn_failed;  // by this thread, and not yet told

/// interleave_failed counts: turns whose failure was not yet told, and errors of the run.
void count_failures(int more) { __atomic_fetch_add(&interleave_failed, more, __ATOMIC_ACQ_REL); }

void keep_current_error() {
  std::lock_guard lock(mutex);
  if (!error) error = std::current_exception();
  count_failures(1);
}

/// An exception must not cross C.
auto guarded(auto&& verb) -> decltype(verb()) {
  try {
    return verb();
  } catch (const TurnFailed& failure) {
    turn_failed = failure;
    count_failures(1);
  } catch (...) {
    keep_current_error();
  }
  return decltype(verb())();
}

const Turn& turn_at(std::uint32_t turn) { return ledger->workload().turns[turn]; }
const Step& step_at(std::uint64_t step) { return ledger->workload().steps()[step]; }

void forget_errors() {
  error = nullptr;
  interleave_failed = 0;
}

/// Calls back, and throws what went wrong there.
void call(auto callback, auto argument) {
  const int status = callback(argument);
  if (error) std::rethrow_exception(error);
  if (status != 0) throw std::runtime_error("the model failed, and does not say why");
}

void show(const Workload& workload) {
  shown = {};
  shown.first_step.push_back(0);
  shown.first_before.push_back(0);
  for (const Turn& turn : workload.turns) {
    for (const Step& step : turn.steps) {
      shown.step_kinds.push_back(static_cast<std::uint8_t>(step.kind));
    }
    shown.before.insert(shown.before.end(), turn.before.begin(), turn.before.end());
    shown.first_step.push_back(shown.step_kinds.size());
    shown.first_before.push_back(shown.before.size());
  }
  const InterleaveWorkload arrays{workload.turns.size(),
                                  shown.first_step.data(),
                                  shown.step_kinds.data(),
                                  shown.first_before.data(),
                                  shown.before.data(),
                                  workload.limit.in_flight,
                                  workload.limit.interval.count() > 0};
  forget_errors();
  call(other.prepare, &arrays);
  shown.workload = &workload;
}

}  // namespace

void run(const Workload& workload, const Resources& resources, Ledger& this_ledger) {
  if (shown.workload != &workload) show(workload);
  shown.workload = nullptr;  // the next one may live at the same address
  ledger = &this_ledger;
  forget_errors();
  const InterleaveResources shown_resources{resources.workers, resources.endpoint.port != 0};
  const std::stop_callback on_stop(resources.stop, other.on_stop);
  call(other.run, &shown_resources);
}

}  // namespace bench

using namespace bench;

extern "C" {

int interleave_failed = 0;

int interleave_program(int argc, char** argv, const InterleaveModel* model) {
  other = *model;
  std::strncpy(library_version, model->version, sizeof(library_version) - 1);
  return run_program(argc, argv, show);
}

void interleave_fail(int error_number, const char* text) {
  guarded([&] {
    if (error_number == ENOMEM) throw std::bad_alloc();
    if (error_number != 0) throw std::system_error(error_number, std::generic_category(), text);
    throw std::runtime_error(text);
  });
}

std::uint64_t interleave_start(std::uint32_t turn) {
  return guarded([&] { return ledger->start(turn_at(turn)); });
}

std::uint64_t interleave_compute(std::uint64_t step, std::uint64_t value) {
  return guarded([&] { return ledger->compute(step_at(step), value); });
}

void interleave_begin_wait(std::uint64_t step) {
  guarded([&] { ledger->begin_wait(step_at(step)); });
}

double interleave_time_left(std::uint64_t step) {
  return guarded(
      [&] { return std::chrono::duration<double>(ledger->time_left(step_at(step))).count(); });
}

std::uint64_t interleave_end_wait(std::uint64_t step, std::uint64_t value) {
  return guarded([&] { return ledger->end_wait(step_at(step), value); });
}

std::uint64_t interleave_block(std::uint64_t step, std::uint64_t value) {
  return guarded([&] { return ledger->block(step_at(step), value); });
}

void interleave_finish(std::uint32_t turn, std::uint64_t value) {
  guarded([&] { ledger->finish(turn_at(turn), value); });
}

void interleave_fail_turn(std::uint32_t turn, std::uint64_t value, std::uint32_t ending) {
  guarded([&] {
    ledger->fail(turn_at(turn), TurnFailed(static_cast<Ending>(ending), value, "a turn failed"));
  });
}

int interleave_why(InterleaveTurnFailed* failure) {
  if (turn_failed) {
    *failure = {turn_failed->value, static_cast<std::uint32_t>(turn_failed->ending)};
    turn_failed.reset();
    count_failures(-1);
    return interleave_turn;
  }
  std::lock_guard lock(mutex);
  return error ? interleave_run : interleave_nothing;
}

struct InterleaveExchange {
  Exchange exchange;
};

InterleaveExchange* interleave_exchange_new() {
  return guarded([] { return new InterleaveExchange; });
}
void interleave_exchange_delete(InterleaveExchange* e) { delete e; }
std::uint16_t interleave_exchange_port(const InterleaveExchange* e) { return e->exchange.port(); }
int interleave_exchange_keep_alive(const InterleaveExchange* e) { return e->exchange.keep_alive(); }
const char* interleave_exchange_request(const InterleaveExchange* e, std::size_t* size) {
  *size = e->exchange.request().size();
  return e->exchange.request().data();
}
int interleave_exchange_receive(InterleaveExchange* e, const char* bytes, std::size_t size) {
  return guarded([&] { return e->exchange.receive({bytes, size}); });
}
void interleave_exchange_on_closed(InterleaveExchange* e) { e->exchange.on_closed(); }
void interleave_exchange_on_refused(InterleaveExchange* e) { e->exchange.on_refused(); }
void interleave_exchange_on_timed_out(InterleaveExchange* e) { e->exchange.on_timed_out(); }
int interleave_exchange_over(const InterleaveExchange* e) { return e->exchange.over(); }
int interleave_exchange_connection_reusable(const InterleaveExchange* e) {
  return e->exchange.connection_reusable();
}

void interleave_begin_attempt(std::uint64_t step, InterleaveExchange* exchange) {
  guarded([&] {
    if (exchange) {
      ledger->begin_attempt(step_at(step), exchange->exchange);
    } else {
      ledger->begin_attempt(step_at(step));
    }
  });
}

int interleave_end_attempt(std::uint64_t step, std::uint64_t* value,
                           const InterleaveExchange* exchange) {
  return guarded([&] {
    const Ledger::Next next = exchange
                                  ? ledger->end_attempt(step_at(step), *value, exchange->exchange)
                                  : ledger->end_attempt(step_at(step), *value);
    if (!next.again) *value = next.value;
    return next.again;
  });
}

void interleave_reserve(std::uint64_t step) {
  guarded([&] { ledger->reserve(step_at(step)); });
}

}  // extern "C"
