// Asio, tuned: lean coroutines, one per agent, that carry all they need in their own frames.
//
// The idea      The library's scheduler and timers; a coroutine type without its generality.
// A wait        costs a place in the timer queue: timer and operation are in the coroutine's frame.
// A call        is sent at once; one timer per connection sees to the time-outs of all its calls.
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
#include <variant>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/asio_connections.hpp"
#include "models/asio_family.hpp"

const bench::Model bench::model{"asio", Rung::tuned, Structure::workers, "Boost " BOOST_LIB_VERSION,
                                Primitives{"std_coroutine+plan_turn", "asio_callbacks"}};

namespace {

using namespace bench;
using namespace bench::asio_family;

/// An operation of the library's to await.  It is in the coroutine's frame, and so is room for what
/// the library needs for it.
template <typename Derived, std::size_t room_bytes>
class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;  // GCC 12 copies what a function returns by reference
  Operation& operator=(const Operation&) = delete;
  bool await_ready() const { return false; }

 protected:
  /// Calls `initiate(handler)`.
  void suspend(auto waiting, auto&& initiate) {
    auto& run = waiting.promise().run;
    waiting_ = waiting;
    outermost_ = waiting.promise().outermost();
    try {
      initiate(Resume(static_cast<Derived&>(*this)));
    } catch (...) {  // with the operation went the coroutine, and this
      run.on_error(std::current_exception());
    }
  }

 private:
  template <typename T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(Derived* o) : operation(o) {}
    template <typename U>
    Allocator(const Allocator<U>& other) : operation(other.operation) {}
    static constexpr bool fits = sizeof(T) <= room_bytes && alignof(T) <= alignof(void*);
    T* allocate(std::size_t n) {
      if constexpr (fits) return reinterpret_cast<T*>(operation->room_);
      return std::allocator<T>().allocate(n);
    }
    void deallocate(T* memory, std::size_t n) {
      if constexpr (!fits) std::allocator<T>().deallocate(memory, n);
    }
    bool operator==(const Allocator&) const = default;
    Derived* operation;
  };

  /// Resumes the coroutine; ends it if that never comes, because the run has failed.
  struct Resume {
    explicit Resume(Derived& o) : operation(&o) {}
    Resume(Resume&& other) noexcept : operation(std::exchange(other.operation, nullptr)) {}
    ~Resume() {
      if (operation) operation->outermost_.destroy();
    }
    void operator()(const error_code& error, std::size_t bytes = 0) {
      Derived& ended = *std::exchange(operation, nullptr);
      ended.on_end(error, bytes);
      ended.waiting_.resume();
    }
    using allocator_type = Allocator<void>;
    allocator_type get_allocator() const { return allocator_type(operation); }
    Derived* operation;
  };

  std::coroutine_handle<> waiting_;
  std::coroutine_handle<> outermost_;  // of those that await one another up to here
  alignas(void*) std::byte room_[room_bytes];
};

/// A moment to await.  What Boost 1.81 takes for it fits; more would come from the heap.
class Alarm : public Operation<Alarm, 72> {
 public:
  Alarm(asio::io_context& io, Ledger::Clock::time_point moment) : timer_(io, moment) {}
  void await_suspend(auto waiting) {
    suspend(waiting, [this](auto handler) { timer_.async_wait(std::move(handler)); });
  }
  void await_resume() const {}
  void on_end(const error_code&, std::size_t) {}

 private:
  Timer timer_;
};

/// A connection whose time-out costs no timer per exchange.  Its timer is set again only when it
/// has gone off too early, as each exchange moves the deadline, and it keeps no thread: while
/// nothing but such timers is to come, the io_context has no work.
class WatchedConnection : public Connection {
 public:
  explicit WatchedConnection(asio::io_context& io) : Connection(io), timer_(io) {}

  /// Until `stop_watching`, only the socket's operations may be used.
  void shut_down_at(Ledger::Clock::time_point deadline) {
    std::lock_guard lock(mutex_);
    deadline_ = deadline;
    if (deadline < set_to_) set(deadline);
  }

  /// Whether its time was up.
  bool stop_watching() {
    std::lock_guard lock(mutex_);
    deadline_ = never;
    return std::exchange(timed_out_, false);
  }

 private:
  static constexpr auto never = Ledger::Clock::time_point::max();

  void set(Ledger::Clock::time_point moment) {
    const auto executor = timer_.get_executor();
    set_to_ = moment;
    timer_.expires_at(moment);
    timer_.async_wait([=, this](const error_code& error) {
      executor.on_work_started();
      if (!error) on_timer(moment);  // else the connection may be gone
    });
    executor.on_work_finished();
  }

  void on_timer(Ledger::Clock::time_point moment) {
    std::lock_guard lock(mutex_);
    set_to_ = never;
    if (deadline_ == never) return;
    if (moment < deadline_) return set(deadline_);
    timed_out_ = true;
    // Unlike `cancel` it may come between two operations: the next one finds the end of the stream.
    // And of all that can be done to a socket that is used on another thread it is what is safe.
    error_code error;
    socket.shutdown(tcp::socket::shutdown_both, error);
    if (error) set(moment + std::chrono::milliseconds(1));  // it is about to connect
  }

  Timer timer_;
  std::mutex mutex_;                            // guards the next three and the timer
  Ledger::Clock::time_point deadline_ = never;  // of the exchange
  Ledger::Clock::time_point set_to_ = never;    // the timer
  bool timed_out_ = false;
};

/// What a connection does, to await: one thing at a time.
class Transfer : public Operation<Transfer, 160> {
 public:
  enum Task { connect, send_more, receive };
  explicit Transfer(Connection& connection) : connection_(connection) {}
  void prepare(Task task) { task_ = task; }

  void await_suspend(auto waiting) {
    suspend(waiting, [this](auto handler) {
      Socket& socket = connection_.socket;
      switch (task_) {
        case connect:
          return socket.async_connect(connection_.peer(), std::move(handler));
        case send_more:
          return socket.async_wait(Socket::wait_write, std::move(handler));
        case receive:
          return socket.async_read_some(asio::buffer(connection_.buffer), std::move(handler));
      }
    });
  }
  error_code await_resume() const { return error_; }
  std::size_t bytes() const { return bytes_; }

  void on_end(const error_code& error, std::size_t bytes) {
    error_ = error;
    bytes_ = bytes;
  }

 private:
  Connection& connection_;
  Task task_{};
  error_code error_;
  std::size_t bytes_ = 0;
};

/// A place for a call, to await.
class Place : public Operation<Place, 128> {
 public:
  explicit Place(Places& places) : places_(places) {}
  void await_suspend(auto waiting) {
    suspend(waiting, [this](auto handler) { places_.async_take(std::move(handler)); });
  }
  void await_resume() const {}
  void on_end(const error_code&, std::size_t) {}

 private:
  Places& places_;
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
  CoroutinePerAgent(const Workload& workload, const Resources& resources, Ledger& ledger)
      : ledger_(ledger),
        plan_(workload),
        limit_(workload.limit),
        resources_(resources),
        io_(static_cast<int>(resources.workers)),
        connections_(io_),
        places_(io_, limit_) {}

  void run() {
    std::vector<const Turn*> roots;
    plan_.for_each_root([&](const Turn& turn) { roots.push_back(&turn); });
    hand_out(std::move(roots));
    run_on_threads(io_, resources_.workers, resources_.stop);
    if (error_) std::rethrow_exception(error_);
  }

  /// Keeps the first error; takes no memory, for the lack of it may be the error.
  void on_error(std::exception_ptr error) {
    if (!failed_.exchange(true)) error_ = error;
    io_.stop();
  }

 private:
  struct RecycledFrame {
    using Frames = asio::recycling_allocator<std::byte>;
    static void* operator new(std::size_t size) { return Frames().allocate(size); }
    static void operator delete(void* frame, std::size_t size) {
      Frames().deallocate(static_cast<std::byte*>(frame), size);
    }
  };

  /// A coroutine that runs at once, that nobody awaits, and that frees itself at its end.
  struct Detached {
    struct promise_type : RecycledFrame {
      CoroutinePerAgent& run;

      promise_type(CoroutinePerAgent& r, const Turn*) : run(r) {}
      auto outermost() { return std::coroutine_handle<promise_type>::from_promise(*this); }
      Detached get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { run.on_error(std::current_exception()); }
    };
  };

  /// A coroutine that another one awaits, of whose agent it is.
  template <typename Result>
  struct [[nodiscard]] Subroutine {
    struct promise_type : RecycledFrame {
      CoroutinePerAgent& run;
      std::coroutine_handle<> outermost_, caller;
      std::variant<std::monostate, Result, std::exception_ptr> result;

      promise_type(CoroutinePerAgent& r, const Step&, Value) : run(r) {}
      auto outermost() const { return outermost_; }
      Subroutine get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_always initial_suspend() noexcept { return {}; }
      auto final_suspend() noexcept {
        struct Return {
          bool await_ready() const noexcept { return false; }
          std::coroutine_handle<> await_suspend(
              std::coroutine_handle<promise_type> ended) noexcept {
            return ended.promise().caller;
          }
          void await_resume() const noexcept {}
        };
        return Return{};
      }
      void return_value(const Result& r) { result = r; }
      void unhandled_exception() { result = std::current_exception(); }
    };

    Subroutine(std::coroutine_handle<promise_type> f) : frame(f) {}
    Subroutine(const Subroutine&) = delete;
    Subroutine& operator=(const Subroutine&) = delete;
    ~Subroutine() { frame.destroy(); }

    bool await_ready() const { return false; }
    std::coroutine_handle<> await_suspend(auto caller) {
      frame.promise().caller = caller;
      frame.promise().outermost_ = caller.promise().outermost();
      return frame;
    }
    Result await_resume() const {
      auto& result = frame.promise().result;
      if (auto* error = std::get_if<std::exception_ptr>(&result)) std::rethrow_exception(*error);
      return std::get<Result>(result);
    }

    std::coroutine_handle<promise_type> frame;
  };

  Subroutine<Value> call(const Step& step, Value v) {
    if (limit_.in_flight == 0) co_return co_await attempts(step, v);
    co_await Place(places_);
    try {
      if (limit_.interval.count() > 0) co_await Alarm(io_, ledger_.reserve(step));
      v = co_await attempts(step, v);
    } catch (const TurnFailed&) {
      places_.give_back();
      throw;
    }
    places_.give_back();
    co_return v;
  }

  Subroutine<Value> attempts(const Step& step, Value v) {
    for (;;) {
      Ledger::Next next;
      if (resources_.endpoint.port != 0) {
        next = co_await attempt_over_tcp(step, v);
      } else {
        co_await Alarm(io_, ledger_.begin_attempt(step));
        next = ledger_.end_attempt(step, v);
      }
      if (!next.again) co_return next.value;
      co_await Alarm(io_, next.at);
    }
  }

  Subroutine<Ledger::Next> attempt_over_tcp(const Step& step, Value v) {
    WatchedConnection& idle = connections_.take();
    const auto deadline = ledger_.begin_attempt(step, idle.exchange);
    WatchedConnection& connection = connections_.suited(idle);
    Exchange& exchange = connection.exchange;
    Transfer transfer(connection);
    error_code error;
    const bool connects = connection.has_to_connect();
    if (connects) connection.socket.non_blocking(true);
    connection.shut_down_at(deadline);
    if (connects) {
      transfer.prepare(Transfer::connect);
      error = co_await transfer;
    }
    // What is sent fits into the socket's buffer, unless the peer reads nothing at all.
    auto unsent = asio::buffer(exchange.request());
    while (!error && unsent.size() > 0) {
      unsent += connection.socket.write_some(unsent, error);
      if (error == asio::error::would_block) {
        transfer.prepare(Transfer::send_more);
        error = co_await transfer;
      }
    }
    transfer.prepare(Transfer::receive);
    while (!error && !exchange.over()) {
      error = co_await transfer;
      connection.received(transfer.bytes());
    }
    if (connection.stop_watching()) {
      connection.on_timed_out();
    } else if (error) {
      connection.on_error(error);
    }
    connection.settle();
    const Pool<WatchedConnection>::GiveBack finally{connections_, connection};
    co_return ledger_.end_attempt(step, v, exchange);
  }

  Detached run_turns(const Turn* turn) {
    for (; turn; turn = next_after(*turn)) {
      try {
        Value v = ledger_.start(*turn);
        // The frame keeps what lives across a wait: of this loop one pointer, of a range-for four.
        for (auto step = turn->steps.begin(); step != turn->steps.end(); ++step) {
          if (step->kind == StepKind::wait) {
            Alarm alarm(io_, ledger_.begin_wait(*step));
            co_await alarm;
            v = ledger_.end_wait(*step, v);
          } else if (step->kind == StepKind::call) {
            v = co_await call(*step, v);
          } else {
            v = work(ledger_, *step, v);
          }
        }
        ledger_.finish(*turn, v);
      } catch (const TurnFailed& failure) {
        ledger_.fail(*turn, failure);
      }
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
    for (std::size_t i = 0; i < std::min<std::size_t>(resources_.workers, batch->size()); ++i) {
      asio::post(io_, [this, batch] {
        while (const Turn* turn = failed_ ? nullptr : batch->take()) run_turns(turn);
      });
    }
  }

  Ledger& ledger_;
  Plan plan_;
  const Limit limit_;
  const Resources& resources_;
  std::atomic<bool> failed_ = false;
  std::exception_ptr error_;             // of who failed first
  asio::io_context io_;                  // its destructor ends coroutines that use all of the above
  Pool<WatchedConnection> connections_;  // its sockets are the io_context's, and go first
  Places places_;
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  CoroutinePerAgent(workload, resources, ledger).run();
}
