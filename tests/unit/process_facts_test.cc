// What /proc/PID says, read as text: the forms of proc(5) and cgroups(7), and hostile ones.
#include "core/ports/process_facts.h"

#include "core/base/text.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

const std::string kId = "3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a";

std::string stat_line(const std::string& name) {
  return "4711 (" + name +
         ") S 1 4711 4711 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 987654 1000 200 "
         "18446744073709551615 "
         "1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";
}

std::string unit_of(const std::string& path) {
  return parse_cgroup("0::" + path + "\n").unit;
}

std::string container_of(const std::string& path) {
  return parse_cgroup("0::" + path + "\n").container;
}

}  // namespace

TEST_CASE("the name ends at the last parenthesis", "[process_facts]") {
  for (const char* const name : {"nginx", "a b", "x) S 1 (y", "((", "\x1b[31m", ""}) {
    CAPTURE(name);
    const std::string line = stat_line(name);
    const auto facts = parse_stat(line);
    REQUIRE(facts);
    CHECK(facts->name == name);
    CHECK(facts->start_ticks == 987654);
  }
  const std::string whole = stat_line("x");
  for (const std::string& text :
       {std::string(), std::string("4711"), std::string(")("), whole.substr(0, 40),
        std::string("1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 many 0 0\n")}) {
    CAPTURE(text);
    CHECK_FALSE(parse_stat(text));
  }
}

TEST_CASE("the effective uid is the second", "[process_facts]") {
  CHECK(parse_status_uid("Name:\tx\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n") == 0u);
  CHECK(parse_status_uid("Name:\tx\nUid:\t1\t2\t3\t4") == 2u);
  CHECK_FALSE(parse_status_uid("Name:\tx\n"));
  CHECK_FALSE(parse_status_uid("Name:\tx\nUid:\t1\n"));
  CHECK_FALSE(parse_status_uid("Name:\tx\nUid:\t1\tmany\t0\t0\n"));
}

TEST_CASE("a command line is one line that can be shown", "[process_facts]") {
  using namespace std::string_literals;
  CHECK(command_text("nginx\0-g\0daemon off;\0"s) == "nginx -g daemon off;");
  CHECK(command_text("nginx: master process\0\0\0   \0"s) == "nginx: master process");
  CHECK(command_text("") == "");
  CHECK(command_text("x\0\x1b]0;title\a\nrm\0"s) == "x \\x1b]0;title\\x07\\nrm");
  const std::string long_text = command_text(std::string(5000, 'x'));
  CHECK(long_text == std::string(200, 'x') + "...");
  CHECK(command_text(std::string(200, 'x')) == std::string(200, 'x'));
}

TEST_CASE("the unit that runs a process", "[process_facts]") {
  CHECK(unit_of("/system.slice/nginx.service") == "nginx.service");
  CHECK(unit_of("/system.slice/system-postgresql.slice/postgresql@15-main.service") ==
        "postgresql@15-main.service");
  CHECK(unit_of("/system.slice/nginx.service/workers") == "nginx.service");
  CHECK(unit_of("/system.slice/run-r12.scope") == "run-r12.scope");
  CHECK_FALSE(parse_cgroup("0::/system.slice/nginx.service\n").user_unit);

  const CgroupFacts user =
      parse_cgroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n");
  CHECK(user.unit == "web.service");
  CHECK(user.user_unit);
}

TEST_CASE("what a login or a desktop makes round everything is no unit to name",
          "[process_facts]") {
  for (const char* const path :
       {"/", "", "/init.scope", "/user.slice/user-1000.slice/session-3.scope",
        "/user.slice/user-1000.slice/user@1000.service/init.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.kde.konsole-12.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-0-1.scope",
        "/user.slice/user-1000.slice/user@1000.service/tmux-spawn-1.scope",
        "/user.slice/user-1000.slice/user@1000.service", "/system.slice", "/../../x.slice"}) {
    CAPTURE(path);
    const CgroupFacts facts = parse_cgroup(std::string("0::") + path + "\n");
    CHECK(facts.unit == "");
    CHECK(facts.container == "");
    CHECK_FALSE(facts.user_unit);
  }
}

TEST_CASE("containers by their id", "[process_facts]") {
  CHECK(container_of("/system.slice/docker-" + kId + ".scope") == "docker 3f2a1b0c9d8e");
  CHECK(container_of("/docker/" + kId) == "docker 3f2a1b0c9d8e");
  CHECK(container_of("/docker/" + kId + "/system.slice/x.service") == "docker 3f2a1b0c9d8e");
  CHECK(container_of("/machine.slice/libpod-" + kId + ".scope/container") == "podman 3f2a1b0c9d8e");
  CHECK(container_of("/libpod_parent/libpod-" + kId) == "podman 3f2a1b0c9d8e");
  CHECK(container_of("/machine.slice/libpod-conmon-" + kId + ".scope") == "podman 3f2a1b0c9d8e");
  CHECK(container_of("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId +
                     ".scope/container") == "podman 3f2a1b0c9d8e");
  CHECK(container_of("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podab.slice/"
                     "cri-containerd-" +
                     kId + ".scope") == "containerd 3f2a1b0c9d8e");
  CHECK(container_of("/kubepods.slice/kubepods-podab.slice/crio-" + kId + ".scope") ==
        "cri-o 3f2a1b0c9d8e");
  CHECK(container_of("/kubepods/besteffort/podab/" + kId) == "kubernetes 3f2a1b0c9d8e");
  CHECK(container_of("/system.slice/containerd.service/kubepods-burstable-podab.slice:"
                     "cri-containerd:" +
                     kId) == "containerd 3f2a1b0c9d8e");
  CHECK(container_of("/default/" + kId) == "container 3f2a1b0c9d8e");
  CHECK(container_of("/system.slice/nerdctl-" + kId + ".scope") == "containerd 3f2a1b0c9d8e");
  CHECK(container_of("/lxc.payload.web/system.slice/nginx.service") == "lxc web");
  CHECK(container_of("/lxc/web") == "lxc web");
  CHECK(container_of("/lxc.monitor.web") == "lxc web");
}

TEST_CASE("what looks like a container's id and is none", "[process_facts]") {
  CHECK(container_of("/docker/" + kId.substr(1)) == "");
  CHECK(container_of("/docker/" + kId + "0") == "");
  CHECK(container_of("/system.slice/docker-" + kId.substr(2) + ".scope") == "");
  CHECK(container_of("/system.slice/docker-G" + kId.substr(1) + ".scope") == "");
  CHECK(container_of("/system.slice/docker.service") == "");
  CHECK(container_of("/lxc") == "");
}

TEST_CASE("the unit of a container is named only where it runs that container", "[process_facts]") {
  CHECK(unit_of("/system.slice/docker-" + kId + ".scope") == "");
  CHECK(unit_of("/docker/" + kId + "/system.slice/nginx.service") == "");
  CHECK(unit_of("/lxc.payload.web/system.slice/nginx.service") == "");
  CHECK(unit_of("/system.slice/containerd.service/kubepods-podab.slice:cri-containerd:" + kId) ==
        "");
  const CgroupFacts quadlet =
      parse_cgroup("0::/system.slice/web.service/libpod-payload-" + kId + "\n");
  CHECK(quadlet.unit == "web.service");
  CHECK(quadlet.container == "podman 3f2a1b0c9d8e");
  CHECK(unit_of("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId +
                ".scope") == "");
}

TEST_CASE("cgroups of version 1", "[process_facts]") {
  const CgroupFacts unit = parse_cgroup(
      "12:pids:/system.slice/ssh.service\n4:memory:/other.service\n"
      "1:name=systemd:/system.slice/ssh.service\n0::/system.slice/ssh.service\n");
  CHECK(unit.unit == "ssh.service");
  // The trees of the controllers are not systemd's own.
  CHECK(parse_cgroup("4:memory:/other.service\n").unit == "");
  const CgroupFacts docker = parse_cgroup("9:name=systemd:/docker/" + kId + "\n4:memory:/docker/" +
                                          kId + "\n0::/system.slice/containerd.service\n");
  CHECK(docker.container == "docker 3f2a1b0c9d8e");
}

TEST_CASE("names from a cgroup cannot reach a terminal as they are", "[process_facts]") {
  const CgroupFacts facts = parse_cgroup("0::/x/\x1b[2J\x1b[31m.service\n");
  CHECK(facts.unit == "\\x1b[2J\\x1b[31m.service");
  CHECK(container_of("/lxc/\x9b\x07") == "lxc \\x9b\\x07");
  CHECK(unit_of("/" + std::string(9000, 'x') + ".service").size() <= 103);
  for (const char* const text : {"", "\n\n", ":", "::", "0:", "0::", ":::/a.service"}) {
    CAPTURE(text);
    CHECK(parse_cgroup(text).container == "");
  }
}

TEST_CASE("the inode of a socket's link", "[process_facts]") {
  CHECK(parse_socket_link("socket:[4711]") == 4711u);
  CHECK(parse_socket_link("socket:[18446744073709551615]") == 18446744073709551615u);
  for (const char* const link : {"", "socket:[", "socket:[]", "socket:[-1]", "socket:[1",
                                 "pipe:[1]", "socket:[18446744073709551616]", "/tmp/socket:[1]"}) {
    CAPTURE(link);
    CHECK_FALSE(parse_socket_link(link));
  }
}
