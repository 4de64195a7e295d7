// What do the primitives of the C++ standard library and of the kernel's threads cost?
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "micro.hpp"

namespace {

using micro::batch;

/// An entry through a queue that a mutex and a condition variable guard: pushed and notified, then
/// popped, each under the lock.  Nobody waits: no thread is switched to.
void std_mutex_queue(benchmark::State& state) {
  std::mutex mutex;
  std::condition_variable filled;
  std::deque<int> queue;
  const micro::PerOperation entry(state, batch);
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      {
        std::lock_guard lock(mutex);
        queue.push_back(i);
      }
      filled.notify_one();
    }
    for (int i = 0; i < batch; ++i) {
      std::unique_lock lock(mutex);
      filled.wait(lock, [&] { return !queue.empty(); });
      benchmark::DoNotOptimize(queue.front());
      queue.pop_front();
    }
  }
}
BENCHMARK(std_mutex_queue)->Apply(micro::primitive);

/// A mutex that nobody else wants, locked and unlocked.
void std_mutex(benchmark::State& state) {
  std::mutex mutex;
  const micro::PerOperation lock(state, batch);
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      std::lock_guard lock(mutex);
      benchmark::ClobberMemory();
    }
  }
}
BENCHMARK(std_mutex)->Apply(micro::primitive);

constexpr int many_threads = 1'000;  // they cost the same as a batch, and most machines allow them

/// A thread started and joined; all of a thousand exist before the first is joined, so that most of
/// their stacks are new.
void std_thread_create_join(benchmark::State& state) {
  std::vector<std::jthread> threads(many_threads);
  const micro::PerOperation thread(state, many_threads);
  for (auto _ : state) {
    for (std::jthread& thread : threads) thread = std::jthread([] {});
    for (std::jthread& thread : threads) thread.join();
  }
}
BENCHMARK(std_thread_create_join)->Apply(micro::primitive);

/// As std_thread_create_join, one at a time: its stack is the one before's.
void std_thread_create_join_single(benchmark::State& state) {
  const micro::PerOperation thread(state, 1);
  for (auto _ : state) std::jthread([] {});
}
BENCHMARK(std_thread_create_join_single)->Apply(micro::primitive);

/// A call by std::async on a thread of its own, and its future awaited; a thousand at once.
void std_async(benchmark::State& state) {
  std::vector<std::future<void>> calls(many_threads);
  const micro::PerOperation call(state, many_threads);
  for (auto _ : state) {
    for (std::future<void>& call : calls) call = std::async(std::launch::async, [] {});
    for (std::future<void>& call : calls) call.get();
  }
}
BENCHMARK(std_async)->Apply(micro::primitive);

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  while (word.load(std::memory_order_acquire) == value) {
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
  }
}

void futex_set(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  word.store(value, std::memory_order_release);
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

/// Work handed to a parked thread, and the answer awaited: two wake-ups and two switches of thread
/// on one CPU.
void std_futex_wake(benchmark::State& state) {
  constexpr std::uint32_t none = 0, asked = 1, ended = 2;
  std::atomic<std::uint32_t> word = none;
  std::jthread parked([&] {
    for (;;) {
      futex_wait(word, none);
      if (word.load(std::memory_order_acquire) == ended) return;
      futex_set(word, none);
    }
  });
  const micro::PerOperation hand_over(state, 1);
  for (auto _ : state) {
    futex_set(word, asked);
    futex_wait(word, asked);
  }
  futex_set(word, ended);
}
BENCHMARK(std_futex_wake)->Apply(micro::primitive);

/// A coroutine as lean as the language allows.
struct Coroutine {
  struct promise_type {
    Coroutine get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

[[gnu::noinline]] Coroutine add_one(int& sum) {
  ++sum;
  co_return;
}

/// A coroutine's frame allocated, resumed once, and freed at its end; one at a time.
void std_coroutine(benchmark::State& state) {
  int sum = 0;
  const micro::PerOperation coroutine(state, batch);
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) add_one(sum).handle.resume();
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(std_coroutine)->Apply(micro::primitive);

/// 256 bytes from the heap, written once, and given back; all of a batch in use at once.
void std_heap_block(benchmark::State& state) {
  std::vector<std::unique_ptr<std::byte[]>> blocks(batch);
  const micro::PerOperation block(state, batch);
  for (auto _ : state) {
    for (auto& block : blocks) {
      block = std::make_unique_for_overwrite<std::byte[]>(256);
      benchmark::DoNotOptimize(block[0] = std::byte{1});
    }
    for (auto& block : blocks) block.reset();
  }
}
BENCHMARK(std_heap_block)->Apply(micro::primitive);

}  // namespace
