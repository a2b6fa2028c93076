"""Builds the bare programs of this folder and runs them here and on the peer's board.

A test's command line: FILE VM-CLI [--seeds N] [unittest arguments]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
SEEDS = 1
HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER, PEER = "aarch64-linux-gnu-gcc", "qemu-system-aarch64"
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))
FLAGS = ["-nostdlib", "-static", "-no-pie", "-fno-pic", "-ffreestanding", "-fno-builtin", "-mgeneral-regs-only", "-mstrict-align",
         "-fno-asynchronous-unwind-tables", "-O2", "-march=armv8-a", "-Wall", "-Wextra", "-Wa,--no-warn",
         "-Wl,-Ttext=0x40100000,-Tbss=0x40200000,--build-id=none,-n,--no-warn-rwx-segments"]


class Bare(unittest.TestCase):
    """A test case that has a folder, and skips where the compiler or the peer is missing."""

    @classmethod
    def setUpClass(cls):
        for command, package in ((COMPILER, "gcc-aarch64-linux-gnu"), (PEER, "scripts/peers")):
            if not shutil.which(command):
                raise unittest.SkipTest(f"{command} is missing: {package} has it")
        version = subprocess.run([PEER, "--version"], capture_output=True, text=True).stdout
        if int((re.search(r"version (\d+)", version) or [0, 0])[1]) < 10:
            raise unittest.SkipTest(f"{PEER} is older than version 10: scripts/peers fetches a newer one")
        cls.folder = tempfile.TemporaryDirectory(prefix="triarch-system-")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def build_alone(self, name, *arguments):
        """The program of sources (in this folder) and compiler options."""
        image = self.path(name + ".elf")
        sources = [os.path.join(HERE, a) if re.fullmatch(r"\w+\.[cS]", a) else a for a in arguments]
        subprocess.run([COMPILER, *FLAGS, "-o", image, *sources], check=True)
        return image

    def build(self, name, *arguments):
        """Likewise, over the common floor."""
        return self.build_alone(name, "aarch64_bare.S", "aarch64_bare.c", *arguments)

    def lines(self, command):
        """What a run has printed on its serial port, up to the E at its end."""
        log = self.path("log")
        result = subprocess.run([*command, f"file:{log}"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=300 * SLOW)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(log) as text:
            lines = text.read().split("\n")
        self.assertIn("E", lines)
        return lines[:lines.index("E")]

    def both(self, image, model, peers_model, gic=3):
        """The lines of both."""
        ours = self.lines([PROGRAM, "run", "--arch", "aarch64", "--cpu", model, "--machine", f"gic-version={gic}", "--memory",
                           "512M", "--net", "none", "--firmware", "none", "--kernel", image, "--serial"])
        theirs = self.lines([PEER, "-M", f"virt,gic-version={gic}", "-cpu", peers_model, "-m", "512M", "-no-user-config",
                             "-nodefaults", "-display", "none", "-kernel", image, "-serial"])
        return ours, theirs


# The peer's names of what --cpu calls the same. SVE, SME and MTE are not here.
MODELS = {"max": "max,sve=off,sme=off", "cortex-a57": "cortex-a57", "neoverse-n1": "neoverse-n1"}


def main():
    global PROGRAM, SEEDS
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    if sys.argv[1:2] == ["--seeds"]:
        SEEDS = int(sys.argv[2])
        del sys.argv[1:3]
    unittest.main(module="__main__")
