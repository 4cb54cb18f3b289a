// The options whose values have a form of their own.
#include "app/command_line/syntax.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/ports/port_number.h"

namespace polyport {
namespace {

template <class Target>
CommandSyntax::Read into(Target& target,
                         Result<std::chrono::milliseconds> (*parse)(std::string_view)) {
  return [&target, parse](const std::string& text) -> Result<void> {
    const auto value = parse(text);
    if (!value) return tl::unexpected(value.error());
    target = *value;
    return {};
  };
}

}  // namespace

OptionSyntax CommandSyntax::duration(Text name, Text help, Milliseconds& target) {
  return value(name, "DURATION", help, into(target, parse_duration));
}

OptionSyntax CommandSyntax::duration(Text name, Text help, std::optional<Milliseconds>& target) {
  return value(name, "DURATION", help, into(target, parse_duration));
}

OptionSyntax CommandSyntax::port(Text name, Text help, std::optional<std::uint16_t>& target) {
  return value(name, "N", help, [&target](const std::string& text) -> Result<void> {
    const auto port = parse_port(text);
    if (!port) return tl::unexpected(port.error());
    target = *port;
    return {};
  });
}

OptionSyntax CommandSyntax::percent(Text name, Text help, double& target) {
  return value(name, "PERCENT", help, [&target](const std::string& given) -> Result<void> {
    const std::string text = given.ends_with('%') ? given.substr(0, given.size() - 1) : given;
    std::size_t used = 0;
    try {
      target = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used != 0 && used == text.size()) return {};
    return failure(ErrorCode::kBadValue, quoted(given, 20) + " is no percentage", {},
                   "for example 20%");
  });
}

OptionSyntax CommandSyntax::size(Text name, Text help, std::optional<std::uint64_t>& target) {
  return value(name, "BYTES", help, [&target](const std::string& text) -> Result<void> {
    const auto plain = parse_number<std::uint64_t>(text);  // bytes: no other unit is likely
    const auto size = plain ? Result<std::uint64_t>(*plain) : parse_size(text);
    if (!size) return tl::unexpected(size.error());
    target = *size;
    return {};
  });
}

}  // namespace polyport
