// What can be typed behind one command: arguments, options and flags, and where each value goes.
//
// The library behind it takes half a minute to compile, so only app/command_line.cc knows it; the
// commands are described with this.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace polyport {

class OptionSyntax {
 public:
  explicit OptionSyntax(CLI::Option& option) : option_(option) {}
  OptionSyntax& required();
  OptionSyntax& excludes(const OptionSyntax& other);
  OptionSyntax& range(int least, int most);

 private:
  CLI::Option& option_;
};

// `name` of an option is "--count", `value` what help shows behind it. Targets outlive the parsing.
class CommandSyntax {
 public:
  using Text = const std::string&;
  using Milliseconds = std::chrono::milliseconds;
  // What is wrong with a value, as a sentence, with what would be right in the hint.
  using Read = std::function<Result<void>(Text)>;

  explicit CommandSyntax(CLI::App& app) : app_(app) {}

  // --- words without a name ----------------------------------------------------------------------
  OptionSyntax argument(Text name, Text help, std::string& target);
  OptionSyntax arguments(Text name, Text help, std::vector<std::string>& target);
  OptionSyntax argument(Text name, Text help, std::optional<std::uint32_t>& target);

  // --- options with a value ----------------------------------------------------------------------
  OptionSyntax text(Text name, Text value, Text help, std::string& target);
  OptionSyntax texts(Text name, Text value, Text help, std::vector<std::string>& target);
  // "a,b,c".
  OptionSyntax list(Text name, Text value, Text help, std::vector<std::string>& target);
  OptionSyntax number(Text name, Text help, int& target);
  OptionSyntax number(Text name, Text help, std::uint32_t& target);
  OptionSyntax number(Text name, Text help, std::optional<int>& target);
  OptionSyntax number(Text name, Text help, std::optional<double>& target);
  OptionSyntax duration(Text name, Text help, Milliseconds& target);
  OptionSyntax duration(Text name, Text help, std::optional<Milliseconds>& target);
  OptionSyntax port(Text name, Text help, std::optional<std::uint16_t>& target);
  OptionSyntax percent(Text name, Text help, double& target);
  // "65536" or "64KiB".
  OptionSyntax size(Text name, Text help, std::optional<std::uint64_t>& target);
  OptionSyntax value(Text name, Text value, Text help, Read read);
  // With a value or without one, which is the empty text.
  OptionSyntax value_or_none(Text name, Text value, Text help, Read read);

  // --- options without a value -------------------------------------------------------------------
  OptionSyntax flag(Text name, Text help, bool& target);
  OptionSyntax flag(Text name, Text help, std::function<void()> set);

  // Stands below the list in the help.
  void footer(Text text);

 private:
  CLI::App& app_;
};

}  // namespace polyport
