// demo ephemeral: ten source ports, used up, and used again towards another port and from another
// address. The limit is on pairs of ends, not on numbers.
#include <algorithm>
#include <cerrno>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/free_ports.h"

namespace polyport::demo {
namespace {

constexpr std::uint16_t kPorts = 10;
constexpr std::size_t kTries = 12;

std::string text(PortBlock block) {
  return std::to_string(block.low) + "-" + std::to_string(block.high);
}

// What 12 connects came to.
struct Round {
  std::vector<std::uint16_t> ports;  // lent, ascending
  std::size_t refused = 0;
  int error = 0;  // of the first that was refused
};

class Ephemeral {
 public:
  Ephemeral(Stage& stage, Lab& lab) : stage_(stage), lab_(lab) {}

  void show() {
    const EphemeralRange range = lab_.ephemeral();
    stage_.say(
        "Every outgoing connection needs a port at its own end. This kernel lends them from " +
        std::to_string(range.low) + "-" + std::to_string(range.high) + ": " +
        std::to_string(range.high - range.low + 1) +
        " numbers. Is that the most connections a client can have? Here are ten, so that "
        "they are soon used up.");
    if (!prepare()) return;
    const Address home = Address::loopback(Family::kIPv4);
    Address neighbour = home;
    neighbour.ip[3] = 2;

    stage_.title("1. From " + home.ip_text() + " to " + first_.local.text());
    const auto used_up = play(home, first_.local);
    if (!used_up || !stage_.as_expected()) return;
    stage_.pause();

    stage_.title("2. At the same time from " + home.ip_text() +
                 " to another port: " + second_.local.text());
    const auto elsewhere = play(home, second_.local);
    if (!elsewhere || !tell_same(*used_up, *elsewhere)) return;
    stage_.pause();

    stage_.title("3. At the same time from another address, " + neighbour.ip_text() + ", to " +
                 first_.local.text());
    const auto neighbours = play(neighbour, first_.local);
    if (!neighbours || !tell_same(*used_up, *neighbours)) return;
    stage_.pause();
    tell_all();
  }

 private:
  bool prepare() {
    const Address home = Address::loopback(Family::kIPv4);
    for (Opened* const server : {&first_, &second_}) {
      // Nobody accepts: the kernel completes the connections by itself.
      *server = lab_.open({.address = home, .backlog = 64});
      if (!stage_.has("port for a server", *server)) return false;
    }
    return choose_ports();
  }

  bool choose_ports() {
    const EphemeralRange range = lab_.ephemeral();
    // From the top down. A block may hold a number that a stranger has, so each is tried first.
    for (int low = range.high - kPorts + 1; low >= range.low; low -= kPorts) {
      lent_ =
          PortBlock{static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(low + kPorts - 1)};
      const Opened tried = rehearse();
      if (tried.step == Step::kOption) return bind_ourselves(tried.error);
      if (tried.ok()) {
        stage_.say("The ten are " + text(*lent_) +
                   ", lent by the kernel itself (IP_LOCAL_PORT_RANGE).");
        return true;
      }
      if (tried.error != EADDRNOTAVAIL) return stage_.has("connection", tried);
    }
    stage_.cannot("No ten ports in a row are free");
    return false;
  }

  // Ten connections to a server that is there for this only, gone again afterwards: the first that
  // failed, or the last.
  Opened rehearse() {
    const Address home = Address::loopback(Family::kIPv4);
    const Opened server = lab_.open({.address = home, .backlog = 64});
    Opened last = server;
    std::vector<int> clients;
    while (last.ok() && clients.size() < kPorts) {
      last = connect(home, server.local);
      if (last.ok()) clients.push_back(last.socket);
    }
    for (const int client : clients)
      lab_.reset(client);
    lab_.close(server.socket);
    return last;
  }

  bool bind_ourselves(int answer) {
    lent_.reset();
    own_ = free_numbers(lab_, kPorts);
    if (own_.size() != kPorts) {
      stage_.cannot("No ten ports are free");
      return false;
    }
    stage_.say("The ten are " + numbers(own_) +
               ". This kernel has no IP_LOCAL_PORT_RANGE (it answers " + error_word(answer) +
               "; Linux 6.3 brought it), so each connect is bound to them in turn, with "
               "SO_REUSEADDR.");
    return true;
  }

  Opened connect(const Address& from, const Address& to) {
    if (lent_) return lab_.connect({.peer = to, .from = from, .lent = lent_});
    Opened last;
    for (const std::uint16_t port : own_) {
      Address end = from;
      end.port = port;
      last = lab_.connect({.peer = to, .from = end, .reuse_address = true});
      if (last.error != EADDRNOTAVAIL) break;
    }
    return last;
  }

  std::optional<Round> play(const Address& from, const Address& to) {
    Round round;
    for (std::size_t i = 0; i < kTries; ++i) {
      const Opened opened = connect(from, to);
      if (opened.ok()) {
        round.ports.push_back(opened.local.port);
        open_.push_back(opened.socket);
        continue;
      }
      if (round.refused++ == 0) round.error = opened.error;
    }
    std::sort(round.ports.begin(), round.ports.end());
    const std::size_t made = round.ports.size();
    stage_.line(std::to_string(kTries) + " connects: " + std::to_string(made) + " made, " +
                std::to_string(round.refused) + " refused" +
                (round.refused == 0 ? "" : " with " + error_word(round.error)));
    if (made > 0) stage_.line("source ports: " + numbers(round.ports));
    const bool usual = made == kPorts && round.error == EADDRNOTAVAIL;
    const bool told = stage_.found(
        usual,
        "Ten connections, then there is no number left for this pair of addresses and this port.",
        "Expected were " + std::to_string(kPorts) + " connections, the others refused with " +
            "EADDRNOTAVAIL.");
    if (!told) return std::nullopt;
    return round;
  }

  static std::string numbers(const std::vector<std::uint16_t>& ports) {
    if (ports.back() - ports.front() + 1U == ports.size()) {
      return std::to_string(ports.front()) + " to " + std::to_string(ports.back());
    }
    std::string text;
    for (const std::uint16_t port : ports)
      text += (text.empty() ? "" : " ") + std::to_string(port);
    return text;
  }

  bool tell_same(const Round& before, const Round& now) {
    return stage_.found(now.ports == before.ports,
                        "They are the very numbers that are in use already.",
                        "They are not the numbers that are in use already.");
  }

  void tell_all() {
    const auto established = static_cast<std::size_t>(std::count_if(
        open_.begin(), open_.end(), [this](int socket) { return lab_.is_established(socket); }));
    stage_.title("4. All at once");
    stage_.line(counted(open_.size(), "connection") + " made, " + std::to_string(established) +
                " established now");
    stage_.found(established == open_.size(),
                 std::to_string(established) + " connections live at once on " +
                     std::to_string(kPorts) + " source ports.",
                 "Not all of them live.");
    stage_.therefore(
        "A port number is used up only for one source address, one destination "
        "address and one destination port. Change one of these and all numbers are "
        "there again.");
    for (const int socket : open_)
      lab_.reset(socket);
  }

  Stage& stage_;
  Lab& lab_;
  Opened first_;
  Opened second_;
  std::optional<PortBlock> lent_;
  std::vector<std::uint16_t> own_;  // where the kernel does not lend: ascending
  std::vector<int> open_;
};

}  // namespace

void show_ephemeral(Stage& stage, Lab& lab) {
  Ephemeral(stage, lab).show();
}

}  // namespace polyport::demo
