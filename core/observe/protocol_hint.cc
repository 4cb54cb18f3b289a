#include "core/observe/protocol_hint.h"

#include <algorithm>

#include "core/base/assert.h"

namespace polyport {
namespace {

struct Row {
  std::string_view name;
  std::string_view spoken;
};

constexpr std::array<Row, kProtocols> kRows = {{{"unknown", "something unknown"},
                                                {"http", "HTTP"},
                                                {"tls", "TLS"},
                                                {"ssh", "SSH"},
                                                {"proxy", "the PROXY protocol"},
                                                {"socks", "SOCKS"},
                                                {"redis", "Redis's protocol"},
                                                {"postgresql", "PostgreSQL's protocol"}}};

const Row& row_of(Protocol protocol) {
  const auto index = static_cast<std::size_t>(protocol);
  POLYPORT_ASSERT(index < kRows.size());
  return kRows[index];
}

unsigned byte(Bytes bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint32_t number(Bytes bytes, std::size_t at) {
  return byte(bytes, at) << 24u | byte(bytes, at + 1) << 16u | byte(bytes, at + 2) << 8u |
         byte(bytes, at + 3);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "GET /path HTTP/1.1": the target tells it from what a person might write about HTTP.
bool is_http(Bytes first) {
  constexpr std::size_t kLongestMethod = 32;
  Bytes line = first.substr(0, first.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t method = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  if (method == Bytes::npos || method == 0 || method > kLongestMethod || target_end <= method + 1) {
    return false;
  }
  const Bytes version = line.substr(target_end + 1);
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return false;
  }
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (!std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(method), is_letter)) {
    return false;
  }
  const Bytes target = line.substr(method + 1, target_end - method - 1);
  if (target.find(' ') != Bytes::npos) return false;
  return target.front() == '/' || target == "*" || target.find(':') != Bytes::npos;
}

// A record of type handshake (22) and version 3.x, of up to 2^14 bytes, with a ClientHello (1).
bool is_tls(Bytes first) {
  return first.size() >= 6 && byte(first, 0) == 22 && byte(first, 1) == 3 && byte(first, 2) <= 4 &&
         (byte(first, 3) << 8u | byte(first, 4)) <= 0x4000 && byte(first, 5) == 1;
}

bool is_ssh(Bytes first) {
  return first.starts_with("SSH-2.") || first.starts_with("SSH-1.");
}

bool is_proxy(Bytes first) {
  constexpr Bytes kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
  return first.starts_with("PROXY TCP") || first.starts_with("PROXY UNKNOWN") ||
         first.starts_with(kVersion2);
}

bool is_socks(Bytes first) {
  // Version 5: so many methods, and nothing behind them, because the server speaks next.
  if (first.size() >= 3 && byte(first, 0) == 5) {
    const unsigned methods = byte(first, 1);
    return methods >= 1 && methods <= 8 && first.size() == 2 + methods &&
           (byte(first, 2) == 0 || byte(first, 2) == 2);
  }
  // Version 4: connect (1) or bind (2), port, address, and a user's name with its NUL.
  return first.size() >= 9 && byte(first, 0) == 4 && (byte(first, 1) == 1 || byte(first, 1) == 2) &&
         first.back() == '\0';
}

// "*1\r\n$4\r\nPING\r\n"
bool is_redis(Bytes first) {
  const std::size_t end = first.find("\r\n$");
  return first.starts_with('*') && end != Bytes::npos && end >= 2 && end <= 5 &&
         std::all_of(first.begin() + 1, first.begin() + static_cast<std::ptrdiff_t>(end), is_digit);
}

// A length, and 3.0 or the code that asks for TLS, for GSSAPI, or to cancel.
bool is_postgresql(Bytes first) {
  if (first.size() < 8) return false;
  const std::uint32_t length = number(first, 0);
  const std::uint32_t code = number(first, 4);
  if (code == 80877103 || code == 80877104) return length == 8;
  return code == 0x0003'0000 && length >= 9 && length <= 10'000;
}

}  // namespace

std::string_view name(Protocol protocol) {
  return row_of(protocol).name;
}

std::string_view spoken(Protocol protocol) {
  return row_of(protocol).spoken;
}

Protocol recognise(Bytes first) {
  if (is_http(first)) return Protocol::kHttp;
  if (is_tls(first)) return Protocol::kTls;
  if (is_ssh(first)) return Protocol::kSsh;
  if (is_proxy(first)) return Protocol::kProxy;
  if (is_socks(first)) return Protocol::kSocks;
  if (is_redis(first)) return Protocol::kRedis;
  if (is_postgresql(first)) return Protocol::kPostgresql;
  return Protocol::kUnknown;
}

bool ProtocolHints::note(Protocol protocol, std::uint64_t now_ms) {
  constexpr std::uint64_t kQuietMs = 10'000;
  std::uint64_t& count = counts_[index(protocol)];
  std::uint64_t& last = last_ms_[index(protocol)];
  const bool first_of_burst = count == 0 || now_ms - last > kQuietMs;
  ++count;
  last = now_ms;
  return first_of_burst;
}

}  // namespace polyport
