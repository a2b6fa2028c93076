#!/usr/bin/env python3
"""Every mode that the video BIOS knows, VGA's and VESA's: the picture that a BIOS draws in it is QEMU's, pixel by pixel.

usage: bios_modes_test.py VM-CLI

The guest is a boot sector of ours, which sets modes as it is told through the serial port, and has the BIOS write characters
and a line of points. Both emulators have the same BIOS, and the same video BIOS.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import rfb
import ui_test

# Words come and go as four letters, a to p for 0 to 15. Says '#'; then for a mode's number sets it (INT 10h, AH=0, or AX=4F02
# from 0x100 on), hides the cursor, writes characters 0x21 to 0x7e with colours from 1 on, and points of colours 0 to 199 at
# (2i, i); says AX of the first call. For 0xffff it says the VESA modes with the 50 bytes that AX=4F01 tells of each.
#   start: cli; xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,0x7c00; cld; sti; mov al,'#'; call put
#   main: call getword; cmp bx,-1; je list; test bh,bh; mov ax,0x4f02; jnz 1f; mov ax,bx; 1: int 0x10; push ax
#   mov ax,0x100; mov cx,0x2000; int 0x10; mov ax,0x0e21; mov bx,1; 2: push ax; int 0x10; pop ax; inc bx; inc ax; cmp al,0x7f
#   jne 2b; xor si,si; 3: mov ax,si; mov ah,0x0c; xor bh,bh; mov cx,si; add cx,cx; mov dx,si; int 0x10; inc si; cmp si,200
#   jne 3b; pop ax; call putword; jmp main
#   list: mov ax,0x4f00; mov di,0x8000; int 0x10; push ds; lds si,[0x800e]; xor bp,bp; 4: mov es,bp; lodsw; push ax
#   call putword; pop ax; cmp ax,-1; je 5f; mov cx,ax; mov ax,0x4f01; mov di,0x8200; int 0x10; mov di,0x8200
#   6: mov ax,es:[di]; call putword; inc di; inc di; cmp di,0x8232; jne 6b; jmp 4b; 5: pop ds; jmp main
#   getword: mov cx,4; 7: mov dx,0x3fd; 8: in al,dx; test al,1; jz 8b; mov dx,0x3f8; in al,dx; sub al,'a'; shl bx,4; or bl,al
#   loop 7b; ret; putword: push bx; mov bx,ax; mov cx,4; 9: rol bx,4; mov al,bl; and al,15; add al,'a'; call put; loop 9b
#   pop bx; ret; put: push ax; mov dx,0x3fd; 1: in al,dx; test al,0x20; jz 1b; pop ax; mov dx,0x3f8; out dx,al; ret
SECTOR = bytes.fromhex(
    "fa31c08ed88ec08ed0bc007cfcfbb023e8b500e8830083fbff744184ffb8024f750289d8cd1050b80001b90020cd10b8210ebb010050cd105843403c7f75f6"
    "31f689f0b40c30ff89f101c989f2cd104681fec80075eb58e85800ebb7b8004fbf0080cd101ec5360e8031ed8ec5ad50e840005883f8ff741d89c1b8014fbf"
    "0082cd10bf0082268b05e82700474781ff328275f2ebd61fe97affb90400bafd03eca80174fbbaf803ec2c61c1e30408c3e2ebc35389c3b90400c1c3048"
    "8d8240f0461e80400e2f25bc350bafd03eca82074fb58baf803eec3"
)

# Not modes 0 and 1: the peer has no characters of 18 pixels, as wide as these are. Nor 7: this BIOS resets the attribute
# controller's flip-flop at 0x3da even where it is at 0x3ba, and what comes of that is anybody's guess.
VGA_MODES = (0x02, 0x03, 0x04, 0x05, 0x06, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13)
LINEAR = 0x4000  # of AX=4F02: a linear frame buffer
GRAPHICS = 0x10  # of a mode's attributes
PLANAR = 3       # its memory model
# Larger ones are told of, and not drawn: it takes long.
PIXELS_MAX = 640 * 480


def letters(word):
    return "".join(chr(ord("a") + (word >> shift & 15)) for shift in (12, 8, 4, 0))


def number(text):
    value = 0
    for letter in text:
        value = value << 4 | ord(letter) - ord("a")
    return value


class Peer:
    """QEMU with the same firmware."""

    def __init__(self, folder, disk, firmware):
        path = os.path.join(folder, "serial")
        command = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-m", "64", "-bios", f"{firmware}/bios-256k.bin", "-device",
                   f"VGA,romfile={firmware}/vgabios.bin", "-drive", f"file={disk},format=raw", "-chardev",
                   f"socket,id=s,path={path},server=on,wait=off", "-serial", "chardev:s", "-qmp", "stdio"]
        self.folder = folder
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ui_test.until(lambda: os.path.exists(path), "the peer's start")
        self.serial = socket.socket(socket.AF_UNIX)
        self.serial.connect(path)
        self.serial.settimeout(30 * ui_test.SLOW)
        self.process.stdout.readline()
        self.say("qmp_capabilities")

    def close(self):
        self.serial.close()
        self.process.kill()
        self.process.communicate()

    def say(self, command, **arguments):
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        while "return" not in (answer := json.loads(self.process.stdout.readline())):
            assert "error" not in answer, answer

    def send(self, text):
        self.serial.sendall(text.encode())

    def take(self, count):
        text = ""
        while len(text) < count:
            text += self.serial.recv(count - len(text)).decode()
        return text

    def picture(self):
        path = os.path.join(self.folder, "picture.ppm")
        self.say("screendump", filename=path)
        with open(path, "rb") as file:
            assert file.readline() == b"P6\n"
            width, height = (int(word) for word in file.readline().split())
            assert file.readline() == b"255\n"
            return width, height, file.read()


class Own:
    """vm-cli, looked at through VNC."""

    def __init__(self, folder, firmware):
        port = ui_test.free_port()
        self.guest = ui_test.Guest(folder, "--firmware", f"{firmware}/bios-256k.bin", "--display", f"vnc=:{port}", "--usb", "none",
                                   sector=SECTOR)
        self.guest.expect("#")
        self.client = rfb.Client(5900 + port)

    def close(self):
        self.client.socket.close()
        self.guest.__exit__()

    def send(self, text):
        os.write(self.guest.terminal, text.encode())

    def take(self, count):
        ui_test.until(lambda: len(self.guest.output) >= self.guest.seen + count or not self.guest.look(0.1), "an answer")
        self.guest.seen += count
        return self.guest.output[self.guest.seen - count : self.guest.seen]

    def differs(self, wanted):
        """Nothing when the picture comes to be what is wanted; what differs when none comes any more."""
        width, height, pixels = wanted
        while True:
            same_size = (self.client.width, self.client.height) == (width, height)
            if same_size and self.client.rgb() == pixels:
                return ""
            if not select.select([self.client.socket], [], [], 1 * ui_test.SLOW)[0]:
                break
            self.client.update()
        if not same_size:
            return f"{self.client.width} x {self.client.height}, and {width} x {height} on the peer"
        mine = self.client.rgb()
        at = next(i for i in range(len(mine)) if mine[i] != pixels[i]) // 3
        return f"at {at % width}, {at // width} {mine[3 * at:3 * at + 3].hex()}, and {pixels[3 * at:3 * at + 3].hex()} on the peer"


class Modes(unittest.TestCase):
    def setUp(self):
        result = subprocess.run([os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "fetch"), "--path", "seabios"],
                                capture_output=True, text=True, check=True)
        firmware = result.stdout.strip()
        if not os.path.isdir(firmware):
            self.skipTest("SeaBIOS is not here: scripts/fetch seabios gets it")
        if not shutil.which("qemu-system-x86_64"):
            self.skipTest("qemu-system-x86_64 is not installed (scripts/peers)")
        self.folder = tempfile.mkdtemp(prefix="triarch-modes-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.own = Own(self.folder, firmware)
        self.addCleanup(self.own.close)
        disk = shutil.copy(os.path.join(self.folder, "disk.img"), os.path.join(self.folder, "peer.img"))
        self.peer = Peer(self.folder, disk, firmware)
        self.addCleanup(self.peer.close)
        self.assertEqual(self.peer.take(1), "#")

    def both(self, words, count):
        """The answer to a command, which is the same."""
        answers = []
        for emulator in (self.own, self.peer):
            emulator.send(letters(words))
            answers.append(emulator.take(count))
        self.assertEqual(*answers)
        return answers[0]

    def vesa_modes(self):
        """The words that the BIOS tells of each mode (VBE 3.0, 4.4), by number: the same on both, but for a function's address in
        the BIOS, which may be of another version, and that of the frame buffer."""
        lists = []
        for emulator in (self.own, self.peer):
            emulator.send(letters(0xFFFF))
            modes = []
            while (mode := number(emulator.take(4))) != 0xFFFF:
                info = [number(emulator.take(4)) for _ in range(25)]
                info[6:8] = info[20:22] = 0, 0
                modes.append((mode, info))
            lists.append(modes)
        self.assertEqual(*lists)
        self.assertGreater(len(lists[0]), 20)
        return dict(lists[0])

    def test_modes(self):
        planar, others = [], list(VGA_MODES)
        for mode, info in self.vesa_modes().items():
            width, height, depth, model = info[9], info[10], info[12] >> 8, info[13] >> 8
            if mode >= 0x100 and model == PLANAR:
                planar.append(mode)
            elif mode >= 0x100 and not (info[0] & GRAPHICS and width * height > PIXELS_MAX):
                others.append(mode | LINEAR * (depth > 8))
        # After a linear mode the peer writes to planes as if they lay one behind the other.
        chosen = planar + others
        for mode in chosen:
            with self.subTest(mode=hex(mode)):
                self.both(mode, 4)
                self.assertEqual(self.own.differs(self.peer.picture()), "")
        self.assertGreater(len(chosen), 20)


if __name__ == "__main__":
    ui_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
