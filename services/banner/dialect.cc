#include "services/banner/dialect.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport::services::banner {
namespace {

// The n-th word of a line, or nothing.
std::string_view word(std::string_view line, std::size_t n) {
  for (; n > 0; --n) {
    line.remove_prefix(std::min(line.find(' '), line.size()));
    line = trim(line);
  }
  return line.substr(0, line.find(' '));
}

bool says(std::string_view line, std::string_view command, std::size_t n = 0) {
  return equals_ignoring_case(word(line, n), command);
}

Answer smtp(std::string_view line, bool enough) {
  if (says(line, "QUIT")) return {"221 2.0.0 Goodbye\r\n", true};
  if (enough) return {"421 4.7.0 Too many lines for a demonstration, goodbye\r\n", true};
  return {"502 5.5.1 This is a demonstration of who speaks first: no mail here, QUIT ends it\r\n"};
}

Answer ftp(std::string_view line, bool enough) {
  if (says(line, "QUIT")) return {"221 Goodbye\r\n", true};
  if (enough) return {"421 Too many lines for a demonstration, goodbye\r\n", true};
  return {"502 This is a demonstration of who speaks first: no files here, QUIT ends it\r\n"};
}

// The client's tag goes back to it, so only a well-formed one does (RFC 9051: no specials).
std::string imap_tag(std::string_view line) {
  const std::string_view tag = word(line, 0);
  const bool fine =
      !tag.empty() && tag.size() <= 32 && std::all_of(tag.begin(), tag.end(), [](char c) {
        return c > ' ' && c <= '~' &&
               std::string_view("(){%*\"\\+]").find(c) == std::string_view::npos;
      });
  return std::string(fine ? tag : "*");
}

Answer imap(std::string_view line, bool enough) {
  const std::string tag = imap_tag(line);
  if (says(line, "LOGOUT", 1))
    return {"* BYE goodbye\r\n" + tag + " OK LOGOUT completed\r\n", true};
  if (enough) return {"* BYE too many lines for a demonstration\r\n", true};
  return {tag +
          " BAD this is a demonstration of who speaks first: no mailbox here, LOGOUT ends it\r\n"};
}

Answer pop3(std::string_view line, bool enough) {
  if (says(line, "QUIT")) return {"+OK goodbye\r\n", true};
  if (enough) return {"-ERR too many lines for a demonstration, goodbye\r\n", true};
  return {"-ERR this is a demonstration of who speaks first: no mail here, QUIT ends it\r\n"};
}

// After the two identification lines SSH is binary, and this server knows only the lines.
Answer ssh(std::string_view, bool) {
  return {"This is a demonstration of who speaks first: no SSH behind this line, goodbye\r\n",
          true};
}

constexpr std::array<Dialect, 5> kDialects = {{
    {"smtp", "220 polyport ESMTP demonstration, the server speaks first\r\n", smtp,
     "421 4.3.2 Too many connections, try again in a moment\r\n"},
    {"ftp", "220 polyport FTP demonstration, the server speaks first\r\n", ftp,
     "421 Too many connections, try again in a moment\r\n"},
    {"imap", "* OK polyport IMAP4rev2 demonstration, the server speaks first\r\n", imap,
     "* BYE too many connections, try again in a moment\r\n"},
    {"pop3", "+OK polyport POP3 demonstration, the server speaks first\r\n", pop3,
     "-ERR too many connections, try again in a moment\r\n"},
    {"ssh", "SSH-2.0-polyport_demonstration\r\n", ssh,
     "Too many connections, try again in a moment\r\n"},
}};

}  // namespace

const Dialect& dialect(std::string_view name) {
  const auto found = std::find_if(kDialects.begin(), kDialects.end(),
                                  [&](const Dialect& dialect) { return dialect.name == name; });
  POLYPORT_ASSERT(found != kDialects.end());
  return *found;
}

}  // namespace polyport::services::banner
