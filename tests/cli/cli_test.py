#!/usr/bin/env python3
"""What vm-cli says and returns for input that can't be used: one sentence, the right status, nothing left behind.

usage: cli_test.py VM-CLI
"""

import gzip
import os
import struct
import subprocess
import sys
import tempfile
import unittest

USAGE, IMAGE = 2, 3
PROGRAM = None


def elf(machine=243, entry=0x80000000, paddr=0x80000000, data=b"\x13\0\0\0" * 4, memsz=None, kind=2):
    """A riscv64 ELF file with one segment, from the ELF-64 object file format."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", kind, machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    program = struct.pack("<IIQQQQQQ", 1, 7, 120, entry, paddr, len(data), memsz or len(data), 4)
    return header + program + data


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


class BadInput(unittest.TestCase):
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
        self.refused(USAGE, ["--accel kvm"], "run", "--accel", "kvm")
        self.refused(USAGE, ["no engine"], "run", "--accel", "warp")
        self.refused(USAGE, ["--arch z80"], "run", "--arch", "z80")

    def test_options_of_another_architecture(self):
        self.refused(USAGE, ["--debug-exit", "x86_64"], "run", "--arch", "riscv64", "--debug-exit")
        self.refused(USAGE, ["--machine", "aarch64"], "run", "--arch", "riscv64", "--machine", "gic-version=2")

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
        self.refused(USAGE, ["if=scsi", "not there yet"], "run", "--disk", path + ",if=scsi")

    # --- files ---

    def test_missing_files(self):
        for option in ("--kernel", "--disk", "--cdrom", "--firmware"):
            self.refused(IMAGE, ["/nonexistent/file", "No such file"], "run", option, "/nonexistent/file")
        kernel = self.file("kernel", elf())
        for option in ("--initrd", "--dtb"):
            self.refused(IMAGE, ["/nonexistent/file", "No such file"], "run", "--firmware", "none", "--kernel", kernel,
                         option, "/nonexistent/file")

    def test_directories(self):
        kernel = self.file("kernel", elf())
        for option in ("--kernel", "--firmware", "--disk", "--cdrom"):
            self.refused(IMAGE, ["/usr", "directory"], "run", option, "/usr")
        self.refused(IMAGE, ["/usr", "directory"], "run", "--kernel", kernel, "--firmware", "none", "--initrd", "/usr")

    def test_empty_file(self):
        path = self.file("empty", b"")
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
            ("disk.qcow2", b"QFI\xfb" + bytes(600), ["a qcow2 disk image"]),
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

    def test_timeout(self):
        result = self.run_code(struct.pack("<I", 0x0000006F), "--timeout", "1")
        self.assertEqual(result.returncode, 124)
        result = self.run_code(struct.pack("<2I", 0x10500073, 0xFFDFF06F), "--timeout", "1", "--deterministic")
        self.assertEqual(result.returncode, 124)

    def test_little_memory(self):
        self.assertEqual(self.run_code(self.finish(0x5555), "--memory", "1M").returncode, 0)

    def test_help(self):
        for words in (["--help"], ["help"], ["run", "--help"], ["help", "run"], ["info"]):
            result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 0, words)
            self.assertEqual(result.stderr, "")
            self.assertIn("riscv64", result.stdout)
        self.assertIn("Examples:", subprocess.run([PROGRAM, "run", "--help"], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
