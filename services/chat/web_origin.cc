#include "services/chat/web_origin.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/socket/address.h"

namespace polyport::services::chat {
namespace {

// "example.org" of "example.org:8080", "::1" of "[::1]:8080".
std::string_view name_in(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_own_name(std::string_view name) {
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  const auto address = Address::parse_ip(std::string(name));
  return address && address->is_loopback();
}

}  // namespace

std::string refuse_origin(Bytes origin, Bytes host, bool own,
                          std::span<const std::string> origins) {
  if (origin.empty()) return {};  // no browser
  const std::string page = to_lower(origin), here = to_lower(host);
  if (std::find(origins.begin(), origins.end(), page) != origins.end()) return {};
  const std::size_t scheme = page.find("://");
  const bool is_web = page.starts_with("http://") || page.starts_with("https://");
  if (!is_web || page.substr(scheme + 3) != here) {
    return "a page of " + quoted(origin, 100) +
           " may not connect to this chat: web_origins would have to name it";
  }
  if (own && !is_own_name(name_in(here))) {
    return quoted(host, 100) +
           " is no name of this machine for itself: open http://localhost, or let "
           "web_origins name " +
           quoted(origin, 100);
  }
  return {};
}

}  // namespace polyport::services::chat
