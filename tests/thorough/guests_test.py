#!/usr/bin/env python3
"""Other kernels on an x86_64 vm-cli, a hypervisor started by EFI firmware, and the kernel's own tests of x86.

usage: guests_test.py VM-CLI FETCH [unittest arguments]

Too long for every run of the tests: `make test-thorough` runs it.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import boot_test  # noqa: E402
from boot_test import SLOW, fetch, guest  # noqa: E402

# With status 4 a test says that it was skipped.
SKIPPED = 4

RUN_SELFTESTS = """#!/bin/sh
cd /selftests
for test in *; do
    timeout 600 ./$test >/tmp/out 2>&1
    status=$?
    grep -a FAIL /tmp/out
    echo "selftest $test: $status"
done
echo all self-tests ran
poweroff -f
"""


class Kernels(unittest.TestCase):
    def kernel(self, name, *words):
        images = os.path.join(os.path.dirname(fetch("linux-amd64")), "images")
        with guest("--arch", "x86_64", "--cpus", "2", "--memory", "1G", "--net", "none", "--kernel",
                   os.path.join(fetch(name), "vmlinuz"), "--initrd", f"{images}/initramfs-amd64.gz", "--append",
                   "console=ttyS0", *words) as console:
            console.expect(r"initramfs# ", 300 * SLOW)
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_realtime(self):
        self.kernel("linux-rt-amd64")

    def test_cloud(self):
        self.kernel("linux-cloud-amd64")

    def test_debian12(self):
        self.kernel("linux12-amd64")

    def test_secure_boot(self):
        self.kernel("linux-amd64", "--firmware", os.path.join(fetch("ovmf-secboot"), "code.fd"))


class Xen(unittest.TestCase):
    """The boot tests start it by a BIOS."""

    def test_ovmf(self):
        fetch("ovmf")
        with tempfile.TemporaryDirectory(prefix="triarch-xen-") as folder:
            boot_test.xen(folder, "--firmware", "ovmf")


class SelfTests(unittest.TestCase):
    def test_all(self):
        scripts = os.path.dirname(boot_test.FETCH)
        with tempfile.TemporaryDirectory(prefix="triarch-selftests-") as folder:
            root, initramfs = os.path.join(folder, "root"), os.path.join(folder, "initramfs.gz")
            os.makedirs(os.path.join(root, "etc"))
            made = subprocess.run([os.path.join(scripts, "make-selftests"), os.path.join(root, "selftests")],
                                  capture_output=True, text=True)
            if made.returncode != 0:
                self.skipTest(f"the self-tests can't be compiled: {made.stderr.strip()}")
            with open(os.path.join(root, "etc", "rc"), "w") as out:
                out.write(RUN_SELFTESTS)
            os.chmod(out.name, 0o755)
            subprocess.run([os.path.join(scripts, "make-initramfs"), "amd64", initramfs, root], check=True)
            with guest("--arch", "x86_64", "--cpu", "max", "--cpus", "2", "--memory", "1G", "--net", "none", "--kernel",
                       os.path.join(fetch("linux-amd64"), "vmlinuz"), "--initrd", initramfs, "--append",
                       "console=ttyS0 vsyscall=xonly") as console:
                console.expect(r"all self-tests ran", 1800 * SLOW)
                text = console.text()
        ran = dict(re.findall(r"selftest (\w+): (\d+)", text))
        failed = {name for name, status in ran.items() if int(status) not in (0, SKIPPED)}
        self.assertGreater(len(ran), 20)
        self.assertEqual(failed, set(), text)


if __name__ == "__main__":
    boot_test.PROGRAM, boot_test.FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
