// What are the rungs and structures of models called?
#include "model.hpp"

#include <array>

namespace bench {

const char* name_of(Rung rung) {
  static constexpr std::array names = {"naive", "idiomatic", "tuned", "reference"};
  return names[static_cast<std::size_t>(rung)];
}

const char* name_of(Structure structure) {
  static constexpr std::array names = {"sequential", "one_loop", "blocking_workers", "workers",
                                       "thread_per_turn"};
  return names[static_cast<std::size_t>(structure)];
}

}  // namespace bench
