"""Runs one whole-program test file: python3 -B run.py test_echo.py [TestClass[.test_name] ...]

A thin shell around unittest that makes skipping visible. Each skipped test is printed as
"SKIPPED: file.Class.test: reason" and noted in $POLYPORT_SKIP_DIR. Under CI=true a skipped test that
tests/may_skip.txt does not list is a failure.
"""

import importlib
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def may_skip():
    lines = (HERE.parent / "may_skip.txt").read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def name_of(test):
    """test_echo.Tcp.test_half_close; a skipped class is reported by unittest as 'setUpClass (x)'."""
    name = test.id()
    if name.startswith("setUpClass ("):
        name = name[len("setUpClass ("):-1]
    return name


def report_skips(module, skipped):
    """Prints and notes them; returns those that are not allowed."""
    folder = os.environ.get("POLYPORT_SKIP_DIR")
    lines = [f"{name_of(test)}: {reason}" for test, reason in skipped]
    for line in lines:
        print(f"SKIPPED: {line}")
    if folder:
        note = pathlib.Path(folder) / f"{module}.txt"
        note.write_text("".join(line + "\n" for line in lines))
    allowed = may_skip()
    return [name_of(test) for test, _ in skipped if name_of(test) not in allowed]


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0])
        return 2
    sys.path.insert(0, str(HERE))
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    module = importlib.import_module(path.stem)

    loader = unittest.defaultTestLoader
    if len(sys.argv) > 2:
        suite = loader.loadTestsFromNames(sys.argv[2:], module)
    else:
        suite = loader.loadTestsFromModule(module)
    if suite.countTestCases() == 0:
        print(f"{path.name} holds no tests")
        return 1
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    unlisted = report_skips(path.stem, result.skipped)
    if unlisted and os.environ.get("CI"):
        print(f"skipped under CI, and tests/may_skip.txt does not list: {', '.join(unlisted)}")
        return 1
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
