#!/usr/bin/env python3
"""The benchmarks: their checksums against tests/bench/oracles.py and published values, and bench/run against emulators
that are well, wrong, silent, endless or dead."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "bench"), str(Path(__file__).resolve().parent)]

import guest_image  # noqa: E402
import oracles  # noqa: E402
import report  # noqa: E402

# Rounds that Python's oracles can follow in a second or so.
ROUNDS = {"sieve": 2, "crc32": 20, "sha256": 20, "quicksort": 3, "interpreter": 3000, "calls": 200000, "recursion": 3,
          "mix": 40, "chase": 300000, "memcpy": 100, "nbody": 1000, "mandelbrot": 20, "matrix": 3, "syscalls": 1000,
          "pipe": 300, "fork": 120, "faults": 3, "signals": 1001, "atomics": 100000}

folder = None
program = None


def setUpModule():
    global folder, program
    folder = tempfile.TemporaryDirectory()
    program = Path(folder.name) / "tribench"
    guest_image.compile_program(os.environ.get("CC", "cc"), program)


def tearDownModule():
    folder.cleanup()


def tribench(*arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    return result.returncode, result.stdout.splitlines()


def checksum_of(name, rounds):
    status, lines = tribench("--only", name, "--rounds", str(rounds))
    head = f"BENCH {name} end checksum="
    assert status == 0 and lines[0] == f"BENCH {name} start" and lines[2:] == ["BENCH done"], lines
    assert lines[1].startswith(head), lines
    return int(lines[1].removeprefix(head), 16)


class ChecksumTest(unittest.TestCase):
    def test_against_oracles(self):
        for name, rounds in ROUNDS.items():
            for count in (1, rounds):
                with self.subTest(name=name, rounds=count):
                    self.assertEqual(f"{checksum_of(name, count):016x}", f"{getattr(oracles, name)(count):016x}")

    def test_every_benchmark_is_checked(self):
        names = {line.split()[1] for line in tribench("--list")[1]}
        self.assertEqual(names, set(ROUNDS))

    def test_nbody_energy(self):
        # The Computer Language Benchmarks Game's published output for 1000 steps, 9 digits.
        energy = struct.unpack("<d", struct.pack("<Q", checksum_of("nbody", 1000)))[0]
        self.assertEqual(f"{energy:.9f}", "-0.169087605")

    def test_collatz_record(self):
        # OEIS A006877 and A006878: 6171 is the record below 10 000, with 261 steps.
        self.assertEqual(checksum_of("interpreter", 10000), 6171 << 32 | 261)

    def test_oracle_crc16(self):
        self.assertEqual(oracles.crc16(0, b"123456789"), 0xbb3d)  # the check value of CRC-16/ARC


class ProgramTest(unittest.TestCase):
    def test_selection(self):
        def listed(only):
            return [line.split()[1] for line in tribench("--list", "--only", only)[1]]

        self.assertEqual(listed("float,system/fork,sieve"), ["sieve", "nbody", "mandelbrot", "matrix", "fork"])
        self.assertEqual(listed("siev"), [])
        self.assertEqual(listed("memory/sieve"), [])

    def test_scale(self):
        def rounds(scale):
            return int(tribench("--list", "--only", "syscalls", "--scale", scale)[1][0].split()[2])

        self.assertEqual(rounds("0.5") * 4, rounds("2"))
        self.assertEqual(rounds("1e-9"), 1)

    def test_usage(self):
        for arguments in (["--scale", "x"], ["--scale", "-1"], ["--scale", "nan"], ["--rounds"], ["sieve"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(tribench(*arguments), (2, []))


class ImageTest(unittest.TestCase):
    def test_archive(self):
        if not shutil.which("cpio"):
            self.skipTest("the program cpio is missing")
        archive = Path(folder.name) / "image.cpio.gz"
        guest_image.pack(program, archive)
        data = gzip.decompress(archive.read_bytes())
        listing = subprocess.run(["cpio", "-itv"], input=data, capture_output=True, timeout=30, check=True).stdout
        modes = {line.split()[-1]: line.split()[0] for line in listing.decode().splitlines()}
        self.assertEqual(modes, {"dev": "drwxr-xr-x", "dev/console": "crw-------", "init": "-rwxr-xr-x"})
        extracted = subprocess.run(["cpio", "-i", "--to-stdout", "init"], input=data, capture_output=True, timeout=30,
                                   check=True).stdout
        self.assertEqual(extracted, program.read_bytes())


class ReportTest(unittest.TestCase):
    def test_table(self):
        times = {"slow": {"boot": 4.0, "memory": 90.0, "a": 2.0, "b": 8.0}, "qemu": {"boot": 2.0, "memory": 45.0, "a": 1.0, "b": 1.0, "c": 1.0}}
        text = report.table("title", {"one": ["a", "b"], "two": ["c"]}, times, "qemu")
        rows = {" ".join(line.split()[:-3]): line.split()[-3:] for line in text.splitlines()[2:]}
        self.assertEqual(rows["boot to user space"], ["4.000", "2.000", "2.00"])
        self.assertEqual(rows["memory taken by then, MiB"], ["90.000", "45.000", "2.00"])
        self.assertEqual(rows["one/b"], ["8.000", "1.000", "8.00"])
        self.assertEqual(rows["one, geometric mean"], ["4.000", "1.000", "4.00"])
        self.assertEqual(rows["two/c"], ["-", "1.000", "-"])


class RunTest(unittest.TestCase):
    """bench/run, with shell scripts for emulators that run the host's tribench instead of a machine."""

    def setUp(self):
        self.arch = next((arch for arch, compiler in guest_image.COMPILERS.items() if shutil.which(compiler)), None)
        if not self.arch:
            self.skipTest("no cross compiler is installed")
        self.folder = Path(tempfile.mkdtemp(dir=folder.name))
        self.kernel = self.folder / "kernel"
        self.kernel.touch()
        self.script("vm-cli", self.healthy("sieve,fork"))
        self.script(f"qemu-system-{self.arch}", self.healthy("sieve,fork"))

    def script(self, name, body):
        (self.folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.folder / name).chmod(0o755)

    @staticmethod
    def healthy(only):
        return f"echo '[    0.1] noise BENCH boot'; exec {program} --scale 0.02 --only {only}"

    def run_bench(self, *arguments, only="sieve,fork"):
        environment = {**os.environ, "TRIARCH_VM_CLI": str(self.folder / "vm-cli"), "TRIARCH_PEERS": str(self.folder)}
        command = [sys.executable, TOP / "bench/run", "--arch", self.arch, "--kernel", self.kernel, "--only", only,
                   "--build-folder", Path(folder.name) / "images", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    def assert_fails(self, result, message):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(message, result.stderr)

    def test_healthy(self):
        output = self.folder / "out.json"
        result = self.run_bench("--repeat", "2", "--json", output)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [line.split()[0] for line in result.stdout.splitlines() if "/" in line and "geometric" not in line]
        self.assertEqual(rows[1:], ["integer/sieve", "system/fork"])
        runs = json.loads(output.read_text())["runs"]
        self.assertEqual([(run["emulator"], run["run"]) for run in runs],
                         [("triarch", 0), ("triarch", 1), ("qemu", 0), ("qemu", 1)])
        sieve = runs[0]["benchmarks"]["sieve"]
        self.assertEqual(int(sieve["checksum"], 16), oracles.sieve(2))

    def test_time_is_between_lines(self):
        self.script("vm-cli", "echo BENCH boot; echo BENCH sieve start; sleep 1;"
                    "echo BENCH sieve end checksum=0000000000000000; echo BENCH done")
        output = self.folder / "out.json"
        result = self.run_bench("--emulators", "triarch", "--repeat", "1", "--json", output, only="sieve")
        self.assertEqual(result.returncode, 0, result.stderr)
        sieve = json.loads(output.read_text())["runs"][0]["benchmarks"]["sieve"]
        self.assertGreater(sieve["wall"], 0.3)  # a busy host may read the first line late
        self.assertLess(sieve["cpu"], 0.2)

    def test_wrong_checksum(self):
        self.script("vm-cli", "echo BENCH boot; echo BENCH sieve start; echo BENCH sieve end checksum=0000000000000001;"
                    "echo BENCH done")
        self.assert_fails(self.run_bench("--repeat", "1", only="sieve"), "sieve: the checksums disagree")

    def test_missing_benchmark(self):
        self.script("vm-cli", self.healthy("sieve"))
        self.assert_fails(self.run_bench("--repeat", "1"), "triarch: no result for fork")

    def test_silent(self):
        self.script("vm-cli", "echo BENCH boot; sleep 1000 & sleep 1000")
        result = self.run_bench("--repeat", "1", "--silence", "1", "--emulators", "triarch")
        self.assert_fails(result, "silent for 1 s")

    def test_endless_noise(self):
        self.script("vm-cli", "while :; do echo noise; sleep 0.05; done")
        result = self.run_bench("--repeat", "1", "--silence", "1", "--emulators", "triarch")
        self.assert_fails(result, "ran for too long")

    def test_dead(self):
        self.script("vm-cli", "echo BENCH boot; echo BENCH sieve start; echo no such luck >&2; exit 3")
        result = self.run_bench("--repeat", "1", "--emulators", "triarch")
        self.assert_fails(result, "ended before the benchmarks did, with status 3 (during sieve)")
        self.assertIn("no such luck", result.stderr)

    def test_panic(self):
        self.script("vm-cli", "echo 'Kernel panic - not syncing: no init'; sleep 1000")
        self.assert_fails(self.run_bench("--repeat", "1", "--emulators", "triarch"), "the guest's kernel panicked")

    def test_failed_benchmark(self):
        self.script("vm-cli", "echo BENCH boot; echo BENCH fork start; echo 'BENCH fork failed fork: no memory';"
                    "sleep 1000")
        self.assert_fails(self.run_bench("--repeat", "1", "--emulators", "triarch"), "fork failed: fork: no memory")

    def test_usage(self):
        for arguments in (["--only", "nothing"], ["--emulators", "nothing"], ["--variant", "x"], ["--repeat", "0"],
                          ["--arch", "pdp11"], ["--scale", "nan"]):
            with self.subTest(arguments=arguments):
                result = self.run_bench(*arguments)
                self.assertEqual(result.returncode, 2, result.stderr)


if __name__ == "__main__":
    unittest.main()
