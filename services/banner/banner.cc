// banner: speaks first, as SMTP, FTP, IMAP, POP3 and SSH servers do; for the lesson "who speaks
// first".
//
// It greets in the words of the chosen protocol, answers every line that this is a demonstration,
// and says goodbye. It transfers no mail and no file, and does no key exchange. RFC 5321 (SMTP),
// 959 (FTP), 9051 (IMAP), 1939 (POP3), 4253 section 4.2 (SSH).
#include <algorithm>

#include "core/base/text.h"
#include "core/service.h"
#include "services/banner/dialect.h"

namespace polyport::services::banner {
namespace {

constexpr int kMostLines = 50;  // then the server hangs up, as real ones do on nonsense
constexpr std::size_t kMostLineBytes = 512;  // what is over it does not change the answer

struct Session {
  explicit Session(Connection&) {}
  std::string line;  // the beginning of a line that has no end yet
  int lines = 0;
};

class Banner final : public SessionService<Session> {
 public:
  explicit Banner(const OptionValues& values) : dialect_(dialect(values.text("style"))) {}

  void on_session_open(Connection& connection, Session&) override {
    connection.send(Payload::literal(dialect_.greeting));
  }

  void on_session_data(Connection& connection, Session& session, Bytes data) override {
    while (!data.empty() && !connection.ending()) {
      const std::size_t end = data.find('\n');
      const std::size_t room = kMostLineBytes - session.line.size();
      session.line.append(data.substr(0, std::min(end, room)));
      if (end == Bytes::npos) return;
      data.remove_prefix(end + 1);
      answer(connection, session);
      std::string().swap(session.line);  // an assignment would keep its memory
    }
  }

 private:
  void answer(Connection& connection, Session& session) const {
    const Answer said = dialect_.answer(trim(session.line), ++session.lines >= kMostLines);
    connection.send(said.text);
    if (said.ends) connection.finish();
  }

  const Dialect& dialect_;
};

constexpr Door kDoors[] = {
    {.transports = transports(Transport::kTcp, Transport::kUnix, Transport::kTls)}};

constexpr OptionSpec kOptions[] = {{.name = "style",
                                    .type = OptionType::kEnum,
                                    .fallback = "smtp",
                                    .help = "whose words it speaks",
                                    .choices = "smtp|ftp|imap|pop3|ssh"}};

}  // namespace

extern const ServiceType service_type = {
    .name = "banner",
    .summary = "speaks first, like a mail, file or SSH server; a demonstration",
    .default_port = 10025,
    .doors = kDoors,
    .options = kOptions,
    .speaks_text = true,
    .create = make_service<Banner>,
};

}  // namespace polyport::services::banner
