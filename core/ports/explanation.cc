// The names of an explanation's parts, and its JSON (version 1, pinned: other programs read it).
#include "core/ports/explanation.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport {
namespace {

template <class Enum, std::size_t Count>
std::string_view nth(const std::array<std::string_view, Count>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  POLYPORT_ASSERT(index < names.size());
  return names[index];
}

void optional_text(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key);
  if (text.empty()) {
    json.value(nullptr);
  } else {
    json.value(text);
  }
}

void write_process(JsonWriter& json, const std::optional<Process>& process) {
  if (!process) {
    for (const std::string_view key :
         {"pid", "process", "command", "process_started", "unit", "container"}) {
      json.field(key, nullptr);
    }
    return;
  }
  json.field("pid", process->pid);
  json.field("process", process->name);
  json.field("command", process->command);
  optional_text(json, "process_started", process->started ? utc_text(*process->started) : "");
  optional_text(json, "unit", process->unit);
  optional_text(json, "container", process->container);
}

void write_holder(JsonWriter& json, const Holder& holder) {
  json.begin_object();
  json.field("kind", name(holder.kind));
  json.field("endpoint", holder.endpoint);
  optional_text(json, "remote", holder.remote);
  json.field("ours", holder.ours);
  optional_text(json, "service", holder.service);
  optional_text(json, "where", holder.where);
  json.key("uid");
  if (holder.uid) {
    json.value(*holder.uid);
  } else {
    json.value(nullptr);
  }
  optional_text(json, "user", holder.uid ? user_name(*holder.uid) : "");
  write_process(json, holder.process);
  if (!holder.workers.empty()) {
    json.key("workers");
    json.begin_array();
    for (const int pid : holder.workers)
      json.value(pid);
    json.end_array();
  }
  optional_text(json, "hidden_because", name(holder.hidden));
  json.end_object();
}

void write_suggestion(JsonWriter& json, const Suggestion& suggestion) {
  json.begin_object();
  json.field("kind", suggestion.kind);
  json.field("text", suggestion.text);
  optional_text(json, "command", suggestion.command);
  optional_text(json, "config", suggestion.config);
  optional_text(json, "endpoint", suggestion.endpoint);
  json.end_object();
}

void write_target(JsonWriter& json, const BindTarget& target) {
  const bool is_unix = target.transport == Transport::kUnix;
  json.field("endpoint", target.endpoint());
  json.field("transport", name(target.transport));
  json.field("family", is_unix ? "unix" : target.address.family == Family::kIPv6 ? "ipv6" : "ipv4");
  json.field("address", is_unix ? target.path : target.address.ip_text());
  json.key("port");
  if (is_unix) {
    json.value(nullptr);
  } else {
    json.value(target.address.port);
  }
}

}  // namespace

std::string_view name(BindStep step) {
  static constexpr std::array<std::string_view, 5> kNames = {"", "path", "socket", "bind",
                                                             "listen"};
  return nth(kNames, step);
}

std::string_view name(Verdict verdict) {
  static constexpr std::array<std::string_view, 5> kNames = {"free", "taken", "forbidden",
                                                             "unavailable", "invalid"};
  return nth(kNames, verdict);
}

std::string_view name(Holder::Kind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {"listener",   "bound",     "udp",
                                                             "connection", "time_wait", "unix"};
  return nth(kNames, kind);
}

std::string spoken(const BindTarget& target) {
  if (target.transport == Transport::kUnix) return "unix:" + printable(target.path);
  return target.transport == Transport::kUdp ? "udp " + target.text() : target.text();
}

void write_explanation(JsonWriter& json, const Explanation& explanation) {
  const BindAttempt& attempt = explanation.attempt;
  const bool is_unix = attempt.target.transport == Transport::kUnix;
  json.begin_object();
  json.field("schema", 1);
  write_target(json, attempt.target);
  json.field("verdict", name(explanation.verdict));
  optional_text(json, "error", attempt.error != 0 ? strerrorname_np(attempt.error) : "");
  optional_text(json, "step", name(attempt.step));
  json.field("rule", name(explanation.rule));
  json.field("text", explanation.text);
  optional_text(json, "service", attempt.service);
  optional_text(json, "where", attempt.where);
  optional_text(json, "range", is_unix ? "" : name(explanation.range));
  json.key("ephemeral_range");
  json.begin_array();
  json.value(explanation.ephemeral.low);
  json.value(explanation.ephemeral.high);
  json.end_array();
  optional_text(json, "iana_name", explanation.iana_name);
  json.key("options");
  json.begin_object();
  json.field("reuseaddr", attempt.reuse_address);
  json.field("reuseport", attempt.reuse_port);
  json.field("v6only", attempt.target.address.family == Family::kIPv6 &&
                           attempt.target.ipv6_mode == IPv6Mode::kOnly);
  json.end_object();
  json.key("holders");
  json.begin_array();
  for (const Holder& holder : explanation.holders)
    write_holder(json, holder);
  json.end_array();
  json.field("holders_in_all", explanation.holders_in_all);
  json.key("suggestions");
  json.begin_array();
  for (const Suggestion& suggestion : explanation.suggestions)
    write_suggestion(json, suggestion);
  json.end_array();
  json.end_object();
}

std::string explanations_json(std::span<const Explanation> explanations) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.key("explanations");
  json.begin_array();
  for (const Explanation& explanation : explanations)
    write_explanation(json, explanation);
  json.end_array();
  json.end_object();
  return text + "\n";
}

}  // namespace polyport
