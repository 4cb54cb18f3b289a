#include <array>
#include <cerrno>

#include "app/commands/demo/notes.h"
#include "core/base/text.h"

namespace polyport::demo {
namespace {

constexpr milliseconds kAMoment{300};

void hardware(Stage& stage, Lab& lab) {
  const Opened server = lab.open({.address = home()});
  if (!stage.has("port for a server", server)) return;
  const Opened client = lab.connect({.peer = server.local});
  if (!stage.has("connection", client)) return;
  const Opened child = lab.accept(server.socket, kSoon);
  if (!stage.has("connection in the queue", child)) return;
  lab.say(client.socket, "hello\n");
  const Heard heard = lab.hear(child.socket, kSoon);
  stage.line(client.local.text() + " to " + child.local.text() + ": " +
             std::to_string(heard.bytes.size()) + " bytes arrived");
  stage.found(heard.bytes == "hello\n",
              "Both ports are on the loopback interface, which is a piece of the kernel.",
              "Nothing arrived.");
  stage.verdict("false",
                "The word means something else for plugs. Here it is a number of 16 bits "
                "in each segment, by which the kernel finds the socket.");
  lab.reset(client.socket);
  lab.close(child.socket);
  lab.close(server.socket);
}

void watched(Stage& stage, Lab& lab) {
  const Opened server = lab.open({.address = home()});
  if (!stage.has("port for a server", server)) return;
  stage.line("a server listens on " + server.local.text() + " and never calls accept");
  std::vector<Opened> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(lab.connect({.peer = server.local}));
    stage.answered("client " + std::to_string(i) + " connects", clients.back().error, 0,
                   "Connected.");
  }
  const int queued = lab.queue(server.socket);
  stage.found(queued == 3, "3 connections wait in the queue, and the program has looked at none.",
              std::to_string(queued) + " connections wait in the queue, 3 were expected.");
  stage.verdict("false",
                "The kernel answers and keeps the queue. The program looks when it "
                "likes, or never: polyport demo backlog.");
  for (const Opened& client : clients)
    lab.reset(client.socket);
  lab.close(server.socket);
}

// A server that is busy with one client, while another comes.
void listens_again(Stage& stage, Lab& lab) {
  const Opened server = lab.open({.address = home()});
  if (!stage.has("port for a server", server)) return;
  const Opened first = lab.connect({.peer = server.local});
  if (!stage.has("connection", first)) return;
  const Opened busy = lab.accept(server.socket, kSoon);
  if (!stage.has("connection in the queue", busy)) return;
  stage.line("the server on " + server.local.text() + " works for " + busy.peer.text());
  const Opened second = lab.connect({.peer = server.local});
  stage.answered("another client connects meanwhile", second.error, 0,
                 "It never stopped listening.");
  lab.say(second.socket, "hello\n");
  const Heard nothing = lab.hear(second.socket, kAMoment);
  stage.answered("its answer within 0.3 s", nothing.error, ETIMEDOUT,
                 "But the program is busy: what was sent waits.");
  const Opened taken = lab.accept(server.socket, kSoon);
  if (!stage.has("connection in the queue", taken)) return;
  const Heard request = lab.hear(taken.socket, kSoon);
  lab.say(taken.socket, request.bytes);
  const Heard answer = lab.hear(second.socket, kSoon);
  stage.answered("its answer once the work is done", answer.error, 0,
                 "Now it comes: " + std::to_string(answer.bytes.size()) + " bytes.");
  stage.verdict("wrong about listening, right about waiting",
                "The port listens all the time. A program that does one thing after the other "
                "lets its clients wait.");
  lab.reset(first.socket);
  lab.reset(second.socket);
  for (const Opened& socket : {busy, taken, server})
    lab.close(socket.socket);
}

// The sources of the line "hosts: files dns", in order.
std::vector<std::string> host_sources(const std::string& file) {
  std::vector<std::string> sources;
  for (const std::string_view line : split(file, '\n')) {
    if (!trim(line).starts_with("hosts:")) continue;
    for (const std::string_view word : split(line.substr(line.find(':') + 1), ' ')) {
      const std::string_view source = trim(word);
      if (!source.empty() && !source.starts_with('[')) sources.push_back(printable(source, 30));
    }
  }
  return sources;
}

void hosts_file(Stage& stage, Lab& lab) {
  const std::vector<std::string> sources = host_sources(lab.file("/etc/nsswitch.conf"));
  if (sources.empty()) {
    stage.line("/etc/nsswitch.conf has no line for hosts");
    return stage.verdict("not decided here", "Nothing on this machine names the two sources.");
  }
  stage.line("/etc/nsswitch.conf, hosts: " + listed(sources));
  const auto place = [&](std::string_view name) {
    return std::find(sources.begin(), sources.end(), name) - sources.begin();
  };
  const auto end = static_cast<std::ptrdiff_t>(sources.size());
  const bool has_files = place("files") != end;
  const bool has_dns = place("dns") != end;
  stage.found(has_files,
              !has_dns ? "The file is asked, and DNS is not: they are two things."
              : place("files") < place("dns")
                  ? "The file is one source of names and DNS another, asked after it."
                  : "DNS is one source of names and the file another, asked after it.",
              "This machine does not ask the file.");
  const auto found = lab.system_look_up("localhost");
  if (found && !found->empty()) {
    stage.line("localhost: " + found->front().ip_text() + ", as the resolver says");
  }
  stage.verdict("false",
                "The hosts file is a list that is read before any server is asked. DNS is "
                "a protocol between machines.");
}

constexpr std::array kNotes = std::to_array<Note>({
    {11, "A port is a hardware interface.", hardware},
    {16, "A server watches its port all the time.", watched},
    {17, "A server takes a request, works on it, and then listens again.", listens_again},
    {19, "The hosts file is a local DNS server.", hosts_file},
});

}  // namespace

std::span<const Note> notes_on_listening() {
  return kNotes;
}

}  // namespace polyport::demo
