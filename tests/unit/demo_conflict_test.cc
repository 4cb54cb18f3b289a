// demo conflict, with polyports and a kernel that do as a test wants.
#include <cerrno>
#include <string>

#include "app/commands/demo/demos.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

// Programs that do what they are told, in a world of calls.
class Polyports : public ScriptedLab {
 public:
  Polyports() {
    on_start = [this](const std::string& configuration) { return start_one(configuration); };
    on_hear = [this](int) { return Heard{0, answer()}; };
  }
  int holder_named = 4711;
  int exit_code = 3;
  std::string error = "EADDRINUSE";
  std::string rule = "reuseport_missing";
  std::string skipped = "skipped";
  int moves_by = 1;
  std::string waiting = "retrying";
  int calls_in_vain = 3;
  int every = 2;  // how many clients to one that meets the second program

  Opened connect(const Dial& dial) override {
    ++calls_;
    return ScriptedLab::connect(dial);
  }

 private:
  Program start_one(const std::string& configuration) {
    const auto says = [&](std::string_view part) {
      return configuration.find(part) != std::string::npos;
    };
    policy_ = says("\"retry\"") ? "retry" : says("\"share\"") ? "share" : "";
    calls_ = 0;
    const int port = std::stoi(configuration.substr(configuration.find("127.0.0.1:") + 10));
    if (says("\"skip\"")) return ready("other", "live", "listening", 20'000, true);
    if (says("\"next\"")) return ready("echo", "live", "listening", port + moves_by);
    if (says("\"retry\"")) return ready("echo", "live", waiting, port);
    const bool is_refused = says("\"fail\"") || shared_++ == 0;
    if (!is_refused) return ready("echo", "live", "listening", port);
    return {0, exit_code, 0,
            R"({"explanations":[{"text":"somebody has it","step":"bind","error":")" + error +
                R"(","rule":")" + rule + R"(","holders":[{"pid":)" + std::to_string(holder_named) +
                R"(}],"suggestions":[{"text":"stops it","command":"kill 4711","config":null}]}]})"};
  }

  Program ready(const std::string& name, const std::string& state, const std::string& listener,
                int port, bool skips = false) {
    std::string services = R"({"name":")" + name + R"(","state":")" + state +
                           R"(","listeners":[{"state":")" + listener + R"(","bound":"127.0.0.1:)" +
                           std::to_string(port) + R"("}]})";
    if (skips) services += R"(,{"name":"echo","state":")" + skipped + R"(","listeners":[]})";
    return {++id_, -1, 0, R"({"event":"ready","pid":77,"services":[)" + services + "]}\n"};
  }

  std::string answer() const {
    if (policy_ == "retry" && calls_ <= calls_in_vain) return "";
    if (policy_ == "share" && every > 0 && calls_ % every == 0) return "220 banner\r\n";
    return "hello\n";
  }

  std::string policy_;
  int calls_ = 0;
  int shared_ = 0;
  int id_ = 0;
};

}  // namespace

TEST_CASE("conflict tells what each polyport did") {
  Polyports lab;
  const Told told = play(show_conflict, lab);
  INFO(told.lines);
  CHECK(told.exit_code == 0);
  CHECK(told.longest_line() <= 80);
  CHECK(
      told.has("polyport run: exit code 3 | somebody has it | stops it: kill 4711 Nothing was "
               "started. The call that failed: bind, with EADDRINUSE."));
  CHECK(told.has("It names the process that holds the port, and it is the right one."));
  CHECK(told.has("echo: skipped, other: live on 127.0.0.1:20000 The service is left out"));
  CHECK(told.has("It took the next port that was free and serves there."));
  CHECK(told.has("3 refused, then answered It went live by itself"));
  CHECK(told.has("12 met the echo of the first, 12 the banner of the second Two programs"));
  CHECK(lab.stopped == std::vector<int>{0, 1, 2, 3, 0, 5, 4});
}

TEST_CASE("conflict with polyports that do something else") {
  Polyports lab;
  lab.holder_named = 1;
  lab.error = "EACCES";
  lab.skipped = "live";
  lab.moves_by = 0;
  lab.waiting = "listening";
  lab.calls_in_vain = 100'000;
  lab.rule = "same_endpoint";
  lab.every = 0;
  const Told told = play(show_conflict, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("It did not end with exit code 3 for EADDRINUSE."));
  CHECK(told.has("It names process 1, the holder is 4711."));
  CHECK(told.has("The service was not left out, or the other one does not serve."));
  CHECK(told.has("It does not serve on a port above the taken one."));
  CHECK(told.has("It does not wait for the port."));
  CHECK(told.has("It did not serve within 20 s after the port was free."));
  CHECK(lab.waits == 200);
  CHECK(told.has("It was not refused, although the holder has not agreed to share."));
  CHECK(told.has("The clients were not dealt out between the two."));
  for (const char* claim : {"Nothing was started", "is the right one", "is left out, the other",
                            "It took the next port", "went live", "Two programs have one port"}) {
    CHECK(!told.has(claim));
  }
}

TEST_CASE("conflict with a polyport that cannot be run, or talks nonsense") {
  ScriptedLab lab;
  const Told none = play(show_conflict, lab);
  CHECK(none.exit_code == 5);
  CHECK(none.has("polyport run could not be started: ENOEXEC (Exec format error)."));
  for (const char* said : {"", "[]", "{", "{\"explanations\":[]}", "{\"services\":7,\"pid\":[]}",
                           "{\"event\":\"ready\",\"services\":[{\"name\":\"echo\"}]}\n"}) {
    lab.on_start = [said](const std::string&) { return Program{0, 3, 0, said}; };
    CHECK(play(show_conflict, lab).exit_code == 1);
  }
  lab.on_start = [](const std::string&) {
    return Program{0, 3, 0, "{\"explanations\":[{\"text\":\"\\u001b[2J\"}]}"};
  };
  CHECK(!play(show_conflict, lab).has("\x1b"));
}
