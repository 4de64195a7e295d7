// What is a bare client?  The least that a library needs for calls over TCP: it counts bytes, and
// knows nothing of turns, proofs, time-outs or failures.  What a model's calls are held against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace calls {

struct Load {
  std::uint16_t port;       // of the mock LLM, on 127.0.0.1
  std::string request;      // the same each time, answered at once
  std::size_t reply_bytes;  // of each reply
  unsigned connections;     // at once, each kept alive
  unsigned calls_each;      // one after another
};

// Each makes all calls, on one CPU, and returns.  Throws std::exception if one of them fails.
void blocking_one(const Load& load);      // one thread, one connection after another
void blocking_threads(const Load& load);  // a thread for each connection
void epoll(const Load& load);
void libuv(const Load& load);
void tbb(const Load& load);  // one worker, and a thread outside
void asio_callbacks(const Load& load);
void asio_coroutines(const Load& load);

}  // namespace calls
