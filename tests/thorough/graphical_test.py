#!/usr/bin/env python3
"""Debian's graphical installer, seen and answered by the pointer through VNC.

usage: graphical_test.py VM-CLI FETCH [unittest arguments]

`make test-thorough` runs it. On x86_64 it comes from a CD with isolinux's graphical menu, as Debian's own does; the kernel
there draws on the VGA, and the pointer is a USB tablet. On aarch64 it is virtio's adapter and tablet.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "boot"), os.path.join(HERE, "..", "ui")]
import boot_test  # noqa: E402
import rfb  # noqa: E402
from boot_test import SLOW, fetch, guest  # noqa: E402

SIZE = (1280, 800)
LIST_X = 1000  # where the rows of a list have no letters
ROW = 23
CONTINUE = (1218, 774)
ENTER = 0xFF0D


class Screen(rfb.Client):
    def colour(self, x, y):
        at = 4 * (y * self.width + x)
        blue, green, red = self.pixels[at : at + 3]
        return red, green, blue

    def wait(self, condition, what, timeout):
        """Look until `condition()` gives something else than None; that."""
        deadline = time.monotonic() + timeout * SLOW
        while time.monotonic() < deadline:
            value = condition()
            if value is not None:
                return value
            try:
                self.update()
            except TimeoutError:  # nothing has changed
                pass
        raise AssertionError(f"{what} did not come within {timeout * SLOW} s")

    def menu(self):
        """Whether there is isolinux's picture, with the light bar of the entry that is chosen. None: no."""
        if (self.width, self.height) != (640, 480):
            return None
        return all(self.colour(x, 186)[2] > 180 > 130 > self.colour(x, 186)[0] for x in (130, 300, 500)) or None

    def selected(self):
        """Where the selected row of the installer's list begins: blue on white. None: there is no list, or no such row."""
        if (self.width, self.height) != SIZE:
            return None
        rows = [self.colour(LIST_X, y) for y in range(180, 700)]
        if rows.count((255, 255, 255)) < 300:
            return None
        return next((180 + y for y, (red, _, blue) in enumerate(rows) if red < 64 and blue > 80), None)

    def settled(self, what, but, timeout):
        """Wait for a selected row that is not one of `but` and stays where it is; lists scroll when they are new."""
        seen = []

        def same():
            seen.append((time.monotonic(), self.selected()))
            row = seen[-1][1]
            if row is None or row in but or row != seen[0][1]:
                del seen[:-1]
                return None
            return row if seen[-1][0] - seen[0][0] > 6 else None

        return self.wait(same, what, timeout)

    def click(self, x, y):
        for buttons in (0, 1, 0):
            self.pointer(buttons, x, y)
            time.sleep(0.2)


def free_number():
    with socket.socket() as probe:
        while True:
            number = random.randrange(1000, 20000)
            try:
                probe.bind(("127.0.0.1", 5900 + number))
                return number
            except OSError:
                pass


class Graphical(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="triarch-graphical-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *words):
        number = free_number()
        console = guest("--memory", "1G", "--display", f"vnc=:{number}", *words)
        self.addCleanup(console.__exit__)
        deadline = time.monotonic() + 30 * SLOW
        while True:
            try:
                screen = Screen(5900 + number, timeout=5)
                break
            except ConnectionError:  # not there yet
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.2)
        self.addCleanup(screen.__exit__)
        return screen

    def cd(self):
        installer, root = fetch("debian-gtk-amd64"), os.path.join(self.folder, "cd")
        shutil.copytree(installer, os.path.join(root, "debian-installer", "amd64"))
        shutil.copy(os.path.join(fetch("isolinux"), "isolinux.bin"), root)
        shutil.copy(os.path.join(fetch("syslinux"), "ldlinux.c32"), root)
        shutil.copy(os.path.join(installer, "boot-screens", "syslinux.cfg"), os.path.join(root, "isolinux.cfg"))
        iso = os.path.join(self.folder, "installer.iso")
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", iso, "-b", "isolinux.bin", "-no-emul-boot",
                        "-boot-load-size", "4", "-boot-info-table", root], check=True, capture_output=True)
        return iso

    def answer(self, screen):
        """Another language by the pointer, French, whose translation is complete, so that no page asks about it; and one page on."""
        first = screen.settled("the list of languages", (), 400)
        screen.click(LIST_X, first + 4 * ROW + ROW // 2)
        chosen = screen.settled("another row", (first,), 60)
        self.assertLess(abs(chosen - first - 4 * ROW), ROW)
        screen.click(*CONTINUE)
        screen.settled("the next page", (first, chosen), 120)

    def test_pc(self):
        screen = self.start("--arch", "x86_64", "--kernel", self.cd())
        screen.wait(screen.menu, "the graphical menu", 120)
        screen.key(ENTER, True)
        screen.key(ENTER, False)
        self.answer(screen)

    def test_arm(self):
        installer = fetch("debian-gtk-arm64")
        self.answer(self.start("--kernel", os.path.join(installer, "linux"), "--initrd", os.path.join(installer, "initrd.gz"),
                               "--append", "console=tty0"))


if __name__ == "__main__":
    boot_test.PROGRAM, boot_test.FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
