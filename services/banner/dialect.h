// dialect: the words of the five protocols that banner can greet with. Pure.
#pragma once

#include <string>
#include <string_view>

namespace polyport::services::banner {

struct Answer {
  std::string text;   // whole lines, CR LF included
  bool ends = false;  // hang up after it
};

struct Dialect {
  std::string_view name;
  std::string_view greeting;
  // To one line without its end. `enough`: the peer has said too much; say so and end.
  Answer (*answer)(std::string_view line, bool enough);
  // To whom there is no room for; a literal.
  std::string_view full;
};

// "smtp", "ftp", "imap", "pop3" or "ssh"; any other name is a bug.
const Dialect& dialect(std::string_view name);

}  // namespace polyport::services::banner
