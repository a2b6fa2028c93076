#!/usr/bin/env python3
"""Real firmware and operating systems for riscv64 on vm-cli, by what they print on the serial port.

usage: boot_test.py VM-CLI FETCH [unittest arguments]

FETCH is scripts/fetch, which prints the folder of each set of guests. Times are for a busy host;
TRIARCH_TEST_SLOW multiplies them.
"""

import os
import subprocess
import sys
import unittest

from console import Console

PROGRAM = FETCH = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))

FIRST_QUESTION = r"Choose the language|Select a language|Language:"


def fetch(name):
    result = subprocess.run([FETCH, name], capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise unittest.SkipTest(f"{name} can't be fetched: {result.stderr.strip()}")
    return result.stdout.split()[-1]


def guest(*words):
    return Console([PROGRAM, "run", "--serial", "stdio", *words])


class Riscv64(unittest.TestCase):
    def installer(self, firmware, cpus):
        folder = fetch("debian-riscv64")
        if firmware == "opensbi":
            firmware = os.path.join(fetch("opensbi"), "fw_dynamic.bin")
        with guest("--firmware", firmware, "--cpus", str(cpus), "--memory", "1G", "--kernel", f"{folder}/linux",
                   "--initrd", f"{folder}/initrd.gz", "--append", "console=ttyS0") as console:
            if firmware != "builtin":
                console.expect(r"OpenSBI v\d", 60 * SLOW)
            console.expect(r"Linux version", 120 * SLOW)
            if cpus > 1:
                console.expect(rf"smp: Brought up 1 node, {cpus} CPUs", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_installer_builtin_1(self):
        self.installer("builtin", 1)

    def test_installer_builtin_4(self):
        self.installer("builtin", 4)

    def test_installer_opensbi_1(self):
        self.installer("opensbi", 1)

    def test_installer_opensbi_4(self):
        self.installer("opensbi", 4)

    def u_boot(self, firmware):
        kernel = os.path.join(fetch("u-boot"), "riscv64_smode", "u-boot.bin")
        with guest("--firmware", firmware, "--kernel", kernel) as console:
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"Hit any key to stop autoboot", 60 * SLOW)
            console.send("\n")
            console.expect(r"=> ", 60 * SLOW)
            console.send("version\n")
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"=> ", 60 * SLOW)
            console.send("poweroff\n")
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_u_boot_opensbi(self):
        self.u_boot(os.path.join(fetch("opensbi"), "fw_dynamic.bin"))

    def test_u_boot_builtin(self):
        self.u_boot("builtin")

    def test_u_boot_machine_mode(self):
        firmware = os.path.join(fetch("u-boot"), "riscv64", "u-boot.bin")
        with guest("--firmware", "none", "--kernel", firmware) as console:
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"Hit any key to stop autoboot", 60 * SLOW)
            console.send("\n")
            console.expect(r"=> ", 60 * SLOW)

    def test_opensbi_elf(self):
        firmware = os.path.join(fetch("opensbi"), "fw_jump.elf")
        kernel = os.path.join(fetch("u-boot"), "riscv64_smode", "u-boot.bin")
        with guest("--firmware", firmware, "--kernel", kernel) as console:
            console.expect(r"OpenSBI v\d", 60 * SLOW)
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)

    def edk2(self, *words):
        folder = fetch("edk2-riscv64")
        fetch("opensbi")
        with guest("--firmware", f"{folder}/code.fd", *words) as console:
            console.expect(r"UEFI Interactive Shell|Shell> |Press.*to (?:skip|enter)", 300 * SLOW)

    def test_edk2(self):
        self.edk2()


if __name__ == "__main__":
    PROGRAM, FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
