// What must hold whatever a client sends?  For the fuzz target, and for the test of its corpus.
#pragma once

#include <string_view>

namespace bench::mock_llm {

/// Reads `bytes` as requests, whole and in pieces, and takes the reply to each.  Throws
/// std::logic_error if the pieces make a difference, if a reply is not HTTP and JSON though nothing
/// was to be wrong with it, or if more is kept than is allowed.
void exercise(std::string_view bytes);

}  // namespace bench::mock_llm
