#!/usr/bin/env python3
"""Real work inside Debian on vm-cli: stress-ng verifies the processor, OpenSSL its algorithms, gcc compiles Lua.

usage: debian_test.py VM-CLI FETCH [unittest arguments]

Too long for every run of the tests: `make test-thorough` runs it. The root file system is made by
scripts/make-thorough, for the first time from some hundred MB of Debian's packages.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
from console import Console  # noqa: E402

PROGRAM = FETCH = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))


class Debian:
    """What is done on every architecture. `arch` is Debian's name for it; `console_name` is for the kernel's command line."""

    arch = None
    console_name = ""

    @classmethod
    def setUpClass(cls):
        scripts = os.path.dirname(FETCH)
        made = subprocess.run([os.path.join(scripts, "make-thorough"), cls.arch], capture_output=True, text=True)
        if made.returncode != 0:
            raise unittest.SkipTest(f"the root file system can't be made: {made.stderr.strip()}")
        cls.image = made.stdout.split()[-1]
        cls.linux = subprocess.run([FETCH, f"linux-{cls.arch}"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def setUp(self):
        images = os.path.dirname(self.image)
        self.console = Console([PROGRAM, "run", "--cpus", "2", "--memory", "1G", "--net", "none", "--serial", "stdio",
                                "--kernel", f"{self.linux}/vmlinuz", "--initrd", f"{images}/initramfs-{self.arch}.gz", "--append",
                                f"{self.console_name}root=LABEL=triarch quiet", "--disk", f"{self.image},format=raw,snapshot"])
        self.console.shell(300 * SLOW, "cd /root")

    def tearDown(self):
        self.console.__exit__()

    def run_in(self, command, minutes):
        """Run a command in the guest; what it printed, and it must have succeeded."""
        printed = self.console.run(f"{command}; echo status=$?", 60 * minutes * SLOW)
        self.assertRegex(printed, r"status=0\b")
        return printed

    def test_stress_ng(self):
        """Every method of its processor test once or more, with the results verified."""
        printed = self.run_in("stress-ng --cpu 1 --cpu-method all --verify --cpu-ops 200 --timeout 900 --metrics-brief", 20)
        self.assertRegex(printed, r"successful run completed")
        self.assertRegex(printed, r"passed: 1: cpu")
        self.assertNotRegex(printed, r"fail: ")

    def test_openssl_speed(self):
        algorithms = ["-evp aes-128-gcm", "-evp chacha20-poly1305", "-evp sha256", "-evp sha512", "rsa2048", "ecdsap256",
                      "ed25519"]
        for algorithm in algorithms:
            self.run_in(f"openssl speed -seconds 1 -bytes 1024 {algorithm}", 5)

    def test_openssl_self_tests(self):
        """The known answers that the FIPS provider checks its algorithms against when it is installed."""
        printed = self.run_in("openssl fipsinstall -module /usr/lib/*/ossl-modules/fips.so -provider_name fips -out /tmp/fips.cnf",
                              5)
        self.assertRegex(printed, r"INSTALL PASSED")
        self.assertGreater(len(re.findall(r": Pass", printed)), 20)

    def test_compile(self):
        """Lua, on both processors, and what was compiled runs."""
        self.run_in("cp -r /usr/src/lua-* lua && make -s -j2 -C lua linux", 30)
        printed = self.run_in("lua/src/lua -e 'local s = 0; for i = 1, 100000 do s = s + i % 7 end; print(_VERSION, s)'", 5)
        self.assertRegex(printed, rf"Lua 5\.\d\s+{sum(i % 7 for i in range(1, 100001))}")

    def test_compile_and_test(self):
        """zlib, whose own tests the result passes."""
        self.run_in("cp -r /usr/src/zlib* zlib && cd zlib && ./configure && make -s -j2", 30)
        printed = self.run_in("make -s test; cd", 5)
        self.assertRegex(printed, r"zlib test OK")
        self.assertNotRegex(printed, r"FAILED")


class X8664(Debian, unittest.TestCase):
    arch, console_name = "amd64", "console=ttyS0 "


class Aarch64(Debian, unittest.TestCase):
    arch = "arm64"


if __name__ == "__main__":
    PROGRAM, FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
