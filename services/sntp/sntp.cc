// sntp: a time server for SNTP and NTP clients (RFC 4330, header of RFC 5905), over UDP.
//
// It has no clock but the system's and says so: synchronised (the kernel knows) it calls itself
// stratum 10, not synchronised it says exactly that, and every client must refuse the answer.
// `stratum`, `refid` and `offset` let a class look at other answers. It disciplines no
// clock, authenticates nobody, and answers neither control queries (mode 6) nor monlist (mode 7),
// whose answers are many times their question.
#include <sys/timex.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "core/service.h"
#include "services/sntp/packet.h"

namespace polyport::services::sntp {
namespace {

constexpr int kHonestStratum = 10;  // "a clock nobody vouches for" among NTP servers

// What the kernel knows about the system's clock.
ClockState system_clock_state() {
  timex kernel{};
  const int state = adjtimex(&kernel);  // modes 0: reads only
  if (state < 0 || state == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0) return {};
  return {kHonestStratum, {}, std::chrono::microseconds(kernel.maxerror)};
}

class Sntp final : public Service {
 public:
  explicit Sntp(const OptionValues& values)
      : refid_(values.text("refid")),
        offset_(values.duration("offset")),
        where_(values.value("refid").where) {
    const std::string& stratum = values.text("stratum");
    std::from_chars(stratum.data(), stratum.data() + stratum.size(), stratum_);  // "auto" stays 0
  }

  Result<void> start(ServiceContext&) override {
    const bool printable =
        std::all_of(refid_.begin(), refid_.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (refid_.size() <= 4 && printable) return {};
    return failure(ErrorCode::kBadValue, "refid \"" + refid_ + "\" does not fit", where_,
                   "it is at most four printable ASCII characters, as in \"GPS\"");
  }

  void on_datagram(Datagram& datagram) override {
    const Moment received = now();
    const auto request = Request::parse(datagram.bytes());
    if (!request) return;
    Packet packet = request->answer(clock_state(), received);
    stamp_transmit(packet, now());
    datagram.reply(Bytes(packet.data(), packet.size()));
  }

 private:
  Moment now() const { return std::chrono::system_clock::now() + offset_; }

  ClockState clock_state() const {
    if (stratum_ != 0) return {stratum_, refid_, {}};
    ClockState state = system_clock_state();
    if (state.stratum != 0) state.reference_id = refid_;
    return state;
  }

  int stratum_ = 0;  // 0: what the kernel knows
  std::string refid_;
  std::chrono::milliseconds offset_;
  std::string where_;
};

constexpr Door kDoors[] = {{.transports = transports(Transport::kUdp)}};

constexpr std::int64_t kTenYearsMs = 315'360'000'000;
constexpr OptionSpec kOptions[] = {
    {.name = "stratum",
     .type = OptionType::kEnum,
     .fallback = "auto",
     .help = "distance from a true clock; auto: 10 where the kernel says synchronised, else none",
     .choices = "auto|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15"},
    {.name = "refid",
     .type = OptionType::kString,
     .fallback = "LOCL",
     .help = "reference id: up to four characters that name the source of the time"},
    {.name = "offset",
     .type = OptionType::kDuration,
     .fallback = "0s",
     .help = "added to every time that is told, for lessons; may be negative",
     .min = -kTenYearsMs,
     .max = kTenYearsMs},
};

}  // namespace

extern const ServiceType service_type = {
    .name = "sntp",
    .summary = "a time server for NTP clients (RFC 4330)",
    .default_port = 10123,
    .doors = kDoors,
    .options = kOptions,
    .try_it = "chronyd -Q 'server {host} port {port} iburst'",
    .udp_loop_free = true,  // an answer is never a question, and NTP clients ask from port 123
    .create = make_service<Sntp>,
};

}  // namespace polyport::services::sntp
