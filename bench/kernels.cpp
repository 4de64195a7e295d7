// What keeps a core busy?  This file is built with the same fixed flags in every build type.
#include "kernels.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "random.hpp"

namespace bench {
namespace {

Value mix(Value v) {
  // About 5 cycles a round: shift, xor, multiply, each on the result of the one before.
  for (int round = 0; round < 550; ++round) v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93;
  return v;
}

Value hash(const std::string& text) {
  Value v = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) v = (v ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return v;
}

Value json(Value v) {
  const std::string text = R"({"ok":true,"id":)" + std::to_string(v >> 44) + R"(,"rows":[)" +
                           std::to_string((v >> 22) & 0xfff) + "]}";
  auto reply = nlohmann::json::parse(text);
  reply["rows"].push_back(v & 0xff);
  return mix64(v ^ hash(reply.dump()));
}

// A table of row vectors.  128 MiB is more than the last-level cache of most machines.
constexpr std::size_t dimensions = 256;
constexpr std::size_t row_count = std::size_t{1} << 19;
constexpr std::size_t rows_per_unit = 16;
using Row = std::array<std::int8_t, dimensions>;
const Row* table = nullptr;

void build_table() {
  constexpr std::size_t bytes = row_count * sizeof(Row);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "no 128 MiB for the topk table");
  }
  madvise(memory, bytes, MADV_HUGEPAGE);  // fewer page faults; fine if refused
  auto* words = static_cast<std::uint64_t*>(memory);
  for (std::size_t i = 0; i < bytes / sizeof(std::uint64_t); ++i) {
    words[i] = (i + 1) * 0x9e3779b97f4a7c15;
    words[i] ^= words[i] >> 29;
  }
  table = static_cast<const Row*>(memory);
}

std::int32_t dot(const Row& a, const Row& b) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < dimensions; ++i) sum += a[i] * b[i];
  return sum;
}

Value topk(Value v) {
  const Row& query = table[v % row_count];
  const std::size_t first = (v >> 20) % (row_count - rows_per_unit);
  std::array<std::int64_t, 4> best;  // score in the upper half, row in the lower: no ties
  best.fill(INT64_MIN);
  for (std::size_t row = first; row < first + rows_per_unit; ++row) {
    const auto entry = std::int64_t{dot(query, table[row])} * (std::int64_t{1} << 32) +
                       static_cast<std::int64_t>(row);
    auto worst = std::ranges::min_element(best);
    if (entry > *worst) *worst = entry;
  }
  std::ranges::sort(best);
  for (const std::int64_t entry : best) v = mix64(v ^ static_cast<Value>(entry));
  return v;
}

}  // namespace

Value run_kernel(Kernel kernel, std::uint32_t units, Value value) {
  auto repeat = [&](auto unit) {
    for (std::uint32_t i = 0; i < units; ++i) value = unit(value);
    return value;
  };
  switch (kernel) {
    case Kernel::mix:
      return repeat(mix);
    case Kernel::json:
      return repeat(json);
    case Kernel::topk:
      return repeat(topk);
  }
  return value;
}

void prepare_kernels(const Workload& workload) {
  static std::once_flag once;
  const bool needed = std::ranges::any_of(workload.steps(), [](const Step& step) {
    return step.kind == StepKind::compute && step.kernel == Kernel::topk;
  });
  if (needed) std::call_once(once, build_table);
}

const char* name_of(Kernel kernel) {
  static constexpr std::array names = {"mix", "json", "topk"};
  return names[static_cast<std::size_t>(kernel)];
}

}  // namespace bench
