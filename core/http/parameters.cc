#include "core/http/parameters.h"

#include "core/base/text.h"

namespace polyport::http {
namespace {

// Takes a quoted string off `rest`; false where it does not end.
bool take_quoted(Bytes& rest, std::string& value) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && ++i == rest.size()) return false;
    value += rest[i];
  }
  return false;
}

}  // namespace

Bytes without_parameters(Bytes value) {
  return trim_blanks(value.substr(0, value.find(';')));
}

std::optional<Parameter> next_parameter(Bytes& rest, char separator) {
  const auto skip_blanks = [&] {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t'))
      rest.remove_prefix(1);
  };
  for (skip_blanks(); !rest.empty() && rest.front() == separator; skip_blanks())
    rest.remove_prefix(1);
  if (rest.empty()) return std::nullopt;
  Bytes left = rest;
  std::size_t end = 0;
  while (end < left.size() && is(kTokenCharacter, left[end]))
    ++end;
  Parameter parameter{left.substr(0, end), {}};
  left.remove_prefix(end);
  if (parameter.name.empty() || !left.starts_with('=')) return std::nullopt;
  left.remove_prefix(1);
  if (left.starts_with('"')) {
    if (!take_quoted(left, parameter.value)) return std::nullopt;
    left = trim_blanks(left);
    if (!left.empty() && left.front() != separator) return std::nullopt;
  } else {
    const std::size_t stop = std::min(left.find(separator), left.size());
    parameter.value = trim_blanks(left.substr(0, stop));
    left.remove_prefix(stop);
  }
  if (!left.empty()) left.remove_prefix(1);
  rest = left;
  return parameter;
}

std::optional<std::string> parameter_of(Bytes value, Bytes name) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == Bytes::npos) return std::nullopt;
  Bytes rest = value.substr(semicolon + 1);
  while (auto parameter = next_parameter(rest, ';')) {
    if (equals_ignoring_case(parameter->name, name)) return std::move(parameter->value);
  }
  return std::nullopt;
}

}  // namespace polyport::http
