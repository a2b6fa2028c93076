#!/usr/bin/env python3
"""The agents that Debian has for guests, at the named ports: SPICE's shares the clipboard, QEMU's answers questions.

usage: agents_test.py VM-CLI FETCH [unittest arguments]

`make test-thorough` runs it. The root file system is made by scripts/make-agents, for the first time from some hundred MB of
Debian's packages.
"""

import base64
import json
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
import rfb  # noqa: E402
from console import Console  # noqa: E402
from xserver import Clipboard, x_server  # noqa: E402

PROGRAM = FETCH = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))
QEMU_PORT = "org.qemu.guest_agent.0"

# What udev would do; and a desktop's session without a screen. SPICE's daemon wants a pointer's device, and gets a file.
PORTS = ("modprobe virtio_console; until ls /sys/class/virtio-ports/* >/dev/null; do sleep 1; done; mkdir -p /dev/virtio-ports; "
         "for port in /sys/class/virtio-ports/*; do ln -s ../$(basename $port) /dev/virtio-ports/$(cat $port/name); done")
SESSION = ("mkdir -p /run/spice-vdagentd; touch /run/pointer; export DISPLAY=:0; Xvfb :0 >/tmp/x.log 2>&1 & "
           "until [ -e /tmp/.X11-unix/X0 ]; do sleep 1; done; spice-vdagentd -x -X -f -u /run/pointer -d >/tmp/daemon.log 2>&1 & "
           "sleep 1; spice-vdagent -x >/tmp/agent.log 2>&1 & until grep channel /tmp/daemon.log; do sleep 1; done")


def until(condition, what, timeout=60):
    deadline = time.monotonic() + timeout * SLOW
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen in time")
        time.sleep(0.2)


class Agents:
    """`arch` is Debian's name of the architecture, `vm_arch` ours; `console_name` is for the kernel's command line."""

    arch = vm_arch = None
    console_name = ""

    @classmethod
    def setUpClass(cls):
        made = subprocess.run([os.path.join(os.path.dirname(FETCH), "make-agents"), cls.arch], capture_output=True, text=True,
                              check=False)
        if made.returncode != 0:
            raise unittest.SkipTest(f"the root file system can't be made: {made.stderr.strip()}")
        cls.image = made.stdout.split()[-1]
        cls.linux = subprocess.run([FETCH, f"linux-{cls.arch}"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def start(self, *words, environment=None):
        images = os.path.dirname(self.image)
        self.console = Console([PROGRAM, "run", "--arch", self.vm_arch, "--memory", "1G", "--net", "none", "--serial", "stdio",
                                "--kernel", f"{self.linux}/vmlinuz", "--initrd", f"{images}/initramfs-{self.arch}.gz", "--append",
                                f"{self.console_name}root=LABEL=triarch quiet", "--disk", f"{self.image},format=raw,snapshot",
                                *words], environment)
        self.addCleanup(self.console.__exit__)
        self.console.shell(300 * SLOW, "set +m", "cd /root")
        self.run_in(PORTS)

    def run_in(self, command, timeout=120):
        return self.console.run(command, timeout * SLOW)

    def guest_pastes(self, text):
        wanted = base64.b64encode(text.encode()).decode()
        until(lambda: wanted in self.run_in("timeout 20 xclip -selection clipboard -o 2>/dev/null | base64 -w 0; echo"),
              "the guest having the text")

    def guest_copies(self, text):
        """A line of a terminal has 4095 bytes at most."""
        encoded = base64.b64encode(text.encode()).decode()
        self.run_in(">copied")
        for at in range(0, len(encoded), 3000):
            self.run_in(f"echo {encoded[at:at + 3000]} >>copied")
        self.run_in("base64 -d copied | xclip -selection clipboard -i >/dev/null 2>&1")

    def test_window(self):
        """Between xclip on the host and xclip in the guest, both ways, short and long."""
        for tool in ("Xvfb", "xclip"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        with x_server() as display:
            host = Clipboard(display)
            host.copy("copied before the guest was there: \u00fc\u20ac\U0001f600\n")
            self.start("--display", "sdl", environment=host.environment)
            self.run_in(SESSION)
            self.guest_pastes("copied before the guest was there: \u00fc\u20ac\U0001f600\n")
            for text in ("from the guest: \u00e9\nand on\n", "x" * 20000):
                self.guest_copies(text)
                until(lambda: host.paste() == text, "the host having the text")
            long = "".join(random.choices("abcdefgh \n\u20ac", k=300000))
            host.copy(long)
            self.guest_pastes(long)

    def test_vnc(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1] - 5900
        self.start("--display", f"vnc=:{number}")
        with rfb.Client(5900 + number, (rfb.RAW, rfb.CLIPBOARD), timeout=60 * SLOW) as client:
            self.run_in(SESSION)
            client.copy("from VNC: \u20ac\n")
            self.guest_pastes("from VNC: \u20ac\n")
            self.guest_copies("to VNC: \u20ac\n")
            self.assertEqual(client.pasted(), "to VNC: \u20ac\n")

    def test_agent_comes_again(self):
        """Whoever starts it anew finds the clipboard as it is."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1] - 5900
        self.start("--display", f"vnc=:{number}")
        with rfb.Client(5900 + number, timeout=60 * SLOW) as client:
            self.run_in(SESSION)
            client.copy("kept")
            self.guest_pastes("kept")
            self.run_in("kill %2 %3; wait %2 %3; pkill xclip; rm /tmp/daemon.log")
            self.run_in("spice-vdagentd -x -X -f -u /run/pointer -d >/tmp/daemon.log 2>&1 & sleep 1; "
                        "spice-vdagent -x >/tmp/agent.log 2>&1 & until grep channel /tmp/daemon.log; do sleep 1; done")
            self.guest_pastes("kept")

    def test_qemu_agent(self):
        with tempfile.TemporaryDirectory(prefix="triarch-agents-") as folder:
            path = os.path.join(folder, "agent")
            self.start("--display", "none", "--sandbox", "on", "--port", f"{QEMU_PORT}=unix:{path},server")
            self.run_in(f"mkdir -p /var/run; qemu-ga -d -m virtio-serial -p /dev/virtio-ports/{QEMU_PORT}")
            for _ in range(2):
                with socket.socket(socket.AF_UNIX) as agent:
                    agent.settimeout(60 * SLOW)
                    agent.connect(path)
                    with agent.makefile() as answers:
                        agent.sendall(b'{"execute": "guest-ping"}\n')
                        self.assertEqual(json.loads(answers.readline()), {"return": {}})
                        agent.sendall(b'{"execute": "guest-get-osinfo"}\n')
                        self.assertEqual(json.loads(answers.readline())["return"]["id"], "debian")


class X8664(Agents, unittest.TestCase):
    arch, vm_arch, console_name = "amd64", "x86_64", "console=ttyS0 "


class Aarch64(Agents, unittest.TestCase):
    arch, vm_arch = "arm64", "aarch64"


if __name__ == "__main__":
    PROGRAM, FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
