// demo conflict: a port that somebody else holds, and what polyport makes of it with each value of
// on_conflict. The polyports are real ones; what they say is checked against what the kernel does.
#include <cerrno>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/free_ports.h"
#include "app/commands/exit_code.h"
#include "core/base/json_value.h"
#include "core/base/text.h"
#include "core/ports/bind_rules.h"

namespace polyport::demo {
namespace {

constexpr milliseconds kStart{15'000};
constexpr milliseconds kSoon{2000};
constexpr std::string_view kHello = "hello\n";

// A section of a configuration.
std::string service(std::string_view name, const Address& listen, std::string_view on_conflict) {
  return "[services." + std::string(name) + "]\nlisten = \"" + listen.text() +
         "\"\non_conflict = \"" + std::string(on_conflict) + "\"\n";
}

std::string alone(const std::string& services) {
  return "[health]\nenabled = false\n[admin]\nenabled = false\n" + services;
}

// What a polyport said of itself; asking for what is not there gives nothing.
class Said {
 public:
  explicit Said(const Program& program) : root_(JsonValue::parse(program.said)) {}

  int pid() const { return root_ ? integer(root_->find("pid")) : 0; }
  std::string state(std::string_view name) const {
    const JsonValue* const found = find_service(name);
    return found == nullptr ? "" : std::string(found->text_of("state"));
  }
  // Of its first listener: "bound", "state", "origin".
  std::string listener(std::string_view name, std::string_view field) const {
    const JsonValue* const found = first_of(find_service(name), "listeners");
    return found == nullptr ? "" : std::string(found->text_of(field));
  }

  // Of the first explanation of a start that failed.
  std::string explanation(std::string_view field) const {
    const JsonValue* const found = first_explanation();
    return found == nullptr ? "" : std::string(found->text_of(field));
  }
  // The likeliest way out, with what to type or to write.
  std::string suggestion() const {
    const JsonValue* const first = first_of(first_explanation(), "suggestions");
    if (first == nullptr) return "";
    const std::string_view command = first->text_of("command");
    return std::string(first->text_of("text")) + ": " +
           std::string(command.empty() ? first->text_of("config") : command);
  }
  int holder_pid() const {
    const JsonValue* const holder = first_of(first_explanation(), "holders");
    return holder == nullptr ? 0 : integer(holder->find("pid"));
  }

 private:
  static int integer(const JsonValue* value) {
    const auto number = value == nullptr ? std::nullopt : value->integer();
    return static_cast<int>(number.value_or(0));
  }
  static const JsonValue* first_of(const JsonValue* parent, std::string_view key) {
    const JsonValue* const list = parent == nullptr ? nullptr : parent->find(key);
    return list == nullptr || list->items().empty() ? nullptr : &list->items().front();
  }
  const JsonValue* first_explanation() const {
    return root_ ? first_of(&*root_, "explanations") : nullptr;
  }
  const JsonValue* find_service(std::string_view name) const {
    const JsonValue* const services = root_ ? root_->find("services") : nullptr;
    if (services == nullptr) return nullptr;
    for (const JsonValue& each : services->items()) {
      if (each.text_of("name") == name) return &each;
    }
    return nullptr;
  }

  std::optional<JsonValue> root_;
};

// "127.0.0.1:8081" of a listener.
Address address_of(const std::string& bound) {
  const std::size_t colon = bound.rfind(':');
  if (colon == std::string::npos) return {};
  const auto port = parse_number<std::uint16_t>(std::string_view(bound).substr(colon + 1));
  return port ? Address::parse_ip(bound.substr(0, colon), *port).value_or(Address()) : Address();
}

class Conflict {
 public:
  Conflict(Stage& stage, Lab& lab) : stage_(stage), lab_(lab) {}

  void show() {
    stage_.say(
        "A process holds a port, and a polyport is started whose echo service wants the "
        "same one. What it does is written in its configuration: on_conflict.");
    if (!loopback_works(stage_, lab_)) return;
    using Chapter = void (Conflict::*)();
    constexpr Chapter kChapters[] = {&Conflict::fail, &Conflict::skip, &Conflict::next,
                                     &Conflict::retry, &Conflict::share};
    for (const Chapter chapter : kChapters) {
      (this->*chapter)();
      if (stage_.failed()) return;
      stage_.pause();
    }
  }

 private:
  // Takes a port away, by a process that never accepts; nothing where the stage has been told.
  std::optional<Held> hold() {
    const std::uint16_t port = free_number(lab_);
    const Held held = lab_.hold({.address = Address::loopback(Family::kIPv4, port)}, Where::kHere);
    if (!held.ok()) {
      stage_.cannot("No process could hold a port", held.error);
      return std::nullopt;
    }
    stage_.line("process " + std::to_string(held.pid) + " listens on " + held.local.text());
    return held;
  }

  // What the program came to, in one line; false where it could not even be run.
  bool start(const std::string& services, Program& program) {
    program = lab_.start(alone(services), kStart);
    if (program.error != 0) {
      stage_.cannot("polyport run could not be started", program.error);
      return false;
    }
    const Said said(program);
    stage_.line(program.id != 0 ? "polyport run: ready, process " + std::to_string(said.pid())
                                : "polyport run: exit code " + std::to_string(program.exit_code));
    return true;
  }

  // Whether an echo comes back from there.
  std::string call(const Address& place) {
    const Opened client = lab_.connect({.peer = place});
    std::string heard;
    if (client.ok()) {
      lab_.say(client.socket, kHello);
      heard = lab_.hear(client.socket, kSoon).bytes;
    }
    lab_.reset(client.socket);
    return heard;
  }

  void fail() {
    stage_.title("1. on_conflict = \"fail\", as long as nothing else is written");
    const auto held = hold();
    if (!held) return;
    Program program;
    if (!start(service("echo", held->local, "fail"), program)) return;
    const Said said(program);
    tell_words(said);
    stage_.found(program.id == 0 && program.exit_code == kExitCannotBind &&
                     said.explanation("error") == "EADDRINUSE",
                 "Nothing was started. The call that failed: " + said.explanation("step") +
                     ", with EADDRINUSE.",
                 "It did not end with exit code 3 for EADDRINUSE.");
    stage_.found(said.holder_pid() == held->pid,
                 "It names the process that holds the port, and it is the right one.",
                 "It names process " + std::to_string(said.holder_pid()) + ", the holder is " +
                     std::to_string(held->pid) + ".");
    lab_.stop(program);
    lab_.end(*held);
  }

  // Its own sentence, and the first thing that it suggests.
  void tell_words(const Said& said) {
    if (const std::string words = said.explanation("text"); !words.empty()) {
      stage_.quote(printable(words, 400));
    }
    if (const std::string words = said.suggestion(); !words.empty()) {
      stage_.quote(printable(words, 400));
    }
  }

  void skip() {
    stage_.title("2. on_conflict = \"skip\"");
    const auto held = hold();
    if (!held) return;
    Program program;
    // A second service, which nothing is in the way of.
    const std::string other = "[services.other]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n";
    if (!start(service("echo", held->local, "skip") + other, program)) return;
    const Said said(program);
    const std::string place = said.listener("other", "bound");
    stage_.line("echo: " + said.state("echo") + ", other: " + said.state("other") + " on " + place);
    const std::string heard = call(address_of(place));
    stage_.found(said.state("echo") == "skipped" && heard == kHello,
                 "The service is left out, the other one serves: it sent back what it was sent.",
                 "The service was not left out, or the other one does not serve.");
    lab_.stop(program);
    lab_.end(*held);
  }

  void next() {
    stage_.title("3. on_conflict = \"next\"");
    const auto held = hold();
    if (!held) return;
    Program program;
    if (!start(service("echo", held->local, "next"), program)) return;
    const Said said(program);
    const std::string place = said.listener("echo", "bound");
    stage_.line("echo: " + said.state("echo") + " on " + place);
    const Address moved = address_of(place);
    const std::string heard = call(moved);
    stage_.found(moved.port > held->local.port && heard == kHello,
                 "It took the next port that was free and serves there. Clients must be told: "
                 "they still call " +
                     std::to_string(held->local.port) + ".",
                 "It does not serve on a port above the taken one.");
    lab_.stop(program);
    lab_.end(*held);
  }

  void retry() {
    stage_.title("4. on_conflict = \"retry\"");
    const auto held = hold();
    if (!held) return;
    Program program;
    if (!start(service("echo", held->local, "retry"), program)) return;
    const Said said(program);
    stage_.line("echo: " + said.listener("echo", "state"));
    stage_.found(said.listener("echo", "state") == "retrying",
                 "It has started without the port and waits for it.",
                 "It does not wait for the port.");
    stage_.pause();
    lab_.end(*held);
    stage_.line("process " + std::to_string(held->pid) + " has ended");
    const int refused = call_until_answered(held->local);
    if (refused >= 0) {
      stage_.line("calls to " + held->local.text() + ": " + std::to_string(refused) +
                  " refused, then answered");
    }
    stage_.found(refused >= 0,
                 "It went live by itself, without a restart: it sent back what it was sent.",
                 "It did not serve within 20 s after the port was free.");
    lab_.stop(program);
  }

  // How many calls were in vain before an answer; negative where none came.
  int call_until_answered(const Address& place) {
    constexpr int kMostCalls = 200;
    for (int calls = 0; calls < kMostCalls; ++calls) {
      if (call(place) == kHello) return calls;
      lab_.wait(milliseconds(100));
    }
    return -1;
  }

  void share() {
    stage_.title("5. on_conflict = \"share\"");
    const auto held = hold();
    if (!held) return;
    Program refused;
    if (!start(service("echo", held->local, "share"), refused)) return;
    const Said said(refused);
    tell_words(said);
    stage_.found(refused.id == 0 && refused.exit_code == kExitCannotBind &&
                     said.explanation("rule") == name(BindRule::kReuseportMissing),
                 "Refused: who holds the port has not agreed to share it (SO_REUSEPORT).",
                 "It was not refused, although the holder has not agreed to share.");
    lab_.stop(refused);
    lab_.end(*held);
    share_between_two();
  }

  void share_between_two() {
    const Address place = Address::loopback(Family::kIPv4, free_number(lab_));
    stage_.line("now two polyports, and both have written share, for " + place.text());
    Program echo;
    if (!start(service("echo", place, "share"), echo)) return;
    Program banner;
    if (!start(service("banner", place, "share"), banner)) return;
    constexpr std::size_t kCalls = 24;
    std::size_t echoes = 0;
    std::size_t banners = 0;
    for (std::size_t i = 0; i < kCalls; ++i) {
      const std::string heard = call(place);
      if (heard == kHello) ++echoes;
      if (heard.starts_with("220 ")) ++banners;  // as a mail server greets
    }
    stage_.line(counted(kCalls, "client") + ": " + std::to_string(echoes) +
                " met the echo of the first, " + std::to_string(banners) +
                " the banner of the second");
    stage_.found(echoes + banners == kCalls && echoes > 0 && banners > 0,
                 "Two programs have one port, and the kernel deals the clients out. It is meant "
                 "for two of the same kind.",
                 "The clients were not dealt out between the two.");
    lab_.stop(banner);
    lab_.stop(echo);
  }

  Stage& stage_;
  Lab& lab_;
};

}  // namespace

void show_conflict(Stage& stage, Lab& lab) {
  Conflict(stage, lab).show();
}

}  // namespace polyport::demo
