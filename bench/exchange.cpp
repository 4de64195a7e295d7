// What is asked of the mock LLM over TCP, and how is its reply understood?
//
// Nothing of a reply is kept but what the next piece may need: the end of an unfinished HTTP head
// or line of a stream.  HTTP is parsed by Boost.Beast and JSON by Boost.JSON, both piece by piece
// and without building anything: each attempt is inside a model's timed run.
#include "exchange.hpp"

#include <fmt/format.h>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <iterator>
#include <string>

#include "completion.hpp"

namespace bench {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t head_limit = 8 << 10, line_limit = 64 << 10;  // bytes
constexpr std::uint64_t body_limit = 1 << 20, body_limit_per_token = 1 << 10;
constexpr auto longest_retry_after = 60s;  // a longer one is not believed, as in OpenAI's clients

// ---- requests ----

/// What the endpoint is to do, in the words of its plan for a request.
void write_plan(fmt::memory_buffer& out, const Request& request) {
  auto end = std::back_inserter(out);
  fmt::format_to(end, R"("mock":{{"first_ns":{},"gap_ns":{})", request.first.count(),
                 request.gap.count());
  switch (request.outcome) {
    case Outcome::answered:
    case Outcome::refused:
      break;
    case Outcome::rate_limited: {
      fmt::format_to(end, R"(,"status":429)");
      const auto ns = request.retry_after.count();
      if (ns > 0) {
        fmt::format_to(end, R"(,"retry_after_ms":{}.{:06})", ns / 1'000'000, ns % 1'000'000);
      }
      break;
    }
    case Outcome::server_error:
      fmt::format_to(end, R"(,"status":{})", request.number % 2 == 0 ? 500 : 503);
      break;
    case Outcome::timed_out:
      fmt::format_to(end, R"(,"fault":"{}")", request.tokens > 0 ? "stall" : "silent");
      break;
    case Outcome::cut:
      fmt::format_to(end, R"(,"fault":"cut")");
      break;
    case Outcome::garbage:
      fmt::format_to(end, R"(,"fault":"garbage")");
      break;
  }
  out.push_back('}');
}

void write_request(std::string& out, const Request& request, std::uint16_t port) {
  fmt::memory_buffer body;
  auto end = std::back_inserter(body);
  fmt::format_to(end,
                 R"({{"model":"mock","messages":[{{"role":"user","content":"{}"}}],"seed":{},)",
                 request.number, request.seed);
  if (request.tokens > 0) {
    fmt::format_to(end,
                   R"("stream":true,"stream_options":{{"include_usage":true}},"max_tokens":{},)",
                   request.tokens);
  }
  write_plan(body, request);
  body.push_back('}');

  out.clear();
  fmt::format_to(std::back_inserter(out),
                 "POST /v1/chat/completions HTTP/1.1\r\n"
                 "Host: 127.0.0.1:{}\r\n"
                 "{}"
                 "Content-Type: application/json\r\n"
                 "Content-Length: {}\r\n\r\n",
                 port, request.keep_alive ? "" : "Connection: close\r\n", body.size());
  out.append(body.data(), body.size());
}

// ---- replies ----

/// A decimal number of seconds or milliseconds, as exact as nanoseconds are.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text,
                                                       std::chrono::nanoseconds unit) {
  std::chrono::nanoseconds total{0}, place{0};  // place: of the next digit after the point
  bool digits = false, point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      place = unit / 10;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    digits = true;
    total = point ? total + (c - '0') * place : total * 10 + (c - '0') * unit;
    place /= 10;
    if (total > longest_retry_after) return std::nullopt;
  }
  return digits ? std::optional(total) : std::nullopt;
}

/// What a reply says, whatever way its bytes come.
class Reply {
 public:
  Reply() : json_(options()) {}

  void begin(bool stream) {
    stream_ = stream;
    started_ = understood_ = finished_ = done_ = false;
    events_ = 0;
    completion_tokens_.reset();
    retry_after_.reset();
    exact_retry_after_ = false;
    line_.clear();
    json_.reset();
    json_.handler().clear();
  }

  void on_field(http::field field, std::string_view name, std::string_view value) {
    if (field == http::field::retry_after && !exact_retry_after_) {
      retry_after_ = parse_duration(value, 1s);
    } else if (field == http::field::unknown && boost::beast::iequals(name, "retry-after-ms")) {
      if (const auto after = parse_duration(value, 1ms)) {
        retry_after_ = after;
        exact_retry_after_ = true;
      }
    }
  }

  /// The next bytes of the body of a 200.  False when the rest cannot mend it any more.
  bool on_body(std::string_view piece, bool last) {
    if (stream_) return on_stream(piece);
    // A body that is no JSON is still read to its end, as clients do: the connection stays of use.
    if (!started_ || understood_) understood_ = parse(piece, last);
    started_ = true;
    return true;
  }

  /// Once the reply to the request is complete.
  Outcome outcome(unsigned status) {
    if (status == 429) return Outcome::rate_limited;
    if (status >= 500) return Outcome::server_error;
    if (status != 200) return Outcome::garbage;
    return is_answer() ? Outcome::answered : Outcome::garbage;
  }

  Value answer() const { return json_.handler().content().as_answer().value_or(0); }
  std::uint32_t events() const { return events_; }
  std::optional<std::chrono::nanoseconds> retry_after() const { return retry_after_; }

 private:
  static json::parse_options options() {
    json::parse_options options;
    options.max_depth = Completion::deepest;
    return options;
  }

  bool is_answer() {
    if (stream_) {
      if (!done_ || !finished_ || completion_tokens_ != events_) return false;
    } else if (!started_ || !understood_ || !(json_.done() || parse({}, true))) {
      return false;
    }
    return json_.handler().content().as_answer().has_value();
  }

  /// The next bytes of a document: it was understood so far, and if they are the last, is complete.
  bool parse(std::string_view piece, bool last) {
    error_code error;
    return json_.write_some(!last, piece.data(), piece.size(), error) == piece.size() && !error;
  }

  bool on_stream(std::string_view piece) {
    for (;;) {
      const std::size_t end = piece.find('\n');
      if (line_.size() + std::min(end, piece.size()) > line_limit) return false;
      if (end == piece.npos) {
        line_.append(piece);
        return true;
      }
      std::string_view line = piece.substr(0, end);
      if (!line_.empty()) line = line_.append(line);
      if (!on_line(line)) return false;
      line_.clear();
      piece.remove_prefix(end + 1);
    }
  }

  /// Server-sent events, as far as OpenAI's are: each data line is a document, or [DONE].
  bool on_line(std::string_view line) {
    constexpr std::string_view data = "data:";
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with(data) || done_) return true;
    line.remove_prefix(data.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    done_ = line == "[DONE]";
    return done_ || on_chunk(line);
  }

  bool on_chunk(std::string_view document) {
    json_.reset();
    if (!parse(document, true)) return false;
    const Completion& chunk = json_.handler();
    if (chunk.has_content()) ++events_;
    if (chunk.finished()) finished_ = true;
    if (chunk.completion_tokens()) completion_tokens_ = chunk.completion_tokens();
    return true;
  }

  bool stream_ = false;
  bool started_ = false, understood_ = false;  // of an answer in one piece
  bool finished_ = false, done_ = false;       // of a stream
  std::uint32_t events_ = 0;
  std::optional<std::uint64_t> completion_tokens_;
  std::optional<std::chrono::nanoseconds> retry_after_;
  bool exact_retry_after_ = false;
  std::string line_;  // of a stream: the beginning of one whose end has not come
  json::basic_parser<Completion> json_;
};

/// Takes the HTTP off a reply.  Serves one reply.
class HttpParser final : public http::basic_parser<false> {
 public:
  HttpParser(Reply& reply, std::uint64_t most_body_bytes) : reply_(reply) {
    body_limit(most_body_bytes);
    eager(true);
  }

  unsigned status() const { return code_; }
  std::size_t put_some(std::string_view bytes, error_code& error) {
    return put({bytes.data(), bytes.size()}, error);
  }

 private:
  using Text = boost::beast::string_view;

  std::size_t on_bytes(std::string_view piece, bool last, error_code& error) {
    if (code_ == 200 && !reply_.on_body(piece, last)) error = http::error::bad_value;
    return piece.size();
  }

  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int code, Text, int, error_code&) override {
    code_ = static_cast<unsigned>(code);
  }
  void on_field_impl(http::field field, Text name, Text value, error_code&) override {
    reply_.on_field(field, name, value);
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code& error) override {
    return on_bytes(body, content_length_remaining() == body.size(), error);
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& error) override {
    return on_bytes(body, false, error);
  }
  void on_finish_impl(error_code&) override {}

  Reply& reply_;
  unsigned code_ = 0;
};

}  // namespace

struct Exchange::State {
  void begin(const Request& asked, const Endpoint& endpoint) {
    port = asked.outcome == Outcome::refused ? endpoint.refusing_port : endpoint.port;
    keep_alive = asked.keep_alive;
    write_request(request, asked, port);
    most_body_bytes = body_limit + asked.tokens * body_limit_per_token;
    over = reusable = false;
    reply.begin(asked.tokens > 0);
    parser.emplace(reply, most_body_bytes);
    unparsed.clear();
  }

  void end(Outcome how) {
    if (over) return;
    over = true;
    outcome = how;
  }

  /// The reply is complete, as far as HTTP goes; so many bytes were left.
  void complete(std::size_t left) {
    end(reply.outcome(parser->status()));
    reusable = keep_alive && parser->keep_alive() && left == 0;
  }

  /// Takes what can be taken, and returns how much that was.
  std::size_t parse(std::string_view bytes) {
    std::size_t taken = 0;
    while (!over && taken < bytes.size()) {
      const std::string_view left = bytes.substr(taken);
      const bool in_head = !parser->is_header_done();
      const std::size_t n = in_head ? size_of_head(left) : left.size();
      // Beast asserts that a last chunk is not split if it is the first one, too.
      constexpr std::size_t last_chunk = 5;
      const bool splits_it =
          !in_head && parser->chunked() && n < last_chunk && left.starts_with('0');
      if (n == 0 || splits_it) break;
      error_code error;
      taken += parser->put_some(left.substr(0, n), error);
      const bool unfinished = error == http::error::need_more && !in_head;
      if (unfinished && bytes.size() - taken <= head_limit) break;
      if (error) {
        end(Outcome::garbage);
      } else if (parser->is_done()) {
        on_done(bytes.size() - taken);
      }
    }
    return taken;
  }

  /// 0: it is not complete.  Beast is given only complete ones: how much of an unfinished one it
  /// understands depends on how the bytes come.
  std::size_t size_of_head(std::string_view bytes) {
    constexpr std::string_view start = "HTTP/1.", end_of_head = "\r\n\r\n";
    const std::size_t at = bytes.substr(0, head_limit).find(end_of_head);
    if (at != bytes.npos) return at + end_of_head.size();
    if (bytes.size() >= head_limit || !bytes.starts_with(start.substr(0, bytes.size()))) {
      end(Outcome::garbage);
    }
    return 0;
  }

  void on_done(std::size_t bytes_left) {
    if (parser->status() / 100 == 1 && parser->status() != 101) {
      parser.emplace(reply, most_body_bytes);  // only an announcement: the reply is to come
    } else {
      complete(bytes_left);
    }
  }

  bool receive(std::string_view bytes) {
    if (over) {
      if (!bytes.empty()) reusable = false;  // nobody asked for them
      return true;
    }
    if (unparsed.empty()) {
      const std::size_t taken = parse(bytes);
      if (!over) unparsed.assign(bytes.substr(taken));
    } else {
      unparsed.append(bytes);
      unparsed.erase(0, parse(unparsed));
    }
    return over;
  }

  void on_closed() {
    if (over) return;
    error_code error;
    if (parser->is_header_done() && parser->need_eof()) {
      parser->put_eof(error);
      if (!error) return complete(0);
    }
    end(Outcome::cut);
  }

  std::uint16_t port = 0;
  bool keep_alive = false;
  std::string request;
  std::uint64_t most_body_bytes = 0;
  bool over = true, reusable = false;
  Outcome outcome = Outcome::cut;
  Reply reply;
  std::optional<HttpParser> parser;  // of one reply
  std::string unparsed;              // an unfinished head, or what frames a chunk
};

Exchange::Exchange() : state_(std::make_unique<State>()) {}
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;
Exchange::~Exchange() = default;

void Exchange::begin(const Request& request, const Endpoint& endpoint) {
  state_->begin(request, endpoint);
}
std::uint16_t Exchange::port() const { return state_->port; }
bool Exchange::keep_alive() const { return state_->keep_alive; }
std::string_view Exchange::request() const { return state_->request; }

bool Exchange::receive(std::span<const char> bytes) {
  return state_->receive({bytes.data(), bytes.size()});
}
void Exchange::on_closed() { state_->on_closed(); }
void Exchange::on_refused() { state_->end(Outcome::refused); }
void Exchange::on_timed_out() { state_->end(Outcome::timed_out); }

bool Exchange::over() const { return state_->over; }
bool Exchange::connection_reusable() const { return state_->reusable; }
Outcome Exchange::outcome() const { return state_->outcome; }
Value Exchange::answer() const {
  return outcome() == Outcome::answered ? state_->reply.answer() : 0;
}
std::uint32_t Exchange::events() const { return state_->reply.events(); }
std::optional<std::chrono::nanoseconds> Exchange::retry_after() const {
  return state_->reply.retry_after();
}

}  // namespace bench
