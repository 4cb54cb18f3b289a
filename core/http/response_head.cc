#include "core/http/response_head.h"

#include <charconv>
#include <cstring>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/status.h"

namespace polyport::http {
namespace {

// Status line, Server without its value, Date, Content-Length or Transfer-Encoding, Connection and
// the empty line; the longest of each.
constexpr std::size_t kFixedBytes = 256;

char* put(char* out, Bytes bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

char* put_value(char* out, Bytes value) {
  for (const char character : value)
    *out++ = is(kValueCharacter, character) ? character : ' ';
  return out;
}

bool belongs_to_engine(Bytes name) {
  switch (name.size()) {
    case 4:
      return equals_ignoring_case(name, "date");
    case 6:
      return equals_ignoring_case(name, "server");
    case 10:
      return equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "keep-alive");
    case 14:
      return equals_ignoring_case(name, "content-length");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

bool has_field(std::span<const Header> fields, Bytes name) {
  for (const Header& field : fields) {
    if (field.name.size() == name.size() && equals_ignoring_case(field.name, name)) return true;
  }
  return false;
}

// A field Upgrade must be named in Connection (RFC 9110 section 7.8).
char* put_connection(char* out, const ResponseHead& head) {
  bool upgrades = false;
  for (const Header& field : head.headers)
    upgrades = upgrades || equals_ignoring_case(field.name, "upgrade");
  const bool says = head.persistence != ResponseHead::Persistence::kImplied;
  if (!upgrades && !says) return out;
  out = put(out, "Connection: ");
  if (upgrades) out = put(out, says ? "Upgrade, " : "Upgrade");
  if (says) {
    out = put(out, head.persistence == ResponseHead::Persistence::kClose ? "close" : "keep-alive");
  }
  return put(out, "\r\n");
}

}  // namespace

std::size_t size_bound(std::span<const Header> fields) {
  std::size_t size = 0;
  for (const Header& field : fields)
    size += field.name.size() + field.value.size() + 4;
  return size;
}

std::size_t size_bound(const ResponseHead& head) {
  return kFixedBytes + head.server.size() + head.date.size() + size_bound(head.headers) +
         size_bound(head.common.fields);
}

char* write_fields(std::span<const Header> fields, char* out) {
  for (const Header& field : fields) {
    if (belongs_to_engine(field.name) || !is_token(field.name)) continue;
    out = put(out, field.name);
    out = put(out, ": ");
    out = put_value(out, field.value);
    out = put(out, "\r\n");
  }
  return out;
}

char* write_head(const ResponseHead& head, char* out) {
  out = put(out, "HTTP/1.1 ");
  const int status = head.status < 100 || head.status > 999 ? 500 : head.status;
  out = std::to_chars(out, out + 3, status).ptr;
  *out++ = ' ';
  out = put(out, reason_phrase(status));
  if (!head.server.empty()) {
    out = put(out, "\r\nServer: ");
    out = put_value(out, head.server);
  }
  out = put(out, "\r\nDate: ");
  out = put(out, head.date);
  out = put(out, "\r\n");
  out = write_fields(head.headers, out);
  for (const Header& field : head.common.fields) {
    if (!has_field(head.headers, field.name)) out = write_fields({&field, 1}, out);
  }
  if (head.framing == ResponseHead::Framing::kLength) {
    out = put(out, "Content-Length: ");
    out = std::to_chars(out, out + 20, head.length).ptr;
    out = put(out, "\r\n");
  } else if (head.framing == ResponseHead::Framing::kChunked) {
    out = put(out, "Transfer-Encoding: chunked\r\n");
  }
  return put(put_connection(out, head), "\r\n");
}

}  // namespace polyport::http
