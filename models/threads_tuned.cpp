// Threads, tuned: no more of them than turns under way, on small stacks, kept for reuse.
//
// The idea      A thread goes on with a turn that its last one made ready; others go to threads
//               that are parked, and only then to new ones.
// A wait        costs a sleeping thread: three touched pages of a small stack, and the kernel's
//               part.
// Computing     needs a permit, of which there is one more than workers.  A thread that starts
//               others takes two away meanwhile, so that the kernel does not starve it.
// Next turn     queued by the thread that made it ready, which then hands it out: to whoever is
//               free first.
// Rung          tuned: what an expert would do before giving up on threads.
#include <gnu/libc-version.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/model.hpp"
#include "bench/plan.hpp"
#include "models/threads_family.hpp"

const bench::Model bench::model{"threads", Rung::tuned, Structure::thread_per_turn,
                                gnu_get_libc_version(),
                                Primitives{"std_mutex_queue+plan_turn", "blocking_threads"}};

namespace {

using namespace bench;

/// One thread sleeps until another wakes it: each `wake` ends one `sleep`.  A bare futex, because
/// the standard library's semaphores and atomics yield the CPU several times before they sleep.
class Alarm {
 public:
  void sleep() {
    while (rung_.load(std::memory_order_acquire) == 0) futex(FUTEX_WAIT_PRIVATE, 0);
    rung_.store(0, std::memory_order_relaxed);
  }
  void wake() {
    rung_.store(1, std::memory_order_release);
    futex(FUTEX_WAKE_PRIVATE, 1);
  }

 private:
  void futex(int operation, std::uint32_t value) {
    syscall(SYS_futex, &rung_, operation, value, nullptr, nullptr, 0);
  }
  std::atomic<std::uint32_t> rung_ = 0;
};

/// How many threads may compute at once.  The kernel shares CPUs out evenly: without this limit a
/// thread that starts a thousand others gets a thousandth of one as soon as they compute.
class Permits {
 public:
  /// One more than there are CPUs: the kernel balances threads in want of a CPU, not CPUs in want
  /// of a thread, and with none to spare it may leave two on one CPU while another is idle.
  explicit Permits(unsigned workers) : free_(static_cast<int>(workers) + 1) {}

  void take(Alarm& mine) {
    {
      std::lock_guard lock(mutex_);
      if (free_ > 0) {
        --free_;
        return;
      }
      waiting_.push_back(&mine);
    }
    mine.sleep();
  }

  void give_back() { give_back(1); }

  /// For a thread that starts others: two permits, the spare one and one for itself, at once.  It
  /// does not queue: that they are missing shows when the next threads have computed.
  void take_to_start() {
    std::lock_guard lock(mutex_);
    free_ -= 2;
  }

  void give_back_after_start() { give_back(2); }

 private:
  void give_back(int count) {
    std::unique_lock lock(mutex_);
    free_ += count;
    while (free_ > 0 && !waiting_.empty()) {
      --free_;
      Alarm* next = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      next->wake();
      lock.lock();
    }
  }

  std::mutex mutex_;
  int free_;  // negative while threads that start others hold more than there are
  std::deque<Alarm*> waiting_;
};

/// Timers of this thread, and of threads it starts, end up to 50 us late otherwise.
class ExactTimers {
 public:
  ExactTimers() { prctl(PR_SET_TIMERSLACK, 1UL); }
  ~ExactTimers() { prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_ns_before_)); }

 private:
  int slack_ns_before_ = prctl(PR_GET_TIMERSLACK);
};

class SmallStacks {
 public:
  SmallStacks() {
    pthread_attr_init(&value);
    const auto least = static_cast<std::size_t>(sysconf(_SC_THREAD_STACK_MIN));
    if (const int error = pthread_attr_setstacksize(&value, std::max(bytes, 2 * least))) {
      throw std::system_error(error, std::generic_category(), "pthread_attr_setstacksize");
    }
  }
  ~SmallStacks() { pthread_attr_destroy(&value); }
  pthread_attr_t value;

 private:
  // The kernels and a thrown exception need 10 KiB.  The rest is for machines with wider registers,
  // and costs address space alone.
  static constexpr std::size_t bytes = 64 * 1024;
};

class ReusedThreads {
 public:
  ReusedThreads(const Workload& workload, const Resources& resources, Ledger& ledger)
      : turns_(workload, resources, ledger),
        plan_(workload),
        permits_(resources.workers),
        unstarted_(workload.turns.size()) {}

  void run() {
    plan_.for_each_root([this](const Turn& turn) { ready_.push_back(&turn); });
    hand_out();
    leave();
    all_done_.sleep();
    for (Thread* thread : parked_) thread->alarm.wake();
    for (Thread& thread : threads_) {
      if (thread.created) pthread_join(thread.handle, nullptr);
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Thread {
    Thread(ReusedThreads& o, const Turn* t) : owner(o), turn(t) {}

    ReusedThreads& owner;
    const Turn* turn;  // what it has to do; none: end
    Alarm alarm = {};
    bool has_permit = false;
    bool created = false;
    pthread_t handle = {};

    void take_permit() {
      if (!std::exchange(has_permit, true)) owner.permits_.take(alarm);
    }
    void give_back_permit() {
      if (std::exchange(has_permit, false)) owner.permits_.give_back();
    }
  };

  /// A thread's whole life.
  void live(Thread& self) {
    while (self.turn) {
      unstarted_.fetch_sub(1, std::memory_order_relaxed);
      const Turn* next = run_turn(self, *self.turn);
      self.turn = next ? next : take_or_park(self);
    }
  }

  /// Hands out all turns that this one makes ready but one, and returns that.
  const Turn* run_turn(Thread& self, const Turn& turn) {
    const Turn* own = nullptr;
    bool others = false;
    try {
      turns_.run(turn, [&](const Step& step) {
        step.kind == StepKind::compute ? self.take_permit() : self.give_back_permit();
      });
      plan_.for_each_ready_after(turn, [&](const Turn& next) {
        if (const Turn* other = std::exchange(own, &next)) {
          std::lock_guard lock(mutex_);
          ready_.push_back(other);
          others = true;
        }
      });
    } catch (...) {
      fail();
    }
    if (others) hand_out();
    return failed_ ? nullptr : own;
  }

  /// Finds a thread for each ready turn that nobody takes sooner.
  void hand_out() {
    permits_.take_to_start();
    try {
      std::unique_lock lock(mutex_);
      while (const Turn* turn = take_ready()) {
        if (parked_.empty()) {
          Thread& thread = threads_.emplace_back(*this, turn);
          ++busy_;
          lock.unlock();
          create(thread);
        } else {
          Thread& thread = *parked_.back();
          parked_.pop_back();
          ++busy_;
          lock.unlock();
          thread.turn = turn;
          thread.alarm.wake();
        }
        lock.lock();
      }
    } catch (...) {  // no more threads on this machine: let those that run come to their end
      fail();
    }
    permits_.give_back_after_start();
  }

  void create(Thread& thread) {
    auto body = [](void* argument) -> void* {
      auto& self = *static_cast<Thread*>(argument);
      self.owner.live(self);
      return nullptr;
    };
    if (const int error = pthread_create(&thread.handle, &attributes_.value, body, &thread)) {
      std::lock_guard lock(mutex_);
      --busy_;
      throw std::system_error(error, std::generic_category(), "pthread_create");
    }
    thread.created = true;
    sched_yield();  // it begins now if both share a CPU, and may do what needed another thread
  }

  /// What a thread does next whose turn has made none ready.  It stays only while turns are left
  /// that may need it.
  const Turn* take_or_park(Thread& self) {
    self.give_back_permit();
    {
      std::lock_guard lock(mutex_);
      if (const Turn* turn = take_ready()) return turn;
      self.turn = nullptr;
      const bool stays = unstarted_ > parked_.size();
      if (stays) parked_.push_back(&self);
      retire();
      if (!stays) return nullptr;
    }
    self.alarm.sleep();
    return self.turn;
  }

  /// Keeps the first error.  Threads end after the turn they are at.
  void fail() {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    failed_ = true;
  }

  void leave() {
    std::lock_guard lock(mutex_);
    retire();
  }

  // ---- under the lock ----

  const Turn* take_ready() {
    if (error_ || ready_.empty()) return nullptr;
    const Turn* turn = ready_.front();
    ready_.pop_front();
    return turn;
  }

  /// When nobody is busy, nothing can become ready any more.
  void retire() {
    if (--busy_ == 0) all_done_.wake();
  }

  BlockingTurns turns_;
  Plan plan_;
  const ExactTimers exact_timers_;
  const SmallStacks attributes_;
  Permits permits_;
  Alarm all_done_;
  std::atomic<std::size_t> unstarted_;  // turns; a guess of how many threads may still be needed
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;      // guards what follows
  std::size_t busy_ = 1;  // threads that have a turn, and at first the calling one
  std::deque<const Turn*> ready_;
  std::deque<Thread> threads_;  // they do not move
  std::vector<Thread*> parked_;
  std::exception_ptr error_;  // the first one
};

}  // namespace

void bench::run(const Workload& workload, const Resources& resources, Ledger& ledger) {
  ReusedThreads(workload, resources, ledger).run();
}
