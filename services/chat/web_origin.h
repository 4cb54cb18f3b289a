// Which pages may open the chat's WebSocket. A browser tells where a page comes from (Origin);
// other programs say what they like and are not meant here.
#pragma once

#include <span>
#include <string>

#include "core/base/bytes.h"

namespace polyport::services::chat {

// Why not, or an empty text. `host` is what the browser called this server (the Host header), `own`
// whether it reached it through a loopback address. Allowed are a page from this same server and
// those of `origins` (in lower case). Where the server is this machine only its names for itself
// count: a name from elsewhere that was made to lead here (DNS rebinding) brings a page that is not
// ours.
std::string refuse_origin(Bytes origin, Bytes host, bool own, std::span<const std::string> origins);

}  // namespace polyport::services::chat
