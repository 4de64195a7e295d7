// What do the command lines of all programs have in common?
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

namespace bench {

/// A whole number, both ends included.
inline CLI::Range whole(std::int64_t low, std::int64_t high) {
  return {low, high, fmt::format("{} to {}", low, high)};
}

/// A check that NaN does not pass.
inline CLI::Validator within(double low, double high, const std::string& range) {
  return CLI::Validator(
      [=](std::string& text) {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return "'" + text + "' is not a number";
        return value >= low && value <= high ? std::string{}
                                             : "'" + text + "' is not in the range " + range;
      },
      range);
}

inline std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// A line broken at spaces so that no part is wider than asked; what follows is indented.
inline std::string broken(std::string_view line, std::size_t width, std::size_t indent) {
  std::string told;
  std::size_t room = width;
  while (line.size() > room) {
    const std::size_t at = line.rfind(' ', room);
    if (at == line.npos || at < line.find_first_not_of(' ')) break;
    told.append(line.substr(0, at)).append("\n").append(indent, ' ');
    line.remove_prefix(at + 1);
    room = width - indent;
  }
  return told.append(line);
}

/// The help, for a terminal of 80 columns.
inline std::string help_of(CLI::App& app) {
  constexpr std::size_t explanations = 30;  // the column where they begin
  app.get_formatter()->column_width(explanations);
  std::istringstream help(app.help());
  std::string told;
  for (std::string line; std::getline(help, line);) {
    told += broken(line, 80, line.starts_with(' ') ? explanations : 0) + "\n";
  }
  return told;
}

}  // namespace bench
