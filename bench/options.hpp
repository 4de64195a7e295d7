// What does the command line ask for?  Flags, checked before any work is done.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "presets.hpp"
#include "reference.hpp"
#include "workload.hpp"

namespace bench {

/// One line that names the flag and says what to do.  Ends the program with exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  Cell cell;
  std::string workload_file, export_file, sample_file, trace_file;  // empty: not asked for
  std::optional<Answer> expect;
  std::string forecast;  // a request (forecast.hpp); empty: not asked for
  bool narrate = false, about = false, list = false;
  std::vector<std::string> benchmark_flags;  // for Google Benchmark
  std::string help;                          // not empty: print it and stop
};

/// Which program is asking: a model runs cells, `describe` only tells about them.
enum class Program { model, describe };

Options parse_options(int argc, const char* const* argv, Program program);

/// The preset or the user's file.  Sets the fields of `options.cell` that follow from a file.
Workload load_workload(Options& options);

}  // namespace bench
