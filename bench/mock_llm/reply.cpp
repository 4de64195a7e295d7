// What is sent, and when?
#include "reply.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "bench/random.hpp"

namespace bench::mock_llm {
namespace {

using std::string_view;

constexpr string_view json_type = "application/json", event_type = "text/event-stream";
constexpr string_view filler_word = "word ";

string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

std::array<char, 16> hex(std::uint64_t value) {
  std::array<char, 16> digits;
  for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

void write_status(std::string& out, int status, string_view content_type) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n"),
                 status, reason(status), content_type);
}

void write_connection(std::string& out, const Request& request) {
  if (!request.keep_alive) {
    out += "Connection: close\r\n";
  } else if (request.http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
}

void write_length(std::string& out, std::size_t bytes) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("Content-Length: {}\r\n\r\n"), bytes);
}

void write_retry_after(std::string& out, nanoseconds after) {
  const auto ns = after.count();
  auto ms = fmt::format("{}.{:06}", ns / 1'000'000, ns % 1'000'000);
  ms.erase(ms.find_last_not_of('0') + 1);
  if (ms.back() == '.') ms.pop_back();
  fmt::format_to(std::back_inserter(out), "retry-after-ms: {}\r\nRetry-After: {}\r\n", ms,
                 (ns + 999'999'999) / 1'000'000'000);
}

/// What the chunks of one stream have in common, up to the choices.
void write_chunk_start(std::string& out, string_view id, const Completion& asked) {
  fmt::format_to(
      std::back_inserter(out),
      FMT_COMPILE(
          R"(data: {{"id":"chatcmpl-{}","object":"chat.completion.chunk","created":0,"model":"{}",)"),
      id, asked.model);
}

/// One frame as a chunk of HTTP 1.1; HTTP 1.0 has none, and the end of the connection ends it.
void write_frame(std::string& out, bool chunked, string_view frame) {
  if (chunked) {
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:x}\r\n{}\r\n"), frame.size(), frame);
  } else {
    out += frame;
  }
}

std::string in_json(const Problem& problem) {
  const auto message = boost::json::serialize(boost::json::string_view(problem.message));
  const auto code = problem.code ? fmt::format("\"{}\"", problem.code) : std::string("null");
  return fmt::format(R"({{"error":{{"message":{},"type":"{}","param":null,"code":{}}}}})", message,
                     problem.type, code);
}

Problem made_up(int status) {
  if (status == 429) {
    return {.status = 429,
            .message = "this request was to meet a rate limit",
            .type = "requests",
            .code = "rate_limit_exceeded"};
  }
  return {.status = status,
          .message = "this request was to meet an error of the server",
          .type = "server_error"};
}

constexpr string_view garbage = "<html>This was to be JSON.</html>\n";

}  // namespace

void Reply::clear(const Request& request) {
  gap_ = nanoseconds(0);
  next_ = tokens_ = 0;
  pieces_ = 1;
  twice_ = halved_ = no_piece;
  streamed_ = split_ = false;
  end_ = request.keep_alive ? End::keep : End::close;
  head_.clear();
  filler_.clear();
  last_.clear();
  tail_.clear();
}

void Reply::begin_page(const Request& request, int status, std::string_view content_type,
                       std::string_view body, std::optional<nanoseconds> retry_after) {
  write_status(head_, status, content_type);
  if (status == 405) {
    head_ += request.kind == Request::Kind::problem && body.find("POST") != body.npos
                 ? "Allow: POST\r\n"
                 : "Allow: GET, HEAD\r\n";
  }
  if (retry_after) write_retry_after(head_, *retry_after);
  write_connection(head_, request);
  write_length(head_, body.size());
  if (!request.head_only) head_ += body;
}

void Reply::begin(const Request& request, const Problem& problem, TimePoint due,
                  std::optional<nanoseconds> retry_after) {
  clear(request);
  first_ = due;
  begin_page(request, problem.status, json_type, in_json(problem), retry_after);
}

void Reply::begin(const Request& request, std::string_view content_type, std::string_view body,
                  TimePoint start) {
  clear(request);
  first_ = start;
  begin_page(request, 200, content_type, body, {});
}

void Reply::begin(const Request& request, const Decision& decision, TimePoint start) {
  const Completion& asked = request.completion;
  const TimePoint first = start + decision.first;
  if (decision.status != 200) {
    begin(request, made_up(decision.status), first, decision.retry_after);
    return;
  }
  const Fault fault = decision.fault;
  if (fault == Fault::garbage && !asked.stream) {
    begin(request, json_type, garbage, first);
    return;
  }
  clear(request);
  pieces_ = tokens_ = asked.tokens;
  streamed_ = asked.stream;
  split_ = fault == Fault::split;
  const bool halfway = fault == Fault::stall || fault == Fault::cut || fault == Fault::reset;
  const bool at_once = !asked.stream || fault == Fault::merge;
  first_ = at_once && !halfway ? first + decision.gap * std::int64_t{tokens_ - 1} : first;
  gap_ = at_once ? nanoseconds(0) : decision.gap;
  if (asked.stream) {
    write_stream(request, fault == Fault::garbage);
    if (request.http_1_0) end_ = End::close;
    if (fault == Fault::duplicate) twice_ = tokens_ / 2;
  } else {
    write_status(head_, 200, json_type);
    write_connection(head_, request);
    write_plain(asked);
  }
  if (halfway) {
    stop_halfway(fault == Fault::stall ? End::silence
                 : fault == Fault::cut ? End::close
                                       : End::reset);
  }
  if (fault == Fault::silent) {
    pieces_ = 0;
    end_ = End::silence;
  }
}

void Reply::stop_halfway(End end) {
  halved_ = tokens_ / 2;
  pieces_ = halved_ + 1;
  end_ = end;
}

void Reply::write_plain(const Completion& asked) {
  const std::uint64_t answer = draw(asked.seed, Stream::response, asked.number);
  const auto digits = hex(answer), id = hex(mix64(answer));
  filler_ = filler_word;
  last_.assign(digits.data(), digits.size());
  fmt::format_to(
      std::back_inserter(tail_),
      FMT_COMPILE(
          R"("}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}}}})"),
      asked.prompt_tokens, tokens_, std::uint64_t{asked.prompt_tokens} + tokens_);
  fmt::memory_buffer start;
  fmt::format_to(
      std::back_inserter(start),
      FMT_COMPILE(
          R"({{"id":"chatcmpl-{}","object":"chat.completion","created":0,"model":"{}","choices":[{{"index":0,"message":{{"role":"assistant","content":")"),
      string_view(id.data(), id.size()), asked.model);
  write_length(head_, start.size() + filler_.size() * (tokens_ - 1) + last_.size() + tail_.size());
  head_.append(start.data(), start.size());
}

void Reply::write_stream(const Request& request, bool garbled) {
  const Completion& asked = request.completion;
  const bool chunked = !request.http_1_0;
  const std::uint64_t answer = draw(asked.seed, Stream::response, asked.number);
  const auto digits = hex(answer), id = hex(mix64(answer));

  std::string start, frame;  // what all frames start with
  write_chunk_start(start, {id.data(), id.size()}, asked);
  const auto chunk = [&](std::string& out, string_view delta, string_view finish_reason) {
    frame = start;
    fmt::format_to(std::back_inserter(frame),
                   FMT_COMPILE("\"choices\":[{{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_"
                               "reason\":{}}}]{}}}\n\n"),
                   delta, finish_reason, asked.include_usage ? R"(,"usage":null)" : "");
    write_frame(out, chunked, frame);
  };

  write_status(head_, 200, event_type);
  head_ += "Cache-Control: no-cache\r\n";
  if (chunked) {
    write_connection(head_, request);
    head_ += "Transfer-Encoding: chunked\r\n\r\n";
  } else {
    head_ += "Connection: close\r\n\r\n";
  }
  chunk(head_, R"({"role":"assistant","content":""})", "null");
  if (garbled) write_frame(head_, chunked, "data: {\"id\": <html>\n\n");
  chunk(filler_, fmt::format(R"({{"content":"{}"}})", filler_word), "null");
  chunk(last_, fmt::format(R"({{"content":"{}"}})", string_view(digits.data(), 16)), "null");
  chunk(tail_, "{}", R"("stop")");
  if (asked.include_usage) {
    frame = start;
    fmt::format_to(std::back_inserter(frame),
                   FMT_COMPILE("\"choices\":[],\"usage\":{{\"prompt_tokens\":{},\"completion_"
                               "tokens\":{},\"total_tokens\":{}}}}}\n\n"),
                   asked.prompt_tokens, tokens_, std::uint64_t{asked.prompt_tokens} + tokens_);
    write_frame(tail_, chunked, frame);
  }
  write_frame(tail_, chunked, "data: [DONE]\n\n");
  if (chunked) tail_ += "0\r\n\r\n";
}

TimePoint Reply::due_of(std::uint32_t piece) const { return first_ + gap_ * std::int64_t{piece}; }

void Reply::take(TimePoint now, std::size_t most, std::string& out) {
  const std::size_t before = out.size();
  const std::size_t largest = 2 * filler_.size() + last_.size() + tail_.size();
  do {
    if (next_ == 0) out += head_;
    if (next_ == halved_) {
      out.append(filler_, 0, filler_.size() / 2);
    } else if (tokens_ > 0) {
      const bool last = next_ + 1 == tokens_;
      for (int copy = next_ == twice_ ? 2 : 1; copy > 0; --copy) out += last ? last_ : filler_;
      if (last) out += tail_;
    }
    ++next_;
  } while (!over() && due() <= now && out.size() - before + largest <= most);
}

}  // namespace bench::mock_llm
