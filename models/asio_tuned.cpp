// Asio, tuned: lean coroutines, one per agent, that carry all they need in their own frames.
//
// The idea      The library's scheduler and timers; a coroutine type without its generality.
// A wait        costs a place in the timer queue: timer and operation are in the coroutine's frame.
// Computing     happens where the coroutine runs: on whichever thread of the io_context resumed it.
// Next turn     run by the coroutine that finished the last turn it waited for, in the same frame;
//               if several became ready, the others are posted, for any thread to take.
// Rung          tuned: concrete executors, frames recycled, no scheduling where a turn can go on.
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

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::tuned, Structure::workers, "Boost " BOOST_LIB_VERSION,
                                "asio_post"};

namespace {

using namespace bench;
using namespace bench::asio_family;

constexpr std::size_t operation_bytes = 72;  // of a wait, as of Boost 1.81

/// Hands out the room that a coroutine keeps for the one operation it has under way.
template <typename T>
struct FrameAllocator {
  using value_type = T;
  explicit FrameAllocator(void* r) : room(r) {}
  template <typename U>
  FrameAllocator(const FrameAllocator<U>& other) : room(other.room) {}
  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= operation_bytes && alignof(T) <= alignof(void*));
    return static_cast<T*>(room);
  }
  void deallocate(T*, std::size_t) {}
  bool operator==(const FrameAllocator&) const = default;
  void* room;
};

/// A coroutine that runs at once, that nobody awaits, and that frees itself at its end.  All it can
/// await is a moment, with the timer and the memory for it in its frame.
struct Agent {
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  /// Resumes the coroutine; ends it if that never comes, because the run has failed.
  struct Resume {
    Handle waiting;

    explicit Resume(Handle w) : waiting(w) {}
    Resume(Resume&& other) noexcept : waiting(std::exchange(other.waiting, nullptr)) {}
    ~Resume() {
      if (waiting) waiting.destroy();
    }
    void operator()(const boost::system::error_code&) { std::exchange(waiting, nullptr).resume(); }

    using allocator_type = FrameAllocator<void>;
    allocator_type get_allocator() const { return allocator_type(waiting.promise().room); }
  };

  struct Alarm {
    bool await_ready() const { return false; }
    void await_suspend(Handle waiting) { waiting.promise().timer.async_wait(Resume(waiting)); }
    void await_resume() const {}
  };

  struct promise_type {
    Timer timer;
    alignas(void*) std::byte room[operation_bytes];

    template <typename Run>
    promise_type(Run& run, const Turn*) : timer(run.io()) {}

    Alarm await_transform(Ledger::Clock::time_point moment) {
      timer.expires_at(moment);
      return {};
    }

    Agent get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {  // comes out of io_context::run, when the frame has gone
      asio::post(timer.get_executor(),
                 [error = std::current_exception()] { std::rethrow_exception(error); });
    }

    static void* operator new(std::size_t size) { return Frames().allocate(size); }
    static void operator delete(void* frame, std::size_t size) {
      Frames().deallocate(static_cast<std::byte*>(frame), size);
    }
    using Frames = asio::recycling_allocator<std::byte>;
  };
};

class CoroutinePerAgent {
 public:
  CoroutinePerAgent(const Workload& workload, Ledger& ledger, unsigned workers)
      : ledger_(ledger), plan_(workload), workers_(workers), io_(static_cast<int>(workers)) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { hand_out(turn); });
    run_on_threads(io_, workers_);
  }

  asio::io_context& io() { return io_; }

 private:
  Agent run_turns(const Turn* turn) {
    for (; turn; turn = next_after(*turn)) {
      Value v = ledger_.start(*turn);
      for (auto step = turn->steps.begin(); step != turn->steps.end(); ++step) {
        if (step->kind == StepKind::wait) {
          co_await ledger_.begin_wait(*step);
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
    plan_.for_each_ready_after(turn, [&](const Turn& next) {
      if (!mine) {
        mine = &next;
      } else if (next.agent == turn.agent && mine->agent != turn.agent) {
        hand_out(*std::exchange(mine, &next));
      } else {
        hand_out(next);
      }
    });
    return mine;
  }

  void hand_out(const Turn& turn) {
    asio::post(io_, [this, &turn] { run_turns(&turn); });
  }

  Ledger& ledger_;
  Plan plan_;
  unsigned workers_;
  asio::io_context io_;  // last: its destructor ends coroutines that use all of the above
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerAgent(workload, ledger, resources.workers).run();
}
