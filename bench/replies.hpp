// What may the mock LLM answer, or something else in its place?  For tests of who reads it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "workload.hpp"

namespace bench::testing {

inline constexpr Value answer = 0x0123456789abcdef;  // of all these

inline std::string with_head(std::string_view status, std::string_view fields,
                             std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, fields, body.size(),
                     body);
}

inline std::string completion(std::string_view content) {
  return fmt::format(
      R"({{"id":"chatcmpl-7","object":"chat.completion","created":1,"model":"mock","choices":[)"
      R"({{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"logprobs":null,)"
      R"("finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,)"
      R"("total_tokens":2,"completion_tokens_details":{{"reasoning_tokens":0}}}}}})",
      content);
}

inline std::string plain_reply(std::string_view content = "0123456789abcdef") {
  return with_head("200 OK", "Content-Type: application/json\r\n", completion(content));
}

inline std::string frame(std::string_view choices, std::string_view usage = "null") {
  return fmt::format(
      R"(data: {{"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"mock",)"
      R"("choices":[{}],"usage":{}}})"
      "\n\n",
      choices, usage);
}

inline std::string delta(std::string_view delta, std::string_view finish_reason = "null") {
  return frame(fmt::format(R"({{"index":0,"delta":{},"logprobs":null,"finish_reason":{}}})", delta,
                           finish_reason));
}

inline const std::string role = delta(R"({"role":"assistant","content":""})");
inline const std::string filler = delta(R"({"content":"token "})");
inline const std::string last = delta(R"({"content":"0123456789abcdef"})");
inline const std::string stop = delta("{}", R"("stop")");
inline const std::string done = "data: [DONE]\n\n";
inline std::string usage(int tokens) {
  return frame("", fmt::format(R"({{"prompt_tokens":1,"completion_tokens":{},"total_tokens":{}}})",
                               tokens, tokens + 1));
}

using Frames = std::vector<std::string>;
inline const Frames right_frames = {role, filler, filler, last, stop, usage(3), done};

inline std::string chunked(const Frames& chunks, std::string_view fields = "") {
  std::string reply = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{}Transfer-Encoding: chunked\r\n\r\n",
      fields);
  for (const std::string& chunk : chunks) {
    reply += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  return reply + "0\r\n\r\n";
}

}  // namespace bench::testing
