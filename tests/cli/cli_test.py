#!/usr/bin/env python3
"""What vm-cli says and returns for input that can't be used: one sentence, the right status, nothing left behind.

usage: cli_test.py VM-CLI
"""

import gzip
import os
import platform
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

HOST, USAGE, IMAGE = 1, 2, 3
PROGRAM = None


def elf(machine=243, entry=0x80000000, paddr=0x80000000, data=b"\x13\0\0\0" * 4, memsz=None, kind=2):
    """A riscv64 ELF file with one segment, from the ELF-64 object file format."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", kind, machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    program = struct.pack("<IIQQQQQQ", 1, 7, 120, entry, paddr, len(data), memsz or len(data), 4)
    return header + program + data


def elf_with_symbols(data, **symbols):
    """The same with a symbol table, and as its last two sections the symbols and their names."""
    names, table = b"\0", bytes(24)
    for name, value in symbols.items():
        table += struct.pack("<IBBHQQ", len(names), 0x10, 0, 1, value, 0)
        names += name.encode() + b"\0"
    body = elf(data=data)
    sections = bytes(64)
    sections += struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, len(body), len(table), 2, 0, 8, 24)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, len(body) + len(table), len(names), 0, 0, 1, 0)
    whole = bytearray(body + table + names + sections)
    struct.pack_into("<Q", whole, 40, len(body) + len(table) + len(names))
    struct.pack_into("<HHH", whole, 58, 64, 3, 2)
    return bytes(whole)


def image(size=0x1000, claimed=0x1000, text_offset=0x200000):
    """A riscv Linux Image whose PE header says that the file has `claimed` bytes."""
    head = bytearray(size)
    head[0:2] = b"MZ"
    struct.pack_into("<QQ", head, 8, text_offset, 0x4000)
    head[0x30:0x3C] = b"RISCV\0\0\0RSC\5"
    struct.pack_into("<I", head, 0x3C, 0x40)
    head[0x40:0x46] = b"PE\0\0\x64\x50"
    struct.pack_into("<H", head, 0x46, 1)
    struct.pack_into("<H", head, 0x54, 0xA0)
    struct.pack_into("<II", head, 0x58 + 0xA0 + 16, claimed - 0x400, 0x400)
    return bytes(head)


class Refusals:
    """Files to try in a folder of their own, and a run that must end with one sentence."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-cli-")
        self.before = set(os.listdir(self.folder.name))

    def tearDown(self):
        self.folder.cleanup()

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def run_cli(self, *words):
        return subprocess.run(
            [PROGRAM, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )

    def refused(self, status, mentions, *words):
        """The program ends with `status` and one line on standard error that has all of `mentions` in it."""
        files = {name: os.stat(os.path.join(self.folder.name, name)) for name in os.listdir(self.folder.name)}
        result = self.run_cli(*words)
        lines = result.stderr.splitlines()
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("vm-cli: "), lines[0])
        for mention in mentions:
            self.assertIn(mention, lines[0])
        self.assertEqual(result.stdout, "")
        self.assertEqual(set(files), set(os.listdir(self.folder.name)), "files were left behind")


class BadInput(Refusals, unittest.TestCase):
    # --- the command line ---

    def test_no_command(self):
        result = self.run_cli()
        self.assertEqual(result.returncode, USAGE)
        self.assertIn("usage: vm-cli", result.stderr)

    def test_command_typed_wrong(self):
        self.refused(USAGE, ["rnu", "did you mean run?"], "rnu")
        self.refused(USAGE, ["frobnicate", "help"], "frobnicate")

    def test_option_typed_wrong(self):
        self.refused(USAGE, ["--memroy", "did you mean --memory?"], "run", "--memroy", "1G")
        self.refused(USAGE, ["--kernal=x", "did you mean --kernel?"], "run", "--kernal=x")
        self.refused(USAGE, ["--xyzzy", "--help"], "run", "--xyzzy")

    def test_words_without_an_option(self):
        self.refused(USAGE, ["vmlinux", "--kernel vmlinux"], "run", "vmlinux")

    def test_missing_values(self):
        self.refused(USAGE, ["--kernel needs a value"], "run", "--kernel")
        self.refused(USAGE, ["--verbose takes no value"], "run", "--verbose=1")

    def test_wrong_values(self):
        for words in (["--memory", "lots"], ["--memory", "12Q"], ["--memory", "-1"], ["--memory", "0"],
                      ["--memory", "99999999999999999999G"], ["--cpus", "0"], ["--cpus", "10000"],
                      ["--cpus", "four"], ["--timeout", "-1"]):
            self.refused(USAGE, words, "run", *words)
        self.refused(USAGE, ["4 KiB"], "run", "--memory", "1048577")
        self.refused(USAGE, ["--mode"], "run", "--mode", "hvt")
        self.refused(USAGE, ["no mode"], "run", "--mode", "huge")
        self.refused(USAGE, ["KVM", "use --accel interp"], "run", "--accel", "kvm", "--arch",
                     "riscv64" if platform.machine() != "riscv64" else "aarch64")
        self.refused(USAGE, ["--cpu host", "--accel kvm"], "run", "--arch", "x86_64", "--accel", "interp", "--cpu", "host")
        self.refused(USAGE, ["no engine"], "run", "--accel", "warp")
        self.refused(USAGE, ["--arch z80"], "run", "--arch", "z80")

    def test_options_of_another_mode(self):
        unikernel = ["run", "--mode", "hvt", "--kernel", self.file("program", elf())]
        self.refused(USAGE, ["--net is not part of mode hvt", "--hvt-net"], *unikernel, "--net", "user")
        self.refused(USAGE, ["a second --serial", "mode hvt"], *unikernel, "--serial", "none", "--serial", "none")
        self.refused(IMAGE, ["program"], *unikernel, "--net", "none")
        disk = self.file("disk", bytes(512))
        self.refused(USAGE, ["--hvt-block and --hvt-net are", "mode type1"], "run", "--arch", "riscv64", "--hvt-block", "disk=" + disk)
        self.refused(USAGE, ["--hvt-dumpcore is", "mode type1"], "run", "--arch", "riscv64", "--hvt-dumpcore", self.folder.name)

    def test_options_of_another_architecture(self):
        self.refused(USAGE, ["--debug-exit", "x86_64"], "run", "--arch", "riscv64", "--debug-exit")
        self.refused(USAGE, ["--signature", "--kernel"], "run", "--signature", "file")
        self.refused(USAGE, ["--test-device", "x86_64"], "run", "--arch", "riscv64", "--test-device")
        self.refused(USAGE, ["--machine", "aarch64"], "run", "--arch", "riscv64", "--machine", "gic-version=2")
        self.refused(USAGE, ["--machine", "riscv64"], "run", "--arch", "x86_64", "--machine", "virtio-mmio=1")
        self.refused(USAGE, ["virtio-mmio=3", "virtio-mmio=1|2"], "run", "--arch", "riscv64", "--machine", "virtio-mmio=3")
        self.refused(USAGE, ["--semihosting", "aarch64 and riscv64"], "run", "--arch", "x86_64", "--semihosting")

    def test_screens(self):
        self.refused(USAGE, ["display=huge", "virtio"], "run", "--arch", "riscv64", "--machine", "display=huge")
        self.refused(USAGE, ["no VGA", "display=virtio"], "run", "--arch", "riscv64", "--machine", "display=vga")
        self.refused(USAGE, ["gic-version", "display="], "run", "--arch", "riscv64", "--machine", "screen=vga")

    def test_not_part_of_the_mode(self):
        kernel, disk = self.file("kernel", elf()), self.file("disk", bytes(4096))
        virtio = ["run", "--arch", "riscv64", "--mode", "virtio"]
        for words, mentions in (
            ([], ["--kernel"]),
            (["--disk", disk], ["--kernel"]),
            (["--kernel", kernel, "--disk", f"{disk},if=ahci"], ["if=ahci", "mode virtio", "--mode type1"]),
            (["--kernel", kernel, "--disk", f"{disk},if=nvme"], ["if=nvme", "mode virtio", "--mode type1"]),
            (["--kernel", kernel, "--disk", f"{disk},if=virtio-mmio"], ["if=virtio-mmio", "--transport pci"]),
            (["--kernel", kernel, "--transport", "mmio", "--disk", f"{disk},if=virtio-pci"],
             ["if=virtio-pci", "--transport mmio"]),
            (["--kernel", kernel, "--cdrom", disk], ["--cdrom", "mode virtio"]),
            (["--kernel", kernel, "--firmware", disk], ["--firmware", "mode virtio"]),
            (["--kernel", kernel, "--firmware-vars", disk], ["--firmware-vars", "mode virtio"]),
            (["--kernel", kernel, "--firmware", "none"], ["--firmware none", "SBI"]),
            (["--kernel", kernel, "--transport", "scsi"], ["scsi", "pci or mmio"]),
        ):
            self.refused(USAGE, mentions, *virtio, *words)
        self.refused(USAGE, ["--machine", "mode virtio"], "run", "--arch", "aarch64", "--mode", "virtio", "--machine",
                     "gic-version=2", "--kernel", self.file("arm", elf(machine=183)))
        x86 = self.file("x86", elf(machine=62))
        self.refused(USAGE, ["--transport mmio", "--mode virtio"], "run", "--accel", "interp", "--mode", "type1", "--transport", "mmio",
                     "--kernel", x86)
        self.refused(USAGE, ["--debug-exit", "mode virtio"], "run", "--accel", "interp", "--mode", "virtio", "--debug-exit", "--kernel", x86)
        self.refused(USAGE, ["--debugcon", "mode virtio"], "run", "--accel", "interp", "--mode", "virtio", "--debugcon", "stdio", "--kernel",
                     x86)
        self.refused(USAGE, ["--dtb", "x86_64"], "run", "--accel", "interp", "--mode", "virtio", "--dtb", disk, "--kernel", x86)

    def test_mode_of_the_environment(self):
        kernel = self.file("kernel", elf())
        os.environ["TRIARCH_MODE"] = "virtio"
        try:
            self.refused(USAGE, ["--firmware none"], "run", "--firmware", "none", "--kernel", kernel)
            os.environ["TRIARCH_MODE"] = "huge"
            self.refused(USAGE, ["no mode huge"], "run", "--kernel", kernel)
        finally:
            del os.environ["TRIARCH_MODE"]

    def test_too_many_slots(self):
        words = []
        for i in range(16):
            words += ["--disk", self.file(f"disk{i}", bytes(4096))]
        for i in range(5):
            words += ["--net", "none"]
        self.refused(USAGE, ["19 virtio-mmio slots", "--transport pci"], "run", "--accel", "interp", "--mode", "virtio", "--transport", "mmio",
                     "--kernel", self.file("x86", elf(machine=62)), *words)

    def test_memory_beyond_the_host(self):
        self.refused(USAGE, ["2 TiB", "this host has"], "run", "--memory", "2T")

    def test_unknown_cpu(self):
        self.refused(USAGE, ["rva99"], "run", "--cpu", "rva99")
        self.refused(USAGE, ["zzz"], "run", "--cpu", "max,+zzz")

    def test_not_there_yet(self):
        for words in (["--accel", "jit"],):
            self.refused(USAGE, ["not there yet"], "run", *words)

    def test_disk_keys(self):
        path = self.file("disk", bytes(4096))
        self.refused(USAGE, ["fromat=raw", "format"], "run", "--disk", path + ",fromat=raw")
        self.refused(USAGE, ["vmdk"], "run", "--disk", path + ",format=vmdk")
        self.refused(USAGE, ["if=scsi", "ahci"], "run", "--disk", path + ",if=scsi")
        self.refused(USAGE, ["slot=", "if=virtio-mmio"], "run", "--arch", "riscv64", "--disk", path + ",slot=1")
        self.refused(USAGE, ["slot=first", "number"], "run", "--arch", "riscv64", "--disk", path + ",if=virtio-mmio,slot=first")
        self.refused(USAGE, ["slot 8", "0 to 7"], "run", "--arch", "riscv64", "--kernel", self.file("kernel", elf()), "--disk",
                     path + ",if=virtio-mmio,slot=8")
        self.refused(USAGE, ["if= twice"], "run", "--disk", path + ",if=virtio,if=usb")
        self.refused(USAGE, ["names no file"], "run", "--disk", ",readonly")
        self.refused(USAGE, [path, "two disks"], "run", "--disk", path, "--disk", path + ",readonly")
        self.refused(USAGE, [path, "two disks"], "run", "--disk", path + ",snapshot", "--disk", path)

    def test_nothing_given(self):
        for option in ("--kernel", "--disk", "--firmware", "--cpu", "--name", "--config", "--net", "--serial"):
            self.refused(USAGE, [option, "nothing"], "run", option, "")
            if option != "--config":
                self.refused(USAGE, [option, "nothing"], "run", option + "=")
        self.refused(USAGE, ['""', "vm-cli help"], "")
        self.refused(USAGE, ["nonsense"], "help", "nonsense")

    # --- files ---

    def test_missing_files(self):
        for option in ("--kernel", "--disk", "--cdrom", "--firmware"):
            self.refused(IMAGE, ["/nonexistent/file", "No such file"], "run", option, "/nonexistent/file")
        kernel = self.file("kernel", elf())
        for option in ("--initrd", "--dtb"):
            self.refused(IMAGE, ["/nonexistent/file", "No such file"], "run", "--firmware", "none", "--kernel", kernel,
                         option, "/nonexistent/file")

    def test_signatures(self):
        self.refused(IMAGE, ["plain", "begin_signature"], "run", "--kernel", self.file("plain", elf()), "--signature", "/nonexistent/file")
        odd = elf_with_symbols(bytes(16), begin_signature=0x80000002, end_signature=0x80000008)
        self.refused(IMAGE, ["odd", "words"], "run", "--kernel", self.file("odd", odd), "--signature", "/nonexistent/file")
        good = elf_with_symbols(bytes(16), begin_signature=0x80000000, end_signature=0x80000008)
        self.refused(HOST, ["/nonexistent/file", "No such file"], "run", "--kernel", self.file("good", good), "--signature",
                     "/nonexistent/file")

    def test_disk_as_kernel(self):
        disk = self.file("disk.img", bytes(510) + b"\x55\xaa")
        self.refused(USAGE, ["starts no disk"], "run", "--arch", "x8664", "--firmware", "none", "--kernel", disk)
        self.refused(USAGE, ["only a PC"], "run", "--arch", "riscv64", "--disk", disk + ",if=floppy")
        self.refused(IMAGE, ["large.img", "2880 KiB"], "run", "--arch", "x8664", "--disk",
                     self.file("large.img", bytes(3 << 20)) + ",if=floppy")
        self.refused(USAGE, ["2 diskette drives"], "run", "--arch", "x8664", *["--disk", disk + ",if=floppy,snapshot"] * 3)

    def test_directories(self):
        kernel = self.file("kernel", elf())
        for option in ("--kernel", "--firmware", "--disk", "--cdrom"):
            self.refused(IMAGE, ["/usr", "directory"], "run", option, "/usr")
        self.refused(IMAGE, ["/usr", "directory"], "run", "--kernel", kernel, "--firmware", "none", "--initrd", "/usr")

    def test_special_files(self):
        pipe, end = os.path.join(self.folder.name, "pipe"), os.path.join(self.folder.name, "socket")
        os.mkfifo(pipe)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(end)
            for path, kind in ((pipe, "a pipe"), (end, "a socket"), ("/dev/zero", "a character device")):
                for option in ("--kernel", "--firmware", "--disk", "--cdrom"):
                    self.refused(IMAGE, [path, kind], "run", option, path)
                self.refused(IMAGE, [path, kind], "info", path)
                self.refused(IMAGE, [path, kind], "run", "--firmware", "builtin", "--firmware-vars", path, "--arch", "riscv64")

    def test_empty_file(self):
        path = self.file("empty", b"")
        for option in ("--disk", "--cdrom"):
            self.refused(IMAGE, ["empty is empty"], "run", option, path)
        self.refused(IMAGE, ["empty is empty"], "run", "--kernel", path)

    def test_truncated_kernels(self):
        whole = elf(data=bytes(4096))
        self.refused(IMAGE, ["truncated"], "run", "--firmware", "none", "--kernel", self.file("elf", whole[:3000]))
        self.refused(IMAGE, ["truncated"], "run", "--firmware", "none", "--kernel", self.file("head", whole[:50]))
        self.refused(IMAGE, ["truncated"], "run", "--firmware", "builtin", "--kernel",
                     self.file("image", image(claimed=0x1000)[:0x800]))
        packed = gzip.compress(whole)
        self.refused(IMAGE, ["truncated"], "run", "--firmware", "none", "--kernel",
                     self.file("packed", packed[: len(packed) - 20]))

    def test_wrong_kinds_of_file(self):
        for name, content, words in (
            ("disk.qcow2", b"QFI\xfb" + bytes(600), ["not a usable qcow2 image"]),  # a disk is started as one
            ("script", b"#!/bin/sh\necho hello\n", ["a text file"]),
            ("pe", b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40) + b"PE\0\0\x64\x50" + bytes(500), ["EFI"]),
            ("initrd", b"070701" + bytes(600), ["cpio"]),
            ("arm32", elf(machine=40), ["another architecture"]),
        ):
            self.refused(IMAGE, [name] + words, "run", "--arch", "riscv64", "--firmware", "builtin", "--kernel",
                         self.file(name, content))
        for name, content, arch in (
            ("x86", elf(machine=62), "x86_64"),
            ("bzImage", bytes(0x1FE) + b"\x55\xaa" + bytes(2) + b"HdrS" + bytes(600), "x86_64"),
            ("arm", bytes(0x38) + b"ARM\x64" + bytes(600), "aarch64"),
            ("arm.gz", gzip.compress(elf(machine=183, data=os.urandom(1 << 17))), "aarch64"),
        ):
            self.refused(IMAGE, [name, arch, "riscv64"], "run", "--arch", "riscv64", "--kernel", self.file(name, content))

    def test_info_of_images(self):
        disk = bytearray(1 << 20)
        disk[510:512] = b"\x55\xaa"
        for content, told in (
            (elf(), ["an ELF file", "riscv64", "type1", "--kernel"]),
            (elf(machine=183), ["an ELF file", "aarch64"]),
            (image(), ["a Linux Image", "riscv64", "boot protocol"]),
            (gzip.compress(image()), ["a gzip file, in it a Linux Image", "riscv64"]),
            (bytes(disk), ["a disk image", "--disk"]),
            (b"070701" + bytes(600), ["cpio", "--kernel KERNEL --initrd"]),
            (b"#!/bin/sh\n", ["a text file", "no machine starts it"]),
        ):
            result = self.run_cli("info", self.file("image", content))
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            for text in told:
                self.assertIn(text, result.stdout)
        self.refused(IMAGE, ["/nonexistent/file"], "info", "/nonexistent/file")
        self.refused(USAGE, ["--verbose"], "info", "--verbose")

    def test_kernel_beyond_memory(self):
        path = self.file("high", elf(paddr=0xB0000000))
        self.refused(IMAGE, ["0xb0000000", "0x90000000", "--memory"], "run", "--firmware", "none", "--memory", "256M",
                     "--kernel", path)
        path = self.file("large", elf(memsz=1 << 32))
        self.refused(IMAGE, ["--memory"], "run", "--firmware", "none", "--memory", "256M", "--kernel", path)

    def test_initrd_beyond_memory(self):
        kernel = self.file("kernel", elf())
        initrd = self.file("initrd", b"")
        os.truncate(initrd, 64 << 20)
        self.refused(IMAGE, ["initrd", "--memory"], "run", "--firmware", "none", "--memory", "32M", "--kernel", kernel,
                     "--initrd", initrd)

    def test_initrd_without_kernel(self):
        self.refused(USAGE, ["--kernel"], "run", "--initrd", self.file("initrd", b"x"))

    def test_bad_device_tree(self):
        kernel = self.file("kernel", elf())
        self.refused(IMAGE, ["device tree"], "run", "--firmware", "none", "--kernel", kernel, "--dtb",
                     self.file("dtb", b"\xd0\x0d\xfe\xed" + bytes(100)))

    def test_firmware_that_is_none(self):
        self.refused(IMAGE, ["a qcow2 disk image", "not firmware"], "run", "--firmware",
                     self.file("fw", b"QFI\xfb" + bytes(600)))
        self.refused(USAGE, ["--firmware none", "--kernel"], "run", "--firmware", "none")

    def test_bad_qcow2(self):
        # QCOW2 header, version 3, with a refcount table far beyond the file.
        header = struct.pack(">IIQIIQIIQQIIQQQQII", 0x514649FB, 3, 0, 0, 16, 1 << 20, 0, 1, 0x30000,
                             0x7FFFFFFFFFFF0000, 1, 0, 0, 0, 0, 0, 4, 104)
        path = self.file("wild.qcow2", header + bytes(0x40000 - len(header)))
        self.refused(IMAGE, ["wild.qcow2"], "run", "--disk", path)
        path = self.file("short.qcow2", header[:40])
        self.refused(IMAGE, ["short.qcow2"], "run", "--disk", path)

    def test_serial_and_net(self):
        kernel = self.file("kernel", elf())
        self.refused(USAGE, ["carrier-pigeon"], "run", "--kernel", kernel, "--firmware", "none", "--serial",
                     "carrier-pigeon")
        self.refused(USAGE, ["carrier-pigeon"], "run", "--kernel", kernel, "--firmware", "none", "--net",
                     "carrier-pigeon")
        for port in ("65536", "carrier-pigeon"):
            self.refused(USAGE, [port, "65535"], "run", "--kernel", kernel, "--serial", f"tcp:127.0.0.1:{port}")
            self.refused(USAGE, [port, "65535"], "run", "--kernel", kernel, "--serial", f"tcp::{port},server")
            self.refused(USAGE, [port, "65535"], "run", "--kernel", kernel, "--gdb", port)

    def test_ports(self):
        kernel = self.file("kernel", elf())
        bad = lambda mentions, *words: self.refused(USAGE, mentions, "run", "--kernel", kernel, *words)
        for wrong in ("name", "name=", "=none"):
            bad([wrong, "NAME="], "--port", wrong)
        bad(["--port agent", "carrier-pigeon", "unix:"], "--port", "agent=carrier-pigeon")
        bad(["--port agent", "unix:PATH"], "--port", "agent=unix:/x,client")
        bad(["--port agent", "unix:PATH"], "--port", "agent=unix:")
        bad(["twice", "same"], "--port", "same=none", "--port", "same=none")
        bad(["127"], "--port", "n" * 128 + "=none")
        many = [word for number in range(15) for word in ("--port", f"p{number}=none")]
        bad(["14", "p14"], *many)
        bad(["too long"], "--port", "agent=unix:/" + "x" * 200)
        bad(["hvt"], "--mode", "hvt", "--port", "agent=none")
        path = self.file("plain", b"a file that is no socket")
        self.refused(HOST, [path], "run", "--kernel", kernel, "--port", f"agent=unix:{path},server")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"a file that is no socket")
        self.refused(HOST, ["nobody"], "run", "--kernel", kernel, "--port", f"agent=unix:{self.folder.name}/nobody")

    def test_clipboard(self):
        kernel = self.file("kernel", elf())
        self.refused(USAGE, ["auto, on or off", "yes"], "run", "--kernel", kernel, "--clipboard", "yes")
        self.refused(USAGE, ["screen"], "run", "--kernel", kernel, "--display", "none", "--clipboard", "on")
        self.refused(USAGE, ["com.redhat.spice.0"], "run", "--kernel", kernel, "--display", "vnc=:9999", "--clipboard", "on",
                     "--port", "com.redhat.spice.0=none")


class BadInputForPc(Refusals, unittest.TestCase):
    """What can't be started on an x86_64 machine."""

    def refused(self, status, mentions, *words):
        """Without a word about the engine or the window that this host may not have."""
        super().refused(status, mentions, *words, "--accel", "interp", "--display", "none")

    def refused_kernel(self, mentions, content, *words):
        path = self.file("kernel", content)
        self.refused(IMAGE, mentions, "run", "--arch", "x86_64", "--net", "none", "--kernel", path, *words)

    @staticmethod
    def bzimage(flags=1):
        """The setup header of Linux's boot.rst, protocol 2.15; flags are the xloadflags."""
        head = bytearray(8192)
        head[0x1F1] = 3
        struct.pack_into("<I", head, 0x1F4, (8192 - 2048) // 16)
        head[0x1FE:0x208] = b"\x55\xaa\xeb\x6aHdrS\x0f\x02"
        head[0x211] = 1
        struct.pack_into("<I", head, 0x22C, 0x7FFFFFFF)
        struct.pack_into("<IBBH", head, 0x230, 1 << 21, 1, 21, flags)
        struct.pack_into("<I", head, 0x238, 255)
        struct.pack_into("<QI", head, 0x258, 16 << 20, 1 << 20)
        return bytes(head)

    @staticmethod
    def iso(boot_record, sectors=24):
        """Volume descriptors of ECMA-119, a root directory with nothing in it, and where wanted El Torito's record."""
        disc = bytearray(2048 * sectors)
        for n, kind in enumerate([1, 0, 255] if boot_record else [1, 255]):
            disc[2048 * (16 + n):2048 * (16 + n) + 7] = bytes([kind]) + b"CD001\1"
        struct.pack_into("<I", disc, 16 * 2048 + 80, sectors)
        struct.pack_into("<H", disc, 16 * 2048 + 128, 2048)
        root = struct.pack("<BBI4xI4x7xB2xH2xB1s", 34, 0, 22, 2048, 2, 1, 1, b"\0")
        for at in (16 * 2048 + 156, 22 * 2048):
            disc[at:at + len(root)] = root
        if boot_record:
            disc[17 * 2048 + 7:17 * 2048 + 30] = b"EL TORITO SPECIFICATION"
            struct.pack_into("<I", disc, 17 * 2048 + 0x47, 20)
        return bytes(disc)

    def test_32_bit_kernel(self):
        self.refused_kernel(["kernel can't be used", "32-bit kernel"], self.bzimage(flags=0))

    def test_beyond_memory(self):
        self.refused_kernel(["2 GiB", "128 MiB", "--memory"], elf(machine=62, paddr=0x80000000), "--memory", "128M")

    def test_initrd_too_large(self):
        initrd = self.file("initrd", b"")
        os.truncate(initrd, 100 << 20)
        self.refused_kernel([initrd, "100 MiB", "64 MiB", "--memory"], self.bzimage(), "--memory", "64M", "--initrd", initrd)

    def test_truncated_kernel(self):
        self.refused_kernel(["truncated"], self.bzimage()[:5000])

    def test_truncated_iso(self):
        for firmware in ("auto", "none"):
            path = self.file("cut.iso", self.iso(True, 1000)[:2048 * 30])
            self.refused(IMAGE, [path, "truncated", "2048000"], "run", "--arch", "x86_64", "--firmware", firmware, "--kernel", path)

    def test_iso_without_boot_record(self):
        path, bios = self.file("data.iso", self.iso(False)), self.file("bios", bytes(65536))
        self.refused(IMAGE, [path, "no boot record", "--firmware none"], "run", "--arch", "x86_64", "--firmware", bios,
                     "--kernel", path)

    def test_firmware(self):
        kernel, bios = self.file("kernel", self.bzimage()), self.file("bios", bytes(65536))
        other = self.file("other", elf(machine=62))
        self.refused(USAGE, ["BIOS", other, "bzImage", "--firmware"], "run", "--kernel", other, "--firmware", bios)
        self.refused(IMAGE, ["--memory", "needs"], "run", "--kernel", kernel, "--firmware", bios, "--memory", "2M")
        self.refused(USAGE, ["--firmware-vars", "EFI"], "run", "--kernel", kernel, "--firmware-vars", bios)
        program = self.file("app.efi", b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40) + b"PE\0\0" + b"\x64\x86" + bytes(64))
        self.refused(USAGE, [program, "EFI"], "run", "--kernel", program, "--firmware", "none")

    def test_network_cards(self):
        self.refused(USAGE, ["virtio and e1000", "ne2000"], "run", "--arch", "x86_64", "--net", "none,model=ne2000")


class GoodOnPc(unittest.TestCase):
    """Programs of a few bytes on an x86_64 machine."""

    def run_code(self, code, *words):
        """Started as a plain ELF file, in 64-bit mode."""
        with tempfile.TemporaryDirectory(prefix="triarch-cli-") as folder:
            path = os.path.join(folder, "guest")
            with open(path, "wb") as out:
                out.write(elf(machine=62, entry=0x200000, paddr=0x200000, data=code))
            return subprocess.run([PROGRAM, "run", "--net", "none", "--kernel", path, *words], capture_output=True, timeout=60,
                                  stdin=subprocess.DEVNULL)

    def test_demo(self):
        """The built-in guest: in 64-bit mode, with the other processors started, and it does what is typed."""
        result = subprocess.run([PROGRAM, "run", "--arch", "x86_64", "--net", "none", "--display", "none", "--cpus", "4", "--memory",
                                 "64M"], input=b"time\noff\n", capture_output=True, timeout=60)
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 0, text)
        self.assertRegex(text, r"processors: 4 of 4, \S")
        self.assertRegex(text, r"0000000000100000  63 MiB")
        self.assertRegex(text, r"(?s)> time.*\d\.\d{6} s since the start.*> off")

    def test_debug_exit(self):
        """mov al, 0x15; out 0xf4, al; hlt: the value doubled, and one more."""
        self.assertEqual(self.run_code(b"\xb0\x15\xe6\xf4\xf4", "--debug-exit").returncode, 0x2B)

    def test_suspend(self):
        """S3: the clock's alarm is set for every second and may wake, the FACS leads to 0x1000, which leaves by the port."""
        outs = b"".join(b"\xb0" + bytes([i]) + b"\xe6\x70\xb0" + bytes([v]) + b"\xe6\x71" for i, v in ((1, 0xC0), (3, 0xC0), (5, 0xC0), (11, 0x22)))
        code = (b"\xc7\x04\x25\x4c\x00\x0e\x00\x00\x10\x00\x00"  # mov dword [0xe004c], 0x1000
                b"\xc7\x04\x25\x00\x10\x00\x00\xb0\x15\xe6\xf4"  # and there: mov al, 0x15; out 0xf4, al
                + outs +
                b"\x66\xba\x02\x06\x66\xb8\x00\x04\x66\xef"  # RTC_EN
                b"\x66\xba\x04\x06\x66\xb8\x00\x24\x66\xef\xf4")  # sleep type 1
        self.assertEqual(self.run_code(code, "--debug-exit", "--accel", "interp").returncode, 0x2B)

    def test_test_device(self):
        """mov al, 0x15; out 0xe0, al; mov al, 0; in al, 0xe0; out 0xf4, al; hlt: the port keeps what is written, with the device."""
        code = b"\xb0\x15\xe6\xe0\xb0\x00\xe4\xe0\xe6\xf4\xf4"
        self.assertEqual(self.run_code(code, "--debug-exit", "--test-device").returncode, 0x2B)
        self.assertEqual(self.run_code(code, "--debug-exit").returncode, 0xFF)

    def test_debugcon(self):
        """A character to port 0xe9 and one to 0x402; then power off by PM1a (mov dx, 0x604; mov ax, 0x2000; out dx, ax)."""
        code = b"\xb0\x41\xe6\xe9\x66\xba\x02\x04\xb0\x42\xee\x66\xba\x04\x06\x66\xb8\x00\x20\x66\xef\xf4"
        result = self.run_code(code, "--debugcon", "stdio", "--serial", "none")
        self.assertEqual((result.returncode, result.stdout), (0, b"AB"))

    def test_triple_fault(self):
        """lidt of an empty table, ud2."""
        self.assertEqual(self.run_code(b"\x6a\x00\x6a\x00\x0f\x01\x1c\x24\x0f\x0b").returncode, 4)


class Good(unittest.TestCase):
    """Guests of a few instructions, under --firmware none, and the statuses they end with."""

    FINISHER = 0x100000

    def run_code(self, code, *words, timeout=60):
        with tempfile.TemporaryDirectory(prefix="triarch-cli-") as folder:
            path = os.path.join(folder, "guest")
            with open(path, "wb") as out:
                out.write(code)
            return subprocess.run([PROGRAM, "run", "--firmware", "none", "--net", "none", "--kernel", path, *words],
                                  capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)

    @staticmethod
    def finish(value):
        """lui t0, 0x100; li t1, value; sw t1, (t0); j ."""
        upper, lower = (value + 0x800) >> 12 & 0xFFFFF, value & 0xFFF
        return struct.pack("<5I", 0x001002B7, upper << 12 | 0x337, lower << 20 | 0x0003031B, 0x0062A023, 0x0000006F)

    def test_power_off(self):
        self.assertEqual(self.run_code(self.finish(0x5555)).returncode, 0)

    def test_guest_status(self):
        self.assertEqual(self.run_code(self.finish(7 << 16 | 0x3333)).returncode, 7)
        self.assertEqual(self.run_code(elf(data=self.finish(9 << 16 | 0x3333))).returncode, 9)
        self.assertEqual(self.run_code(gzip.compress(elf(data=self.finish(9 << 16 | 0x3333)))).returncode, 9)

    def test_deterministic(self):
        self.assertEqual(self.run_code(self.finish(7 << 16 | 0x3333), "--deterministic").returncode, 7)

    def test_many_harts(self):
        self.assertEqual(self.run_code(self.finish(7 << 16 | 0x3333), "--cpus", "8").returncode, 7)

    @staticmethod
    def asks(machine, *requests):
        """A program that makes requests to its debugger, each a number and what is at the address it gives: output and the end."""
        code, data = b"", b""
        for number, block in requests:
            at, block_at = len(code), 24 * len(requests) + 8 + len(data)
            if machine == 243:  # li a0, number; auipc a1, 0; addi a1, a1, offset; slli x0, x0, 31; ebreak; srai x0, x0, 7
                code += struct.pack("<6I", number << 20 | 0x513, 0x597, block_at - at - 4 << 20 | 0x58593, 0x01F01013, 0x00100073,
                                    0x40705013)
            else:  # mov w0, number; adr x1, block; hlt #0xf000; three times nop
                code += struct.pack("<6I", 0x52800000 | number << 5, 0x10000001 | block_at - at - 4 << 3, 0xD45E0000, *[0xD503201F] * 3)
            data += block + bytes(-len(block) % 8)
        return elf(machine=machine, data=code + bytes(8) + data, **({} if machine == 243 else {"entry": 0x40200000, "paddr": 0x40200000}))

    def test_semihosting(self):
        for machine in (243, 183):
            code = self.asks(machine, (4, b"said\n\0"), (3, b"!"), (0x18, struct.pack("<2Q", 0x20026, 42)))
            result = self.run_code(code, "--semihosting")
            self.assertEqual((result.returncode, result.stdout), (42, b"said\n!"))
            self.assertEqual(self.run_code(code, "--semihosting", "--deterministic").returncode, 42)
            self.assertEqual(self.run_code(self.asks(machine, (0x20, struct.pack("<2Q", 0x20026, 0))), "--semihosting").returncode, 0)
            self.assertEqual(self.run_code(self.asks(machine, (0x18, struct.pack("<2Q", 0x20023, 0))), "--semihosting").returncode, 1)
            # Without the option they are a breakpoint, or undefined.
            self.assertEqual(self.run_code(code, "--timeout", "1").returncode, 124)

    def test_timeout(self):
        result = self.run_code(struct.pack("<I", 0x0000006F), "--timeout", "1")
        self.assertEqual(result.returncode, 124)
        result = self.run_code(struct.pack("<2I", 0x10500073, 0xFFDFF06F), "--timeout", "1", "--deterministic")
        self.assertEqual(result.returncode, 124)

    # auipc t0, 0; li t1, 15; sw t1, 0x40(t0); j .: to where the symbol tohost is.
    HTIF = struct.pack("<4I", 0x00000297, 0x00F00313, 0x0462A023, 0x0000006F) + bytes(0x30) + bytes(8)

    def test_htif(self):
        """A program with the symbol tohost gets the bare machine by itself, and ends by what it writes there."""
        code = elf_with_symbols(self.HTIF, tohost=0x80000040)
        self.assertEqual(self.run_code(code).returncode, 7)
        self.assertEqual(self.run_code(code, "--firmware", "auto", "--deterministic").returncode, 7)

    # auipc t0, 0; csrr t1, menvcfg; t1 = its ADUE << 1 | 1; sw t1, 0x40(t0); j .
    ADUE = bytes.fromhex("970200007323a0301353d30313731300131313001363130023a062046f000000") + bytes(0x20) + bytes(8)

    def test_htif_model(self):
        """Tests of the architecture expect the profile, in which accessed and dirty bits are software's."""
        code = elf_with_symbols(self.ADUE, tohost=0x80000040)
        self.assertEqual(self.run_code(code).returncode, 0)
        self.assertEqual(self.run_code(code, "--cpu", "virt").returncode, 1)

    def test_signature(self):
        with tempfile.TemporaryDirectory(prefix="triarch-cli-") as folder:
            path = os.path.join(folder, "signature")
            code = elf_with_symbols(self.HTIF, tohost=0x80000040, begin_signature=0x80000000, end_signature=0x80000008)
            self.assertEqual(self.run_code(code, "--signature", path).returncode, 7)
            with open(path) as text:
                self.assertEqual(text.read(), "00000297\n00f00313\n")

    def test_endless_exceptions(self):
        """An illegal instruction, and no handler: counted time goes on, and the guest can be ended."""
        result = self.run_code(bytes(4), "--timeout", "1", "--deterministic")
        self.assertEqual(result.returncode, 124)

    def test_little_memory(self):
        self.assertEqual(self.run_code(self.finish(0x5555), "--memory", "1M").returncode, 0)

    def test_help(self):
        for words in (["--help"], ["help"], ["run", "--help"], ["help", "run"], ["info"]):
            result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 0, words)
            self.assertEqual(result.stderr, "")
            self.assertIn("riscv64", result.stdout)
        for words in (["info", "--help"], ["info", "-h"], ["help", "info"]):
            result = subprocess.run([PROGRAM, *words], capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout[:17]), (0, "usage: vm-cli info"[:17]))
        offered = subprocess.run([PROGRAM, "info"], capture_output=True, text=True).stdout
        for name in ("x86-64-v3", "avx2", "rva22s64", "sstc", "neoverse-n1", "pauth"):
            self.assertRegex(offered, rf"\s{name}\s")
        self.assertIn("--block:NAME", subprocess.run([PROGRAM, "help", "hvt"], capture_output=True, text=True).stdout)
        self.assertIn("Examples:", subprocess.run([PROGRAM, "run", "--help"], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
