// Asio, tuned: lean coroutines, one per agent, that carry all they need in their own frames.
//
// The idea      The library's scheduler and timers; a coroutine type without its generality.
// A wait        costs a place in the timer queue: timer and operation are in the coroutine's frame.
// Computing     happens where the coroutine runs: on whichever thread of the io_context resumed it.
// Next turn     run by the coroutine that finished the last turn it waited for, in the same frame;
//               if several became ready, the others are posted, for any thread to take.
// Rung          tuned: concrete executors, frames recycled, no scheduling where a turn can go on.
#include <array>
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

/// steady_timer with the io_context's own executor in place of one that could be any.
using Timer = asio::steady_timer::rebind_executor<asio::io_context::executor_type>::other;

/// A coroutine that runs at once, that nobody awaits, and that frees itself at its end.
struct Detached {
  struct promise_type {
    template <typename Run>
    promise_type(Run& run, const Turn&) : io(run.io()) {}
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {  // comes out of io_context::run, when the frame has gone
      asio::post(io, [error = std::current_exception()] { std::rethrow_exception(error); });
    }
    static void* operator new(std::size_t size) {
      return asio::recycling_allocator<std::byte>().allocate(size);
    }
    static void operator delete(void* frame, std::size_t size) {
      asio::recycling_allocator<std::byte>().deallocate(static_cast<std::byte*>(frame), size);
    }
    asio::io_context& io;
  };
};

/// Room for the one operation that a coroutine has under way.
using Room = std::array<std::byte, 80>;

template <typename T>
struct RoomAllocator {  // void: to be rebound
  using value_type = T;
  explicit RoomAllocator(Room& r) : room(&r) {}
  template <typename U>
  RoomAllocator(const RoomAllocator<U>& other) : room(other.room) {}
  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= sizeof(Room) && alignof(T) <= alignof(std::max_align_t));
    return reinterpret_cast<T*>(room->data());
  }
  void deallocate(T*, std::size_t) {}
  bool operator==(const RoomAllocator&) const = default;
  Room* room;
};

/// Resumes the coroutine; if it never comes to that, because the run has failed, ends it.
class Resume {
 public:
  using allocator_type = RoomAllocator<void>;
  Resume(std::coroutine_handle<> waiting, Room& room) : waiting_(waiting), room_(&room) {}
  Resume(Resume&& other) noexcept
      : waiting_(std::exchange(other.waiting_, nullptr)), room_(other.room_) {}
  ~Resume() {
    if (waiting_) waiting_.destroy();
  }
  void operator()(const boost::system::error_code&) { std::exchange(waiting_, nullptr).resume(); }
  allocator_type get_allocator() const { return allocator_type(*room_); }

 private:
  std::coroutine_handle<> waiting_;
  Room* room_;
};

/// A timer to await.
class Alarm {
 public:
  explicit Alarm(asio::io_context& io) : timer_(io) {}
  Alarm& at(Ledger::Clock::time_point deadline) {
    timer_.expires_at(deadline);
    return *this;
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { timer_.async_wait(Resume(waiting, room_)); }
  void await_resume() const {}

 private:
  Timer timer_;
  alignas(std::max_align_t) Room room_;
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
  Detached run_turns(const Turn& first) {
    Alarm alarm(io_);
    for (const Turn* turn = &first; turn; turn = next_after(*turn)) {
      Value v = ledger_.start(*turn);
      for (const Step& step : turn->steps) {
        if (step.kind == StepKind::wait) {
          auto& at_deadline = alarm.at(ledger_.begin_wait(step));
          co_await at_deadline;
          v = ledger_.end_wait(step, v);
        } else {
          v = work(ledger_, step, v);
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
    asio::post(io_, [this, &turn] { run_turns(turn); });
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
