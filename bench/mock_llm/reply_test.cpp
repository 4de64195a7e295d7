// Is each reply made of the right bytes, at the right times?  By a clock that the tests turn.
#include "reply.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "bench/random.hpp"
#include "lateness.hpp"
#include "limits.hpp"
#include "timer_queue.hpp"

namespace bench::mock_llm::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const TimePoint start = TimePoint{} + std::chrono::hours(1);

Request stream_of(std::uint32_t tokens) {
  Request request{.kind = Request::Kind::completion, .keep_alive = true};
  request.completion.model.assign(1, 'm');
  request.completion.number = 7;
  request.completion.seed = 3;
  request.completion.tokens = tokens;
  request.completion.stream = true;
  request.completion.include_usage = true;
  return request;
}

Request plain_of(std::uint32_t tokens) {
  Request request = stream_of(tokens);
  request.completion.stream = false;
  return request;
}

Decision with(Fault fault) {
  return {.first = milliseconds(10), .gap = milliseconds(2), .fault = fault, .retry_after = {}};
}

const std::string answer_of_7 = fmt::format("{:016x}", draw(3, Stream::response, 7));

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Everything, piece by piece, with the time at which each was due.
struct Taken {
  std::vector<std::string> pieces;
  std::vector<nanoseconds> after;
  std::string all;
};

Taken take_all(Reply& reply) {
  Taken taken;
  while (!reply.over()) {
    const TimePoint due = reply.due();
    std::string piece;
    reply.take(due, most_output_bytes, piece);
    taken.pieces.push_back(piece);
    taken.after.push_back(due - start);
    taken.all += piece;
  }
  return taken;
}

TEST(Reply, a_stream_is_role_words_answer_reason_usage_and_done) {
  Reply reply;
  reply.begin(stream_of(3), with(Fault::none), start);
  const std::string all = take_all(reply).all;
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
  std::size_t at = 0;
  for (const std::string& next :
       {std::string(R"("delta":{"role":"assistant","content":""})"),
        std::string(R"("delta":{"content":"word "})"),
        std::string(R"("delta":{"content":"word "})"),
        fmt::format(R"("delta":{{"content":"{}"}})", answer_of_7),
        std::string(R"("delta":{},"logprobs":null,"finish_reason":"stop")"),
        std::string(
            R"("choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4})"),
        std::string("data: [DONE]\n\n"), std::string("\r\n0\r\n\r\n")}) {
    const auto found = all.find(next, at);
    ASSERT_NE(found, all.npos) << next;
    at = found + next.size();
  }
  EXPECT_EQ(at, all.size());
  EXPECT_EQ(count(all, "data: "), 7U);
  EXPECT_EQ(reply.end(), Reply::End::keep);
}

TEST(Reply, a_token_is_due_at_its_absolute_time_whenever_the_others_left) {
  Reply reply;
  reply.begin(stream_of(5), with(Fault::none), start);
  std::string out;
  // The first one is taken 5 ms late, when two more are due; the others stay where they were.
  EXPECT_EQ(reply.due(), start + milliseconds(10));
  reply.take(start + milliseconds(15), most_output_bytes, out);
  EXPECT_EQ(reply.next(), 3U);
  EXPECT_EQ(reply.due(), start + milliseconds(16));
  EXPECT_EQ(take_all(reply).after, (std::vector<nanoseconds>{milliseconds(16), milliseconds(18)}));
}

TEST(Reply, an_answer_that_is_not_streamed_leaves_with_its_last_token) {
  Reply reply;
  reply.begin(plain_of(4), with(Fault::none), start);
  const Taken taken = take_all(reply);
  EXPECT_EQ(taken.after, (std::vector<nanoseconds>{milliseconds(16)}));
  EXPECT_THAT(taken.all, HasSubstr(fmt::format("\"word word word {}\"", answer_of_7)));
  EXPECT_THAT(taken.all, HasSubstr(R"("completion_tokens":4)"));
  const auto body = taken.all.find("\r\n\r\n") + 4;
  EXPECT_THAT(taken.all, HasSubstr(fmt::format("Content-Length: {}\r\n", taken.all.size() - body)));
}

TEST(Reply, a_long_one_is_taken_in_parts) {
  Reply reply;
  reply.begin(plain_of(most_tokens), with(Fault::none), start);
  const Taken taken = take_all(reply);
  for (const std::string& piece : taken.pieces) EXPECT_LE(piece.size(), most_output_bytes + 1000);
  const auto body = taken.all.find("\r\n\r\n") + 4;
  EXPECT_THAT(taken.all.substr(0, body),
              HasSubstr(fmt::format("Content-Length: {}\r\n", taken.all.size() - body)));
  EXPECT_EQ(count(taken.all, "word "), most_tokens - 1);
}

TEST(Reply, faults_spoil_what_they_are_to_spoil) {
  Reply right, reply;
  right.begin(stream_of(6), with(Fault::none), start);
  const std::string all = take_all(right).all;

  reply.begin(stream_of(6), with(Fault::silent), start);
  EXPECT_TRUE(reply.over());
  EXPECT_EQ(reply.end(), Reply::End::silence);

  for (const auto& [fault, end] :
       {std::pair(Fault::stall, Reply::End::silence), std::pair(Fault::cut, Reply::End::close),
        std::pair(Fault::reset, Reply::End::reset)}) {
    reply.begin(stream_of(6), with(fault), start);
    const Taken half = take_all(reply);
    EXPECT_THAT(all, StartsWith(half.all));
    EXPECT_EQ(count(half.all, "word "), 3U);
    EXPECT_EQ(half.after.front(), milliseconds(10));
    EXPECT_EQ(reply.end(), end);
  }

  reply.begin(stream_of(6), with(Fault::merge), start);
  const Taken merged = take_all(reply);
  EXPECT_EQ(merged.all, all);
  EXPECT_EQ(merged.after, (std::vector<nanoseconds>{milliseconds(20)}));

  reply.begin(stream_of(6), with(Fault::split), start);
  EXPECT_EQ(take_all(reply).all, all);
  EXPECT_TRUE(reply.split());

  reply.begin(stream_of(6), with(Fault::duplicate), start);
  EXPECT_EQ(count(take_all(reply).all, "\"content\":\"word \""), 6U);
  EXPECT_EQ(count(all, "\"content\":\"word \""), 5U);

  reply.begin(stream_of(6), with(Fault::garbage), start);
  const Taken garbage = take_all(reply);
  EXPECT_THAT(garbage.pieces.front(), HasSubstr("<html>"));
  EXPECT_EQ(garbage.after.front(), milliseconds(10));
  reply.begin(plain_of(6), with(Fault::garbage), start);
  const Taken plain = take_all(reply);
  EXPECT_THAT(plain.all, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(plain.all, Not(HasSubstr("{")));
  EXPECT_EQ(plain.after.front(), milliseconds(10));

  // And what it keeps of one request does not show in the next.
  reply.begin(stream_of(6), with(Fault::none), start);
  EXPECT_EQ(take_all(reply).all, all);
  EXPECT_EQ(reply.end(), Reply::End::keep);
}

TEST(Reply, an_error_says_when_to_try_again) {
  Decision decision = with(Fault::none);
  decision.status = 429;
  decision.retry_after = nanoseconds(1'012'345'000);
  Reply reply;
  reply.begin(plain_of(1), decision, start);
  const Taken taken = take_all(reply);
  EXPECT_EQ(taken.after.front(), milliseconds(10));
  EXPECT_THAT(taken.all, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(taken.all, HasSubstr("\r\nretry-after-ms: 1012.345\r\nRetry-After: 2\r\n"));
  EXPECT_THAT(taken.all, HasSubstr(R"("code":"rate_limit_exceeded"})"));
}

TEST(Reply, http_1_0_gets_no_chunks) {
  Request request = stream_of(2);
  request.http_1_0 = true;
  Reply reply;
  reply.begin(request, with(Fault::none), start);
  const std::string all = take_all(reply).all;
  EXPECT_THAT(all, Not(HasSubstr("chunked")));
  EXPECT_THAT(all, EndsWith("\n\ndata: [DONE]\n\n"));
  EXPECT_EQ(reply.end(), Reply::End::close);
}

// ---- Limits ----

TEST(RateLimit, lets_a_burst_through_and_then_so_many_a_second) {
  RateLimit limit(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take(start));
  EXPECT_EQ(limit.take(start), milliseconds(100));
  EXPECT_EQ(limit.take(start + milliseconds(40)), milliseconds(60));
  EXPECT_FALSE(limit.take(start + milliseconds(101)));
  EXPECT_TRUE(limit.take(start + milliseconds(102)));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take(start + std::chrono::hours(1)));
  EXPECT_TRUE(limit.take(start + std::chrono::hours(1)));
}

struct Guest : Places::Waiter {
  void on_place() override { placed = true; }
  bool placed = false;
};

TEST(Places, go_to_those_in_line_first_come_first_served) {
  using Entry = Places::Entry;
  Places places(1, 3);
  std::vector<std::shared_ptr<Guest>> guests;
  for (int i = 0; i < 5; ++i) guests.push_back(std::make_shared<Guest>());
  EXPECT_EQ(places.enter(guests[0]), Entry::placed);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(places.enter(guests[i]), Entry::queued);
  EXPECT_EQ(places.enter(guests[4]), Entry::refused);
  EXPECT_EQ(places.queued(), 3U);

  EXPECT_TRUE(places.leave_queue(*guests[1]));
  guests[2].reset();  // gone without a word
  places.leave();
  EXPECT_TRUE(guests[3]->placed);
  EXPECT_FALSE(places.leave_queue(*guests[3]));
  EXPECT_FALSE(guests[1]->placed);
  EXPECT_EQ(places.in_flight(), 1U);
  EXPECT_EQ(places.queued(), 0U);
  places.leave();
  EXPECT_EQ(places.in_flight(), 0U);
}

// ---- Times ----

struct Bell : Timed {
  void on_due(TimePoint) override {}
};

TEST(TimerQueue, pops_in_order_of_time_though_many_were_moved_and_taken_out) {
  TimerQueue queue;
  std::vector<Bell> bells(500);
  std::vector<TimePoint> due(bells.size());
  for (std::uint64_t step = 0; step < 5000; ++step) {
    const std::size_t i = below(mix64(step), static_cast<std::uint32_t>(bells.size()));
    if (step % 5 == 0) {
      queue.cancel(bells[i]);
      due[i] = {};
    } else {
      due[i] = start + nanoseconds(1 + below(mix64(~step), 1'000'000));
      queue.schedule(bells[i], due[i]);
    }
  }
  std::size_t left = 0;
  for (const TimePoint& time : due) left += time != TimePoint{};
  TimePoint last{};
  for (; !queue.empty(); --left) {
    const TimePoint next = queue.next();
    const Timed& first = queue.pop();
    EXPECT_EQ(due[static_cast<std::size_t>(static_cast<const Bell*>(&first) - bells.data())], next);
    EXPECT_GE(next, last);
    last = next;
  }
  EXPECT_EQ(left, 0U);
}

TEST(Lateness, is_known_to_a_thirty_second_part_and_only_from_enough) {
  Lateness lateness;
  for (int i = 1; i <= 661; ++i) lateness.add(std::chrono::microseconds(i));
  EXPECT_FALSE(lateness.percentile_ns(0.99));
  for (int i = 662; i <= 1000; ++i) lateness.add(std::chrono::microseconds(i));
  lateness.add(nanoseconds(-5));
  EXPECT_EQ(lateness.n(), 1001U);
  EXPECT_EQ(lateness.max_ns(), 1'000'000U);
  EXPECT_GE(lateness.percentile_ns(0.5), 500'000U);
  EXPECT_LE(lateness.percentile_ns(0.5), 516'000U);
  EXPECT_GE(lateness.percentile_ns(0.99), 990'000U);
  EXPECT_LE(lateness.percentile_ns(0.99), 1'000'000U);
}

}  // namespace
}  // namespace bench::mock_llm::testing
