#include "core/http/handler.h"

#include "core/base/text.h"

namespace polyport::http {

const Header* Request::find(Bytes name) const {
  for (const Header& header : headers) {
    if (header.name.size() == name.size() && equals_ignoring_case(header.name, name)) {
      return &header;
    }
  }
  return nullptr;
}

Bytes Request::value(Bytes name) const {
  const Header* header = find(name);
  return header == nullptr ? Bytes{} : header->value;
}

void Exchange::respond(int status, Bytes content_type, Bytes body) {
  const Header header{"Content-Type", content_type};
  respond(status, {&header, 1}, body);
}

}  // namespace polyport::http
