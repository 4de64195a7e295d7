// Asio, tuned: lean coroutines, one per agent, that carry all they need in their own frames.
//
// The idea      The library's scheduler and timers; a coroutine type without its generality.
// A wait        costs a place in the timer queue: timer and operation are in the coroutine's frame.
// Computing     happens where the coroutine runs; an agent that never waits keeps its thread.
// Next turn     run by the coroutine that finished the last turn it waited for, in the same frame;
//               the others that became ready are posted as one batch, which all threads empty.
// Rung          tuned: concrete executors, frames recycled, no scheduling where a turn can go on.
#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <coroutine>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::tuned, Structure::workers, "Boost " BOOST_LIB_VERSION,
                                "std_coroutine+plan_turn"};

namespace {

using namespace bench;
using namespace bench::asio_family;

/// A moment to await.  The timer is in the coroutine's frame, and so is room for the one operation
/// that the library needs for it.
class Alarm {
 public:
  Alarm(asio::io_context& io, Ledger::Clock::time_point moment) : timer_(io, moment) {}
  bool await_ready() const { return false; }
  void await_suspend(auto waiting) {
    auto& run = waiting.promise().run;
    waiting_ = waiting;
    try {
      timer_.async_wait(Resume(*this));
    } catch (...) {  // with the operation went the coroutine, and this
      run.on_error(std::current_exception());
    }
  }
  void await_resume() const {}

 private:
  static constexpr std::size_t room_bytes = 72;  // what Boost 1.81 takes; more comes from the heap

  template <typename T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(Alarm* a) : alarm(a) {}
    template <typename U>
    Allocator(const Allocator<U>& other) : alarm(other.alarm) {}
    static constexpr bool fits = sizeof(T) <= room_bytes && alignof(T) <= alignof(void*);
    T* allocate(std::size_t n) {
      if constexpr (fits) return reinterpret_cast<T*>(alarm->room_);
      return std::allocator<T>().allocate(n);
    }
    void deallocate(T* operation, std::size_t n) {
      if constexpr (!fits) std::allocator<T>().deallocate(operation, n);
    }
    bool operator==(const Allocator&) const = default;
    Alarm* alarm;
  };

  /// Resumes the coroutine; ends it if that never comes, because the run has failed.
  struct Resume {
    explicit Resume(Alarm& a) : alarm(&a) {}
    Resume(Resume&& other) noexcept : alarm(std::exchange(other.alarm, nullptr)) {}
    ~Resume() {
      if (alarm) alarm->waiting_.destroy();
    }
    void operator()(const boost::system::error_code&) {
      std::exchange(alarm, nullptr)->waiting_.resume();
    }
    using allocator_type = Allocator<void>;
    allocator_type get_allocator() const { return allocator_type(alarm); }
    Alarm* alarm;
  };

  Timer timer_;
  std::coroutine_handle<> waiting_;
  alignas(void*) std::byte room_[room_bytes];
};

/// Turns that became ready together.  Threads take them one by one, until none is left.
class Batch {
 public:
  explicit Batch(std::vector<const Turn*> ready) : turns_(std::move(ready)) {}
  std::size_t size() const { return turns_.size(); }
  const Turn* take() {
    const std::size_t i = next_.fetch_add(1, std::memory_order_relaxed);
    return i < turns_.size() ? turns_[i] : nullptr;
  }

 private:
  std::vector<const Turn*> turns_;
  std::atomic<std::size_t> next_ = 0;
};

class CoroutinePerAgent {
 public:
  CoroutinePerAgent(const Workload& workload, Ledger& ledger, unsigned workers)
      : ledger_(ledger), plan_(workload), workers_(workers), io_(static_cast<int>(workers)) {}

  void run() {
    std::vector<const Turn*> roots;
    plan_.for_each_root([&](const Turn& turn) { roots.push_back(&turn); });
    hand_out(std::move(roots));
    run_on_threads(io_, workers_);
    if (error_) std::rethrow_exception(error_);
  }

  /// Keeps the first error; takes no memory, for the lack of it may be the error.
  void on_error(std::exception_ptr error) {
    if (!failed_.exchange(true)) error_ = error;
    io_.stop();
  }

 private:
  /// A coroutine that runs at once, that nobody awaits, and that frees itself at its end.
  struct Detached {
    struct promise_type {
      CoroutinePerAgent& run;

      promise_type(CoroutinePerAgent& r, const Turn*) : run(r) {}
      Detached get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { run.on_error(std::current_exception()); }

      using Frames = asio::recycling_allocator<std::byte>;
      static void* operator new(std::size_t size) { return Frames().allocate(size); }
      static void operator delete(void* frame, std::size_t size) {
        Frames().deallocate(static_cast<std::byte*>(frame), size);
      }
    };
  };

  Detached run_turns(const Turn* turn) {
    for (; turn; turn = next_after(*turn)) {
      Value v = ledger_.start(*turn);
      // The frame keeps what lives across a wait: of this loop one pointer, of a range-for four.
      for (auto step = turn->steps.begin(); step != turn->steps.end(); ++step) {
        if (step->kind == StepKind::wait) {
          Alarm alarm(io_, ledger_.begin_wait(*step));
          co_await alarm;
          v = ledger_.end_wait(*step, v);
        } else {
          v = work(ledger_, *step, v);
        }
      }
      ledger_.finish(*turn, v);
    }
  }

  /// One of the turns that are ready now, the agent's own if there is one; hands out the others.
  const Turn* next_after(const Turn& turn) {
    const Turn* mine = nullptr;
    std::vector<const Turn*> others;
    plan_.for_each_ready_after(turn, [&](const Turn& next) {
      if (!mine) {
        mine = &next;
      } else if (next.agent == turn.agent && mine->agent != turn.agent) {
        others.push_back(std::exchange(mine, &next));
      } else {
        others.push_back(&next);
      }
    });
    hand_out(std::move(others));
    return failed_ ? nullptr : mine;
  }

  /// A post for each thread that can help, however many turns there are: who comes takes one after
  /// the other, so that no thread is idle while a turn is left.
  void hand_out(std::vector<const Turn*> ready) {
    if (ready.empty()) return;
    const auto batch = std::make_shared<Batch>(std::move(ready));
    for (std::size_t i = 0; i < std::min<std::size_t>(workers_, batch->size()); ++i) {
      asio::post(io_, [this, batch] {
        while (const Turn* turn = failed_ ? nullptr : batch->take()) run_turns(turn);
      });
    }
  }

  Ledger& ledger_;
  Plan plan_;
  unsigned workers_;
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;  // of who failed first
  asio::io_context io_;       // last: its destructor ends coroutines that use all of the above
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerAgent(workload, ledger, resources.workers).run();
}
