// The two sources behind core/ports/kernel_sockets.h, each by itself: for that file and its tests.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/ports/kernel_sockets.h"
#include "core/socket/sock_diag.h"

namespace polyport {

// The kernel keeps a table for each transport and family; unix has one.
struct SocketTable {
  Transport transport = Transport::kTcp;
  Family family = Family::kIPv4;
};

// Both append what the query asks for; false where the source does not answer for this table, and
// then nothing is appended.
bool read_by_sock_diag(const SocketTable& table, const SocketQuery& query,
                       std::vector<KernelSocket>& found);
bool read_from_proc(const SocketTable& table, const SocketQuery& query,
                    std::vector<KernelSocket>& found);

// Whether sock_diag lists TCP sockets that are bound only: tried once, with a socket of our own.
bool sock_diag_shows_bound_tcp();

// --- pure ----------------------------------------------------------------------------------------
// `number` as in <netinet/tcp.h>, which the kernel uses for UDP and unix sockets too.
std::optional<SocketState> socket_state(unsigned number);
bool matches(const SocketQuery& query, const KernelSocket& socket);

// Nothing where the kernel speaks of a state we do not know, or of a unix socket without a name.
std::optional<KernelSocket> from_diag(Transport transport, const sock::DiagSocket& told);

// The text of /proc/net/{tcp,tcp6,udp,udp6,unix}. Lines that are none of it are passed over. (A
// unix path may hold line feeds and so make up lines of its own; sock_diag cannot be deceived.)
std::vector<KernelSocket> parse_proc_net(const SocketTable& table, std::string_view text);

}  // namespace polyport
