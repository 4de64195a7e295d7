// What does the command line of the mock LLM ask for?
#pragma once

#include <stdexcept>

#include "settings.hpp"

namespace bench::mock_llm {

/// One line that names the flag and says what to do.  Ends the program with exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Settings parse_flags(int argc, const char* const* argv);

}  // namespace bench::mock_llm
