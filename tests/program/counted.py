"""The program with its allocations and socket calls counted (tests/preload/count_calls.c)."""

import mmap
import pathlib
import re
import struct
import subprocess

from support import BINARY, BUILD

COUNTER = BUILD / "tests" / "libpolyport_count_calls.so"
NAMES = ("allocations", "maps", "sends", "receives")


def preload():
    """The value of LD_PRELOAD: a sanitizer's library, where the program has one, must be first."""
    linked = subprocess.run(["ldd", str(BINARY)], stdout=subprocess.PIPE, check=True,
                            timeout=30).stdout.decode()
    sanitizer = re.findall(r"(/\S*/libasan\.so\S*)", linked)
    return ":".join(sanitizer[:1] + [str(COUNTER)])


class Counts:
    """What a server started with `environment` has done so far."""

    def __init__(self, test):
        path = pathlib.Path(test.folder(), "counts")
        path.write_bytes(bytes(8 * len(NAMES)))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        test.addCleanup(self.memory.close)
        self.environment = {"LD_PRELOAD": preload(), "POLYPORT_COUNTS": str(path)}

    def now(self):
        return dict(zip(NAMES, struct.unpack(f"={len(NAMES)}Q", self.memory[:])))

    def since(self, before):
        now = self.now()
        return {name: now[name] - before[name] for name in NAMES}
