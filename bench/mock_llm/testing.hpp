// What do the tests of the mock LLM need?  A server of their own, and a client that blocks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/parse.hpp>
#include <string>
#include <thread>

#include "server.hpp"

namespace bench::mock_llm::testing {

/// Serves on a free port while it lives.
class Served {
 public:
  explicit Served(const Settings& settings = {}) : server(settings) {
    thread_ = std::jthread([this] { server.run(); });
  }
  ~Served() { server.stop(); }

  Server server;

 private:
  std::jthread thread_;
};

using Response = boost::beast::http::response<boost::beast::http::string_body>;

/// One connection.
class Client {
 public:
  explicit Client(const Served& served) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), served.server.port()});
  }

  void send(std::string_view bytes) {
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()));
  }

  Response receive() {
    boost::beast::http::response_parser<boost::beast::http::string_body> parser;
    parser.body_limit(boost::none);
    boost::beast::http::read(socket_, buffer_, parser);
    return parser.release();
  }

  Response ask(std::string_view request) {
    send(request);
    return receive();
  }

  /// All that comes until the connection ends, and how it ended.
  std::string receive_all(boost::system::error_code& error) {
    std::string text(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.clear();
    char piece[4096];
    for (;;) {
      const std::size_t n = socket_.read_some(boost::asio::buffer(piece), error);
      if (error) return text;
      text.append(piece, n);
    }
  }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

/// `members`: of the JSON object, after the messages.
inline std::string post(const std::string& content, const std::string& members = "") {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":")" + content +
                           "\"}]" + (members.empty() ? "" : ",") + members + "}";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline boost::json::value json_of(const Response& response) {
  return boost::json::parse(response.body());
}

inline std::string content_of(const Response& response) {
  const auto message = json_of(response).at("choices").at(0).at("message").at("content");
  return std::string(std::string_view(message.as_string()));
}

inline boost::json::value stats(const Served& served) {
  return json_of(Client(served).ask(get("/stats")));
}

/// Asks until the server's counts are as wanted: they change when the server gets to it.
template <typename Wanted>
void wait_for_stats(const Served& served, Wanted wanted) {
  Client client(served);
  while (!wanted(json_of(client.ask(get("/stats"))))) std::this_thread::yield();
}

}  // namespace bench::mock_llm::testing
