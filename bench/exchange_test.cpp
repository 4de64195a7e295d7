// Is a reply of the mock LLM understood, whatever way its bytes come?  And nothing else taken for
// one?
#include "exchange.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "random.hpp"
#include "replies.hpp"

namespace bench::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr Endpoint endpoint{.port = 4000, .refusing_port = 4001};
constexpr Request plain{.seed = 1, .number = 7};
constexpr Request streamed{.seed = 1, .number = 7, .tokens = 3};

// ---- what becomes of them ----

Exchange begun(const Request& request) {
  Exchange exchange;
  exchange.begin(request, endpoint);
  return exchange;
}

struct End {
  bool over;
  Outcome outcome;
  Value answer;
  std::uint32_t events;
  bool reusable;
  bool operator==(const End&) const = default;
  friend void PrintTo(const End& end, std::ostream* out) {
    *out << fmt::format("{{{}, {}, {:x}, {} events, {}}}", end.over ? "over" : "not over",
                        name_of(end.outcome), end.answer, end.events,
                        end.reusable ? "reusable" : "not reusable");
  }
};

End end_of(const Exchange& exchange) {
  return {exchange.over(), exchange.outcome(), exchange.answer(), exchange.events(),
          exchange.connection_reusable()};
}

constexpr End answered{true, Outcome::answered, answer, 0, true};
constexpr End answered_stream{true, Outcome::answered, answer, 3, true};

void feed(Exchange& exchange, std::string_view bytes, std::size_t piece = ~std::size_t{0}) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    exchange.receive(bytes.substr(0, piece));
  }
}

End whole(const Request& request, std::string_view reply) {
  Exchange exchange = begun(request);
  feed(exchange, reply);
  return end_of(exchange);
}

/// As `whole`, and that it makes no difference how the reply is split.
End any_way(const Request& request, std::string_view reply) {
  const End expected = whole(request, reply);
  Exchange exchange;
  for (std::size_t at = 0; at < reply.size(); ++at) {
    exchange.begin(request, endpoint);
    feed(exchange, reply.substr(0, at));
    feed(exchange, reply.substr(at));
    EXPECT_EQ(end_of(exchange), expected) << "split at " << at;
    if (end_of(exchange) != expected) return expected;
  }
  for (const std::size_t piece : {1, 2, 3, 7, 100}) {
    exchange.begin(request, endpoint);
    feed(exchange, reply, piece);
    EXPECT_EQ(end_of(exchange), expected) << "pieces of " << piece;
  }
  return expected;
}

Outcome outcome_of(const Request& request, std::string_view reply) {
  const End end = any_way(request, reply);
  EXPECT_TRUE(end.over);
  return end.outcome;
}

// ---- requests ----

boost::json::object body_of(const Exchange& exchange) {
  const std::string_view request = exchange.request();
  const std::size_t head = request.find("\r\n\r\n") + 4;
  EXPECT_THAT(std::string(request.substr(0, head)),
              HasSubstr(fmt::format("\r\nContent-Length: {}\r\n", request.size() - head)));
  const std::string_view body = request.substr(head);
  return boost::json::parse({body.data(), body.size()}).as_object();
}

boost::json::value plan_of(const Request& request) { return body_of(begun(request)).at("mock"); }

TEST(ExchangeRequest, a_plain_request_is_what_openai_documents) {
  const Exchange exchange = begun(plain);
  EXPECT_THAT(std::string(exchange.request()),
              StartsWith("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n"));
  const boost::json::object body = body_of(exchange);
  EXPECT_EQ(body.at("model"), "mock");
  EXPECT_EQ(body.at("messages"), boost::json::parse(R"([{"role":"user","content":"7"}])"));
  EXPECT_EQ(body.at("seed"), 1);
  EXPECT_FALSE(body.contains("stream"));
  EXPECT_FALSE(body.contains("max_tokens"));
}

TEST(ExchangeRequest, a_stream_is_asked_for_with_its_usage) {
  const boost::json::object body = body_of(begun(streamed));
  EXPECT_EQ(body.at("stream"), true);
  EXPECT_EQ(body.at("stream_options"), boost::json::parse(R"({"include_usage":true})"));
  EXPECT_EQ(body.at("max_tokens"), 3);
}

TEST(ExchangeRequest, numbers_of_64_bits_survive) {
  const auto body = body_of(begun({.seed = ~std::uint64_t{0}, .number = ~std::uint64_t{0} - 1}));
  EXPECT_EQ(body.at("seed").as_uint64(), ~std::uint64_t{0});
  EXPECT_EQ(body.at("messages").at(0).at("content"), "18446744073709551614");
}

TEST(ExchangeRequest, each_outcome_has_its_plan) {
  const auto with = [](Outcome outcome, std::uint32_t tokens = 0) {
    return plan_of({.first = 5us, .gap = 2us, .tokens = tokens, .outcome = outcome});
  };
  const auto json = [](const char* text) { return boost::json::parse(text); };
  EXPECT_EQ(with(Outcome::answered), json(R"({"first_ns":5000,"gap_ns":2000})"));
  EXPECT_EQ(with(Outcome::server_error), json(R"({"first_ns":5000,"gap_ns":2000,"status":500})"));
  EXPECT_EQ(with(Outcome::rate_limited), json(R"({"first_ns":5000,"gap_ns":2000,"status":429})"));
  EXPECT_EQ(with(Outcome::timed_out).at("fault"), "silent");
  EXPECT_EQ(with(Outcome::timed_out, 3).at("fault"), "stall");
  EXPECT_EQ(with(Outcome::cut).at("fault"), "cut");
  EXPECT_EQ(with(Outcome::garbage).at("fault"), "garbage");
  EXPECT_EQ(plan_of({.number = 1, .outcome = Outcome::server_error}).at("status"), 503);
}

TEST(ExchangeRequest, a_retry_is_asked_for_to_the_nanosecond) {
  const Exchange exchange = begun({.outcome = Outcome::rate_limited, .retry_after = 12'000'345ns});
  EXPECT_THAT(std::string(exchange.request()), HasSubstr(R"("retry_after_ms":12.000345})"));
}

TEST(ExchangeRequest, a_refused_one_goes_to_the_port_that_refuses) {
  EXPECT_EQ(begun(plain).port(), 4000);
  EXPECT_EQ(begun({.outcome = Outcome::refused}).port(), 4001);
}

TEST(ExchangeRequest, a_connection_of_its_own_is_announced) {
  EXPECT_THAT(std::string(begun(plain).request()), Not(HasSubstr("Connection:")));
  EXPECT_TRUE(begun(plain).keep_alive());
  const Exchange exchange = begun({.keep_alive = false});
  EXPECT_THAT(std::string(exchange.request()), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_FALSE(exchange.keep_alive());
}

// ---- plain answers ----

TEST(Exchange, a_plain_answer_is_understood_however_it_is_split) {
  EXPECT_EQ(any_way(plain, plain_reply()), answered);
}

TEST(Exchange, the_answer_is_the_last_word) {
  EXPECT_EQ(any_way(plain, plain_reply("token token 0123456789abcdef")), answered);
  EXPECT_EQ(outcome_of(plain, plain_reply("token0123456789abcdef")), Outcome::garbage);
  EXPECT_EQ(outcome_of(plain, plain_reply("0123456789abcdef token")), Outcome::garbage);
  EXPECT_EQ(outcome_of(plain, plain_reply("0123456789ABCDEF")), Outcome::garbage);
  EXPECT_EQ(outcome_of(plain, plain_reply("123456789abcdef")), Outcome::garbage);
  EXPECT_EQ(outcome_of(plain, plain_reply("")), Outcome::garbage);
}

TEST(Exchange, escaped_characters_are_characters) {
  EXPECT_EQ(any_way(plain, plain_reply(R"(\u0030123456789\u0061bcdef)")), answered);
  std::string escaped_key = completion("0123456789abcdef");
  escaped_key.replace(escaped_key.find("\"content\""), 9, R"("c\u006fntent")");
  EXPECT_EQ(any_way(plain, with_head("200 OK", "", escaped_key)), answered);
}

TEST(Exchange, a_plain_answer_may_come_in_chunks) {
  const std::string body = completion("0123456789abcdef");
  EXPECT_EQ(any_way(plain, chunked({body.substr(0, 99), body.substr(99)})), answered);
}

TEST(Exchange, a_plain_answer_may_end_with_the_connection) {
  Exchange exchange = begun(plain);
  feed(exchange, "HTTP/1.1 200 OK\r\n\r\n" + completion("0123456789abcdef"), 10);
  EXPECT_FALSE(exchange.over());
  exchange.on_closed();
  EXPECT_EQ(end_of(exchange), (End{true, Outcome::answered, answer, 0, false}));
}

TEST(Exchange, an_announcement_before_the_reply_is_passed_over) {
  EXPECT_EQ(any_way(plain, "HTTP/1.1 100 Continue\r\n\r\n" + plain_reply()), answered);
}

TEST(Exchange, only_the_answer_of_the_first_choice_counts) {
  const auto body = [](std::string_view choices) {
    return with_head("200 OK", "", fmt::format(R"({{"choices":[{}]}})", choices));
  };
  const std::string first = R"({"message":{"content":"0123456789abcdef"}})";
  const std::string other = R"({"message":{"content":"other"}})";
  EXPECT_EQ(any_way(plain, body(first + "," + other)), answered);
  EXPECT_EQ(outcome_of(plain, body(other + "," + first)), Outcome::garbage);
}

TEST(Exchange, an_answer_in_the_wrong_place_is_none) {
  const std::string content = R"("content":"0123456789abcdef")";
  for (const std::string& body :
       {"{" + content + "}", R"({"choices":{"message":{)" + content + "}}}",
        R"({"choices":[{"message":[{)" + content + "}]}]}",
        R"({"choices":[{"message":{"inner":{)" + content + "}}}]}",
        R"({"choices":[{"message":{"content":["0123456789abcdef"]}}]})" + std::string(),
        R"([{"choices":[{"message":{)" + content + "}}]}]",
        R"({"inner":{"choices":[{"message":{)" + content + "}}]}}"}) {
    EXPECT_EQ(outcome_of(plain, with_head("200 OK", "", body)), Outcome::garbage) << body;
  }
}

TEST(Exchange, what_is_no_json_is_garbage_and_leaves_the_connection) {
  for (const std::string& body :
       {std::string("<html>"), std::string(), completion("0123456789abcdef") + "x",
        completion("0123456789abcdef").substr(0, 200), completion("\xff"),
        std::string(40, '[') + std::string(40, ']')}) {
    EXPECT_EQ(any_way(plain, with_head("200 OK", "", body)),
              (End{true, Outcome::garbage, 0, 0, true}))
        << body;
  }
}

// ---- streams ----

TEST(Exchange, a_stream_is_understood_however_it_is_split) {
  EXPECT_EQ(any_way(streamed, chunked(right_frames)), answered_stream);
}

std::string joined(const Frames& frames) {
  std::string all;
  for (const std::string& each : frames) all += each;
  return all;
}

TEST(Exchange, frames_may_come_merged_in_one_chunk_or_split_over_many) {
  const std::string all = joined(right_frames);
  EXPECT_EQ(any_way(streamed, chunked({all})), answered_stream);
  Frames pieces;
  for (std::size_t at = 0; at < all.size(); at += 5) pieces.push_back(all.substr(at, 5));
  EXPECT_EQ(whole(streamed, chunked(pieces)), answered_stream);
  EXPECT_EQ(any_way(streamed, with_head("200 OK", "", all)), answered_stream);
}

TEST(Exchange, comments_other_fields_and_line_ends_of_a_stream_do_not_matter) {
  std::string all = ": hello\n\nevent: message\nid: 1\n" + joined(right_frames);
  EXPECT_EQ(any_way(streamed, chunked({all})), answered_stream);
  for (std::size_t at = 0; (at = all.find('\n', at)) != all.npos; at += 2) all.insert(at, 1, '\r');
  EXPECT_EQ(any_way(streamed, chunked({all})), answered_stream);
  for (std::size_t at = 0; (at = all.find("data: ", at)) != all.npos; ++at) all.erase(at + 5, 1);
  EXPECT_EQ(any_way(streamed, chunked({all})), answered_stream);
}

TEST(Exchange, tokens_are_counted_as_they_come) {
  Exchange exchange = begun(streamed);
  const std::string reply = chunked(right_frames);
  feed(exchange, reply.substr(0, reply.find(filler) + filler.size()));
  EXPECT_EQ(exchange.events(), 1U);
  EXPECT_FALSE(exchange.over());
}

TEST(Exchange, a_stream_that_lacks_a_part_is_garbage) {
  for (std::size_t i = 1; i < right_frames.size(); ++i) {  // the role may be missing
    Frames frames = right_frames;
    frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(outcome_of(streamed, chunked(frames)), Outcome::garbage) << right_frames[i];
  }
  EXPECT_EQ(outcome_of(streamed, chunked({})), Outcome::garbage);
}

TEST(Exchange, a_frame_that_comes_twice_is_garbage) {
  EXPECT_EQ(any_way(streamed, chunked({role, filler, filler, filler, last, stop, usage(3), done})),
            (End{true, Outcome::garbage, 0, 4, true}));
}

TEST(Exchange, usage_that_counts_otherwise_is_garbage) {
  EXPECT_EQ(outcome_of(streamed, chunked({role, filler, filler, last, stop, usage(4), done})),
            Outcome::garbage);
}

TEST(Exchange, the_answer_of_a_stream_is_its_last_token) {
  EXPECT_EQ(outcome_of(streamed, chunked({role, filler, last, filler, stop, usage(3), done})),
            Outcome::garbage);
}

TEST(Exchange, a_frame_that_is_no_json_ends_a_stream_at_once) {
  for (const std::string_view bad :
       {"data: garbage\n\n", "data: {\"choices\":[\n\n", "data:\n\n"}) {
    Exchange exchange = begun(streamed);
    const std::string reply = chunked({role, filler, std::string(bad), filler});
    const std::size_t end = reply.find(bad) + bad.size() - 1;
    feed(exchange, reply.substr(0, end - 1));
    EXPECT_FALSE(exchange.over());
    EXPECT_TRUE(exchange.receive(std::string_view(reply).substr(end - 1, 1)));
    EXPECT_EQ(end_of(exchange), (End{true, Outcome::garbage, 0, 1, false}));
  }
}

TEST(Exchange, an_answer_in_one_piece_is_no_stream_and_the_other_way_round) {
  EXPECT_EQ(outcome_of(streamed, plain_reply()), Outcome::garbage);
  EXPECT_EQ(outcome_of(plain, chunked(right_frames)), Outcome::garbage);
}

// ---- other ends ----

TEST(Exchange, the_status_says_what_sort_of_error_it_is) {
  const std::string error =
      R"({"error":{"message":"no","type":"server_error","param":null,"code":null}})";
  const auto with = [&](std::string_view status) {
    return any_way(streamed, with_head(status, "", error));
  };
  const auto expected = [](Outcome outcome) { return End{true, outcome, 0, 0, true}; };
  EXPECT_EQ(with("429 Too Many Requests"), expected(Outcome::rate_limited));
  EXPECT_EQ(with("500 Internal Server Error"), expected(Outcome::server_error));
  EXPECT_EQ(with("503 Service Unavailable"), expected(Outcome::server_error));
  EXPECT_EQ(with("400 Bad Request"), expected(Outcome::garbage));
  EXPECT_EQ(with("201 Created"), expected(Outcome::garbage));
  EXPECT_EQ(outcome_of(plain, "HTTP/1.1 204 No Content\r\n\r\n"), Outcome::garbage);
}

TEST(Exchange, a_status_is_not_enough_if_the_rest_does_not_come) {
  Exchange exchange = begun(plain);
  const std::string reply = with_head("429 Too Many Requests", "", "{}");
  feed(exchange, reply.substr(0, reply.size() - 1));
  EXPECT_FALSE(exchange.over());
  exchange.on_closed();
  EXPECT_EQ(exchange.outcome(), Outcome::cut);
}

TEST(Exchange, a_reply_that_is_cut_anywhere_is_cut) {
  for (const auto& [request, reply] :
       {std::pair(plain, plain_reply()), std::pair(streamed, chunked(right_frames))}) {
    Exchange exchange;
    for (std::size_t length = 0; length < reply.size(); ++length) {
      exchange.begin(request, endpoint);
      feed(exchange, std::string_view(reply).substr(0, length));
      ASSERT_FALSE(exchange.over()) << length;
      EXPECT_FALSE(exchange.connection_reusable());
      exchange.on_closed();
      EXPECT_TRUE(exchange.over());
      EXPECT_EQ(exchange.outcome(), Outcome::cut) << length;
      EXPECT_FALSE(exchange.connection_reusable());
    }
  }
}

TEST(Exchange, who_waits_no_longer_or_is_refused_says_so) {
  Exchange exchange = begun(streamed);
  const std::string reply = chunked(right_frames);
  feed(exchange, reply.substr(0, reply.find(filler) + filler.size()));
  exchange.on_timed_out();
  EXPECT_EQ(end_of(exchange), (End{true, Outcome::timed_out, 0, 1, false}));
  exchange.begin(plain, endpoint);
  EXPECT_FALSE(exchange.over());
  EXPECT_EQ(exchange.events(), 0U);
  exchange.on_refused();
  EXPECT_EQ(end_of(exchange), (End{true, Outcome::refused, 0, 0, false}));
}

TEST(Exchange, what_is_over_stays_as_it_ended) {
  Exchange exchange = begun(plain);
  feed(exchange, plain_reply());
  exchange.on_closed();
  exchange.on_timed_out();
  exchange.on_refused();
  EXPECT_EQ(end_of(exchange), answered);
}

TEST(Exchange, before_the_first_attempt_it_is_over) {
  Exchange exchange;
  EXPECT_TRUE(exchange.receive(std::string_view("HTTP/1.1 200 OK\r\n")));
  exchange.on_closed();
  EXPECT_FALSE(exchange.connection_reusable());
}

// ---- connections ----

TEST(Exchange, either_side_may_ask_to_close) {
  const auto reusable = [](const Request& request, std::string_view reply) {
    const End end = any_way(request, reply);
    EXPECT_EQ(end.outcome, Outcome::answered);
    return end.reusable;
  };
  const std::string body = completion("0123456789abcdef");
  EXPECT_TRUE(reusable(plain, with_head("200 OK", "Connection: keep-alive\r\n", body)));
  EXPECT_FALSE(reusable(plain, with_head("200 OK", "Connection: close\r\n", body)));
  EXPECT_FALSE(reusable(streamed, chunked(right_frames, "Connection: close\r\n")));
  EXPECT_FALSE(reusable({.keep_alive = false}, plain_reply()));
  std::string old = plain_reply();
  old.replace(old.find("1.1"), 3, "1.0");
  EXPECT_FALSE(reusable(plain, old));
  old.insert(old.find("\r\n") + 2, "Connection: keep-alive\r\n");
  EXPECT_TRUE(reusable(plain, old));
}

TEST(Exchange, bytes_that_nobody_asked_for_spoil_the_connection_not_the_answer) {
  Exchange exchange = begun(plain);
  feed(exchange, plain_reply() + "HTTP");
  EXPECT_EQ(end_of(exchange), (End{true, Outcome::answered, answer, 0, false}));
  exchange.begin(plain, endpoint);
  feed(exchange, plain_reply());
  EXPECT_TRUE(exchange.connection_reusable());
  EXPECT_TRUE(exchange.receive(std::string_view("H")));
  EXPECT_EQ(end_of(exchange), (End{true, Outcome::answered, answer, 0, false}));
}

TEST(Exchange, one_exchange_serves_many_replies_of_every_sort) {
  const struct {
    Request request;
    std::string reply;
  } all[] = {{plain, plain_reply()},
             {streamed, chunked(right_frames)},
             {plain, with_head("429 No", "Retry-After: 1\r\n", "{}")},
             {streamed, chunked({role, filler, "data: x\n"})},
             {plain, "no HTTP at all"},
             {plain, plain_reply("x")},
             {streamed, chunked({role, "data: half a li"})},
             {plain, plain_reply().substr(0, 150)},
             {plain, "HTTP/1.1 2"}};
  std::vector<End> alone;
  for (const auto& each : all) alone.push_back(whole(each.request, each.reply));
  Exchange exchange;
  const std::size_t n = std::size(all);
  for (std::size_t i = 0; i < n * n * 20; ++i) {  // each after each
    const std::size_t which = mix64(i) % n;
    exchange.begin(all[which].request, endpoint);
    EXPECT_FALSE(exchange.retry_after().has_value());
    feed(exchange, all[which].reply, 1 + mix64(~i) % 300);
    const End end = end_of(exchange);
    if (end.over) {
      EXPECT_EQ(end, alone[which]) << which;
    } else {
      EXPECT_FALSE(alone[which].over) << which;
    }
  }
}

TEST(Exchange, it_can_be_moved_between_attempts_and_within) {
  Exchange first = begun(plain);
  const std::string reply = plain_reply();
  feed(first, reply.substr(0, 130));
  Exchange second = std::move(first);
  feed(second, std::string_view(reply).substr(130));
  EXPECT_EQ(end_of(second), answered);
}

// ---- when to try again ----

std::optional<std::chrono::nanoseconds> retry_after(std::string_view fields) {
  Exchange exchange = begun(plain);
  feed(exchange, with_head("429 Too Many Requests", fields, "{}"), 11);
  EXPECT_EQ(exchange.outcome(), Outcome::rate_limited);
  return exchange.retry_after();
}

TEST(Exchange, a_reply_says_when_to_try_again) {
  EXPECT_EQ(retry_after(""), std::nullopt);
  EXPECT_EQ(retry_after("Retry-After: 2\r\n"), 2s);
  EXPECT_EQ(retry_after("retry-after-ms: 12.345\r\n"), 12'345us);
  EXPECT_EQ(retry_after("RETRY-AFTER-MS: 12.000345\r\n"), 12'000'345ns);
  EXPECT_EQ(retry_after("retry-after-ms: 0.0000019\r\n"), 1ns);
}

TEST(Exchange, the_finer_of_two_says_it_in_either_order) {
  EXPECT_EQ(retry_after("Retry-After: 1\r\nretry-after-ms: 7\r\n"), 7ms);
  EXPECT_EQ(retry_after("retry-after-ms: 7\r\nRetry-After: 1\r\n"), 7ms);
  EXPECT_EQ(retry_after("retry-after-ms: soon\r\nRetry-After: 1\r\n"), 1s);
}

TEST(Exchange, no_time_to_try_again_is_taken_from_what_is_none) {
  for (const std::string_view value :
       {"-1", "", ".", "1.2.3", "1e3", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "61",
        "99999999999999999999999999", "0x10", "60.000000001"}) {
    EXPECT_EQ(retry_after(fmt::format("Retry-After: {}\r\n", value)), std::nullopt) << value;
  }
}

// ---- anything at all ----

TEST(Exchange, what_is_no_http_is_garbage) {
  for (const std::string_view reply :
       {"garbage", "\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    Exchange exchange = begun(plain);
    feed(exchange, reply);
    EXPECT_TRUE(exchange.over()) << reply;
    EXPECT_EQ(exchange.outcome(), Outcome::garbage) << reply;
    EXPECT_FALSE(exchange.connection_reusable());
  }
}

TEST(Exchange, what_is_larger_than_stated_is_garbage_however_it_is_split) {
  const std::string big_field = fmt::format("X: {:x<{}}\r\n", "", 9 << 10);
  std::string many_fields;
  for (int i = 0; i < 1000; ++i) many_fields += fmt::format("X-{}: y\r\n", i);
  const std::string ok = completion("0123456789abcdef"), line(65 << 10, 'x');
  const struct {
    Request request;
    std::string reply;
  } all[] = {
      {plain, with_head("200 OK", big_field, ok)},
      {plain, with_head("200 OK", many_fields, ok)},
      {plain, fmt::format("HTTP/1.1 200 {:x<{}}", "", 9 << 10)},
      {plain, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"},
      {plain, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
      {plain, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n"},
      {plain, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\n"},
      {plain, fmt::format("HTTP/1.1 200 OK\r\n\r\n{: <{}}", "", (1 << 20) + 1)},
      {streamed, chunked({fmt::format("data: {}", line)})},
      {streamed, chunked({fmt::format(": {}\n", line), joined(right_frames)})},
  };
  for (const auto& each : all) {
    for (const std::size_t piece : {std::size_t{1} << 30, std::size_t{4096}, std::size_t{100}}) {
      Exchange exchange = begun(each.request);
      feed(exchange, each.reply, piece);
      EXPECT_TRUE(exchange.over()) << each.reply.substr(0, 99) << " in pieces of " << piece;
      EXPECT_EQ(exchange.outcome(), Outcome::garbage);
      EXPECT_FALSE(exchange.connection_reusable());
    }
  }
}

TEST(Exchange, what_is_as_large_as_allowed_is_understood) {
  const std::string ok = completion("0123456789abcdef");
  EXPECT_EQ(whole(plain, with_head("200 OK", fmt::format("X: {:x<{}}\r\n", "", 8000), ok)),
            answered);
  EXPECT_EQ(whole(plain, with_head("200 OK", "", ok + std::string((1 << 20) - ok.size(), ' '))),
            answered);
  EXPECT_EQ(whole(streamed,
                  chunked({fmt::format(":{:x<{}}\n", "", (64 << 10) - 1), joined(right_frames)})),
            answered_stream);
  Frames many(2000, filler);  // 300 KiB
  many.insert(many.end(), {last, stop, usage(2001), done});
  EXPECT_EQ(whole({.tokens = 2001}, chunked(many)),
            (End{true, Outcome::answered, answer, 2001, true}));
}

TEST(Exchange, damage_at_any_place_is_survived_and_never_another_answer) {
  for (const auto& [request, reply] :
       {std::pair(plain, plain_reply()), std::pair(streamed, chunked(right_frames))}) {
    Exchange exchange;
    for (std::size_t at = 0; at < reply.size(); ++at) {
      for (const char damage : {'\0', '\n', '"', '}', '\xff', '0'}) {
        std::string damaged = reply;
        damaged[at] = damage;
        exchange.begin(request, endpoint);
        feed(exchange, damaged, 64);
        exchange.on_closed();
        ASSERT_TRUE(exchange.over());
        const bool in_answer =
            reply.find("0123456789abcdef") <= at && at < reply.find("0123456789abcdef") + 16;
        if (exchange.outcome() == Outcome::answered && !in_answer) {
          EXPECT_EQ(exchange.answer(), answer) << at;
        }
      }
    }
  }
}

// What the fuzzer (fuzz_exchange.cpp) has found worth keeping: its first byte says what was asked.
TEST(Exchange, the_corpus_is_survived_and_no_split_makes_a_difference) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(INTERLEAVE_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    ASSERT_FALSE(bytes.empty()) << entry.path();
    SCOPED_TRACE(entry.path().string());
    any_way(bytes[0] % 2 != 0 ? streamed : plain, std::string_view(bytes).substr(1));
    ++files;
  }
  EXPECT_GE(files, 20U);
}

}  // namespace
}  // namespace bench::testing
