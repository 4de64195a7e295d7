// What does a client ask for?
#include "request.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "bench/random.hpp"

namespace bench::mock_llm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using boost::beast::error_code;
using View = std::string_view;

constexpr View retry_header = "x-stainless-retry-count";

View to_view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
constexpr std::uint64_t fnv_1a(View text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

template <typename T>
bool from_digits(View text, T& value) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// ---- The JSON of a completion: each of these throws a Problem. ----

[[noreturn]] void complain(std::string message) { throw Problem{400, std::move(message)}; }

template <typename T>
void read_integer(const json::object& object, View name, T low, T high, T& value) {
  const json::value* found = object.if_contains(name);
  if (!found || found->is_null()) return;
  error_code error;
  const auto number = found->to_number<T>(error);
  if (!found->is_number() || error || number < low || number > high) {
    complain(fmt::format("'{}' must be a whole number from {} to {}", name, low, high));
  }
  value = number;
}

void read_flag(const json::object& object, View name, bool& value) {
  const json::value* found = object.if_contains(name);
  if (!found || found->is_null()) return;
  if (!found->is_bool()) complain(fmt::format("'{}' must be true or false", name));
  value = found->get_bool();
}

/// The text of a message, which may come in parts.
std::string content_of(const json::object& message) {
  const json::value* content = message.if_contains("content");
  if (!content || content->is_null()) return {};
  if (const auto* text = content->if_string()) return std::string(View(*text));
  const auto* parts = content->if_array();
  if (!parts) complain("the content of a message must be a string, an array of parts or null");
  std::string joined;
  for (const json::value& part : *parts) {
    const auto* object = part.if_object();
    const auto* text = object ? object->if_contains("text") : nullptr;
    if (text && text->is_string()) joined += View(text->get_string());
  }
  return joined;
}

void read_messages(const json::object& object, Completion& completion) {
  const json::value* found = object.if_contains("messages");
  const auto* messages = found ? found->if_array() : nullptr;
  if (!messages || messages->empty()) complain("'messages' must be an array with a message in it");
  std::size_t bytes = 0;
  std::string last;
  for (const json::value& message : *messages) {
    if (!message.is_object()) complain("each of 'messages' must be an object");
    last = content_of(message.get_object());
    bytes += last.size();
  }
  // About four bytes are a token.
  completion.prompt_tokens = static_cast<std::uint32_t>(std::max<std::size_t>(1, (bytes + 3) / 4));
  if (!from_digits(last, completion.number)) completion.number = fnv_1a(last);
}

void read_model(const json::object& object, Completion& completion) {
  const json::value* model = object.if_contains("model");
  if (!model || model->is_null()) {
    completion.model = "mock";
    return;
  }
  constexpr std::size_t most = 256;
  if (!model->is_string() || model->get_string().size() > most) {
    complain(fmt::format("'model' must be a string of at most {} bytes", most));
  }
  const auto quoted = json::serialize(model->get_string());
  completion.model.assign(quoted, 1, quoted.size() - 2);
}

constexpr std::int64_t longest_ns = 3'600'000'000'000;  // an hour

void read_fault(const json::object& mock, Completion& completion) {
  const json::value* found = mock.if_contains("fault");
  if (!found || found->is_null()) return;
  for (std::size_t i = 1; found->is_string() && i < fault_names.size(); ++i) {
    if (found->get_string() != fault_names[i]) continue;
    completion.fault = static_cast<Fault>(i);
    return;
  }
  complain(fmt::format("'mock.fault' must be one of {}",
                       fmt::join(fault_names.begin() + 1, fault_names.end(), ", ")));
}

void read_retry_after(const json::object& mock, Completion& completion) {
  const json::value* found = mock.if_contains("retry_after_ms");
  if (!found || found->is_null()) return;
  error_code error;
  const auto ms = found->to_number<double>(error);
  if (!found->is_number() || error || !(ms >= 0 && ms * 1e6 <= longest_ns)) {
    complain("'mock.retry_after_ms' must be a number from 0 to 3600000");
  }
  completion.retry_after = nanoseconds(std::llround(ms * 1e6));
}

void read_plan(const json::object& object, Completion& completion) {
  const json::value* found = object.if_contains("mock");
  if (!found || found->is_null()) return;
  const auto* mock = found->if_object();
  if (!mock) complain("'mock' must be an object");
  completion.planned = true;
  std::int64_t first = 0, gap = 0, status = 200;
  read_integer<std::int64_t>(*mock, "first_ns", 0, longest_ns, first);
  read_integer<std::int64_t>(*mock, "gap_ns", 0, longest_ns, gap);
  read_integer<std::int64_t>(*mock, "status", 200, 503, status);
  if (status != 200 && status != 429 && status != 500 && status != 503) {
    complain("'mock.status' must be 200, 429, 500 or 503");
  }
  completion.first = nanoseconds(first);
  completion.gap = nanoseconds(gap);
  completion.status = static_cast<int>(status);
  read_fault(*mock, completion);
  read_retry_after(*mock, completion);
}

void read_members(const json::object& object, Completion& completion) {
  read_model(object, completion);
  read_messages(object, completion);
  read_flag(object, "stream", completion.stream);
  if (const json::value* options = object.if_contains("stream_options");
      options && options->is_object()) {
    read_flag(options->get_object(), "include_usage", completion.include_usage);
  }
  for (const View name : {"max_tokens", "max_completion_tokens"}) {
    read_integer<std::uint32_t>(object, name, 1, most_tokens, completion.tokens);
  }
  // OpenAI's seed may be below zero.
  if (const json::value* seed = object.if_contains("seed"); seed && seed->is_int64()) {
    completion.seed = static_cast<std::uint64_t>(seed->get_int64());
  } else {
    read_integer<std::uint64_t>(object, "seed", 0, UINT64_MAX, completion.seed);
  }
  read_plan(object, completion);
}

}  // namespace

Problem read_completion(std::string_view body, Completion& completion) {
  // What is parsed lies on this stack, unless it is large.
  std::array<unsigned char, 4096> memory;
  std::array<unsigned char, 1024> scratch;
  json::monotonic_resource resource(memory.data(), memory.size());
  json::parser parser({}, {}, scratch.data(), scratch.size());
  parser.reset(&resource);
  std::string model = std::move(completion.model);  // keeps its storage
  completion = {};
  completion.model = std::move(model);
  error_code error;
  parser.write(body.data(), body.size(), error);
  if (error) {
    return {.status = 400, .message = "the body is not JSON: " + error.message()};
  }
  const json::value value = parser.release();
  try {
    if (!value.is_object()) complain("the body must be a JSON object");
    read_members(value.get_object(), completion);
  } catch (const Problem& problem) {
    return problem;
  }
  return {};
}

// ---- HTTP ----

/// Beast's parser, which calls what is below; it builds nothing of what nobody asks for.
class RequestReader::Parser : public http::basic_parser<true> {
 public:
  explicit Parser(std::string& body) : body_(body) {
    header_limit(2 * most_header_bytes);  // the reader has its own, which no split changes
    body_limit(most_body_bytes);
    eager(true);
  }

  std::string_view target() const { return {target_.data(), target_size_}; }
  bool target_too_long() const { return target_too_long_; }
  bool get() const { return verb_ == http::verb::get; }
  bool head() const { return verb_ == http::verb::head; }
  bool post() const { return verb_ == http::verb::post; }
  bool http_1_0() const { return version_ < 11; }
  bool expects_continue() const { return expects_continue_; }
  std::uint32_t retry() const { return retry_; }

 private:
  void on_request_impl(http::verb verb, boost::beast::string_view, boost::beast::string_view target,
                       int version, error_code&) override {
    verb_ = verb;
    version_ = version;
    target_too_long_ = target.size() > target_.size();
    target_size_ = target_too_long_ ? 0 : target.copy(target_.data(), target_.size());
  }
  void on_field_impl(http::field name, boost::beast::string_view name_string,
                     boost::beast::string_view value, error_code&) override {
    if (name == http::field::expect) {
      expects_continue_ = boost::beast::iequals(value, "100-continue");
    } else if (name == http::field::unknown &&
               boost::beast::iequals(name_string, boost::beast::string_view(retry_header.data(),
                                                                            retry_header.size()))) {
      if (!from_digits(to_view(value), retry_)) retry_ = 0;
    }
  }
  std::size_t on_body_impl(boost::beast::string_view part, error_code&) override {
    body_.append(part.data(), part.size());
    return part.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view part,
                                 error_code&) override {
    body_.append(part.data(), part.size());
    return part.size();
  }
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  std::string& body_;
  std::array<char, 64> target_{};
  std::size_t target_size_ = 0;
  http::verb verb_ = http::verb::unknown;
  int version_ = 11;
  std::uint32_t retry_ = 0;
  bool target_too_long_ = false, expects_continue_ = false;
};

RequestReader::RequestReader() = default;
RequestReader::~RequestReader() = default;

std::size_t RequestReader::bytes_held() const { return body_.capacity(); }

void RequestReader::shrink() {
  body_.clear();
  body_.shrink_to_fit();
}

RequestReader::State RequestReader::refuse(int status, std::string message) {
  request_.kind = Request::Kind::problem;
  request_.keep_alive = false;
  request_.head_only = parser_ && parser_->head();
  request_.http_1_0 = parser_ && parser_->http_1_0();
  request_.problem = {.status = status, .message = std::move(message)};
  return State::refused;
}

/// Complete: the parser may have the header, up to `line_begin_`.  It would find the same faults,
/// but sooner or later, depending on how the bytes are split.
RequestReader::State RequestReader::find_header_end(std::string_view bytes) {
  if (bytes.front() < 'A' || bytes.front() > 'Z') return refuse(400, "this is not HTTP");
  const std::string_view allowed = bytes.substr(0, most_header_bytes);
  for (;;) {
    const auto newline = allowed.find('\n', line_begin_);
    if (newline == allowed.npos) break;
    if (newline == line_begin_ || allowed[newline - 1] != '\r') {
      return refuse(400, "this is not HTTP: a line does not end with CR LF");
    }
    const bool empty = newline == line_begin_ + 1;
    line_begin_ = newline + 1;
    if (empty) return State::complete;
  }
  if (allowed.size() == most_header_bytes) return refuse(431, "the headers are over 8 KiB");
  return State::incomplete;
}

RequestReader::State RequestReader::read(std::string_view bytes, std::size_t& consumed) {
  consumed = 0;
  if (!begun_) {
    if (bytes.empty()) return State::incomplete;
    begun_ = true;
    told_to_continue_ = false;
    line_begin_ = 0;
    body_.clear();
    parser_.reset();
    parser_ = std::make_unique<Parser>(body_);
  }
  error_code error;
  // Beast asserts that the end of a last chunk is not split; all chunks that are whole are as long.
  constexpr std::size_t shortest_chunk = 5;
  bool in_chunks = parser_->is_header_done() && parser_->chunked();
  const auto put = [&](std::size_t end) {
    while (end - consumed >= (in_chunks ? shortest_chunk : 1) && !parser_->is_done() && !error) {
      consumed += parser_->put(asio::const_buffer(bytes.data() + consumed, end - consumed), error);
    }
    if (error == http::error::need_more) error = {};
  };
  if (!parser_->is_header_done()) {
    const auto state = find_header_end(bytes);
    if (state != State::complete) return state;
    put(line_begin_);
    if (!error && !parser_->is_header_done()) return refuse(400, "this is not HTTP");
  }
  in_chunks = !error && parser_->chunked();
  if (!error) put(bytes.size());
  if (error == http::error::body_limit) return refuse(413, "the body is over 1 MiB");
  if (error) return refuse(400, "this is not HTTP: " + error.message());
  if (!parser_->is_done()) {
    if (consumed == 0 && bytes.size() >= most_input_bytes) {
      return refuse(431, "a line between chunks is over 16 KiB");
    }
    const bool ask = parser_->is_header_done() && parser_->expects_continue() && body_.empty();
    if (!ask || std::exchange(told_to_continue_, true)) return State::incomplete;
    return State::expects;
  }
  begun_ = false;
  route();
  return State::complete;
}

void RequestReader::route() {
  const Parser& parser = *parser_;
  request_.keep_alive = parser.keep_alive();
  request_.http_1_0 = parser.http_1_0();
  request_.head_only = parser.head();
  request_.retry = parser.retry();
  request_.kind = Request::Kind::problem;
  const View path = parser.target().substr(0, parser.target().find('?'));
  const bool posts = path == "/v1/chat/completions";
  Request::Kind kind = Request::Kind::completion;
  if (path == "/v1/models") {
    kind = Request::Kind::models;
  } else if (path == "/healthz") {
    kind = Request::Kind::health;
  } else if (path == "/stats") {
    kind = Request::Kind::stats;
  } else if (!posts) {
    request_.problem = {.status = parser.target_too_long() ? 414 : 404,
                        .message =
                            "there is /v1/chat/completions, /v1/models, /healthz and "
                            "/stats, and nothing else here",
                        .code = "not_found"};
    return;
  }
  if (posts ? !parser.post() : !parser.get() && !parser.head()) {
    request_.problem = {
        .status = 405,
        .message = posts ? "completions are asked for with POST" : "this is read with GET",
        .code = "method_not_allowed"};
    return;
  }
  if (posts) {
    request_.problem = read_completion(body_, request_.completion);
    if (request_.problem.status != 0) return;
  }
  request_.kind = kind;
}

}  // namespace bench::mock_llm
