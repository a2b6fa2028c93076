#!/usr/bin/env python3
"""GDB against vm-cli: gdb-multiarch looks at, steps and stops the built-in demo guest.

usage: gdb_session_test.py VM-CLI
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

PROGRAM = None
DEBUGGER = shutil.which("gdb-multiarch")


class Session:
    """The demo guest of an architecture, stopped at its first instruction."""

    machine_words = []
    gdb_arch = None

    def setUp(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.machine = subprocess.Popen(
            [PROGRAM, "run", "--net", "none", *self.machine_words, "--cpus", "2", "--gdb", str(self.port), "--paused"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.machine.stdout.readline()  # it listens

    def tearDown(self):
        self.machine.kill()
        self.machine.wait()
        self.machine.stdout.close()

    def gdb(self, *commands):
        words = [DEBUGGER, "-q", "-nx", "-batch", "-ex", f"set arch {self.gdb_arch}", "-ex", f"target remote 127.0.0.1:{self.port}"]
        for command in commands:
            words += ["-ex", command]
        result = subprocess.run(words, capture_output=True, text=True, timeout=120)
        return result.stdout + result.stderr


@unittest.skipUnless(DEBUGGER, "gdb-multiarch is not installed")
class Gdb(Session, unittest.TestCase):
    machine_words = ["--firmware", "builtin"]
    gdb_arch = "riscv:rv64"

    def test_start(self):
        """The first instruction is the kernel header's jump over itself."""
        text = self.gdb("info threads", "x/i $pc", "p/x $a0", "stepi", "p/x $pc")
        self.assertRegex(text, r"Thread 1 .*\n.*Thread 2")
        self.assertRegex(text, r"0x80200000:\s+j\s+0x80200040")
        self.assertRegex(text, r"(?m)^\$1 = 0x0$")
        self.assertRegex(text, r"(?m)^\$2 = 0x80200040$")

    def test_points(self):
        text = self.gdb("break *0x80200050", "continue", "p/x $pc", "delete", "watch *(long *)($sp - 16)", "continue")
        self.assertRegex(text, r"(?m)^\$1 = 0x80200050$")
        self.assertRegex(text, r"(?s)Watchpoint 2.*Old value = 0\n")

    def test_state(self):
        text = self.gdb("set var $a5 = 0x1234", "p/x $a5", "set {int}0x80300000 = 77", "p {int}0x80300000",
                        "monitor info cpus", "p/x $satp")
        self.assertRegex(text, r"(?m)^\$1 = 0x1234$")
        self.assertRegex(text, r"(?m)^\$2 = 77$")
        self.assertRegex(text, r"cpu 0: .*pc 0000000080200000")
        self.assertRegex(text, r"(?m)^\$3 = 0x0$")

    def test_vm_and_exits(self):
        """Nothing has run yet; then there is one exit for the breakpoint."""
        text = self.gdb("monitor info vm", "monitor info exits", "break *0x80200050", "continue", "monitor info exits")
        self.assertRegex(text, r"(?m)^1 vm1: mode type1, paused$")
        self.assertRegex(text, r"(?m)^cpu 0:( kick \d+)?$")
        self.assertRegex(text, r"(?m)^cpu 0:( kick \d+)? debug 1$")

    def test_registers_of_each_kind(self):
        """Zero after a reset, what was written when written; `g` has some of them and `p` the others."""
        text = self.gdb("p/x $ft0.double", "p $priv", "set $ft0.double = 1.5", "set $fs11.double = -2.25", "set $sscratch = 0x77",
                        "flushregs", "p $ft0.double", "p $fs11.double", "p/x $sscratch", "p/x $sp", "p/x $pmpcfg0",
                        "p $pmpcfg1")
        for n, value in enumerate(("0x0", "1", "1.5", "-2.25", "0x77", "0x0", "0x1f", "void"), 1):
            self.assertRegex(text, rf"(?m)^\${n} = {re.escape(value)}( .*)?$")

    def test_detach(self):
        self.gdb("stepi", "detach")
        output = b""
        while b"built-in guest" not in output:
            piece = self.machine.stdout.readline()
            self.assertNotEqual(piece, b"", "the machine did not go on after the debugger had gone")
            output += piece

    def test_kill(self):
        self.assertTrue(re.search("killed|Kill", self.gdb("kill")) is not None)
        self.machine.stdout.read()
        self.assertEqual(self.machine.wait(timeout=30), 0)


@unittest.skipUnless(DEBUGGER, "gdb-multiarch is not installed")
class GdbX86(Session, unittest.TestCase):
    machine_words = ["--arch", "x86_64"]
    gdb_arch = "i386:x86-64"

    def test_start(self):
        """In 64-bit mode, at the address the guest is linked to; its first instruction has seven bytes."""
        text = self.gdb("info threads", "p/x $pc", "x/i $pc", "stepi", "p/x $pc", "p/x $rbx")
        self.assertNotRegex(text, "[Tt]arget description|[Uu]nknown type")
        self.assertRegex(text, r"Thread 1 .*\n.*Thread 2")
        self.assertRegex(text, r"(?m)^\$1 = 0x200000$")
        self.assertRegex(text, r"0x200000:\s+lea ")
        self.assertRegex(text, r"(?m)^\$2 = 0x200007$")
        self.assertRegex(text, r"(?m)^\$3 = 0x8000$")

    def test_registers_of_each_kind(self):
        text = self.gdb("set $rax = 0x1122334455667788", "p/x $eax", "p/x $al", "set $st0 = 1.5", "p $st0",
                        "set $xmm3.v2_double[1] = -2.25", "flushregs", "p $xmm3.v2_double", "p/x $xmm3.uint128",
                        "set $ymm5.v8_int32[7] = 77", "p $ymm5.v8_int32[7]", "p/x $mxcsr", "p/x $cr0 & 1", "p/x $efer",
                        "p/x $fctrl")
        for n, value in enumerate(("0x55667788", "0x88", "1.5", "{0, -2.25}", "0xc0020000000000000000000000000000", "77",
                                   "0x1f80", "0x1", "0x500", "0x40"), 1):
            self.assertRegex(text, rf"(?m)^\${n} = {re.escape(value)}$")

    def test_points(self):
        text = self.gdb("hbreak *0x200007", "continue", "p/x $pc", "delete", "watch -l *(long *)($rsp - 8)", "continue")
        self.assertRegex(text, r"(?m)^\$1 = 0x200007$")
        self.assertRegex(text, r"(?s)Hardware watchpoint 2.*New value")


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
