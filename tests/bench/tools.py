"""What the bench runs: tools from Debian, unpacked or installed, and the C programs beside this file."""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
UNPACKED = ROOT / "build/tools/root"
BUILT = ROOT / "build/bench"

FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
SHARED = ["client", "latency", "sockets", "answer"]
LOADS = ["rounds", "exchange", "close", "echo", "stream", "udp", "fanout", "paced", "connects"]


def find(name):
    """The path of a tool, or None. What was unpacked comes first: it is what CI has too."""
    folders = [str(UNPACKED / part) for part in ("usr/sbin", "usr/bin", "sbin", "bin")]
    return shutil.which(name, path=":".join([*folders, os.environ.get("PATH", ""),
                                             "/usr/sbin:/sbin"]))


def environment():
    """Ours without what would steer polyport, with the libraries of unpacked tools."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith(("POLYPORT", "LISTEN_", "NOTIFY_SOCKET"))}
    libraries = [str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu")]
    if libraries:
        env["LD_LIBRARY_PATH"] = ":".join(libraries)
    return env


def _compile(target, sources, extra=()):
    newest = max(path.stat().st_mtime for path in [*HERE.glob("*/*.h"), *sources])
    if target.exists() and target.stat().st_mtime > newest:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(f".{os.getpid()}")  # two benches may build at one time
    subprocess.run([os.environ.get("CC", "gcc"), *FLAGS, "-o", fresh, *sources, *extra], check=True)
    fresh.rename(target)
    return target


def client(tls=False):
    """The load client; TLS is a program of its own, so that the other one needs no library."""
    names = SHARED + (["tls"] if tls else LOADS)
    extra = ["-DWITH_TLS", "-lssl", "-lcrypto"] if tls else []
    return _compile(BUILT / ("client_tls" if tls else "client"),
                    [HERE / "client" / f"{name}.c" for name in names], extra)


def floor(name):
    return _compile(BUILT / f"floor_{name}", [HERE / "floor" / f"{name}.c"])


def version(name):
    """What a tool says about its version, for the report."""
    path = find(name)
    if path is None:
        return None
    option = {"nginx": "-v", "haproxy": "-v", "lighttpd": "-v", "socat": "-V", "xinetd": "-version",
              "wrk": "-v"}.get(name, "--version")
    done = subprocess.run([path, option], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment(), timeout=20, check=False)
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    if name == "socat" and len(lines) > 1:
        return lines[1].split(" on ")[0]
    return lines[0].split(" - ")[0].strip()[:70] if lines else None
