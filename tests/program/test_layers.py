"""The layer check: it passes on this tree, and fails on each kind of bad include."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK = ROOT / "scripts/check_layers.py"


def check(root):
    return subprocess.run([sys.executable, "-B", CHECK, root], stdout=subprocess.PIPE, text=True,
                          timeout=60, check=False)


class ThisTree(unittest.TestCase):
    def test_every_include_points_down(self):
        done = check(ROOT)
        self.assertEqual(done.returncode, 0, done.stdout)


class BadTrees(unittest.TestCase):
    """A small good tree, and one bad line at a time."""

    GOOD = {
        "core/base/result.h": "#include <tl/expected.hpp>\n#include <vector>\n",
        "core/base/text.cc": "#include <fmt/format.h>\n",
        "core/socket/socket.h": '#include <sys/socket.h>\n#include "core/base/result.h"\n',
        "core/loop/loop.h": '#include <uv.h>\n#include "core/base/result.h"\n',
        "core/observe/log.h": '#include "core/base/result.h"\n',
        "core/ports/ranges.h": '#include "core/base/result.h"\n',
        "core/net/connection.h": '#include "core/loop/loop.h"\n',
        "core/service.h": '#include "core/net/connection.h"\n',
        "core/host/host.h": '#include "core/service.h"\n',
        "services/echo/echo.cc": '#include "core/service.h"\n',
        "services/chat/room.h": '#include "core/service.h"\n',
        "services/chat/chat.cc": '#include "services/chat/room.h"\n',
        "app/main.cc": '#include "core/host/host.h"\n',
        "tests/unit/echo_test.cc": '#include "services/chat/room.h"\n',
    }

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="polyport-test-"))
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in self.GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(("#pragma once\n" if path.endswith(".h") else "") + text)

    def assert_bad(self, path, line, message):
        self.write(path, self.GOOD[path] + line + "\n")
        done = check(self.root)
        self.assertEqual(done.returncode, 1, done.stdout)
        bad_line = (self.root / path).read_text().splitlines().index(line) + 1
        self.assertIn(f"{path}:{bad_line}: ", done.stdout)
        self.assertIn(message, done.stdout)
        self.assertIn("1 violations", done.stdout)

    def test_the_small_tree_is_good(self):
        done = check(self.root)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_an_include_upwards(self):
        self.assert_bad("core/base/result.h", '#include "core/socket/socket.h"', "is above")

    def test_an_include_of_the_application_by_the_core(self):
        self.write("app/options.h", "")
        self.assert_bad("core/host/host.h", '#include "app/options.h"', "is above")

    def test_an_include_of_a_neighbour_on_the_same_floor(self):
        self.assert_bad("core/loop/loop.h", '#include "core/socket/socket.h"', "neighbour")

    def test_one_service_includes_another(self):
        self.assert_bad("services/echo/echo.cc", '#include "services/chat/room.h"', "neighbour")

    def test_libuv_outside_its_floors(self):
        self.assert_bad("core/host/host.h", "#include <uv.h>", "only in core/loop, core/net")

    def test_a_library_outside_its_one_file(self):
        self.assert_bad("core/base/result.h", "#include <fmt/core.h>", "only in core/base/text.cc")

    def test_an_unknown_library(self):
        self.assert_bad("app/main.cc", "#include <boost/asio.hpp>", "is unknown")

    def test_a_header_by_a_relative_path(self):
        self.assert_bad("services/chat/chat.cc", '#include "room.h"', "no file from the root")

    def test_a_test_header_in_the_program(self):
        self.write("tests/support/catch.h", "")
        self.assert_bad("app/main.cc", '#include "tests/support/catch.h"', "test header")

    def test_a_header_without_pragma_once(self):
        (self.root / "core/net/bare.h").write_text("")
        done = check(self.root)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("core/net/bare.h:1: a header starts with #pragma once", done.stdout)


if __name__ == "__main__":
    unittest.main()
