"""docs/adding_a_service.md, done as it says: write the service, build it, run it, talk to it.

The build is a copy of the one under test, so that only the new file is compiled and the program linked
again; what is compared is what a reader of the page sees.
"""
# ctest: timeout=600

import json
import os
import re
import shutil
import subprocess
import unittest

import support
from support import BUILD, SOURCE, ProgramTest, connect, read_exactly, read_line, udp

PAGE = SOURCE / "docs/adding_a_service.md"


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def copy_build(to):
    """The build folder without what `polyport` does not need, as if it had been made at `to`."""
    def unwanted(folder, names):
        at_top = os.path.samefile(folder, BUILD)
        return [name for name in names
                if at_top and (name in ("tests", "Testing", "skipped", "polyport") or
                               name.startswith("replay_"))]
    shutil.copytree(BUILD, to, ignore=unwanted, symlinks=True)
    cache = to / "CMakeCache.txt"
    cache.write_text(cache.read_text().replace(str(BUILD), str(to)))


class NewService(ProgramTest):
    def test_the_page_from_nothing_to_a_running_service(self):
        page = PAGE.read_text()
        for command in ("scripts/new_service shout", "build/release/polyport services shout",
                        "build/release/polyport run shout:10900",
                        "-DPOLYPORT_EXTRA_SERVICES=$HOME/my-services/shout"):
            self.assertIn(command, page)

        folder = self.folder()
        run(SOURCE / "scripts/new_service", "shout", folder / "my-services")
        written = folder / "my-services/shout/shout.cc"
        self.assertEqual([path for path in (folder / "my-services").rglob("*") if path.is_file()],
                         [written])
        self.assertEqual(written.read_text(), re.search(r"```cpp\n(.*?)```", page, re.S)[1])

        build = folder / "build"
        copy_build(build)
        run("cmake", "-S", SOURCE, "-B", build,
            f"-DPOLYPORT_EXTRA_SERVICES={written.parent}", "-DPOLYPORT_TESTS=OFF")
        said = run("cmake", "--build", build, "--target", "polyport", "--parallel", "2")
        compiled = re.findall(r"Building CXX object (\S+)", said)
        self.assertLessEqual(len(compiled), 8, "only the new file and what tells of it")

        binary, support.BINARY = support.BINARY, build / "polyport"
        self.addCleanup(setattr, support, "BINARY", binary)
        self.talk_to_it(page)

    def talk_to_it(self, page):
        listed = support.cli("services", "shout", "--json")
        self.assertEqual(listed.code, 0, listed)
        self.assertIn("greeting", json.dumps(json.loads(listed.out)))

        adhoc = self.start("shout:127.0.0.1:0")
        with connect(adhoc.address("shout")) as sock:
            self.assertEqual(read_line(sock), b"hello, type something\r\n")
            sock.sendall(b"Hello, you\n")
            self.assertEqual(read_exactly(sock, 11), b"HELLO, YOU\n")

        config = re.search(r"```toml\n(.*?)```", page, re.S)[1]
        server = self.start(config=re.sub(r"localhost:\d+", "127.0.0.1:0", config))
        with connect(server.address("shout", "tcp")) as sock:
            self.assertEqual(read_line(sock), b"hello, I am loud\r\n")
        with udp(server.address("shout", "udp")) as sock:
            sock.send(b"psst")
            self.assertEqual(sock.recv(100), b"PSST")


class NewServiceRefuses(ProgramTest):
    def refusal(self, *arguments):
        done = subprocess.run([SOURCE / "scripts/new_service", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_names_that_cannot_be(self):
        folder = self.folder()
        for name in ("", "Echo", "1st", "a-b", "a__b", "../up", "a b", "x" * 40):
            self.assertIn("no name for a service", self.refusal(name, folder))
        self.assertIn("word of C++", self.refusal("switch", folder))
        self.assertIn("already", self.refusal("echo", folder))
        self.assertIn("exists already", self.refusal("echo"))
        self.assertIn("NAME", self.refusal())
        self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
