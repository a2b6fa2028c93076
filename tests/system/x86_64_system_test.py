#!/usr/bin/env python3
"""The system side of x86_64, case by case beside QEMU and Bochs: segments, gates, tasks, modes, paging, debugging, opcodes,
interrupts with their shadows, system-management mode, 57-bit addresses, 16-bit programs.

usage: x86_64_system_test.py VM-CLI [--seed N] [--count N] [unittest arguments]

Each area makes cases from a seed, of which --count are taken (300); x86/monitor.S runs them on all three, and says what
exception each ended with, and what registers and memory held then. Where they differ without a reason in
x86/divergences.py, the test fails and names the case. Two seeds are run, or the one that is given.
"""

import importlib
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "x86"))

from divergences import explained, first_difference  # noqa: E402
from peers import peers, run_all  # noqa: E402

AREAS = ("segments", "far", "interrupts", "tasks", "v86", "control", "paging", "debug", "opcodes", "events", "smm", "la57", "real")
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))
PROGRAM, SEEDS, COUNT = None, (1, 2), 300
ROM_CASES = 6000  # so many fit


def text(value):
    return value if isinstance(value, str) else "nothing" if value is None else f"{value:#x}"


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if platform.machine() != "x86_64":
            raise unittest.SkipTest("gcc makes no x86 code on this host")
        for command in ("gcc", "ld"):
            if not shutil.which(command):
                raise unittest.SkipTest(f"{command} is missing")
        version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout \
            if shutil.which("qemu-system-x86_64") else ""
        found = peers(PROGRAM)
        if int((re.search(r"version (\d+)", version) or [0, 0])[1]) < 10:
            found = [peer for peer in found if peer.name != "qemu"]
        if len(found) < 2:
            raise unittest.SkipTest("neither QEMU 10 nor Bochs is there: scripts/peers fetches them")
        cls.peers = found

    def compare(self, cases):
        with tempfile.TemporaryDirectory(prefix="triarch-system-") as folder:
            results = run_all(self.peers, cases, folder, 3 * SLOW)
        found = []
        for i, case in enumerate(cases):
            ours = results["triarch"][i].values()
            for peer in self.peers[1:]:
                if not results[peer.name][i]:
                    continue
                theirs = results[peer.name][i].values()
                name = first_difference(peer.name, ours, theirs)
                if name and not explained(peer.name, case.name, name):
                    found.append(f"{case.name}: {name} is {text(ours.get(name))}, {peer.name} has {text(theirs.get(name))}")
        return found

    def test_areas(self):
        different = []
        for seed in SEEDS:
            cases = []
            for area in AREAS:
                made = importlib.import_module(area).cases(random.Random(seed))
                cases += random.Random(seed).sample(made, min(COUNT, len(made)))
            for at in range(0, len(cases), ROM_CASES):
                different += [f"seed {seed}: {line}" for line in self.compare(cases[at:at + ROM_CASES])]
        self.assertEqual(different, [], "\n".join([f"{len(different)} cases differ", *different[:100]]))


def option(name, default):
    """The number behind --name, which is taken out of the arguments."""
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    try:
        number = int(sys.argv[at + 1])
    except (IndexError, ValueError):
        sys.exit(f"{name} takes a number")
    del sys.argv[at:at + 2]
    return number


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    COUNT, seed = option("--count", COUNT), option("--seed", None)
    SEEDS = SEEDS if seed is None else (seed,)
    unittest.main()
