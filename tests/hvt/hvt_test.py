#!/usr/bin/env python3
"""Our unikernels (guests/hvt) under `vm-cli hvt`, on each architecture.

usage: hvt_test.py VM-CLI FOLDER-OF-UNIKERNELS [unittest's options]
"""

import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
GUESTS = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))
TIMEOUT = 60 * SLOW

USAGE, IMAGE, DIED = 2, 3, 4
MAC_A, MAC_B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


class Unikernels:
    """The tests that are the same for all architectures; a class below each says which one it is."""

    arch = None
    accel = "interp"

    def setUp(self):
        if not os.path.exists(self.image("hello")):
            self.skipTest(f"there is no cross compiler for {self.arch}")
        self.accel_check()
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-hvt-")
        self.addCleanup(self.folder.cleanup)

    def accel_check(self):
        pass

    def image(self, name):
        return os.path.join(GUESTS, self.arch, name + ".hvt")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def command(self, name, *words, options=()):
        return [PROGRAM, "hvt", "--timeout=%d" % TIMEOUT, "--accel=" + self.accel, *options, self.image(name), *words]

    def run_hvt(self, name, *words, options=(), **more):
        return subprocess.run(
            self.command(name, *words, options=options),
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            stdin=subprocess.DEVNULL,
            **more,
        )

    def passes(self, name, *words, options=(), **more):
        result = self.run_hvt(name, *words, options=options, **more)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertTrue(result.stdout.endswith("SUCCESS\n"), result.stdout)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def refused(self, status, mentions, name, *words, options=(), stdout=""):
        """One line on standard error that has all of `mentions` in it."""
        result = self.run_hvt(name, *words, options=options)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for mention in mentions:
            self.assertIn(mention, result.stderr)
        self.assertEqual(result.stdout, stdout)

    # --- what needs no device ---

    def test_hello(self):
        result = self.run_hvt("hello")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "Hello, unikernel world\n", ""))

    def test_arguments(self):
        out = self.passes("arguments", "one", "--two", "three four", options=["--mem=64"])
        self.assertIn("arguments: [one --two three four]\n", out)
        self.assertIn("memory: %d\n" % (64 << 20), out)
        self.assertIn("arguments: []\n", self.passes("arguments"))
        self.assertIn("arguments: [-x]\n", self.passes("arguments", "--", "-x"))
        self.assertIn("arguments: [%s]\n" % ("a" * 8191), self.passes("arguments", "a" * 8191))
        self.refused(USAGE, ["8191"], "arguments", "a" * 8192)

    def test_memory(self):
        for size in (2, 4096):
            self.assertIn("memory: %d\n" % (size << 20), self.passes("arguments", options=["--mem=%d" % size]))
        result = self.run_hvt("arguments", options=["--mem=5"])
        self.assertIn("memory: %d\n" % (4 << 20), result.stdout)
        self.assertIn("4 MiB", result.stderr)

    def test_status(self):
        for status in (0, 1, 42, 254):
            self.assertEqual(self.run_hvt("status", str(status)).returncode, status)

    def test_time(self):
        self.passes("time")

    def test_exceptions(self):
        self.passes("exceptions", options=["--mem=32"])

    def test_write_to_code(self):
        self.passes("write_code")

    def test_execute_data(self):
        self.passes("execute_data")

    def test_stack_guard(self):
        result = self.run_hvt("stack_guard")
        self.assertEqual((result.returncode, result.stdout), (255, "the stack was smashed\n"))

    def test_floating_point(self):
        self.passes("float")

    def test_thread_local_storage(self):
        self.passes("tls")

    def test_bad_manifest(self):
        self.refused(IMAGE, ["bad_manifest.hvt", "version 7"], "bad_manifest")

    def test_rules(self):
        for rule in ("argument", "low", "wrap", "end", "number", "cookie", "readonly"):
            with self.subTest(rule):
                self.refused(DIED, ["broke the hvt ABI"], "rules", rule)

    def test_run_command(self):
        """The same by `vm-cli run`, with counted time as well."""
        for name, more in (("float", ["--accel", self.accel]), ("time", ["--accel", "interp", "--deterministic"])):
            words = [PROGRAM, "run", "--mode", "hvt", "--kernel", self.image(name), "--serial", "stdout", *more]
            result = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual((result.returncode, result.stdout), (0, "SUCCESS\n"), result.stderr)

    def test_configuration(self):
        self.disks()
        with open(self.path("vm.toml"), "w") as out:
            out.write(
                f"""[vm]
memory = "16M"
accel = "{self.accel}"
serial = "stdout"
append = "from a file"

[vm.hvt]
unikernel = "{self.image("block")}"
manifest = "auto"

[[vm.hvt.resources]]
type = "block"
name = "disk"
path = "disk.img"

[[vm.hvt.resources]]
type = "block"
name = "other2"
path = "other.img"
sector = 4096
"""
            )
        words = [PROGRAM, "run", "--config", self.path("vm.toml")]
        result = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("40960 bytes, sectors of 4096\n", result.stdout)
        self.assertTrue(result.stdout.endswith("SUCCESS\n"))

    def test_auto(self):
        """The note says enough, and `info` tells."""
        words = ["run", "--kernel", self.image("hello"), "--serial", "stdout"]
        result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stdout), (0, "Hello, unikernel world\n"), result.stderr)
        result = subprocess.run([PROGRAM, "info", self.image("hello")], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("hvt", result.stdout)
        self.assertIn(self.arch, result.stdout)

    # --- damage ---

    def test_mutated(self):
        """Headers, notes and code with random damage: refused, ended or run, never a crash."""
        with open(self.image("hello"), "rb") as file:
            good = file.read()
        notes = good.find(b"Solo5\0")
        lots = random.Random(self.arch)
        refused = 0
        for i in range(60):
            bad = bytearray(good)
            for _ in range(lots.randint(1, 4)):
                start, end = lots.choice([(0, 64), (64, 456), (notes - 12, notes + 200), (0x1000, 0x1400)])
                width = lots.choice([1, 2, 4, 8])
                at = lots.randrange(start, end) // width * width
                value = lots.choice([0, 1, 3, 7, 0xFF, 0xFFF, 0x1000, 0x7FFFFFFF, -1, lots.getrandbits(64)])
                bad[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
            with open(self.path("bad.hvt"), "wb") as out:
                out.write(bad[: lots.randrange(len(bad))] if i % 10 == 0 else bad)
            result = subprocess.run(
                [PROGRAM, "hvt", "--accel=" + self.accel, "--mem=4", "--timeout=1", self.path("bad.hvt")],
                capture_output=True,
                timeout=TIMEOUT,
            )
            self.assertIn(result.returncode, (*range(0, 6), 124, 255), (i, result.stderr))
            if result.returncode == IMAGE:
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
                self.assertEqual(result.stdout, b"")
                refused += 1
        self.assertGreater(refused, 15)

    # --- block devices ---

    def disks(self):
        for name, size in (("disk.img", 1 << 20), ("other.img", 40960)):
            with open(self.path(name), "wb") as out:
                out.write(("start of " + name).encode())
                out.truncate(size)
        return ["--block:disk=" + self.path("disk.img"), "--block:other2=" + self.path("other.img")]

    def test_block(self):
        options = self.disks() + ["--block-sector-size:other2=4096"]
        out = self.passes("block", options=options)
        self.assertIn("1048576 bytes, sectors of 512\nstart of disk.img\n", out)
        self.assertIn("40960 bytes, sectors of 4096\nstart of other.img\n", out)
        # What block.c wrote to the last sector: i * 7 + handle.
        for name, sector, handle in (("disk.img", 512, 1), ("other.img", 4096, 2)):
            with open(self.path(name), "rb") as image:
                image.seek(-sector, os.SEEK_END)
                self.assertEqual(image.read(), bytes((i * 7 + handle) & 0xFF for i in range(sector)))

    def test_block_path_with_comma(self):
        options = self.disks()
        os.rename(self.path("disk.img"), self.path("a,readonly"))
        options[0] = "--block:disk=" + self.path("a,readonly")
        self.passes("block", options=options)

    def test_block_over_what_is_not_the_guests(self):
        for target in ("overwrite", "tables"):
            with self.subTest(target):
                result = self.run_hvt("block", target, options=self.disks())
                self.assertEqual(result.returncode, DIED, result.stdout)
                self.assertIn("broke the hvt ABI", result.stderr)
                self.assertNotIn("SUCCESS", result.stdout)

    def test_block_wrong(self):
        disk, other = self.disks()
        self.refused(USAGE, ["the block device other2", "--block:other2="], "block", options=[disk])
        self.refused(USAGE, ["the block device disk", "the block device other2"], "block")
        self.refused(USAGE, ["no block device nodisk"], "block", options=[disk, other, "--block:nodisk=/dev/null"])
        self.refused(USAGE, ["no network net0"], "block", options=[disk, other, "--net:net0=user"])
        self.refused(USAGE, ["disk", "a block device, not a network"], "block", options=[other, "--net:disk=user"])
        self.refused(USAGE, ["the block device disk is given twice"], "block", options=[disk, disk, other])
        self.refused(IMAGE, ["no-such-file"], "block", options=[disk, "--block:other2=/no-such-file"])
        self.refused(USAGE, ["4096 bytes, not 1000"], "block", options=[disk, other, "--block-sector-size:disk=1000"])
        self.refused(
            USAGE, ["disk2=512", "does not attach"], "block", options=[disk, other, "--block-sector-size:disk2=512"]
        )
        with open(self.path("odd"), "wb") as out:
            out.truncate(1000)
        self.refused(
            IMAGE, ["block device disk", "1000 bytes"], "block", options=["--block:disk=" + self.path("odd"), other]
        )
        with open(self.path("empty"), "wb"):
            pass
        self.refused(IMAGE, ["empty"], "block", options=["--block:disk=" + self.path("empty"), other])

    # --- networks ---

    def start_net(self, *words, options=()):
        """net.hvt with both networks on sockets: the process, and our ends of them."""
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
        ours, theirs = zip(*pairs)
        nets = ["--net:net%d=@%d" % (i, end.fileno()) for i, end in enumerate(theirs)]
        macs = ["--net-mac:net0=" + MAC_A, "--net-mac:net1=" + MAC_B]
        process = subprocess.Popen(
            self.command("net", *words, options=[*nets, *macs, *options]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            pass_fds=[end.fileno() for end in theirs],
            text=True,
        )
        for end in theirs:
            end.close()
        for end in ours:
            end.settimeout(TIMEOUT)
            self.addCleanup(end.close)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process, ours

    @staticmethod
    def frame(payload, target="\xff" * 6, source="\x02\0\0\0\0\x01"):
        return target.encode("latin-1") + source.encode("latin-1") + b"\x88\xb5" + payload

    def echoed(self, end, payload, mac):
        end.send(self.frame(payload))
        answer = end.recv(2048)
        self.assertEqual(answer[:6], b"\x02\0\0\0\0\x01")
        self.assertEqual(answer[6:12], bytes.fromhex(mac.replace(":", "")))
        self.assertEqual(answer[14:], payload)

    def test_net_echo(self):
        process, ends = self.start_net()
        for i in range(20):
            self.echoed(ends[i % 2], bytes([i]) * (46 + 70 * i), (MAC_A, MAC_B)[i % 2])
        # Many before any is read.
        for i in range(30):
            ends[1].send(self.frame(b"%02d" % i + bytes(60)))
        for i in range(30):
            self.assertEqual(ends[1].recv(2048)[14:16], b"%02d" % i)
        self.echoed(ends[0], b"quit" + bytes(42), MAC_A)
        out, err = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, err), (0, ""), out)
        self.assertIn("net0 %s 1500\nnet1 %s 1500\n" % (MAC_A, MAC_B), out)

    def test_net_refusals(self):
        process, _ = self.start_net("refusals")
        out, err = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, err), (0, ""), out)

    def test_poll_sleeps(self):
        """Waiting takes no time of the processor, and a signal ends it."""
        process, ends = self.start_net()
        self.echoed(ends[0], bytes(46), MAC_A)
        self.assertEqual(select.select(ends, [], [], 0.5)[0], [])
        with open("/proc/%d/stat" % process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 0.2 * SLOW)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 128 + signal.SIGTERM)

    def test_net_end(self):
        """A socket whose other end is gone is no reason to spin."""
        process, ends = self.start_net()
        ends[1].close()
        self.echoed(ends[0], bytes(46), MAC_A)
        self.echoed(ends[0], b"quit" + bytes(42), MAC_A)
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_net_user(self):
        options = ["--net:net0=user", "--net:net1=user,hostfwd=tcp:127.0.0.1:0-:80", "--net-mac:net0=" + MAC_A]
        info = subprocess.run([PROGRAM, "info"], capture_output=True, text=True, timeout=TIMEOUT)
        if not re.search(r"libslirp\s+yes", info.stdout):
            self.skipTest("this build has no libslirp")
        out = self.passes("net", "arp", options=options)
        self.assertIn("net0 %s 1500\n" % MAC_A, out)
        # A made-up address: of one station, locally administered.
        self.assertRegex(out, r"net1 [0-9a-f][26ae](:[0-9a-f]{2}){5} 1500\n")
        self.assertIn("10.0.2.2 is at 52:55:0a:00:02:02\n", out)

    def test_net_wrong(self):
        nets = ["--net:net0=user", "--net:net1=user"]
        self.refused(USAGE, ["the network net1", "--net:net1="], "net", options=nets[:1])
        self.refused(USAGE, ["net0", "descriptor 99"], "net", options=["--net:net0=@99", nets[1]])
        self.refused(USAGE, ["net0", "number of a descriptor"], "net", options=["--net:net0=@1", nets[1]])
        self.refused(USAGE, ["12:34", "net0"], "net", options=nets + ["--net-mac:net0=12:34"])
        self.refused(USAGE, ["01:00", "group"], "net", options=nets + ["--net-mac:net0=01:00:00:00:00:00"])
        self.refused(USAGE, ["net2", "does not attach"], "net", options=nets + ["--net-mac:net2=" + MAC_A])

    # --- aborts ---

    # Where GDB's registers are in the core, and what abort.c's cookie says of them.
    cookie_registers = {}

    def test_dumpcore(self):
        result = self.run_hvt("abort", options=["--mem=32", "--dumpcore=" + self.folder.name])
        self.assertEqual((result.returncode, result.stdout), (255, "aborting\n"))
        (name,) = os.listdir(self.folder.name)
        self.assertRegex(name, r"^core\.solo5-hvt\.\d+$")
        with open(self.path(name), "rb") as file:
            core = file.read()
        self.assertLess(os.stat(self.path(name)).st_blocks * 512, 2 << 20, "the core is sparse")
        kind, machine = struct.unpack_from("<HH", core, 16)
        self.assertEqual((kind, machine), (4, {"x86_64": 62, "aarch64": 183, "riscv64": 243}[self.arch]))
        programs = [struct.unpack_from("<IIQQQQQQ", core, 64 + 56 * i) for i in range(2)]
        note, load = programs
        self.assertEqual((note[0], load[0]), (4, 1))
        self.assertEqual((load[3], load[5], load[6]), (0, 32 << 20, 32 << 20))
        memory = core[load[2] : load[2] + load[5]]
        self.assertEqual(len(memory), 32 << 20)
        self.assertEqual(memory.count(struct.pack("<Q", 0xFEEDC0DE00000000 + (32 << 20))), 1)
        regs = note[2] + 12 + 8 + 112
        for index, value in self.cookie_registers.items():
            self.assertEqual(struct.unpack_from("<Q", core, regs + 8 * index)[0], value, index)

    def test_dumpcore_wrong(self):
        result = self.run_hvt("abort", options=["--dumpcore=/no-such-folder"])
        self.assertEqual(result.returncode, USAGE, result.stderr)
        self.assertIn("/no-such-folder", result.stderr)
        self.assertEqual(result.stdout, "")
        # No abort, no core.
        self.run_hvt("status", "3", options=["--dumpcore=" + self.folder.name])
        self.assertEqual(os.listdir(self.folder.name), [])

    # --- debugging ---

    def gdb_connect(self, process):
        port = int(re.search(r"port (\d+)", process.stderr.readline()).group(1))
        gdb = socket.create_connection(("localhost", port), timeout=TIMEOUT)
        self.addCleanup(gdb.close)
        return gdb

    @staticmethod
    def gdb_ask(gdb, packet):
        gdb.sendall(b"$%s#%02x" % (packet, sum(packet) & 0xFF))
        answer = b""
        while not re.search(rb"\$([^#]*)#..", answer):
            part = gdb.recv(4096)
            if not part:
                break
            answer += part
        gdb.sendall(b"+")
        return answer

    def test_gdb(self):
        """It waits at the entry for a debugger that lets it go."""
        process = subprocess.Popen(
            self.command("hello", options=["--gdb-port=0"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        gdb = self.gdb_connect(process)
        self.assertRegex(self.gdb_ask(gdb, b"?"), rb"\$[ST]05")
        self.gdb_ask(gdb, b"D")
        out, _ = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, out), (0, "Hello, unikernel world\n"))

    def test_gdb_in_poll(self):
        """A debugger gets in while the unikernel waits."""
        process, ends = self.start_net(options=["--gdb-port=0"])
        gdb = self.gdb_connect(process)
        self.gdb_ask(gdb, b"?")
        self.gdb_ask(gdb, b"D")
        self.echoed(ends[0], bytes(46), MAC_A)
        gdb.close()
        port = gdb_port_of(process)
        again = socket.create_connection(("localhost", port), timeout=TIMEOUT)
        self.addCleanup(again.close)
        self.assertRegex(self.gdb_ask(again, b"?"), rb"\$[ST]")
        again.sendall(b"$k#6b")
        process.wait(TIMEOUT)

    # --- hypercalls by lot ---

    def test_chaos(self):
        disk = self.path("disk.img")
        with open(disk, "wb") as out:
            out.truncate(65536)
        statuses = set()
        for seed in range(12):
            result = self.run_hvt("chaos", str(seed), options=["--mem=2", "--block:disk=" + disk, "--net:net0=user"])
            self.assertIn(result.returncode, (0, DIED), result.stderr)
            self.assertLessEqual(len(result.stderr.splitlines()), 1, result.stderr)
            statuses.add(result.returncode)
        self.assertIn(DIED, statuses)


class X8664(Unikernels, unittest.TestCase):
    arch = "x86_64"
    # struct user_regs_struct: rip, cs, eflags, rsp, ss.
    cookie_registers = {16: 0x3030, 17: 0x08, 18: 0x5050, 19: 0x6060, 20: 0x10}


class Kvm(X8664):
    """The same on the host's own processor."""

    accel = "kvm"

    def accel_check(self):
        hello = [PROGRAM, "hvt", "--accel=kvm", self.image("hello")]
        result = subprocess.run(hello, capture_output=True, text=True, timeout=TIMEOUT)
        if result.returncode == USAGE:
            self.skipTest(result.stderr.strip())

    def test_time(self):
        result = self.run_hvt("time")
        if result.stdout.startswith("wrong: both went on alike\n"):
            self.skipTest("this host's KVM says a wrong rate of its counter: " + result.stdout.splitlines()[1])
        self.passes("time")


class Aarch64(Unikernels, unittest.TestCase):
    arch = "aarch64"


class Riscv64(Unikernels, unittest.TestCase):
    arch = "riscv64"
    # struct user_regs_struct: pc, ra, sp.
    cookie_registers = {0: 0x1010, 1: 0x2020, 2: 0x3030}


class CommandLine(unittest.TestCase):
    """What is wrong whatever the architecture."""

    def refused(self, status, mentions, *words):
        result = subprocess.run([PROGRAM, "hvt", "--accel=interp", *words], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for mention in mentions:
            self.assertIn(mention, result.stderr)
        self.assertEqual(result.stdout, "")

    def test_help(self):
        result = subprocess.run([PROGRAM, "hvt", "--help"], capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--mem=", "--block:", "--block-sector-size:", "--net:", "--net-mac:", "--dumpcore=", "--gdb"):
            self.assertIn(option, result.stdout)

    def test_wrong(self):
        self.refused(USAGE, ["what is to run?"])
        self.refused(USAGE, ["what is to run?"], "--mem=64")
        self.refused(USAGE, ["--mem needs a number"], "--mem=x", "a")
        self.refused(USAGE, ["--mem needs a number"], "--mem=5000", "a")
        self.refused(USAGE, ["--memory", "did you mean --mem?"], "--memory=64", "a")
        self.refused(USAGE, ["--block:disk", "NAME=VALUE"], "--block:disk", "a")
        self.refused(USAGE, ["--net:=x", "NAME=VALUE"], "--net:=x", "a")
        self.refused(USAGE, ["--whatever"], "--whatever", "a")
        self.refused(IMAGE, ["/no-such-unikernel"], "/no-such-unikernel")
        self.refused(IMAGE, [PROGRAM, "no unikernel"], PROGRAM)
        self.refused(IMAGE, [__file__], __file__)


def gdb_port_of(process):
    """The port that the process listens on, from the kernel's table of sockets."""
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % process.pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (process.pid, fd))
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        with open(table) as rows:
            for row in list(rows)[1:]:
                fields = row.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    return int(fields[1].rsplit(":", 1)[1], 16)
    raise AssertionError("it listens on no port")


if __name__ == "__main__":
    PROGRAM, GUESTS = (os.path.abspath(word) for word in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
