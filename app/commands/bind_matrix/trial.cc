#include "app/commands/bind_matrix/trial.h"

#include <sys/utsname.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/socket/families.h"
#include "core/socket/socket.h"

namespace polyport::bind_matrix {
namespace {

constexpr int kBacklog = 1;
// Somebody else takes a port that was free a moment ago: seldom once, never so often.
constexpr int kMostAttempts = 40;
// A stranger that took the port and left again before we looked for him is not there three times.
constexpr int kConfirmations = 3;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) sock::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> cannot(std::string_view what, int error) {
  const bool descriptors = error == EMFILE || error == ENFILE;
  return failure(descriptors ? ErrorCode::kDescriptors : ErrorCode::kSystem,
                 std::string(what) + ": " + std::strerror(error), "bind-matrix",
                 descriptors ? "raise the descriptor limit: ulimit -n" : "");
}

// With its options, not bound. A negative fd is -errno.
int make(const Setting& setting, const Place& place) {
  const Family family = place.address.family;
  const int fd = setting.transport == Transport::kUdp ? sock::open_datagram(family)
                                                      : sock::open_stream(family);
  if (fd < 0) return fd;
  int failed = 0;
  const auto set = [&](sock::Option option, int value) {
    if (failed == 0) failed = sock::set_option(fd, option, value);
  };
  if (family == Family::kIPv6) set(sock::Option::kIpv6Only, place.mode == IPv6Mode::kOnly);
  if (setting.sharing == Sharing::kReuseAddress) set(sock::Option::kReuseAddress, 1);
  if (setting.sharing == Sharing::kReusePort) set(sock::Option::kReusePort, 1);
  if (failed == 0) return fd;
  sock::close(fd);
  return failed;
}

int bind(const Socket& socket, const Place& place, std::uint16_t port) {
  Address address = place.address;
  address.port = port;
  return -sock::bind(socket.fd(), address);
}

int listen(const Socket& socket) {
  return -sock::listen(socket.fd(), kBacklog);
}

// One pair of one setting.
class Pair {
 public:
  Pair(const Setting& setting, const Place& first, const Place& second, const Place& widest)
      : setting_(setting), first_(first), second_(second), widest_(widest) {}

  Result<Answer> run() {
    int unexplained = 0;
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      auto answer = ask();
      if (!answer) return tl::unexpected(std::move(answer.error()));
      if (!*answer) continue;
      const Reading reading = read(setting_, {&first_, &second_, **answer});
      const bool doubtful = reading.kind == Reading::Kind::kUnexplained;
      if (!doubtful || ++unexplained == kConfirmations) return **answer;
    }
    return failure(ErrorCode::kAddressInUse, "no port stayed free: other programs kept taking them",
                   "bind-matrix", "try again");
  }

 private:
  // Nothing where a stranger was in the way.
  Result<std::optional<Answer>> ask() {
    const auto port = free_port();
    if (!port) return tl::unexpected(port.error());
    const auto answer = ask(*port);
    if (!answer || !*answer || (*answer)->error != EADDRINUSE) return answer;
    for (const Place* place : {&first_, &second_}) {
      const auto alone = gets_alone(*place, *port);
      if (!alone) return tl::unexpected(alone.error());
      if (!*alone) return std::nullopt;
    }
    return answer;
  }

  Result<std::optional<Answer>> ask(std::uint16_t port) {
    Socket first(make(setting_, first_));
    if (first.fd() < 0) return cannot("no socket for the first", -first.fd());
    int error = bind(first, first_, port);
    const bool tcp = setting_.transport == Transport::kTcp;
    if (error == 0 && setting_.first == First::kListening) error = listen(first);
    if (error == EADDRINUSE) return std::nullopt;
    if (error != 0) return cannot("the first cannot have a port", error);

    Socket second(make(setting_, second_));
    if (second.fd() < 0) return cannot("no socket for the second", -second.fd());
    if (error = bind(second, second_, port); error != 0) return Answer{Step::kBind, error};
    if (!tcp) return Answer{};
    if (error = listen(second); error != 0) return Answer{Step::kListen, error};
    if (setting_.first == First::kListening) return Answer{};
    if (error = listen(first); error != 0) return Answer{Step::kFirstListens, error};
    return Answer{};
  }

  Result<bool> gets_alone(const Place& place, std::uint16_t port) {
    const Socket socket(make(setting_, place));
    if (socket.fd() < 0) return cannot("no socket", -socket.fd());
    if (bind(socket, place, port) != 0) return false;
    return setting_.transport == Transport::kUdp || listen(socket) == 0;
  }

  // Free on every address of both families, as the kernel sees it.
  Result<std::uint16_t> free_port() {
    const Socket socket(make({setting_.transport, First::kBound, Sharing::kNone}, widest_));
    if (socket.fd() < 0) return cannot("no socket", -socket.fd());
    if (const int error = bind(socket, widest_, 0); error != 0) {
      return cannot("the kernel gives no free port", error);
    }
    Address address;
    if (const int error = sock::local_address(socket.fd(), address); error < 0) {
      return cannot("the kernel does not tell the port", -error);
    }
    return address.port;
  }

  const Setting& setting_;
  const Place& first_;
  const Place& second_;
  const Place& widest_;
};

std::string kernel_name() {
  utsname name{};
  if (::uname(&name) != 0) return "this kernel";
  return std::string(name.sysname) + " " + name.release;
}

Result<void> sort_out_places(Matrix& matrix) {
  // With disable_ipv6 = 1 even [::] binds, though no IPv6 address is there to be reached.
  const bool ipv6 = probe_families().ipv6;
  for (const Place& place : all_places()) {
    const Socket socket(make(two_listeners(), place));
    const int error = socket.fd() < 0 ? -socket.fd() : bind(socket, place, 0);
    const bool is_absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
    if (error != 0 && !is_absent)
      return cannot(std::string(place.name) + " cannot be bound", error);
    if (is_absent || (place.address.family == Family::kIPv6 && !ipv6)) {
      matrix.missing.push_back({&place, error});
    } else {
      matrix.places.push_back(&place);
    }
  }
  if (!matrix.places.empty()) return {};
  return cannot("no address can be bound", matrix.missing.front().error);
}

const Place& widest(const Matrix& matrix) {
  for (const Place* place : matrix.places) {
    if (place->address.is_any() && place->mode == IPv6Mode::kDualStack) return *place;
  }
  return *matrix.places.front();
}

}  // namespace

Result<Matrix> try_all(std::span<const Setting> settings) {
  Matrix matrix;
  matrix.kernel = kernel_name();
  if (auto sorted = sort_out_places(matrix); !sorted) return tl::unexpected(sorted.error());
  for (const Setting& setting : settings) {
    Table table{setting, {}};
    for (const Place* first : matrix.places) {
      for (const Place* second : matrix.places) {
        const auto answer = Pair(setting, *first, *second, widest(matrix)).run();
        if (!answer) return tl::unexpected(answer.error());
        table.cells.push_back({first, second, *answer});
      }
    }
    matrix.tables.push_back(std::move(table));
  }
  return matrix;
}

}  // namespace polyport::bind_matrix
