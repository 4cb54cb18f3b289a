// /proc/net/{tcp,tcp6,udp,udp6,unix} (proc(5)): one line a socket, columns of hexadecimal numbers.
// Slower than sock_diag and without interfaces, IPV6_V6ONLY, queue limits and unix owners.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include "core/base/text.h"
#include "core/ports/proc_file.h"
#include "core/ports/socket_tables.h"

namespace polyport {
namespace {

// Half a million sockets. A table that is longer is read up to here.
constexpr std::size_t kMostBytes = 80u << 20;

const char* path_of(const SocketTable& table) {
  const bool ipv6 = table.family == Family::kIPv6;
  if (table.transport == Transport::kTcp) return ipv6 ? "/proc/net/tcp6" : "/proc/net/tcp";
  if (table.transport == Transport::kUdp) return ipv6 ? "/proc/net/udp6" : "/proc/net/udp";
  return "/proc/net/unix";
}

// The next column, which goes off the front; empty at the end of the line.
std::string_view take_column(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t end = std::min(line.find(' ', begin), line.size());
  const std::string_view column = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return column;
}

template <std::size_t Count>
std::array<std::string_view, Count> take_columns(std::string_view& line) {
  std::array<std::string_view, Count> columns;
  for (std::string_view& column : columns)
    column = take_column(line);
  return columns;
}

template <class Number>
std::optional<Number> parse_hex(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// "A:B", two numbers.
template <class Number>
std::optional<std::pair<Number, Number>> parse_hex_pair(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto first = parse_hex<Number>(text.substr(0, colon));
  const auto second = parse_hex<Number>(text.substr(colon + 1));
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

// "0100007F:1F90": the address as this machine's 32-bit numbers, whose bytes are in network order.
std::optional<Address> parse_address(Family family, std::string_view text) {
  constexpr std::size_t kDigits = 8;
  const std::size_t words = family == Family::kIPv6 ? 4 : 1;
  if (text.size() < words * kDigits + 2 || text[words * kDigits] != ':') return std::nullopt;
  sockaddr_storage raw{};
  std::array<std::uint32_t, 4> ip{};
  for (std::size_t i = 0; i < words; ++i) {
    const auto word = parse_hex<std::uint32_t>(text.substr(i * kDigits, kDigits));
    if (!word) return std::nullopt;
    ip[i] = *word;
  }
  const auto port = parse_hex<std::uint16_t>(text.substr(words * kDigits + 1));
  if (!port) return std::nullopt;
  Address address;
  address.family = family;
  std::memcpy(address.ip.data(), ip.data(), words * sizeof ip[0]);
  address.to(raw);
  address = Address::from(reinterpret_cast<const sockaddr*>(&raw));  // normalises mapped IPv4
  address.port = *port;
  return address;
}

std::optional<KernelSocket> parse_ip_line(const SocketTable& table, std::string_view line) {
  const auto [slot, local, peer, state, queues, timer, retransmits, uid, timeout, inode] =
      take_columns<10>(line);
  const auto local_address = parse_address(table.family, local);
  const auto peer_address = parse_address(table.family, peer);
  const auto number = parse_hex<unsigned>(state);
  const auto sizes = parse_hex_pair<std::uint32_t>(queues);
  const auto owner = parse_number<std::uint32_t>(uid);
  const auto file = parse_number<std::uint64_t>(inode);
  if (!local_address || !peer_address || !number || !sizes || !owner || !file) return std::nullopt;
  const auto known = socket_state(*number);
  if (!known) return std::nullopt;
  KernelSocket socket;
  socket.transport = table.transport;
  socket.state = *known;
  socket.local = *local_address;
  if (peer_address->port != 0 || !peer_address->is_any()) socket.peer = *peer_address;
  socket.ipv6_socket = table.family == Family::kIPv6;
  socket.uid = *owner;
  socket.uid_known = *file != 0;
  socket.inode = *file;
  socket.send_queue = sizes->first;
  socket.receive_queue = sizes->second;
  return socket;
}

std::optional<KernelSocket> parse_unix_line(std::string_view line) {
  constexpr std::uint32_t kAccepts = 0x10000;  // __SO_ACCEPTCON of the kernel
  constexpr unsigned kConnected = 3;           // SS_CONNECTED of <linux/net.h>
  const auto [slot, references, protocol, flags, type, state, inode] = take_columns<7>(line);
  const auto bits = parse_hex<std::uint32_t>(flags);
  const auto number = parse_hex<unsigned>(state);
  const auto file = parse_number<std::uint64_t>(inode);
  if (!slot.ends_with(':') || !bits || !number || !file) return std::nullopt;
  if (line.size() < 2) return std::nullopt;  // the blank, and a path
  KernelSocket socket;
  socket.transport = Transport::kUnix;
  socket.state = (*bits & kAccepts) != 0 ? SocketState::kListening
                 : *number == kConnected ? SocketState::kEstablished
                                         : SocketState::kBound;
  socket.local.family = Family::kUnix;
  socket.path = line.substr(1);
  socket.inode = *file;
  return socket;
}

}  // namespace

std::vector<KernelSocket> parse_proc_net(const SocketTable& table, std::string_view text) {
  std::vector<KernelSocket> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto socket =
        table.transport == Transport::kUnix ? parse_unix_line(line) : parse_ip_line(table, line);
    if (socket) found.push_back(std::move(*socket));
  }
  return found;
}

bool read_from_proc(const SocketTable& table, const SocketQuery& query,
                    std::vector<KernelSocket>& found) {
  const auto text = read_proc_file(AT_FDCWD, path_of(table), kMostBytes);
  if (!text) return false;
  for (KernelSocket& socket : parse_proc_net(table, *text)) {
    if (matches(query, socket)) found.push_back(std::move(socket));
  }
  return true;
}

}  // namespace polyport
