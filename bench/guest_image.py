#!/usr/bin/env python3
"""Builds tribench for one architecture and packs it, as /init, into an initramfs.

    guest_image.py ARCH FOLDER     makes FOLDER/tribench-ARCH and FOLDER/tribench-ARCH.cpio.gz
"""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

COMPILERS = {arch: f"{arch}-linux-gnu-gcc" for arch in ("riscv64", "aarch64", "x86_64")}

# Without contraction into fused operations every architecture computes the same bits (guest/float.c).
FLAGS = ["-std=gnu17", "-O2", "-static", "-pthread", "-ffp-contract=off", "-D_GNU_SOURCE",
         "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla",
         "-Wpointer-arith", "-Wcast-qual", "-Wundef", "-Werror"]

SOURCES = Path(__file__).resolve().parent / "guest"


class BuildError(Exception):
    """tribench could not be built; the text says why."""


def compile_program(compiler, program):
    """Compiles tribench with `compiler` into the file `program`."""
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    if not shutil.which(compiler):
        raise BuildError(f"no compiler {compiler}: install Debian's package {package_of(compiler)}")
    program.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, *FLAGS, "-o", str(program), *sources, "-lm"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise BuildError(f"{compiler} failed:\n{result.stderr}")


def package_of(compiler):
    return "gcc-" + compiler.removesuffix("-gcc").replace("x86_64", "x86-64")


def cpio_entry(number, name, mode, data=b"", device=(0, 0)):
    """One member of a "newc" archive: a header of 8-digit hexadecimal fields, the name, the data, each padded to 4."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return pad4(header) + pad4(data)


def pad4(data):
    return data + bytes(-len(data) % 4)


def pack(program, archive):
    """Writes a gzip-compressed initramfs with `program` as /init and the console that the kernel gives it."""
    members = [
        ("dev", 0o040755, b"", (0, 0)),
        ("dev/console", 0o020600, b"", (5, 1)),
        ("init", 0o100755, program.read_bytes(), (0, 0)),
        ("TRAILER!!!", 0, b"", (0, 0)),
    ]
    cpio = b"".join(cpio_entry(number, *member) for number, member in enumerate(members, 1))
    partial = archive.with_suffix(".part")
    partial.write_bytes(gzip.compress(cpio, mtime=0))
    os.replace(partial, archive)


def build(arch, folder):
    """Makes what is missing or older than its sources; returns the initramfs and the program in it."""
    program = Path(folder) / f"tribench-{arch}"
    archive = Path(folder) / f"tribench-{arch}.cpio.gz"
    newest = max(path.stat().st_mtime for path in [*SOURCES.iterdir(), Path(__file__)])
    if not (archive.exists() and program.exists() and archive.stat().st_mtime >= newest):
        compile_program(COMPILERS[arch], program)
        pack(program, archive)
    return archive, program


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in COMPILERS:
        sys.exit(f"usage: guest_image.py {'|'.join(COMPILERS)} FOLDER")
    try:
        build(sys.argv[1], sys.argv[2])
    except (BuildError, OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"guest_image.py: {error}")


if __name__ == "__main__":
    main()
