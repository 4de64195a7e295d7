// What matters in a completion, in OpenAI's JSON?  A few members, picked out while it is parsed.
#pragma once

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "workload.hpp"

namespace bench {

/// The end of a text that comes in pieces.
class LastWord {
 public:
  void clear() { window_.fill(' '); }

  void append(std::string_view text) {
    const std::size_t n = std::min(text.size(), window_.size());
    std::memmove(window_.data(), window_.data() + n, window_.size() - n);
    std::copy_n(text.end() - static_cast<std::ptrdiff_t>(n), n, window_.end() - n);
  }

  /// The last word, if it is an answer: 16 lower-case hexadecimal digits.
  std::optional<Value> as_answer() const {
    if (window_.front() != ' ') return std::nullopt;
    Value value = 0;
    for (const char c : std::string_view(window_.data(), window_.size()).substr(1)) {
      const bool decimal = c >= '0' && c <= '9';
      if (!decimal && !(c >= 'a' && c <= 'f')) return std::nullopt;
      value = value << 4 | static_cast<Value>(decimal ? c - '0' : c - 'a' + 10);
    }
    return value;
  }

 private:
  std::array<char, 17> window_{};  // with the space before the word
};

/// Picks these out of a completion, or out of a chunk of one that is streamed:
///
///   {"choices": [{"message" or "delta": {"content": "..."}, "finish_reason": "stop"}],
///    "usage": {"completion_tokens": 7}}
///
/// It is the handler of a boost::json::basic_parser, which calls it for all that it meets: nothing
/// is built, and nothing stored but the end of the content.  All else may be missing or anything.
class Completion {
 public:
  static constexpr std::size_t deepest = 32;  // nesting that the parser must allow at most

  /// Forgets the content of earlier documents.
  void clear() {
    restart();
    content_.clear();
  }

  /// Of the last document.
  bool has_content() const { return has_content_; }
  bool finished() const { return finished_; }
  std::optional<std::uint64_t> completion_tokens() const { return completion_tokens_; }
  /// Of the last document that had any.
  const LastWord& content() const { return content_; }

  // ---- What follows is for Boost.JSON. ----

  using Error = boost::system::error_code;
  using Text = boost::json::string_view;
  static constexpr std::size_t max_array_size = -1, max_object_size = -1, max_string_size = -1,
                               max_key_size = -1;

  bool on_document_begin(Error&) {
    restart();
    return true;
  }
  bool on_document_end(Error&) { return true; }

  bool on_object_begin(Error&) { return enter(object_here()); }
  bool on_object_end(std::size_t, Error&) { return leave(); }
  bool on_array_begin(Error&) {
    return enter(is(Place::reply, Key::choices) ? Place::choices : Place::elsewhere);
  }
  bool on_array_end(std::size_t, Error&) { return leave(); }

  bool on_key_part(Text s, std::size_t, Error&) {
    add_to_key(s);
    return true;
  }
  bool on_key(Text s, std::size_t n, Error&) {
    if (n == s.size()) {
      key_ = key_of(s);
    } else {
      add_to_key(s);
      key_ = n <= key_text_.size() ? key_of({key_text_.data(), key_size_}) : Key::other;
    }
    key_size_ = 0;
    return true;
  }

  /// `n`: characters of the string up to the end of this part.
  bool on_string_part(Text s, std::size_t n, Error&) {
    if (n == 0 || !is(Place::message, Key::content)) return true;
    has_content_ = true;
    if (n == s.size()) content_.clear();
    content_.append({s.data(), s.size()});
    return true;
  }
  bool on_string(Text s, std::size_t n, Error& error) {
    if (is(Place::choice, Key::finish_reason)) finished_ = true;
    return on_string_part(s, n, error);
  }

  bool on_int64(std::int64_t i, Text, Error&) {
    if (i >= 0 && is(Place::usage, Key::completion_tokens)) {
      completion_tokens_ = static_cast<std::uint64_t>(i);
    }
    return true;
  }
  bool on_uint64(std::uint64_t, Text, Error&) { return true; }
  bool on_double(double, Text, Error&) { return true; }
  bool on_number_part(Text, Error&) { return true; }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

 private:
  enum class Place : std::uint8_t { elsewhere, reply, choices, choice, message, usage };
  enum class Key : std::uint8_t {
    other,
    choices,
    message,
    content,
    finish_reason,
    usage,
    completion_tokens,
  };

  void restart() {
    depth_ = 0;
    key_size_ = 0;
    has_content_ = has_choice_ = finished_ = false;
    completion_tokens_.reset();
  }

  /// The value that comes is that member of an object in that place.
  bool is(Place place, Key key) const { return places_[depth_] == place && key_ == key; }

  Place object_here() {
    if (depth_ == 0) return Place::reply;
    if (places_[depth_] == Place::choices && !has_choice_) {
      has_choice_ = true;
      return Place::choice;
    }
    if (is(Place::choice, Key::message)) return Place::message;
    if (is(Place::reply, Key::usage)) return Place::usage;
    return Place::elsewhere;
  }
  bool enter(Place place) {
    places_[++depth_] = place;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  Key key_of(std::string_view key) const {
    switch (places_[depth_]) {
      case Place::reply:
        return key == "choices" ? Key::choices : key == "usage" ? Key::usage : Key::other;
      case Place::choice:
        if (key == "message" || key == "delta") return Key::message;
        return key == "finish_reason" ? Key::finish_reason : Key::other;
      case Place::message:
        return key == "content" ? Key::content : Key::other;
      case Place::usage:
        return key == "completion_tokens" ? Key::completion_tokens : Key::other;
      case Place::choices:
      case Place::elsewhere:
        break;
    }
    return Key::other;
  }
  void add_to_key(std::string_view part) {
    const std::size_t n = std::min(part.size(), key_text_.size() - key_size_);
    std::copy_n(part.begin(), n, key_text_.begin() + static_cast<std::ptrdiff_t>(key_size_));
    key_size_ += n;
  }

  std::array<Place, deepest + 1> places_{};  // of what is open; the first is outside of all
  std::size_t depth_ = 0;
  Key key_ = Key::other;           // of the member that comes
  std::array<char, 24> key_text_;  // of a key that comes in parts: longer than any of ours
  std::size_t key_size_ = 0;
  bool has_content_ = false, has_choice_ = false, finished_ = false;
  std::optional<std::uint64_t> completion_tokens_;
  LastWord content_;
};

}  // namespace bench
