// Does the server serve, and survive what clients do?  Over real sockets, on free ports.
#include "server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <list>
#include <vector>

#include "bench/random.hpp"
#include "reply.hpp"
#include "testing.hpp"

namespace bench::mock_llm::testing {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string answer_of(std::uint64_t number, std::uint64_t seed = 0) {
  return fmt::format("{:016x}", draw(seed, Stream::response, number));
}

constexpr const char* in_10_ms = R"("mock":{"first_ns":10000000})";
constexpr const char* never = R"("mock":{"fault":"silent"})";

TEST(Server, answers_are_the_documented_function_of_the_request) {
  const Served served;
  Client client(served);
  for (std::uint64_t n = 0; n < 50; ++n) {
    const Response reply = client.ask(post(std::to_string(n), R"("seed":9)"));
    EXPECT_EQ(reply.result_int(), 200U);
    EXPECT_EQ(content_of(reply), answer_of(n, 9));
  }
  EXPECT_EQ(content_of(client.ask(post("7", R"("max_tokens":3)"))), "word word " + answer_of(7));
  // All over one connection, and one to ask about it.
  const auto said = stats(served);
  EXPECT_EQ(said.at("requests").as_int64(), 51);
  EXPECT_EQ(said.at("connections").as_int64(), 2);
  EXPECT_EQ(said.at("tokens").as_int64(), 53);
}

TEST(Server, other_pages_and_errors_are_as_documented) {
  const Served served;
  Client client(served);
  EXPECT_EQ(client.ask(get("/healthz")).body(), "ok");
  EXPECT_EQ(json_of(client.ask(get("/v1/models"))).at("object").as_string(), "list");
  EXPECT_EQ(client.ask(get("/nowhere")).result_int(), 404U);
  EXPECT_EQ(client.ask(get("/v1/chat/completions")).result_int(), 405U);
  EXPECT_EQ(client.ask("PUT /healthz HTTP/1.1\r\nContent-Length: 1\r\n\r\nx").result_int(), 405U);
  const Response refused = client.ask(post("7", R"("max_tokens":0)"));
  EXPECT_EQ(refused.result_int(), 400U);
  EXPECT_EQ(json_of(refused).at("error").at("type").as_string(), "invalid_request_error");
  EXPECT_TRUE(json_of(refused).at("error").at("param").is_null());
  EXPECT_EQ(client.ask(get("/healthz")).body(), "ok") << "the connection lives on";
}

TEST(Server, nothing_leaves_early) {
  const Served served;
  Client client(served);
  for (const int ms : {0, 1, 10}) {
    const auto begun = Clock::now();
    client.ask(post("7", fmt::format(R"("max_tokens":4,"mock":{{"first_ns":{0},"gap_ns":{0}}})",
                                     ms * 1'000'000)));
    EXPECT_GE(Clock::now() - begun, milliseconds(4 * ms));
    client.ask(post("7", fmt::format(R"("stream":true,"max_tokens":4,"mock":{{"first_ns":{0},)"
                                     R"("gap_ns":{0}}})",
                                     ms * 1'000'000)));
    EXPECT_GE(Clock::now() - begun, milliseconds(8 * ms));
  }
  const auto lateness = stats(served).at("lateness");
  EXPECT_EQ(lateness.at("n").as_int64(), 3 + 3 * 4);
}

TEST(Server, who_asked_last_and_waits_least_is_answered_first) {
  const Served served;
  Client slow(served), fast(served);
  slow.send(post("1", R"("mock":{"first_ns":3600000000000})"));
  wait_for_stats(served, [](const auto& s) { return s.at("in_flight").as_int64() == 1; });
  EXPECT_EQ(content_of(fast.ask(post("2", in_10_ms))), answer_of(2));
}

TEST(Server, requests_in_one_write_are_answered_in_order) {
  const Served served;
  Client client(served);
  std::string many;
  for (int n = 0; n < 500; ++n) many += post(std::to_string(n), n % 100 == 0 ? in_10_ms : "");
  client.send(many);
  for (int n = 0; n < 500; ++n) ASSERT_EQ(content_of(client.receive()), answer_of(n));
}

TEST(Server, a_body_may_come_in_chunks_and_byte_by_byte) {
  const Served served;
  Client client(served);
  const std::string body = R"({"messages":[{"role":"user","content":"7"}]})";
  const std::string request = fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\n{{\r\n{:x};x=y\r\n{}\r\n0\r\n\r\n",
      body.size() - 1, body.substr(1));
  for (const char c : request) client.send({&c, 1});
  EXPECT_EQ(content_of(client.receive()), answer_of(7));
}

TEST(Server, who_expects_to_be_told_to_continue_is_told) {
  const Served served;
  Client client(served);
  std::string request = post("7");
  request.insert(request.find("Content-Length"), "Expect: 100-continue\r\n");
  const auto body = request.find("\r\n\r\n") + 4;
  client.send(std::string_view(request).substr(0, body));
  EXPECT_EQ(client.receive().result_int(), 100U);
  client.send(std::string_view(request).substr(body));
  EXPECT_EQ(content_of(client.receive()), answer_of(7));
}

// ---- Faults ----

std::string faulty(const std::string& fault, bool stream) {
  return post("7",
              fmt::format(R"("max_tokens":4,"stream":{},"mock":{{"fault":"{}"}})", stream, fault));
}

TEST(Server, cut_and_reset_end_the_connection_in_mid_reply) {
  const Served served;
  for (const bool stream : {false, true}) {
    error_code error;
    Client cut(served);
    cut.send(faulty("cut", stream));
    const std::string half = cut.receive_all(error);
    EXPECT_THAT(half, HasSubstr("word "));
    EXPECT_EQ(half.find(answer_of(7)), half.npos);
    EXPECT_EQ(error, boost::asio::error::eof);

    Client reset(served);
    reset.send(faulty("reset", stream));
    reset.receive_all(error);
    EXPECT_EQ(error, boost::asio::error::connection_reset);
  }
}

TEST(Server, silence_lasts_until_the_client_closes) {
  const Served served;
  {
    Client silent(served), stalled(served), plain(served);
    silent.send(post("7", never));
    stalled.send(faulty("stall", true));
    plain.send(faulty("stall", false));
    wait_for_stats(served, [](const auto& s) { return s.at("in_flight").as_int64() == 3; });
    char piece[2000];
    EXPECT_GT(stalled.socket().read_some(boost::asio::buffer(piece)), 0U);
    EXPECT_GT(plain.socket().read_some(boost::asio::buffer(piece)), 0U);
    EXPECT_EQ(silent.socket().available(), 0U);
  }
  wait_for_stats(served, [](const auto& s) {
    return s.at("in_flight").as_int64() == 0 && s.at("open_connections").as_int64() == 1;
  });
}

TEST(Server, split_and_merged_replies_are_right) {
  const Served served;
  Client client(served);
  EXPECT_EQ(content_of(client.ask(faulty("split", false))), "word word word " + answer_of(7));
  const std::string right = client.ask(faulty("duplicate", true)).body();
  const std::string split = client.ask(faulty("split", true)).body();
  EXPECT_EQ(client.ask(faulty("merge", true)).body(), split);
  EXPECT_GT(right.size(), split.size());
  EXPECT_THAT(split, HasSubstr(answer_of(7)));
  EXPECT_EQ(client.ask(faulty("garbage", false)).result_int(), 200U);
  EXPECT_EQ(client.ask(get("/healthz")).body(), "ok") << "the connection lives on";
}

TEST(Server, a_connection_to_the_refusing_port_is_refused) {
  const Served served;
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket(io);
  error_code error;
  socket.connect({boost::asio::ip::address_v4::loopback(), served.server.refusing_port()}, error);
  EXPECT_EQ(error, boost::asio::error::connection_refused);
}

// ---- Limits ----

TEST(Server, more_than_the_rate_is_told_when_to_come_again) {
  Settings settings;
  settings.rate = 0.001;
  settings.burst = 2;
  const Served served(settings);
  Client client(served);
  EXPECT_EQ(client.ask(post("1")).result_int(), 200U);
  EXPECT_EQ(client.ask(post("2")).result_int(), 200U);
  const Response limited = client.ask(post("3"));
  EXPECT_EQ(limited.result_int(), 429U);
  EXPECT_GT(std::stod(std::string(limited["retry-after-ms"])), 900'000);
  EXPECT_EQ(limited["Retry-After"], "1000");
  EXPECT_EQ(client.ask(get("/healthz")).body(), "ok");
}

TEST(Server, more_than_may_be_in_flight_wait_in_a_queue_and_more_are_refused) {
  for (const unsigned threads : {1U, 2U}) {
    Settings settings;
    settings.in_flight = 1;
    settings.queue = 2;
    settings.threads = threads;
    const Served served(settings);
    const auto queued = [&](int n) {
      wait_for_stats(served, [n](const auto& s) {
        return s.at("in_flight").as_int64() == 1 && s.at("queued").as_int64() == n;
      });
    };
    auto first = std::make_unique<Client>(served);
    auto second = std::make_unique<Client>(served);
    Client third(served), fourth(served);
    first->send(post("1", never));
    queued(0);
    second->send(post("2"));
    queued(1);
    third.send(post("3"));
    queued(2);
    EXPECT_EQ(fourth.ask(post("4")).result_int(), 503U);
    second.reset();  // leaves the queue
    queued(1);
    first.reset();  // gives up its place
    EXPECT_EQ(content_of(third.receive()), answer_of(3));
    wait_for_stats(served, [](const auto& s) { return s.at("in_flight").as_int64() == 0; });
  }
}

TEST(Server, what_is_too_large_too_slow_or_no_http_is_refused_and_the_connection_closed) {
  Settings settings;
  settings.patience = milliseconds(50);
  const Served served(settings);
  const std::string large_body(most_body_bytes + 1, 'x');
  for (const auto& [bytes, status] : std::vector<std::pair<std::string, unsigned>>{
           {"GET / HTTP/1.1\r\nX: " + std::string(most_header_bytes, 'x') + "\r\n\r\n", 431},
           {fmt::format("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", large_body.size()) +
                large_body,
            413},
           {fmt::format("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                        large_body.size()) +
                large_body,
            413},
           {"GET / HTTP/1.1\r\nHost", 408},
           {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", 408},
           {"\x16\x03\x01\x02", 400},
           {"hello\r\n\r\n", 400},
       }) {
    Client client(served);
    const Response reply = client.ask(bytes);
    EXPECT_EQ(reply.result_int(), status);
    EXPECT_FALSE(reply.keep_alive());
    EXPECT_TRUE(json_of(reply).at("error").is_object());
    error_code error;
    client.receive_all(error);
    EXPECT_EQ(error, boost::asio::error::eof) << status;
  }
}

TEST(Server, a_body_of_the_largest_size_is_read) {
  const Served served;
  Client client(served);
  const std::size_t around = post("").size() - post("").find("\r\n\r\n") - 4;
  const std::string content(most_body_bytes - around, 'x');
  EXPECT_EQ(client.ask(post(content)).result_int(), 200U);
}

/// A thread that reads nothing cannot make the server keep what it was to read.
TEST(Server, who_does_not_read_costs_no_memory_and_holds_up_nobody) {
  const Served served;
  std::list<Client> deaf;
  for (int i = 0; i < 20; ++i) {
    deaf.emplace_back(served).send(post("7", R"("stream":true,"max_tokens":100000)"));
  }
  Client client(served);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(content_of(client.ask(post("7"))), answer_of(7));
  wait_for_stats(served, [](const auto& s) { return s.at("in_flight").as_int64() == 20; });
  deaf.clear();
  wait_for_stats(served, [](const auto& s) { return s.at("in_flight").as_int64() == 0; });
}

TEST(Server, connections_that_break_at_any_byte_are_forgotten) {
  const Served served;
  const std::string request = post("7", R"("stream":true,"max_tokens":5)");
  for (std::size_t n = 0; n < request.size(); n += 3) {
    for (const bool reset : {false, true}) {
      Client client(served);
      client.send(std::string_view(request).substr(0, n));
      if (reset) client.socket().set_option(boost::asio::socket_base::linger(true, 0));
    }
  }
  // Half closed: what was there to say has been said.
  Client half(served);
  half.send(get("/healthz"));
  half.socket().shutdown(boost::asio::socket_base::shutdown_send);
  EXPECT_EQ(half.receive().body(), "ok");
  error_code error;
  half.receive_all(error);
  EXPECT_EQ(error, boost::asio::error::eof);
  wait_for_stats(served, [](const auto& s) { return s.at("open_connections").as_int64() == 1; });
}

TEST(Server, many_idle_connections_leave_room_for_others) {
  const Served served;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);  // which the server has raised, for this whole process
  const int many = static_cast<int>(std::min<rlim_t>(1000, limit.rlim_cur / 2 - 50));
  boost::asio::io_context io;
  std::vector<boost::asio::ip::tcp::socket> idle;
  for (int i = 0; i < many; ++i) {
    idle.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), served.server.port()});
  }
  Client client(served);
  EXPECT_EQ(content_of(client.ask(post("7"))), answer_of(7));
  EXPECT_GE(stats(served).at("open_connections").as_int64(), many);
}

TEST(Server, threads_share_the_work_and_the_counts) {
  Settings settings;
  settings.threads = 3;
  const Served served(settings);
  std::vector<std::jthread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&served, t] {
      Client client(served);
      for (int i = 0; i < 50; ++i) {
        const int n = 100 * t + i;
        EXPECT_EQ(content_of(client.ask(post(std::to_string(n), i % 10 == 0 ? in_10_ms : ""))),
                  answer_of(n));
      }
    });
  }
  clients.clear();
  EXPECT_EQ(stats(served).at("requests").as_int64(), 200);
}

TEST(Server, stops_in_the_midst_of_everything) {
  Settings settings;
  settings.in_flight = 2;
  settings.queue = 2;
  const Served served(settings);
  std::list<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(served).send(post("7", never));
  clients.emplace_back(served).send("GET / HT");
  wait_for_stats(served, [](const auto& s) { return s.at("queued").as_int64() == 2; });
}

TEST(Server, a_port_that_is_taken_is_an_error_that_says_so) {
  const Served served;
  Settings settings;
  settings.port = served.server.port();
  try {
    Server again(settings);
    FAIL() << "two servers on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--port"));
  }
}

}  // namespace
}  // namespace bench::mock_llm::testing
