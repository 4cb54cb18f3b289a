#include "app/commands/bind_matrix/matrix.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace polyport::bind_matrix {
namespace {

Address ip(std::string_view literal) {
  return Address::parse_ip(literal).value_or(Address());
}

// What the rules expect.
struct Expected {
  Answer answer;
  Reading reading;
};

Expected allowed(Reading::Kind kind, std::string sentence) {
  return {{}, {kind, BindRule::kNone, std::move(sentence)}};
}

Expected without_overlap(const Cell& cell) {
  if (cell.first->address.family != cell.second->address.family) {
    return allowed(Reading::Kind::kOtherFamily,
                   "one is for IPv4, the other for IPv6 alone: no address in common");
  }
  return allowed(Reading::Kind::kOtherAddress,
                 "no address in common: each has its own port of that number");
}

Expected expect(const Setting& setting, const Cell& cell) {
  const Place& first = *cell.first;
  const Place& second = *cell.second;
  const auto rule = overlap(second.address, second.mode, first.address, first.mode);
  if (!rule) return without_overlap(cell);
  if (setting.sharing == Sharing::kReusePort) {
    return allowed(Reading::Kind::kShared,
                   "both set SO_REUSEPORT and belong to one user: they share the port");
  }
  const bool reuse_address = setting.sharing == Sharing::kReuseAddress;
  if (reuse_address && setting.transport == Transport::kUdp) {
    return allowed(Reading::Kind::kTakenOver,
                   "both set SO_REUSEADDR: on UDP the second takes the port of the first, and "
                   "nobody is told");
  }
  if (reuse_address && setting.first == First::kBound) {
    // Now the first is the one that wants what the other has.
    const auto late = overlap(first.address, first.mode, second.address, second.mode);
    return {{Step::kFirstListens, EADDRINUSE},
            {Reading::Kind::kBothBound, late.value_or(*rule),
             "both set SO_REUSEADDR: both may bind while none listens, and when one listens the "
             "other may not"}};
  }
  return {{Step::kBind, EADDRINUSE},
          {Reading::Kind::kRefused, *rule, std::string(sentence(*rule))}};
}

std::string call_of(Step step) {
  switch (step) {
    case Step::kBind:
      return "bind() of the second";
    case Step::kListen:
      return "listen() of the second";
    case Step::kFirstListens:
      return "the later listen() of the first";
    case Step::kNone:
      break;
  }
  return "nothing";
}

std::string unexplained(const Expected& expected, Answer answer) {
  const std::string got = answer.error == 0
                              ? "this kernel allowed it"
                              : call_of(answer.step) + " answered " + error_name(answer.error);
  const std::string rules = expected.answer.error == 0
                                ? "the rules allow it"
                                : "the rules expect " + error_name(expected.answer.error) +
                                      " from " + call_of(expected.answer.step);
  return got + ", where " + rules + " (" + expected.reading.sentence + ")";
}

}  // namespace

std::span<const Place> all_places() {
  static const std::array<Place, 6> places = {{
      {"0.0.0.0", Address::any(Family::kIPv4), IPv6Mode::kOnly},
      {"127.0.0.1", ip("127.0.0.1"), IPv6Mode::kOnly},
      {"127.0.0.2", ip("127.0.0.2"), IPv6Mode::kOnly},
      {"[::]", Address::any(Family::kIPv6), IPv6Mode::kDualStack},
      {"[::] v6only", Address::any(Family::kIPv6), IPv6Mode::kOnly},
      {"[::1]", Address::loopback(Family::kIPv6), IPv6Mode::kOnly},
  }};
  return places;
}

std::string error_name(int error) {
  const char* const name = strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

std::string_view name(Sharing sharing) {
  switch (sharing) {
    case Sharing::kReuseAddress:
      return "reuseaddr";
    case Sharing::kReusePort:
      return "reuseport";
    case Sharing::kNone:
      break;
  }
  return "none";
}

std::string_view name(First first) {
  return first == First::kListening ? "listening" : "bound";
}

std::string_view name(Step step) {
  switch (step) {
    case Step::kBind:
      return "bind";
    case Step::kListen:
      return "listen";
    case Step::kFirstListens:
      return "first_listens";
    case Step::kNone:
      break;
  }
  return "";
}

Setting two_listeners() {
  return {Transport::kTcp, First::kListening, Sharing::kNone};
}

std::vector<Setting> all_settings() {
  std::vector<Setting> settings;
  constexpr std::array kSharings = {Sharing::kNone, Sharing::kReuseAddress, Sharing::kReusePort};
  for (const First first : {First::kListening, First::kBound}) {
    for (const Sharing sharing : kSharings)
      settings.push_back({Transport::kTcp, first, sharing});
  }
  for (const Sharing sharing : kSharings)
    settings.push_back({Transport::kUdp, First::kBound, sharing});
  return settings;
}

Reading read(const Setting& setting, const Cell& cell) {
  Expected expected = expect(setting, cell);
  if (cell.answer == expected.answer) return std::move(expected.reading);
  return {Reading::Kind::kUnexplained, BindRule::kNone, unexplained(expected, cell.answer)};
}

std::string word(Answer answer) {
  if (answer.error == 0) return "ok";
  if (answer.error != EADDRINUSE) return error_name(answer.error);
  if (answer.step == Step::kListen) return "listen";
  return answer.step == Step::kFirstListens ? "late" : "in use";
}

}  // namespace polyport::bind_matrix
