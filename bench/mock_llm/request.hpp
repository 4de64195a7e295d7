// What does a client ask for?  Bytes in, requests out, whatever the bytes are; knows no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "settings.hpp"

namespace bench::mock_llm {

/// An answer in the shape of OpenAI's errors.
struct Problem {
  int status = 0;  // 0: none
  std::string message{};
  const char* type = "invalid_request_error";
  const char* code = nullptr;  // null in the answer
};

/// What `POST /v1/chat/completions` asks for.
struct Completion {
  std::string model;         // as it stands in JSON, without its quotes
  std::uint64_t number = 0;  // what the last message says; the answer is a function of it and seed
  std::uint64_t seed = 0;
  std::uint32_t prompt_tokens = 1, tokens = 1;
  bool stream = false, include_usage = false;

  // The member `mock`: a plan for this one request.
  bool planned = false;
  nanoseconds first{0}, gap{0};
  int status = 200;
  Fault fault = Fault::none;
  std::optional<nanoseconds> retry_after;
};

struct Request {
  enum class Kind : std::uint8_t { completion, models, health, stats, problem };

  Kind kind = Kind::problem;
  bool keep_alive = false;
  bool http_1_0 = false;  // knows no chunks
  bool head_only = false;
  std::uint32_t retry = 0;  // what OpenAI's clients count in x-stainless-retry-count
  Completion completion{};
  Problem problem{};
};

/// Reads the JSON of a completion.  On a problem the rest of `completion` means nothing.
Problem read_completion(std::string_view body, Completion& completion);

/// Takes requests out of a stream of bytes, one after the other.
class RequestReader {
 public:
  RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  enum class State : std::uint8_t {
    incomplete,  // more bytes, please
    expects,     // as incomplete, but the client waits to be told "100 Continue" first
    complete,    // request() is one
    refused,     // request() is an error; what else comes over this connection means nothing
  };

  /// Reads on.  `consumed`: how many bytes it took; the others must be given again, with more.
  State read(std::string_view bytes, std::size_t& consumed);

  /// Whether the request has begun to arrive.
  bool begun() const { return begun_; }
  /// As long as no other is read.
  const Request& request() const { return request_; }
  /// What it holds of a body.
  std::size_t bytes_held() const;
  /// Gives that back, after a request of unusual size.
  void shrink();

 private:
  class Parser;

  State refuse(int status, std::string message);
  State find_header_end(std::string_view bytes);
  void route();

  std::unique_ptr<Parser> parser_;
  std::string body_;
  Request request_;
  std::size_t line_begin_ = 0;  // of the header line that is not complete yet
  bool begun_ = false, told_to_continue_ = false;
};

}  // namespace bench::mock_llm
