// What must hold whatever a client sends?
#include "exercise.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/parse.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/random.hpp"
#include "decision.hpp"
#include "reply.hpp"
#include "request.hpp"

namespace bench::mock_llm {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t most_taken_bytes = 1 << 20;  // a longer reply is not followed to its end
constexpr nanoseconds longest(90'000'000'000'000'000);

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// With some of everything, so that requests without a plan meet it too.
Settings busy_settings() {
  Settings settings{.seed = 1, .first = {milliseconds(5), milliseconds(5)}};
  for (int i = 1; i < static_cast<int>(fault_names.size()); ++i) {
    settings.troubles.push_back({.fault = static_cast<Fault>(i), .rate = 0.05});
  }
  for (const int status : {429, 500, 503}) {
    settings.troubles.push_back({.status = status, .rate = 0.05});
  }
  return settings;
}

bool is_json(std::string_view text) {
  error_code error;
  boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
  return !error;
}

void check_events(std::string_view body, bool include_usage) {
  std::size_t frames = 0;
  bool done = false;
  while (!body.empty()) {
    const auto end = body.find("\n\n");
    require(end != body.npos && body.starts_with("data: "), "a frame is not one of SSE");
    const std::string_view data = body.substr(6, end - 6);
    require(!done, "a frame comes after [DONE]");
    done = data == "[DONE]";
    require(done || is_json(data), "a frame is not JSON");
    body.remove_prefix(end + 2);
    ++frames;
  }
  require(done, "a stream has no [DONE]");
  require(frames >= (include_usage ? 5U : 4U), "a stream is too short");
}

/// For a reply that nothing was to be wrong with.
void check_reply(const Request& request, std::string_view bytes) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  parser.skip(request.head_only);
  error_code error;
  std::size_t used = 0;
  while (used < bytes.size() && !parser.is_done() && !error) {
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
  }
  if (!error && parser.need_eof()) parser.put_eof(error);
  require(!error && parser.is_done(), "a reply is not HTTP");
  require(used == bytes.size(), "there is something after a reply");
  const auto& reply = parser.get();
  require(reply.keep_alive() == request.keep_alive || request.http_1_0,
          "a reply does not say what becomes of the connection");
  const auto type = reply[http::field::content_type];
  if (request.head_only) return;
  if (type == "application/json") require(is_json(reply.body()), "a body is not JSON");
  if (type == "text/event-stream") {
    check_events(reply.body(), request.completion.include_usage);
  }
}

/// Takes what is due at each time, and no more than is due.
std::string take_all(Reply& reply) {
  std::string out;
  TimePoint before{};
  while (!reply.over() && out.size() < most_taken_bytes) {
    const TimePoint due = reply.due();
    require(due >= before, "pieces are not in the order of their times");
    require(due - TimePoint{} < longest, "a piece is due in more than a thousand days");
    before = due;
    const std::size_t size = out.size();
    reply.take(due, most_output_bytes, out);
    require(out.size() - size <= 2 * most_output_bytes, "too much is taken at once");
    require(reply.over() || reply.due() > due || out.size() - size > most_output_bytes / 2,
            "a piece that is due is not taken");
  }
  return out;
}

void answer(const Request& request, const Settings& settings) {
  Reply reply;
  const TimePoint start = TimePoint{} + std::chrono::hours(1);
  Fault fault = Fault::none;
  if (request.kind == Request::Kind::completion) {
    const Decision decision = under_load(decide(request, settings), 0.5, 3);
    fault = decision.fault;
    reply.begin(request, decision, start);
  } else if (request.kind == Request::Kind::problem) {
    require(request.problem.status >= 400, "a problem is not one");
    reply.begin(request, request.problem, start);
  } else {
    reply.begin(request, "text/plain", "ok", start);
  }
  const std::string out = take_all(reply);
  const bool right = fault == Fault::none || fault == Fault::split || fault == Fault::merge;
  if (right && reply.over()) check_reply(request, out);
}

/// What is compared between one way of splitting and another.
/// Nothing of a request that is refused: of the lines between chunks, Beast sees that some are
/// wrong only when more has come.
std::string summary(const Request& request) {
  std::string text = std::to_string(static_cast<int>(request.kind));
  if (request.kind == Request::Kind::problem) {
    return text + ' ' + std::to_string(request.problem.status);
  }
  if (request.kind != Request::Kind::completion) return text;
  const Completion& asked = request.completion;
  for (const std::uint64_t number :
       {asked.number, asked.seed, std::uint64_t{asked.tokens}, std::uint64_t{asked.stream},
        std::uint64_t{request.keep_alive}, std::uint64_t{request.retry},
        static_cast<std::uint64_t>(asked.first.count()), static_cast<std::uint64_t>(asked.fault)}) {
    text += ' ' + std::to_string(number);
  }
  return text + ' ' + asked.model;
}

/// The requests in `bytes`, which come in pieces of up to `piece` bytes, as from a connection.
std::vector<std::string> read_all(std::string_view bytes, std::size_t piece, bool answered) {
  static const Settings settings = busy_settings();
  std::vector<std::string> seen;
  RequestReader reader;
  std::size_t begin = 0, end = 0;
  for (std::uint64_t turn = 0;;) {
    std::size_t consumed = 0;
    const auto state = reader.read(bytes.substr(begin, end - begin), consumed);
    require(consumed <= end - begin, "more is taken than there was");
    require(reader.bytes_held() <= 2 * most_body_bytes + 64, "too much of a body is kept");
    begin += consumed;
    if (state == RequestReader::State::complete || state == RequestReader::State::refused) {
      if (state == RequestReader::State::complete) seen.push_back(summary(reader.request()));
      if (answered) answer(reader.request(), settings);
      if (state == RequestReader::State::refused) return seen;
      require(!reader.begun(), "a request that is complete goes on");
      continue;
    }
    if (end == bytes.size()) return seen;
    const std::size_t room = most_input_bytes - (end - begin);
    require(room > 0, "a connection has no room to read on");
    const std::size_t want = piece == most_input_bytes ? piece : 1 + mix64(turn++) % piece;
    end += std::min({want, room, bytes.size() - end});
  }
}

}  // namespace

void exercise(std::string_view bytes) {
  const auto whole = read_all(bytes, most_input_bytes, true);
  for (const std::size_t piece : {std::size_t{3}, std::size_t{300}}) {
    require(read_all(bytes, piece, false) == whole, "how bytes are split makes a difference");
  }
}

}  // namespace bench::mock_llm
