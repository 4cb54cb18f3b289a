#!/usr/bin/env python3
"""Checks that every include points down the floors of the house, and that third-party headers stay in
the files that may name them: check_layers.py [ROOT]

The tables below are the rule (docs/architecture.md tells it in words). A file may include its own
floor and the floors under it; no service includes another; a third-party header may be named only
where THIRD_PARTY says. Exits 1 with one line per violation, `file:line: what`.
"""

import pathlib
import re
import sys

# From the ground up. A place is a folder with all under it, or one file (with its .cc).
# Places on one floor may not include each other.
FLOORS = [
    ["core/base"],
    ["core/socket", "core/loop"],
    ["core/ports"],
    ["core/observe"],
    ["core/net"],
    ["core/settings"],
    ["core/service.h"],
    ["core/http"],
    ["core/host"],
    ["services/*", "app"],
]

# The application is where the floors meet: it may name the table of services, never one service.
# Tests may include everything below them.
TEST_FOLDERS = ["tests"]

# Header pattern -> the places that may include it. A place with a suffix is that one file.
THIRD_PARTY = {
    r"uv\.h": ["core/loop", "core/net"],
    r"toml\+\+/.*": ["core/settings/toml_reader.cc"],
    r"CLI/.*": ["app/command_line.cc"],
    r"spdlog/.*": ["core/observe/log.cc"],
    r"llhttp\.h": ["core/http/message_parser.cc"],
    r"fmt/.*": ["core/base/text.cc"],
    r"nlohmann/.*": ["core/base/json_value.cc"],
    r"tl/expected\.hpp": ["core/base/result.h"],
    r"openssl/.*": ["core/base/digest.cc", "core/net/x509.cc", "core/net/tls.cc",
                       "core/net/tls_context.cc", "core/net/tls_material.cc",
                       "core/net/tls_names.cc", "core/net/tls_stage.cc",
                       "core/net/tls_client.cc", "core/net/tls_client_socket.cc"],
    r"zlib\.h": ["core/http/compress_zlib.cc", "core/http/raw_deflate.cc"],
    r"brotli/.*": ["core/http/compress_brotli.cc"],
    r"zstd\.h": ["core/http/compress_zstd.cc"],
    r"sqlite3\.h": ["services/chat/sqlite_file.cc"],
    r"hiredis/.*": ["services/chat/redis_link.cc"],
    r"wslay/.*": ["tests/unit/websocket_differential_test.cc"],
    r"catch2/.*": ["tests/support/catch.h"],
}

# The standard library (no dot, no slash) is free, and so is the system.
SYSTEM = re.compile(
    r"[a-z_0-9]+"                              # <vector>
    r"|(sys|arpa|net|netinet|netpacket|linux|asm)/.*"
    r"|(unistd|fcntl|poll|netdb|pwd|grp|signal|errno|termios|spawn|pthread|sched|dirent|time"
    r"|ifaddrs|stddef|stdint|stdlib|string|stdio|pty|dlfcn|limits|execinfo|getopt|malloc|syslog)\.h")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = ("core", "services", "app", "tests")


def lies_in(path, place):
    """Is `path` (from the root, with slashes) the place, or in it?"""
    if place.endswith("/*"):
        return path.startswith(place[:-1])
    if place.endswith(".h"):
        return path in (place, place[:-2] + ".cc")
    return path == place or path.startswith(place + "/")


def floor_of(path):
    """(number, place) of a file, or None for one that is on no floor."""
    for number, places in enumerate(FLOORS):
        for place in places:
            if lies_in(path, place):
                if place.endswith("/*"):  # each folder is a place of its own
                    place = "/".join(path.split("/")[:2])
                return number, place
    return None


def is_test(path):
    return any(lies_in(path, folder) for folder in TEST_FOLDERS)


def wrong_own(path, header, root):
    """What is wrong with an include of one of our headers, or None."""
    if not (root / header).exists():
        return f'"{header}" is no file from the root of the tree'
    if is_test(path):
        return None
    if is_test(header):
        return f'"{header}" is a test header'
    here, there = floor_of(path), floor_of(header)
    if here is None:
        return f"{path} stands on no floor: add it to FLOORS in scripts/check_layers.py"
    if there is None:
        return f'"{header}" stands on no floor'
    if here[1] == there[1]:
        return None
    if there[0] == here[0]:
        return f'"{header}" is a neighbour: {here[1]} and {there[1]} may not include each other'
    if there[0] > here[0]:
        return f'"{header}" is above: {there[1]} stands on {here[1]}'
    return None


def wrong_third_party(path, header):
    for pattern, places in THIRD_PARTY.items():
        if re.fullmatch(pattern, header):
            if any(path == place or path.startswith(place + "/") for place in places):
                return None
            return f"<{header}> may be named only in {', '.join(places)}"
    if SYSTEM.fullmatch(header):
        return None
    return f"<{header}> is unknown: add it to THIRD_PARTY in scripts/check_layers.py, with its places"


def check_file(path, root):
    wrong = []
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    if path.endswith(".h") and not any(line.strip() == "#pragma once" for line in lines):
        wrong.append(f"{path}:1: a header starts with #pragma once")
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, header = found.groups()
        what = wrong_own(path, header, root) if kind == '"' else wrong_third_party(path, header)
        if what:
            wrong.append(f"{path}:{number}: {what}")
    return wrong


def source_files(root):
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".h", ".cc"):
                yield file.relative_to(root).as_posix()


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    files = list(source_files(root))
    wrong = [line for path in files for line in check_file(path, root)]
    for line in wrong:
        print(line)
    print(f"{len(files)} files, {len(wrong)} violations of the layers")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
