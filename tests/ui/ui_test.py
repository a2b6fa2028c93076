#!/usr/bin/env python3
"""The window and the VNC server, from outside: what they show is what the machine shows, and what is typed there arrives.

usage: ui_test.py VM-CLI [TEST...]

The guest is a boot sector of ours, which SeaBIOS starts: it prints every key on the screen and on the serial port.
"""

import contextlib
import ctypes
import os
import pty
import random
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import pictures
import rfb
from xserver import x_server

PROGRAM = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))
READY = "#"

# Sets text mode 3 and a cursor that does not show, prints READY, and then what is typed:
#   cli; xor ax,ax; mov ds,ax; mov ss,ax; mov sp,0x7c00; sti; mov ax,3; int 0x10; mov ah,1; mov cx,0x2000; int 0x10
#   mov al,'#'; jmp print; next: xor ah,ah; int 0x16; print: mov ah,0x0e; mov bx,7; int 0x10
#   mov dx,0x3f8; out dx,al; jmp next
BOOT_SECTOR = bytes.fromhex(
    "fa31c08ed88ed0bc007cfbb80300cd10b401b90020cd10b023eb0430e4cd16b40ebb0700cd10baf803eeebef"
)

# Fills a linear frame buffer of 1024 by 768 with 32 bits a pixel again and again, each time with another colour, and
# sends a byte through the serial port each time. VBE mode 0x118; segment ES reaches over all addresses from a visit to
# protected mode on:
#   ...; mov ax,0x4f01; mov cx,0x118; mov di,0x8000; int 0x10; mov ax,0x4f02; mov bx,0x4118; int 0x10; mov ebp,[0x8028]
#   cli; lgdt [0x7c6e]; cr0 |= 1; mov bx,8; mov es,bx; cr0 &= ~1; xor eax,eax; mov dx,0x3f8
#   fill: mov edi,ebp; mov ecx,1024*768; addr32 rep stosd; out dx,al; add eax,0x010305; jmp fill
STORM = bytes.fromhex(
    "fa31c08ed88ec08ed0bc007cfbb8014fb91801bf0080cd10b8024fbb1841cd10"
    "668b2e2880fa660f01166e7c0f20c00c010f22c0eb00bb08008ec324fe0f22c0"
    "eb006631c0baf8036689ef66b900000c006766f3abee660505030100ebea0000"
    "000000000000ffff00000092cf000f005e7c0000"
)

# A screen of 1920 by 1080 with 32 bits a pixel, set in the registers of Bochs's VBE, and then nothing more, ever:
#   cli; xor ax,ax; mov ds,ax; cld; mov si,table; mov cx,5; next: lodsw; mov dx,0x1ce; out dx,ax; inc dx; lodsw; out dx,ax
#   loop next; mov dx,0x3f8; mov al,'#'; out dx,al; wait: hlt; jmp wait; table: dw 4,0, 1,1920, 2,1080, 3,32, 4,0x41
STILL = bytes.fromhex(
    "fa31c08ed8fcbe1f7cb90500adbace01ef42adefe2f6baf803b023eef4ebfd0400000001008007020038040300200004004100"
)


def seabios_is_here():
    places = [os.path.join(os.environ.get("TRIARCH_CACHE", os.path.expanduser("~/.cache/triarch")), "seabios"), "/usr/share/seabios"]
    return any(os.path.isdir(place) for place in places)


class Guest:
    """vm-cli with the boot sector, its terminal in our hands."""

    def __init__(self, folder, *options, sector=BOOT_SECTOR, environment=None):
        disk = os.path.join(folder, "disk.img")
        with open(disk, "wb") as file:
            file.write(sector.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
        self.terminal, inner = pty.openpty()
        self.output = ""
        self.seen = 0
        command = [PROGRAM, "run", "--arch", "x86_64", "--memory", "64M", "--net", "none", "--disk", disk, *options]
        # A window brings libraries that keep what they have to the end; under a sanitizer that is not what is looked for.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **(environment or {})}
        self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, cwd=folder, env=environment)
        os.close(inner)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def look(self, timeout):
        ready, _, _ = select.select([self.terminal], [], [], timeout)
        if not ready:
            return True
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:  # what a terminal says when nobody is at its other end
            piece = b""
        self.output += piece.decode("latin-1")
        return piece != b""

    def expect(self, text, timeout=60):
        deadline = time.monotonic() + timeout * SLOW
        while text not in self.output[self.seen :]:
            if time.monotonic() > deadline or not self.look(0.2):
                raise AssertionError(f"{text!r} did not come; there was: {self.output[-1500:]!r}")
        self.seen += self.output[self.seen :].index(text) + len(text)

    def monitor(self, command, answer="(vm-cli) "):
        """Where in the output the answer begins, between which the guest may print."""
        os.write(self.terminal, b"\x01c")
        self.expect("(vm-cli) ")
        os.write(self.terminal, command.encode() + b"\r")
        self.expect(command)
        start = self.seen
        self.expect(answer)
        os.write(self.terminal, b"\x01c")
        return start

    def screenshot(self):
        path = os.path.join(tempfile.mkdtemp(), "screen.png")
        self.monitor(f"screenshot {path}")
        picture = pictures.png(path)
        shutil.rmtree(os.path.dirname(path))
        return picture

    def wait(self, timeout=30):
        deadline = time.monotonic() + timeout * SLOW
        while self.look(0.1) and time.monotonic() < deadline:
            pass
        return self.process.wait(timeout * SLOW)

    def is_alive(self):
        return self.process.poll() is None


def until(condition, what, timeout=30):
    """Wait until `condition()` gives something true; that."""
    deadline = time.monotonic() + timeout * SLOW
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in time")


def free_port():
    with socket.socket() as probe:
        while True:
            number = random.randrange(1000, 20000)
            try:
                probe.bind(("127.0.0.1", 5900 + number))
                return number
            except OSError:
                pass


class Case(unittest.TestCase):
    def setUp(self):
        if not seabios_is_here():
            self.skipTest("SeaBIOS is not here: scripts/fetch seabios gets it")
        self.folder = tempfile.mkdtemp(prefix="triarch-ui-")
        self.addCleanup(shutil.rmtree, self.folder)

    def guest(self, *options, **more):
        guest = Guest(tempfile.mkdtemp(dir=self.folder), *options, **more)
        self.addCleanup(guest.__exit__)
        return guest

    @staticmethod
    def memory(guest):
        with open(f"/proc/{guest.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1))

    @staticmethod
    def ticks(guest):
        with open(f"/proc/{guest.process.pid}/stat", encoding="ascii") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


def des_response(password, challenge):
    """RFC 6143, 7.2.2: DES with the password's bytes as the key, the bits of each in reverse order. None without DES."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode().ljust(8, b"\0"))
    command = ["openssl", "enc", "-des-ecb", "-K", key.hex(), "-nopad", "-provider", "legacy", "-provider", "default"]
    if not shutil.which("openssl"):
        return None
    result = subprocess.run(command, input=challenge, capture_output=True, timeout=60, check=False)
    return result.stdout if result.returncode == 0 else None


class Vnc(Case):
    def start(self, *more):
        number = free_port()
        guest = self.guest("--display", f"vnc=:{number}" + "".join(more))
        guest.expect(READY)
        return guest, 5900 + number

    def same_picture(self, guest, client):
        """An update may be under way: the client looks until it has what the machine shows."""
        width, height, wanted = guest.screenshot()

        def same():
            if (client.width, client.height) == (width, height) and client.rgb() == wanted:
                return True
            client.update()
            return False

        until(same, "the client's picture being the machine's")
        self.assertGreater(len(set(client.rgb())), 1, "there is something to see")

    def test_picture_and_keys(self):
        guest, port = self.start()
        with rfb.Client(port) as client:
            self.assertEqual(client.security, [1])
            for word in ("Hello, ", "World", " @ 50%"):  # a BIOS keeps fifteen keys
                client.type(word)
                guest.expect(word)
            self.same_picture(guest, client)
            self.assertEqual((client.width, client.height), (720, 400))

    def test_key_codes(self):
        """By QEMU's extension: places on a keyboard, of which the guest makes characters by its own layout."""
        guest, port = self.start()
        with rfb.Client(port, (rfb.RAW, rfb.QEMU_KEYS, rfb.QEMU_POINTER)) as client:
            while not {rfb.QEMU_KEYS, rfb.QEMU_POINTER} <= client.known:
                client.update()
            for code in (0x2A, 0x1E):  # left Shift, a
                client.key_code(code, True)
            for code in (0x1E, 0x2A):
                client.key_code(code, False)
            client.key_code(0xB5, True)  # keypad /
            client.key_code(0xB5, False)
            guest.expect("A/")
            client.pointer(1, 0x7FFF + 5, 0x7FFF - 5)
            client.pointer(0, 0x7FFF, 0x7FFF)

    def test_several_clients(self):
        guest, port = self.start()
        with rfb.Client(port) as one, rfb.Client(port, (rfb.RAW, rfb.EXTENDED_SIZE, rfb.CURSOR)) as two:
            one.type("a")
            guest.expect("a")
            two.type("b")
            guest.expect("b")
            self.same_picture(guest, one)
            self.same_picture(guest, two)
            one.key(ord("c"), True)
            guest.expect("c")
        # A client that goes with a key down has released it: the guest does not repeat it for ever.
        with rfb.Client(port) as three:
            three.type("d")
            guest.expect("d")
            self.same_picture(guest, three)

    def test_password(self):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="ascii") as file:
            file.write("secret\n")
        guest, port = self.start(f",password={path}")
        with self.assertRaises(rfb.Refused):
            rfb.Client(port, answer=lambda challenge: bytes(range(16)))
        self.assertTrue(guest.is_alive())
        if des_response("secret", bytes(16)) is None:
            self.skipTest("openssl can't do DES here: the right password was not tried")
        with self.assertRaises(rfb.Refused):
            rfb.Client(port, answer=lambda challenge: des_response("Secret", challenge))
        with rfb.Client(port, answer=lambda challenge: des_response("secret", challenge)) as client:
            self.assertEqual(client.security, [2])
            client.type("in")
            guest.expect("in")

    def test_only_this_host(self):
        _, port = self.start()
        with open("/proc/net/tcp", encoding="ascii") as file:
            listening = [line.split()[1] for line in file if line.split()[3] == "0A"]
        mine = [address for address in listening if address.endswith(f":{port:04X}")]
        self.assertEqual(len(mine), 1)
        self.assertIn(mine[0][:8], ("0100007F", "7F000001"))

    def test_storm(self):
        """Who does not read holds up neither the machine nor takes memory; nor does a storm of pictures."""
        number, count = free_port(), os.path.join(self.folder, "fills")
        guest = self.guest("--display", f"vnc=:{number}", "--serial", f"file:{count}", sector=STORM)
        fills = lambda more: until(lambda: os.path.exists(count) and os.path.getsize(count) > more, "the guest drawing")
        fills(0)
        with rfb.Client(5900 + number) as deaf, rfb.Client(5900 + number) as client:
            until(lambda: client.update() or client.width == 1024, "the guest's resolution")
            for _ in range(10):
                client.update()
            before = self.memory(guest)
            for _ in range(50):
                deaf.request(False)
            # The others have their pictures meanwhile, until the one that is deaf is gone, five seconds later.
            gaps, end = [], time.monotonic() + 2
            while time.monotonic() < end:
                start = time.monotonic()
                client.update()
                gaps.append(time.monotonic() - start)
            self.assertLess(max(gaps), 1.5 * SLOW)
            self.assertGreater(len(gaps), 5)
            fills(os.path.getsize(count) + 30)
            self.assertLess(self.memory(guest), before + 32768)

    def test_clients_who_say_nothing(self):
        """Sixteen clients are served, whatever they do; more are sent away, and there is room again when one goes."""
        guest, port = self.start()
        with contextlib.ExitStack() as others:
            silent = [others.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(15)]
            for one in silent:
                self.assertTrue(one.recv(12).startswith(b"RFB"))
            with rfb.Client(port) as client:
                client.type("a")
                guest.expect("a")
                with socket.create_connection(("127.0.0.1", port), timeout=20) as refused:
                    self.assertEqual(refused.recv(12), b"")
                silent[0].close()

                def served():
                    with socket.create_connection(("127.0.0.1", port), timeout=20) as again:
                        return again.recv(12)

                until(served, "room for another client")
                self.same_picture(guest, client)
        os.write(guest.terminal, b"\x01x")
        self.assertEqual(guest.wait(), 0)

    def test_in_the_sandbox(self):
        number = free_port()
        guest = self.guest("--display", f"vnc=:{number}", "--sandbox", "on")
        guest.expect(READY)
        with rfb.Client(5900 + number) as client:
            client.type("s")
            guest.expect("s")
            client.update()
        self.assertTrue(guest.is_alive())

    @staticmethod
    def nonsense_send(client, data, kind):
        """Who is sent away in the middle of it can't go on."""
        if kind == 0:
            client.sendall(data.randbytes(500))
            return
        client.sendall(b"RFB 003.008\n\1\1")
        if kind == 1:
            client.sendall(bytes([data.randrange(256)]) + data.randbytes(300))
        elif kind == 2:  # well-formed messages with wild values
            for _ in range(20):
                client.sendall(bytes([4, data.randrange(2), 0, 0]) + data.randbytes(4))
                client.sendall(bytes([5]) + data.randbytes(5))
                client.sendall(bytes([255, 0, 0, data.randrange(2)]) + data.randbytes(8))
                client.sendall(bytes([3]) + data.randbytes(9))
        else:  # a size nobody can have, encodings nobody knows, another format of pixels
            client.sendall(bytes([251, 0]) + data.randbytes(4) + bytes([1, 0]) + data.randbytes(16))
            client.sendall(bytes([2, 0, 0, 8]) + data.randbytes(32) + bytes([0, 0, 0, 0]) + data.randbytes(16))
            client.sendall(bytes([3, 0, 0, 0, 0, 0, 255, 255, 255, 255]))

    def test_nonsense(self):
        """Whatever clients send, the machine goes on and others are served."""
        guest, port = self.start()
        for seed in range(40):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                self.nonsense_send(client, random.Random(seed), seed % 4)
        self.assertTrue(guest.is_alive())
        with self.let_in(port) as client:
            client.type("x")
            guest.expect("x")

    @staticmethod
    def let_in(port):
        """A client, as soon as the server has seen that others have gone: it takes so many and no more."""

        def one():
            with contextlib.suppress(ConnectionError):
                return rfb.Client(port)

        return until(one, "being let in")


class Refusals(unittest.TestCase):
    """No machine is needed for these."""

    def refused(self, status, mentions, *options):
        result = subprocess.run([PROGRAM, "run", *options], capture_output=True, text=True, timeout=60, check=False,
                                stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(mentions, result.stderr)

    def test_wrong_options(self):
        self.refused(2, "did you mean sdl?", "--display", "sld")
        self.refused(2, "vnc=:N", "--display", "vnc")
        self.refused(2, "vnc=:N", "--display", "vnc=5901")
        self.refused(2, "vnc=:N", "--display", "vnc=:60000")
        self.refused(2, "scale=1 to scale=8", "--display", "sdl,scale=9")
        self.refused(2, "fullscreen", "--display", "sdl,full")
        self.refused(2, "takes no options", "--display", "none,scale=2")
        self.refused(2, "password=FILE", "--display", "vnc=:77,pasword=x")
        self.refused(3, "/nowhere", "--display", "vnc=:77,password=/nowhere")
        self.refused(3, "1 to 8 characters", "--display", "vnc=:77,password=" + __file__)
        self.refused(2, "no window", "--display", "sdl", "--sandbox", "on")
        self.refused(2, "no screen", "--arch", "riscv64", "--machine", "display=none", "--display", "vnc=:77")


class Window(Case):
    """Under Xvfb, whose screen lies in a file that can be read."""

    def setUp(self):
        super().setUp()
        for tool in ("Xvfb", "xdotool"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not here: scripts/setup test installs it")
        server = x_server("-fbdir", self.folder)
        self.display = server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)

    def environment(self):
        # Drawn by the processor: a graphics library's own would need many threads for it.
        return {"DISPLAY": self.display, "SDL_VIDEODRIVER": "x11", "SDL_RENDER_DRIVER": "software"}

    def xdotool(self, *words):
        result = subprocess.run(["xdotool", *words], capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, **self.environment()})
        return result.stdout

    def start(self, *options):
        guest = self.guest("--name", "Guest of the test", *options, environment=self.environment())
        guest.expect(READY)
        self.window = until(lambda: self.xdotool("search", "--name", "Guest of the test").strip(), "the window")
        self.xdotool("windowfocus", "--sync", self.window)
        return guest

    def title(self):
        return self.xdotool("getwindowname", self.window)

    def place(self):
        words = dict(re.findall(r"(\w+)=(-?\d+)", self.xdotool("getwindowgeometry", "--shell", self.window)))
        return [int(words[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]

    def shown(self):
        return pictures.xwd(os.path.join(self.folder, "Xvfb_screen0"), *self.place())

    def test_picture_and_keys(self):
        guest = self.start("--display", "sdl")
        self.xdotool("type", "--delay", "30", "Hello, window 123")
        guest.expect("Hello, window 123")
        width, height, wanted = guest.screenshot()
        until(lambda: self.place()[2:] == [width, height], "the window having the guest's size")
        until(lambda: self.shown() == wanted, "the window showing what the machine shows")
        # The menu covers the middle, pauses the machine, and goes.
        self.xdotool("key", "ctrl+alt+m")
        until(lambda: self.shown() != wanted, "the menu being drawn")
        self.xdotool("key", "Return")
        until(lambda: "[paused]" in self.title(), "the title saying that the machine is paused")
        until(lambda: self.shown() == wanted, "the menu going")
        self.xdotool("key", "ctrl+alt+m", "Return")
        until(lambda: "[paused]" not in self.title(), "the title saying that the machine runs")
        self.xdotool("type", "--delay", "30", "on")
        guest.expect("on")

    def test_scale(self):
        guest = self.start("--display", "sdl,scale=1")
        width, height, wanted = guest.screenshot()
        until(lambda: self.shown() == wanted, "the window showing what the machine shows")
        # One row or column more than a multiple: the picture stays sharp, and black is around it.
        self.xdotool("windowsize", "--sync", self.window, str(width + 21), str(height + 40))
        row, left, top = 3 * width, 10, 20

        def framed():
            if self.place()[2:] != [width + 21, height + 40]:
                return False
            shown, stride = self.shown(), 3 * (width + 21)
            inner = b"".join(shown[(top + y) * stride + 3 * left :][:row] for y in range(height))
            return inner == wanted and not any(shown[: top * stride])

        until(framed, "the picture standing in the middle, unscaled")

    def test_storm(self):
        """A guest that fills its screen again and again goes on while it is shown, beside one that nobody looks at, and no memory
        is taken for it."""
        counts = [os.path.join(self.folder, name) for name in ("shown", "alone")]
        made = lambda: [os.path.getsize(count) if os.path.exists(count) else 0 for count in counts]
        shown = self.guest("--display", "sdl", "--serial", f"file:{counts[0]}", sector=STORM, environment=self.environment())
        self.guest("--display", "none", "--serial", f"file:{counts[1]}", sector=STORM)
        until(lambda: min(made()) > 10, "both drawing")
        time.sleep(0.5)
        memory, before = self.memory(shown), made()
        until(lambda: made()[1] > before[1] + 100 and made()[0] > before[0] + 10, "many more pictures")
        shown_more, alone_more = [now - then for now, then in zip(made(), before)]
        self.assertGreater(shown_more, alone_more / 10)
        self.assertLess(self.memory(shown), memory + 16384)

    def test_still(self):
        """A picture that does not change costs next to nothing, however large."""
        guest = self.guest("--display", "sdl", sector=STILL, environment=self.environment())
        guest.expect(READY)
        time.sleep(1)
        before = self.ticks(guest)
        time.sleep(2)
        self.assertLess(self.ticks(guest) - before, 0.02 * 2 * os.sysconf("SC_CLK_TCK"))

    def test_menu_ends_the_machine(self):
        guest = self.start("--display", "sdl")
        self.xdotool("key", "ctrl+alt+m")
        self.xdotool("key", "Up", "Return")
        self.assertEqual(guest.wait(), 0)

    def close(self):
        """What a window manager sends when its close button is pressed (ICCCM 4.2.8.1)."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        atoms = [x11.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
        # XClientMessageEvent: type, serial, send_event, display, window, message_type, format, data.
        event = struct.pack("@iLiPLLi5l", 33, 0, 1, 0, int(self.window), atoms[0], 32, atoms[1], 0, 0, 0, 0)
        x11.XSendEvent(display, ctypes.c_ulong(int(self.window)), 0, ctypes.c_long(0), event.ljust(192, b"\0"))
        x11.XCloseDisplay(display)

    def test_close_asks_first(self):
        """The guest, which knows nothing of a power button, is ended by the second time."""
        guest = self.start("--display", "sdl")
        _, _, wanted = guest.screenshot()
        until(lambda: self.shown() == wanted, "the window showing what the machine shows")
        self.close()
        until(lambda: self.shown() != wanted, "a message about that")
        self.xdotool("type", "a")
        guest.expect("a")
        self.close()
        self.assertEqual(guest.wait(), 0)

    def test_grab(self):
        """A click takes the pointer of a guest that has a mouse only, or has not found its tablet; keys go where they went."""
        for options in ((), ("--usb", "none")):
            guest = self.start("--display", "sdl", *options)
            self.assertIn("Ctrl-Alt-M", self.title())
            self.xdotool("mousemove", "--window", self.window, "100", "100", "click", "1")
            until(lambda: "Ctrl-Alt-G releases" in self.title(), "the pointer being grabbed")
            self.xdotool("type", "a")
            guest.expect("a")
            self.xdotool("key", "ctrl+alt+g")
            until(lambda: "Ctrl-Alt-M" in self.title(), "the pointer being released")
            os.write(guest.terminal, b"\x01x")
            self.assertEqual(guest.wait(), 0)

    def test_focus_lost(self):
        """What is down when another window gets the keyboard is up for the guest, and nothing is repeated."""
        guest = self.start("--display", "sdl")
        root = self.xdotool("search", "--maxdepth", "0", ".*").split()[0]
        self.xdotool("keydown", "Shift_L", "keydown", "q")
        guest.expect("Q")
        self.xdotool("windowfocus", root)
        self.xdotool("keyup", "q", "keyup", "Shift_L")
        self.xdotool("windowfocus", "--sync", self.window)
        seen = guest.seen
        self.xdotool("key", "a")
        guest.expect("a")
        self.assertNotIn("A", guest.output[seen:])
        self.assertLess(guest.output[seen:].count("Q"), 3)  # what was repeated before

    def test_key_repeat(self):
        """The keyboard repeats by itself, and not the X server's way on top of it: 10.9 times a second after 500 ms."""
        guest = self.start("--display", "sdl")
        self.xdotool("keydown", "z")
        guest.expect("zzz")
        self.xdotool("keyup", "z")
        self.xdotool("key", "a")
        guest.expect("a")

    def test_auto(self):
        guest = self.start()  # with no --display at all
        self.xdotool("type", "a")
        guest.expect("a")

    def test_vnc_viewer(self):
        """A client of others reads the same picture, and types."""
        if not shutil.which("xtigervncviewer"):
            self.skipTest("xtigervncviewer is not here: scripts/setup test installs it")
        number = free_port()
        guest = self.guest("--display", f"vnc=:{number}", "--name", "Guest for a viewer")
        guest.expect(READY)
        viewer = subprocess.Popen(
            ["xtigervncviewer", "-SecurityTypes", "None", "-PreferredEncoding", "Raw", "-AutoSelect=0", f"127.0.0.1::{5900 + number}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "DISPLAY": self.display, "HOME": self.folder})
        self.addCleanup(viewer.wait)
        self.addCleanup(viewer.kill)
        self.window = until(lambda: self.xdotool("search", "--name", "Guest for a viewer").strip(), "the viewer's window")
        self.xdotool("windowfocus", "--sync", self.window)
        self.xdotool("type", "--delay", "30", "Through VNC")
        guest.expect("Through VNC")
        width, height, wanted = guest.screenshot()
        until(lambda: self.place()[2:] == [width, height] and self.shown() == wanted, "the viewer showing what the machine shows")


class Headless(Case):
    def test_no_display_on_the_host(self):
        bare = {name: "" for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
        environment = {key: value for key, value in os.environ.items() if key not in bare}
        saved = dict(os.environ)
        os.environ.clear()
        os.environ.update(environment)
        self.addCleanup(os.environ.update, saved)
        guest = self.guest()
        guest.expect("the guest's screen is not shown (this host has no display)")
        guest.expect(READY)
        os.write(guest.terminal, b"\x01x")
        self.assertEqual(guest.wait(), 0)

    def test_window_nobody_sees(self):
        guest = self.guest("--display", "sdl,scale=2", environment={"SDL_VIDEODRIVER": "dummy"})
        guest.expect(READY)
        for command, typed in (("sendkey shift-q", "Q"), ("type X\\\\Y", r"X.*\\.*Y")):
            start = guest.monitor(command)
            until(lambda: guest.look(0.05) and re.search(typed, guest.output[start:], re.DOTALL), command)
        guest.monitor("sendkey nothing", "no such keys")
        guest.monitor("screenshot /nowhere/x.png", "/nowhere/x.png can't be made")
        width, height, _ = guest.screenshot()
        self.assertEqual((width, height), (720, 400))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
