#!/usr/bin/env python3
"""What guests show on the screen, by screenshots, and what they do with keys that are typed.

usage: screen_test.py VM-CLI FETCH [unittest arguments]

A screenshot is made every few seconds; the test goes on with the first that shows what it waits for.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from picture import Picture

PROGRAM = FETCH = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))

# The demo's colours.
BACKGROUND, TITLE, BALL, TEXT = 0x102030, 0xF0C040, 0xE05038, 0xD0D8E0
# The text installer's: the console's blue around a box of grey with the chosen line in red.
BLUE, GREY, RED = 0x0000AA, 0xAAAAAA, 0xAA0000


def fetch(name):
    result = subprocess.run([FETCH, name], capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise unittest.SkipTest(f"{name} can't be fetched: {result.stderr.strip()}")
    return result.stdout.split()[-1]


class Screen:
    """A running vm-cli with screenshots at the given seconds: 16 at most."""

    def __init__(self, folder, seconds, *words):
        self.paths = [os.path.join(folder, f"{second}.png") for second in seconds]
        self.log = os.path.join(folder, "serial")
        shots = [word for second, path in zip(seconds, self.paths)
                 for word in ("--screenshot-at", f"{second * SLOW:g}:{path}")]
        self.end = time.monotonic() + seconds[-1] * SLOW + 20 * SLOW
        self.process = subprocess.Popen([PROGRAM, "run", "--display", "none", "--net", "none", "--serial",
                                         f"file:{self.log}", *words, *shots],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def wait(self, shows):
        """The first picture for which `shows` holds."""
        for path in self.paths:
            picture = self.picture(path)
            if shows(picture):
                return picture
        raise AssertionError(f"no screenshot shows it; the serial port said {self.text()[-1000:]}")

    def picture(self, path):
        while time.monotonic() < self.end and self.process.poll() is None:
            try:
                return Picture(path)
            except (OSError, ValueError):
                time.sleep(0.1)  # until the file is there
        self.process.kill()
        raise AssertionError(f"no screenshot was written; vm-cli said {self.process.stdout.read()!r}, the serial port "
                             f"{self.text()[-1000:]}")

    def text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()


class Screens(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-screen-")

    def tearDown(self):
        self.folder.cleanup()

    def demo(self, arch, *words):
        """The title, the ball, the text; a command that is typed is done and echoed."""
        def shown(picture):
            return picture.count(TEXT, 24, 120, 600, 500) > 1000 and picture.count(BALL) == 16 * 16

        typed = [word for second in (3, 5, 8, 12, 18) for word in ("--type-at", f"{second * SLOW:g}:zzz\\n")]
        with Screen(self.folder.name, [2, 3, 4, 6, 9, 12, 16, 20], "--arch", arch, *typed, *words) as screen:
            picture = screen.wait(shown)
            self.assertEqual(picture.pixel(24, 24), TITLE)     # the left end of the T's bar
            self.assertEqual(picture.pixel(24, 36), BACKGROUND)
            self.assertEqual(picture.pixel(40, 60), TITLE)     # its stem
            after = screen.wait(lambda after: "'zzz' is not a command" in screen.text() and
                                shown(after) and after.rows[120:] != picture.rows[120:])
            self.assertNotEqual(picture.rows[80:96], after.rows[80:96]) # the ball has moved

    def test_screen_demo_riscv64(self):
        self.demo("riscv64")

    def test_screen_demo_aarch64(self):
        self.demo("aarch64")

    def test_screen_demo_x86_64(self):
        self.demo("x86_64")

    def test_screen_demo_x86_64_virtio(self):
        self.demo("x86_64", "--machine", "display=virtio")

    def test_screen_vga_guest(self):
        """A guest of ours sets modes and draws; the picture is the peer's, pixel by pixel."""
        guest = os.path.join(os.path.dirname(PROGRAM), "guests", "vga.elf")
        if not os.path.exists(guest):
            self.skipTest("the guest is not built: no x86_64 cross compiler")
        if not shutil.which("qemu-system-x86_64"):
            self.skipTest("qemu-system-x86_64 is not installed (scripts/peers)")
        for name in ("text_40_columns", "mode_04", "mode_0d", "mode_12", "mode_x", "vbe_16"):
            with self.subTest(name):
                peer = self.peer_picture(guest, name)
                with tempfile.TemporaryDirectory(dir=self.folder.name) as folder, \
                        Screen(folder, [1, 2, 4, 8, 16], "--arch", "x86_64", "--kernel", guest, "--append", name) as screen:
                    screen.wait(lambda picture: picture.rows == peer)

    def peer_picture(self, guest, name):
        """Rows of RGB from QEMU, when its guest says that they are there."""
        path = os.path.join(self.folder.name, "peer.ppm")
        with subprocess.Popen(["qemu-system-x86_64", "-nodefaults", "-display", "none", "-device", "VGA", "-kernel", guest,
                               "-append", name, "-serial", f"file:{path}.serial", "-qmp", "stdio"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            deadline = time.monotonic() + 30 * SLOW
            while time.monotonic() < deadline and peer.poll() is None:
                if os.path.exists(f"{path}.serial"):
                    with open(f"{path}.serial", encoding="ascii") as serial:
                        if "shown" in serial.read():
                            break
                time.sleep(0.1)
            peer.stdin.write('{"execute": "qmp_capabilities"}\n{"execute": "screendump", "arguments": {"filename": "%s"}}\n'
                             '{"execute": "quit"}\n' % path)
            peer.stdin.flush()
            peer.stdout.read()
        os.unlink(f"{path}.serial")
        with open(path, "rb") as file:
            self.assertEqual(file.readline(), b"P6\n")
            width, height = (int(number) for number in file.readline().split())
            self.assertEqual(file.readline(), b"255\n")
            pixels = file.read()
        return [pixels[3 * width * y:3 * width * (y + 1)] for y in range(height)]

    def installer(self, arch, debian):
        """The text installer by virtio-gpu: its first question; Enter on the virtio keyboard answers it."""
        def question(picture):
            return (picture.width, picture.height) == (1280, 800) and picture.count(BLUE, 0, 0, 1280, 10) > 10000 and \
                picture.count(RED, 100, 100, 1000, 600) > 2000

        folder = fetch(f"debian-{debian}")
        enters = [word for second in range(60, 180, 20) for word in ("--type-at", f"{second * SLOW:g}:\\n")]
        with Screen(self.folder.name, range(20, 180, 10), "--arch", arch, "--memory", "1G", "--kernel",
                    f"{folder}/linux", "--initrd", f"{folder}/initrd.gz", "--append", "console=tty0", *enters) as screen:
            first = screen.wait(question)
            self.assertGreater(first.count(GREY), 500000)
            # The list of languages is long; the next page has others, or other lines.
            screen.wait(lambda picture: question(picture) and picture.rows[100:700] != first.rows[100:700])

    def test_screen_installer_riscv64(self):
        self.installer("riscv64", "riscv64")

    def test_screen_installer_aarch64(self):
        self.installer("aarch64", "arm64")

    def edk2(self, arch, debian, *words):
        """The firmware's shell or menu: an 800 x 600 picture or larger, with text in it."""
        def shown(picture):
            lit = picture.width * picture.height - picture.count(0)
            return picture.width >= 640 and lit > 3000

        folder = fetch(f"edk2-{debian}")
        with Screen(self.folder.name, range(5, 80, 5), "--arch", arch, "--firmware", f"{folder}/code.fd",
                    *words) as screen:
            screen.wait(shown)

    def test_screen_edk2_riscv64(self):
        self.edk2("riscv64", "riscv64")

    def test_screen_edk2_riscv64_ramfb(self):
        self.edk2("riscv64", "riscv64", "--machine", "display=ramfb")

    def test_screen_edk2_aarch64(self):
        self.edk2("aarch64", "arm64")


if __name__ == "__main__":
    PROGRAM, FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
