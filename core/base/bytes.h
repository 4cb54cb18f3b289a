// Bytes: a borrowed run of bytes, the one vocabulary type for what travels through sockets.
//
// It is a string_view because most protocols here are text and the standard library speaks it; it
// may hold any byte, NUL included. Whoever receives one must say how long it stays valid.
#pragma once

#include <string_view>

namespace polyport {
using Bytes = std::string_view;
}  // namespace polyport
