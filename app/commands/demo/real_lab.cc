#include "app/commands/demo/real_lab.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

#include "app/commands/demo/program.h"
#include "app/commands/demo/second_process.h"
#include "app/networks.h"
#include "core/base/text.h"
#include "core/socket/families.h"
#include "core/socket/socket.h"
#include "core/socket/waiting.h"

namespace polyport::demo {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostOfAFile = 64 * 1024;

sock::Deadline in(milliseconds wait) {
  return steady_clock::now() + wait;
}

struct Setting {
  sock::Option option;
  int value;
  bool wanted;
};

// 0 or errno.
int set_all(int fd, std::initializer_list<Setting> settings) {
  for (const Setting& setting : settings) {
    if (!setting.wanted) continue;
    if (const int failed = sock::set_option(fd, setting.option, setting.value); failed < 0) {
      return -failed;
    }
  }
  return 0;
}

// Of /proc/net/tcp: "0100007F:9C43", the address as the machine holds it in memory.
std::string proc_end(const Address& address) {
  std::uint32_t word = 0;
  std::copy_n(address.ip.begin(), sizeof word, reinterpret_cast<std::uint8_t*>(&word));
  char text[sizeof "00000000:0000"];
  std::snprintf(text, sizeof text, "%08X:%04X", word, unsigned{address.port});
  return text;
}

// The timer of a TIME_WAIT line, "03:000016F3": what is left, in hundredths of a second.
std::optional<milliseconds> timer_of(std::string_view line) {
  std::vector<std::string_view> words = split(line, ' ');
  std::erase_if(words, [](std::string_view word) { return word.empty(); });
  constexpr std::size_t kState = 3;
  constexpr std::size_t kTimer = 5;
  if (words.size() <= kTimer || words[kState] != "06") return std::nullopt;
  const std::string_view timer = words[kTimer];
  const std::size_t colon = timer.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string ticks(timer.substr(colon + 1));
  return milliseconds(std::strtoul(ticks.c_str(), nullptr, 16) * 10);
}

}  // namespace

std::string_view name(Step step) {
  switch (step) {
    case Step::kSocket:
      return "socket";
    case Step::kOption:
      return "setsockopt";
    case Step::kBind:
      return "bind";
    case Step::kListen:
      return "listen";
    case Step::kConnect:
      return "connect";
    case Step::kAccept:
      return "accept";
    case Step::kFork:
      return "fork";
    case Step::kNone:
      break;
  }
  return "";
}

Opened open_wished(const Wish& wish) {
  const bool udp = wish.transport == Transport::kUdp;
  const Family family = wish.address.family;
  const int fd = udp ? sock::open_datagram(family) : sock::open_stream(family);
  if (fd < 0) return {-1, Step::kSocket, -fd, {}, {}};
  const auto failed = [fd](Step step, int error) {
    sock::close(fd);
    return Opened{-1, step, error, {}, {}};
  };
  const int unset = set_all(
      fd, {{sock::Option::kIpv6Only, wish.ipv6_mode == IPv6Mode::kOnly, family == Family::kIPv6},
           {sock::Option::kReuseAddress, 1, wish.reuse_address},
           {sock::Option::kReusePort, 1, wish.reuse_port}});
  if (unset != 0) return failed(Step::kOption, unset);
  const bool binds = wish.backlog != Wish::kUnbound;
  const int bound = binds ? sock::bind(fd, wish.address) : 0;
  if (bound < 0) return failed(Step::kBind, -bound);
  if (!udp && wish.backlog >= 0) {
    const int listening = sock::listen(fd, wish.backlog);
    if (listening < 0) return failed(Step::kListen, -listening);
  }
  Opened result{fd, Step::kNone, 0, {}, {}};
  sock::local_address(fd, result.local);
  return result;
}

RealLab::~RealLab() {
  for (const int fd : sockets_)
    sock::close(fd);
  for (const int pid : processes_)
    end_process(pid);
  for (const int id : programs_)
    stop_program(id);
}

// Keeps the socket, or closes it.
Opened RealLab::opened(int fd, Step step, int error) {
  Opened result{-1, step, error, {}, {}};
  if (fd < 0) return result;
  if (error != 0 && error != ETIMEDOUT) {
    sock::close(fd);
    return result;
  }
  sockets_.push_back(fd);
  result.socket = fd;
  if (error == 0) result.step = Step::kNone;
  sock::local_address(fd, result.local);
  sock::peer_address(fd, result.peer);
  return result;
}

Opened RealLab::open(const Wish& wish) {
  const Opened result = open_wished(wish);
  if (result.ok()) sockets_.push_back(result.socket);
  return result;
}

Opened RealLab::connect(const Dial& dial) {
  const int fd = sock::open_stream(dial.peer.family);
  if (fd < 0) return opened(-1, Step::kSocket, -fd);
  const bool leaves_port = dial.from && dial.from->port == 0;
  const int range = dial.lent ? sock::local_port_range(dial.lent->low, dial.lent->high) : 0;
  const int unset = set_all(fd, {{sock::Option::kReuseAddress, 1, dial.reuse_address},
                                 {sock::Option::kBindAddressNoPort, 1, leaves_port},
                                 {sock::Option::kLocalPortRange, range, dial.lent.has_value()}});
  if (unset != 0) return opened(fd, Step::kOption, unset);
  if (dial.from) {
    const int bound = sock::bind(fd, *dial.from);
    if (bound < 0) return opened(fd, Step::kBind, -bound);
  }
  int result = sock::connect(fd, dial.peer);
  if (result == -EINPROGRESS) result = sock::finish_connect(fd, in(dial.wait));
  return opened(fd, Step::kConnect, -result);
}

int RealLab::finish_connect(int socket, milliseconds wait) {
  return -sock::finish_connect(socket, in(wait));
}

Opened RealLab::accept(int listener, milliseconds wait) {
  Address peer;
  const int fd = sock::accept(listener, peer, in(wait));
  return opened(fd, Step::kAccept, fd == -EAGAIN ? ETIMEDOUT : fd < 0 ? -fd : 0);
}

Heard RealLab::hear(int socket, milliseconds wait) {
  if (!sock::wait_readable(socket, in(wait))) return {ETIMEDOUT, ""};
  char buffer[4096];
  const auto size = sock::receive(socket, buffer, sizeof buffer);
  if (size < 0) return {static_cast<int>(-size), ""};
  return {0, std::string(buffer, static_cast<std::size_t>(size))};
}

int RealLab::say(int socket, std::string_view bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  const auto sent = sock::send(socket, &piece, 1);
  return sent < 0 ? static_cast<int>(-sent) : 0;
}

void RealLab::close(int socket) {
  if (std::erase(sockets_, socket) != 0) sock::close(socket);
}

void RealLab::reset(int socket) {
  if (socket >= 0) sock::arm_reset(socket);
  close(socket);
}

Address RealLab::local(int socket) {
  Address address;
  sock::local_address(socket, address);
  return address;
}

int RealLab::peer_error(int socket) {
  Address address;
  return -sock::peer_address(socket, address);
}

int RealLab::queue(int listener) {
  return sock::accept_queue(listener);
}

bool RealLab::is_established(int socket) {
  return sock::tcp_state(socket) == TCP_ESTABLISHED;
}

bool RealLab::is_waiting_for_answer(int socket) {
  return sock::tcp_state(socket) == TCP_SYN_SENT;
}

std::optional<milliseconds> RealLab::time_wait_left(const Address& local, const Address& peer) {
  const std::string pair = " " + proc_end(local) + " " + proc_end(peer) + " ";
  const auto give_up = in(milliseconds(1000));
  while (true) {
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
      if (line.find(pair) == std::string::npos) continue;
      if (const auto left = timer_of(line)) return left;
    }
    if (steady_clock::now() >= give_up) return std::nullopt;
    std::this_thread::sleep_for(milliseconds(10));
  }
}

Held RealLab::hold(const Wish& wish, Where where) {
  const Held held = start_process(wish, where);
  if (held.pid != 0) processes_.push_back(held.pid);
  return held;
}

void RealLab::end(const Held& held) {
  if (std::erase(processes_, held.pid) != 0) end_process(held.pid);
}

Program RealLab::start(std::string_view configuration, milliseconds wait) {
  Program program = start_program(configuration, wait);
  if (program.id != 0) programs_.push_back(program.id);
  return program;
}

void RealLab::stop(const Program& program) {
  if (std::erase(programs_, program.id) != 0) stop_program(program.id);
}

void RealLab::wait(milliseconds time) {
  std::this_thread::sleep_for(time);
}

EphemeralRange RealLab::ephemeral() {
  return ephemeral_range();
}

std::uint16_t RealLab::unprivileged_start() {
  return unprivileged_port_start();
}

Families RealLab::families() {
  return probe_families();
}

std::vector<Address> RealLab::network_addresses() {
  return polyport::network_addresses();
}

Result<std::vector<Address>> RealLab::system_look_up(const std::string& host) {
  addrinfo wish{};
  wish.ai_socktype = SOCK_STREAM;  // else each address comes once a socket type
  addrinfo* raw = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &wish, &raw); code != 0) {
    return failure(ErrorCode::kNotFound, ::gai_strerror(code), host);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, ::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    const Address address = Address::from(each->ai_addr);
    const auto same = std::find(addresses.begin(), addresses.end(), address);
    if (same == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

std::string RealLab::file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text(kMostOfAFile, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got <= 0 && !(got < 0 && errno == EINTR)) break;
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  text.resize(size);
  return text;
}

bool RealLab::is_root() {
  return ::geteuid() == 0;
}

}  // namespace polyport::demo
