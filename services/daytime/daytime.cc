// daytime (RFC 867): one line with the date and the time, then the end; over UDP one datagram.
//
// The RFC fixes no syntax, so `format` offers five that real servers use. What the peer says is
// dropped, and finish() lets a peer that typed before it read still get its line.
#include <ctime>

#include "core/service.h"

namespace polyport::services::daytime {

// The line for one moment with its CR LF: rfc1123 and nist in UTC, the others in the server's zone.
std::string line(std::string_view format, std::time_t now) {
  std::tm local{}, utc{};
  localtime_r(&now, &local);
  gmtime_r(&now, &utc);
  const auto print = [](const char* pattern, const std::tm& moment) {
    char text[80];
    return std::string(text, std::strftime(text, sizeof text, pattern, &moment));
  };
  if (format == "iso8601") return print("%FT%T%z\r\n", local).insert(22, ":");
  if (format == "rfc1123") return print("%a, %d %b %Y %T GMT\r\n", utc);
  if (format == "smtp") return print("%d %^b %y %T %Z\r\n", local);  // RFC 867's example
  if (format != "nist") return print("%a %b %e %T %Y\r\n", local);
  // Modified Julian day, date, daylight saving, leap second, health, advance in ms.
  return std::to_string(now / 86400 + 40587) + print(" %y-%m-%d %T ", utc) +
         (local.tm_isdst > 0 ? "50" : "00") + " 0 0   0.0 UTC(LOCL) *\r\n";
}

namespace {

class Daytime final : public Service {
 public:
  explicit Daytime(const OptionValues& values) : format_(values.text("format")) {}
  void on_open(Connection& connection) override {
    connection.send(line(format_, std::time(nullptr)));
    connection.finish();
  }
  void on_datagram(Datagram& datagram) override {
    datagram.reply(line(format_, std::time(nullptr)));
  }

 private:
  std::string format_;
};

constexpr OptionSpec kOptions[] = {{"format", OptionType::kEnum, "ctime", "how the line is written",
                                    "ctime|iso8601|smtp|rfc1123|nist"}};

}  // namespace

extern const ServiceType service_type = {.name = "daytime",
                                         .summary = "the date and time as one line (RFC 867)",
                                         .default_port = 10013,
                                         .doors = kEveryTransport,
                                         .options = kOptions,
                                         .answers_any_byte = true,
                                         .speaks_text = true,
                                         .create = make_service<Daytime>};

}  // namespace polyport::services::daytime
