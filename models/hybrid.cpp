// Hybrid: Asio waits and oneTBB computes; a turn is a coroutine that goes from one to the other.
//
// The idea      The calling thread is the loop and never computes; TBB's workers run turns.
// A wait        costs a coroutine frame and an entry in the loop's timer queue.
// A call        is a coroutine of Asio's on the loop, which is also where its bytes go in and out.
// Computing     happens on whichever of TBB's workers is free.  The loop answers at once, however
//               much there is to compute: it runs turns up to where they need a worker.
// Next turn     run by the coroutine that finished the last turn it waited for; if several are
//               ready, the others are tasks for whoever is free.
// Rung          tuned: what one would ship who has both libraries.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/version.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/version.hpp>
#include <coroutine>
#include <exception>
#include <memory>
#include <stop_token>
#include <utility>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_client.hpp"
#include "models/asio_family.hpp"
#include "models/tbb_family.hpp"

const bench::Model bench::model{"hybrid", Rung::tuned, Structure::workers,
                                "Boost " BOOST_LIB_VERSION ", oneTBB " TBB_VERSION_STRING,
                                Primitives{"tbb_task+std_coroutine+plan_turn", "asio"}};

namespace {

using namespace bench;
namespace asio = boost::asio;

/// A coroutine that runs at once, that nobody awaits, and that frees itself at its end.
struct Agent {
  struct promise_type {
    Agent get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // there is none: see run_turns
  };
};

/// The task that goes on with a coroutine; ends it if it never runs, because the run has failed.
class Resume {
 public:
  explicit Resume(std::coroutine_handle<> waiting) : frame_(waiting.address()) {}
  void operator()() const { std::coroutine_handle<>::from_address(frame_.release()).resume(); }

 private:
  struct End {
    void operator()(void* frame) const { std::coroutine_handle<>::from_address(frame).destroy(); }
  };
  mutable std::unique_ptr<void, End> frame_;  // TBB calls tasks as const
};

class LoopAndArena {
 public:
  LoopAndArena(const Workload& workload, const Resources& resources, Ledger& ledger)
      : workload_(workload),
        ledger_(ledger),
        plan_(workload),
        unfinished_(workload.turns.size()),
        limit_(tbb::global_control::max_allowed_parallelism, resources.workers + 1),
        arena_(static_cast<int>(resources.workers), /*reserved_for_masters=*/0),
        client_(loop_, /*threads=*/1, workload, resources, ledger) {}

  ~LoopAndArena() {  // no task may touch the members while they go
    group_.cancel();
    group_.wait();
  }

  void run(const std::stop_token& stop) {
    if (unfinished_ == 0) return;
    const std::stop_callback on_stop(stop, [this] { abandon({}); });
    const auto open = asio::make_work_guard(loop_);
    enqueue([this] {
      guarded([this] { plan_.for_each_root([this](const Turn& turn) { start(turn); }); });
    });
    loop_.run();  // until the last turn has ended, one throws, or all are to stop
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// Goes on, on the loop, when the time has come.
  struct Wait {
    LoopAndArena& run;
    const Step& step;
    Value value;
    asio_family::Timer timer;

    Wait(LoopAndArena& r, const Step& s, Value v)
        : run(r), step(s), value(v), timer(r.loop_, r.ledger_.begin_wait(s)) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      LoopAndArena& all = run;
      try {
        timer.async_wait([resume = Resume(waiting)](const auto&) { resume(); });
      } catch (...) {  // with the operation went the coroutine, and this
        all.on_error();
      }
    }
    Value await_resume() const { return run.ledger_.end_wait(step, value); }
  };

  /// Goes on, on the loop, when the call is over.
  struct Call {
    LoopAndArena& run;
    const Step& step;
    Value value;
    std::exception_ptr error = {};

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      LoopAndArena& all = run;
      auto on_end = [this, resume = Resume(waiting)](std::exception_ptr e, Value v) {
        error = std::move(e);
        value = v;
        resume();
      };
      try {
        asio::co_spawn(all.loop_, all.client_.call(step, value), std::move(on_end));
      } catch (...) {  // with the operation went the coroutine, and this
        all.on_error();
      }
    }
    Value await_resume() const {
      if (error) std::rethrow_exception(error);
      return value;
    }
  };

  /// Goes on as a task of the arena.
  struct Worker {
    LoopAndArena& run;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      LoopAndArena& all = run;
      try {
        all.enqueue(Resume(waiting));
      } catch (...) {  // with the task went the coroutine, and this
        all.on_error();
      }
    }
    void await_resume() const {}
  };

  Agent run_turns(const Turn* turn) {
    try {
      for (bool on_loop = false; turn; turn = next_after(*turn)) {
        try {
          Value v = ledger_.start(*turn);
          for (const Step& step : turn->steps) {
            if (step.kind == StepKind::wait) {
              v = co_await Wait(*this, step, v);
              on_loop = true;
            } else if (step.kind == StepKind::call) {
              on_loop = true;  // there it may fail, too
              v = co_await Call{*this, step, v};
            } else {
              if (std::exchange(on_loop, false)) co_await Worker{*this};
              v = asio_family::work(ledger_, step, v);
            }
          }
          // The loop sees to a turn that only waits, and to one after it.  More are shared out
          // among the workers, by one of them.
          if (forks(*turn) && std::exchange(on_loop, false)) co_await Worker{*this};
          ledger_.finish(*turn, v);
        } catch (const TurnFailed& failure) {
          ledger_.fail(*turn, failure);
        }
        if (--unfinished_ == 0) loop_.stop();
        if (forks(*turn) && std::exchange(on_loop, false)) co_await Worker{*this};
      }
    } catch (...) {
      on_error();
    }
  }
  static bool forks(const Turn& turn) { return turn.after.size() > 1; }

  /// One of the turns that are ready now; the others are handed out.
  const Turn* next_after(const Turn& turn) {
    return tbb_family::share_out(
        group_, workload_, turn.after, [this](TurnId id) { return plan_.count_down(id); },
        [this](auto&& find) { guarded([&] { run_turns(find()); }); });
  }

  /// From a worker: the task is its own, or stolen.
  void start(const Turn& turn) {
    group_.run([this, &turn] { guarded([&] { run_turns(&turn); }); });
  }

  /// The body of a task: TBB would keep its error for the group, and the loop would not know.
  void guarded(auto&& body) {
    try {
      body();
    } catch (...) {
      on_error();
    }
  }

  /// Takes no memory, for the lack of it may be the error.
  void on_error() { abandon(std::current_exception()); }

  /// Whoever is first says why.
  void abandon(std::exception_ptr error) {
    if (abandoned_.exchange(true)) return;
    error_ = std::move(error);
    loop_.stop();
  }

  /// From the loop: wakes a worker.
  void enqueue(auto&& task) { arena_.enqueue(group_.defer(std::forward<decltype(task)>(task))); }

  const Workload& workload_;
  Ledger& ledger_;
  Plan plan_;
  std::atomic<std::size_t> unfinished_;
  std::atomic<bool> abandoned_ = false;
  std::exception_ptr error_;   // the first one
  tbb::global_control limit_;  // TBB's workers, and the loop
  tbb::task_arena arena_;
  tbb::task_group group_;
  asio::io_context loop_;  // goes early, and with it who still waits after an error
  asio_family::Client client_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  LoopAndArena(workload, resources, ledger).run(resources.stop);
}
