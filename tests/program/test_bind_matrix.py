"""polyport bind-matrix: what this kernel answers, held against tests/data/bind_matrix.json."""

# ctest: timeout=300

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from on_terminal import OnTerminal
from support import BINARY, SOURCE, TIMEOUT, Namespace, clean_environment, cli, sanitizer_report

DATA = json.loads(pathlib.Path(SOURCE, "tests/data/bind_matrix.json").read_text())
NAMES = DATA["addresses"]
KEY = ("transport", "first", "option")

# The table of two TCP listeners, as a student would type it.
RIGHT = ["xxxxoo", "xxoxoo", "xoxxoo", "xxxxxx", "oooxxx", "oooxxx"]


def expected_cells():
    """(transport, first, option, first address, second address) -> (step, rule), None if allowed."""
    cells = {}
    for table in DATA["tables"]:
        for first, row in zip(NAMES, table["rows"]):
            for second, letter in zip(NAMES, row.split()):
                answer = None if letter == "." else (table["refused_by"], DATA["rules"][letter])
                cells[tuple(table[key] for key in KEY) + (first, second)] = answer
    return cells


def answered_cells(text):
    cells = {}
    for table in json.loads(text)["tables"]:
        for cell in table["cells"]:
            answer = None
            if not cell["allowed"]:
                answer = (cell["step"], cell["rule"])
                if cell["error"] != "EADDRINUSE":
                    answer += (cell["error"],)
            cells[tuple(table[key] for key in KEY) + (cell["first"], cell["second"])] = answer
    return cells


class Answers(unittest.TestCase):
    def test_the_data_is_whole(self):
        self.assertEqual(len(expected_cells()), 9 * 36)
        self.assertEqual({table["transport"] for table in DATA["tables"]}, {"tcp", "udp"})

    def test_every_cell_is_as_written_down(self):
        result = cli("bind-matrix", "--all", "--json")
        self.assertEqual(result.code, 0, result)
        expected, answered = expected_cells(), answered_cells(result.out)
        self.assertEqual(answered.keys(), expected.keys())
        may_differ = {tuple(cell) for cell in DATA["may_differ"]}
        for cell in expected:
            if cell in may_differ:
                if answered[cell] != expected[cell]:
                    print(f"differs here: {cell}: {answered[cell]}, not {expected[cell]}")
                continue
            self.assertEqual(answered[cell], expected[cell], cell)

    def test_without_all_it_is_the_table_of_two_listeners(self):
        answered = answered_cells(cli("bind-matrix", "--json").out)
        self.assertEqual({cell[:3] for cell in answered}, {("tcp", "listening", "none")})
        self.assertEqual(len(answered), 36)

    def test_an_ordinary_user_gets_the_same_answers(self):
        result = cli("bind-matrix", "--all", "--json", ordinary_user=True)
        self.assertEqual((result.code, result.err), (0, ""), result)
        self.assertEqual(result.out, cli("bind-matrix", "--all", "--json").out)

    def in_ten_ports(self, lab, stranger):
        """bind-matrix --all --json where the kernel has ten ports to give, beside a stranger."""
        script = ("import os, socket, subprocess, sys, threading\n"
                  "open('/proc/sys/net/ipv4/ip_local_port_range', 'w').write('40000 40009')\n"
                  + stranger + "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n")
        return subprocess.run(
            lab.wrap([sys.executable, "-c", script, str(BINARY), "bind-matrix", "--all", "--json"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment("/nonexistent"), timeout=TIMEOUT)

    def test_a_strangers_sockets_are_not_taken_for_an_answer(self):
        stranger = (
            "held = [socket.create_server(('127.0.0.2', p)) for p in range(40000, 40006)]\n"
            "def come_and_go():\n"
            "    while True:\n"
            "        for port in range(40006, 40009):\n"
            "            with socket.socket() as sock:\n"
            "                try: sock.bind(('127.0.0.2', port))\n"
            "                except OSError: pass\n"
            "threading.Thread(target=come_and_go, daemon=True).start()\n")
        with Namespace() as lab:
            done = self.in_ten_ports(lab, stranger)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(answered_cells(done.stdout), expected_cells())

    def test_without_a_free_port_it_says_so(self):
        stranger = "held = [socket.create_server(('', p)) for p in range(40000, 40010)]\n"
        with Namespace() as lab:
            done = self.in_ten_ports(lab, stranger)
        self.assertEqual((done.returncode, done.stdout), (5, ""), done.stderr)
        self.assertIn("bind-matrix: error: ", done.stderr)
        self.assertIn("Address already in use", done.stderr)

    def test_nothing_is_left(self):
        with Namespace() as lab:
            cli("bind-matrix", "--all", namespace=lab)
            left = subprocess.run(lab.wrap(["ss", "-Htuan"]), stdout=subprocess.PIPE, text=True,
                                  timeout=TIMEOUT)
            self.assertEqual(left.stdout, "")


class Text(unittest.TestCase):
    def test_the_table_can_be_read(self):
        result = cli("bind-matrix")
        self.assertEqual((result.code, result.err), (0, ""), result)
        self.assertNotIn("\x1b", result.out)
        self.assertIn("\n               0.0.0.0   127.0.0.1  127.0.0.2  [::]      [::] v6only  [::1]\n",
                      result.out)
        for name, row in zip(NAMES, RIGHT):
            line = next(line for line in result.out.splitlines() if line.startswith(f"  {name}  "))
            words = line[15:].split()
            numbers = [word for word in words if word.isdigit()]
            kinds = " ".join(word for word in words if not word.isdigit()).replace("in use", "x")
            self.assertEqual(kinds.replace("ok", "o").split(), list(row), line)
            self.assertEqual(len(numbers), 6, line)

    def test_every_line_fits_eighty_columns(self):
        for args in ((), ("--all",)):
            for line in cli("bind-matrix", *args).out.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_all_tells_every_rule_of_its_cells(self):
        text = cli("bind-matrix", "--all").out
        for title in ("Two TCP listeners\n", "Two TCP listeners, SO_REUSEADDR on both",
                      "Two TCP listeners, SO_REUSEPORT on both",
                      "TCP, the first bound and not listening\n",
                      "TCP, the first bound and not listening, SO_REUSEADDR on both",
                      "Two UDP sockets\n", "Two UDP sockets, SO_REUSEADDR on both"):
            self.assertIn(title, text)
        flat = " ".join(text.split())
        for sentence in ("two sockets cannot have one address and one port",
                         "bind alone reserves a port",
                         "the second takes the port of the first, and nobody is told",
                         "the second may listen; then listen() of the first answered EADDRINUSE"):
            self.assertIn(sentence, flat)


class WithoutIpv6(unittest.TestCase):
    def test_its_rows_and_columns_are_missing(self):
        with Namespace(ipv6=False) as lab:
            result = cli("bind-matrix", namespace=lab)
            self.assertEqual(result.code, 0, result)
            rows = [line for line in result.out.splitlines() if line.startswith("  [::")]
            self.assertEqual(rows, [])
            self.assertRegex(" ".join(result.out.split()),
                             r"IPv6 is off on this machine \(bind\(\) to \S+ answers E\w+\), so these "
                             r"rows and columns are missing: \[::\], \[::\] v6only, \[::1\]\.")
            answer = json.loads(cli("bind-matrix", "--all", "--json", namespace=lab).out)
            self.assertEqual(answer["addresses"], NAMES[:3])
            self.assertEqual([each["address"] for each in answer["missing"]], NAMES[3:])
            expected = expected_cells()
            answered = answered_cells(cli("bind-matrix", "--all", "--json", namespace=lab).out)
            self.assertEqual(len(answered), 9 * 9)
            for cell, got in answered.items():
                self.assertEqual(got, expected[cell], cell)

    def test_the_prediction_has_three_rows(self):
        with Namespace(ipv6=False) as lab:
            result = cli("bind-matrix", "--predict", input="xxx\nxxo\nxox\n", namespace=lab)
            self.assertEqual(result.code, 0, result)
            self.assertIn("\n9 of 9 right.\n", result.out)


class Predict(unittest.TestCase):
    def test_all_right(self):
        result = cli("bind-matrix", "--predict", input="\n".join(RIGHT))
        self.assertEqual((result.code, result.err), (0, ""), result)
        self.assertTrue(result.out.endswith("\n36 of 36 right.\n"), result.out)

    def test_each_wrong_cell_is_told_with_its_rule(self):
        rows = RIGHT[:]
        rows[0] = "xoxxoo"   # 127.0.0.1 beside 0.0.0.0
        rows[5] = "n y y n n n"  # 0.0.0.0 beside [::1]
        result = cli("bind-matrix", "--predict", input="\n".join(rows) + "\n\n")
        self.assertEqual(result.code, 0, result)
        told = result.out[result.out.index("34 of 36 right."):]
        self.assertEqual(told, (
            "34 of 36 right.\n"
            "\n"
            "0.0.0.0 first, then 127.0.0.1: you said ok, the kernel answered in use.\n"
            "  a socket for every address has the port on this address too.\n"
            "\n"
            "[::1] first, then 0.0.0.0: you said in use, the kernel allowed it.\n"
            "  one is for IPv4, the other for IPv6 alone: no address in common.\n"))

    def test_as_json(self):
        rows = ["oooooo"] * 6
        answer = json.loads(cli("bind-matrix", "--predict", "--json", input="\n".join(rows)).out)
        allowed = "".join(RIGHT).count("o")
        self.assertEqual(answer["score"], {"right": allowed, "of": 36})
        for cell in answer["tables"][0]["cells"]:
            self.assertEqual((cell["predicted_allowed"], cell["right"]), (True, cell["allowed"]))

    def test_what_is_no_table_is_refused(self):
        for given, said in (
                ("", "0 rows were given, the table has 6"),
                ("xxxxoo\n", "1 row was given, the table has 6"),
                ("\n".join(RIGHT + ["oooooo"]), "more than 6 rows were given, the table has 6"),
                ("xxxxoo\nxxox\n", "row 2 (127.0.0.1): error: 4 cells were given, the row has 6"),
                ("xxxxoo\nxxo xoq\n", 'row 2 (127.0.0.1): error: "q" is none of o, x, y and n'),
                ("o" * 100_000, "standard input: error: more than 64 KiB is no table")):
            result = cli("bind-matrix", "--predict", input=given)
            self.assertEqual((result.code, result.out), (2, ""), result)
            self.assertIn(said, result.err)

    def test_it_is_about_the_one_table(self):
        result = cli("bind-matrix", "--predict", "--all", input="")
        self.assertEqual(result.code, 2, result)


class PredictOnTerminal(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.run_ = OnTerminal(home.name, "bind-matrix", "--predict")
        self.addCleanup(self.run_.close)

    def test_a_person_is_asked_row_by_row(self):
        run = self.run_
        run.wait_for(r"  0\.0\.0\.0      ")
        run.press("qo")  # q is no answer, and o is taken back
        run.wait_for(r"  0\.0\.0\.0      ok        ")
        run.press("\x7f")
        run.press(RIGHT[0] + "o\n")  # a seventh is not taken
        for name, row in zip(NAMES[1:], RIGHT[1:]):
            run.wait_for(rf"\n  {re.escape(name)}  ")
            run.press(row + "\n")
        self.assertEqual(run.end(), 0, run.text)
        self.assertIsNone(sanitizer_report(run.text))
        self.assertIn("36 of 36 right.", run.text)
        # The kernel's answers are shown after the question only.
        self.assertLess(run.text.index("takes a cell back".split()[0]), run.text.index("in use 1"))
        self.assertEqual(run.modes(), run.before)

    def test_ctrl_c_leaves_the_terminal_as_it_was(self):
        run = self.run_
        run.wait_for(r"  0\.0\.0\.0      ")
        self.assertNotEqual(run.modes(), run.before)
        run.press("xx\x03")
        self.assertEqual(run.end(), 130, run.text)
        self.assertEqual(run.modes(), run.before)
        self.assertNotIn("right.", run.text)


if __name__ == "__main__":
    unittest.main()
