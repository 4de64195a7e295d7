// Does any request upset the endpoint?  A fuzz target of libFuzzer's.
//
//   cmake --preset clang -DINTERLEAVE_FUZZ=ON && cmake --build --preset clang --target fuzz_request
//   build/clang/fuzz_request NEW_FINDS bench/mock_llm/corpus
#include <cstddef>
#include <cstdint>

#include "exercise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bench::mock_llm::exercise({reinterpret_cast<const char*>(data), size});  // throws: a find
  return 0;
}
