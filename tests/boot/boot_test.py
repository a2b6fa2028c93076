#!/usr/bin/env python3
"""Real firmware and operating systems on vm-cli, by what they print on the serial port.

usage: boot_test.py VM-CLI FETCH [unittest arguments]

FETCH is scripts/fetch, which prints the folder of each set of guests. Times are for a busy host;
TRIARCH_TEST_SLOW multiplies them.
"""

import functools
import gzip
import hashlib
import http.server
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ui"))

import agent
import rfb
from console import PROMPT, Console
from screen import words_of
from xserver import Clipboard, x_server

PROGRAM = FETCH = None
SLOW = float(os.environ.get("TRIARCH_TEST_SLOW", "1"))

FIRST_QUESTION = r"Choose the language|Select a language|Language:"


INIT_TWO_PROCESSES = b"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
count() { n=0; while [ $n -lt 500 ]; do n=$((n + 1)); done; echo counted to $n; /bin/busybox cat /proc/uptime; }
count & count; wait
/bin/busybox cat /proc/interrupts
/bin/busybox poweroff -f
"""


def fetch(name):
    result = subprocess.run([FETCH, name], capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise unittest.SkipTest(f"{name} can't be fetched: {result.stderr.strip()}")
    return result.stdout.split()[-1]


def guest(*words):
    return Console([PROGRAM, "run", "--serial", "stdio", *words])


def xen_iso(folder):
    if not shutil.which("grub-mkrescue") or not os.path.isdir("/usr/lib/grub/i386-pc"):
        raise unittest.SkipTest("grub-mkrescue or grub-pc-bin is not installed")
    linux = fetch("linux-amd64")
    root, iso = os.path.join(folder, "xen"), os.path.join(folder, "xen.iso")
    os.makedirs(os.path.join(root, "boot", "grub"))
    shutil.copy(os.path.join(fetch("xen"), "xen.gz"), os.path.join(root, "boot"))
    shutil.copy(os.path.join(linux, "vmlinuz"), os.path.join(root, "boot"))
    shutil.copy(os.path.join(os.path.dirname(linux), "images", "initramfs-amd64.gz"), os.path.join(root, "boot"))
    with open(os.path.join(root, "boot", "grub", "grub.cfg"), "w") as out:
        out.write("multiboot2 /boot/xen.gz console=com1 com1=115200,8n1 dom0_mem=512M noreboot\n"
                  "module2 /boot/vmlinuz placeholder console=hvc0\nmodule2 /boot/initramfs-amd64.gz\nboot\n")
    subprocess.run(["grub-mkrescue", "-o", iso, root], check=True, capture_output=True, timeout=120)
    return iso


def xen(folder, *words):
    """A hypervisor as the guest, started by GRUB, and Linux on it as its first domain, paravirtualised."""
    with guest("--arch", "x86_64", "--cpus", "2", "--memory", "1G", "--net", "none", "--kernel", xen_iso(folder),
               *words) as console:
        console.expect(r"\(XEN\) Xen version", 300 * SLOW)
        console.expect(r"initramfs# ", 300 * SLOW)
        console.send("cat /sys/hypervisor/type\n")
        console.expect(r"\nxen\s", 60 * SLOW)


def cpio(name, content):
    """A newc archive with one executable file, which lays itself over an initramfs it is appended to."""

    def member(member_name, data, mode):
        numbers = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(member_name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % n for n in numbers) + member_name + b"\0"
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

    return member(name, content, 0o100755) + member(b"TRAILER!!!", b"", 0)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Guests:
    """What is tried on every architecture. `arch` is Debian's name for it, `vm_arch` this program's."""

    arch = vm_arch = None
    console = ""  # for the kernel's command line, where the machine doesn't tell it

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-boot-")

    def tearDown(self):
        self.folder.cleanup()

    def shell(self, console):
        console.shell(300 * SLOW)

    def run_in(self, console, command, timeout=60):
        return console.run(command, timeout * SLOW)

    def debian(self, *words, cpus=2, root="/dev/vda"):
        linux = fetch(f"linux-{self.arch}")
        images = os.path.join(os.path.dirname(linux), "images")
        kernel, image = os.path.join(linux, "vmlinuz"), os.path.join(images, f"rootfs-{self.arch}.img")
        if not os.path.exists(image):
            raise unittest.SkipTest("the root file system is not made: scripts/guests does it")
        disk = os.path.join(self.folder.name, "root.img")
        if not os.path.exists(disk):
            subprocess.run(["cp", "--sparse=always", image, disk], check=True)
        return guest("--cpus", str(cpus), "--memory", "1G", "--kernel", kernel, "--initrd",
                     f"{images}/initramfs-{self.arch}.gz", "--append", f"{self.console}root={root}", *words)

    def disk_and_network(self, interface, *words, root="/dev/vda"):
        """DHCP, a file from the host, 50 MB onto the disk, to the host and back after a reboot, power-off."""
        served = os.urandom(3000000)
        with open(os.path.join(self.folder.name, "served"), "wb") as out:
            out.write(served)
        handler = functools.partial(QuietHandler, directory=self.folder.name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        disk = os.path.join(self.folder.name, "root.img")
        with self.debian("--disk", f"{disk},format=raw,if={interface}", *words, root=root) as console:
            self.shell(console)
            self.run_in(console, "ip link set eth0 up")
            self.assertIn("10.0.2.15", self.run_in(console, "udhcpc -i eth0 -n; ip addr show eth0", 120))
            printed = self.run_in(console, f"wget -q -O /tmp/served http://10.0.2.2:{server.server_port}/served; "
                                           "sha256sum /tmp/served", 120)
            self.assertIn(hashlib.sha256(served).hexdigest(), printed)
            printed = self.run_in(console, "dd if=/dev/urandom of=/root/data bs=1M count=50 2>/dev/null; sync; "
                                           "sha256sum /root/data", 300)
            digest = re.search(r"[0-9a-f]{64}", printed).group()
            self.assertEqual(self.sent_by_guest(console, "/root/data"), digest)
            console.send("reboot -f\n")
            console.expect(r"Linux version", 120 * SLOW)
            self.shell(console)
            self.assertIn(digest, self.run_in(console, "sha256sum /root/data", 120))
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(120 * SLOW), 0)
        server.shutdown()
        server.server_close()
        result = subprocess.run(["/sbin/e2fsck", "-fn", disk], capture_output=True, text=True)
        self.assertIn(result.returncode, (0, 1), result.stdout)

    def sent_by_guest(self, console, path):
        """The SHA-256 of what comes when the guest sends a file to this host."""
        received = hashlib.sha256()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(120 * SLOW)

            def receive():
                with listener.accept()[0] as connection:
                    while piece := connection.recv(1 << 16):
                        received.update(piece)

            receiver = threading.Thread(target=receive)
            receiver.start()
            self.run_in(console, f"busybox nc 10.0.2.2 {listener.getsockname()[1]} <{path}", 300)
            receiver.join()
        return received.hexdigest()

    def virtio_mode(self, transport):
        """On the minimal board: two processors, disk, network, a second console, a port, date, reboot and power-off."""
        port = os.path.join(self.folder.name, "port")
        disk, log = os.path.join(self.folder.name, "root.img"), os.path.join(self.folder.name, "hvc0.log")
        served = os.urandom(100000)
        with open(os.path.join(self.folder.name, "served"), "wb") as out:
            out.write(served)
        handler = functools.partial(QuietHandler, directory=self.folder.name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with self.debian("--mode", "virtio", "--transport", transport, "--disk", f"{disk},format=raw", "--serial",
                         f"file:{log}", "--port", f"org.triarch.test=unix:{port},server") as console:
            self.shell(console)
            self.assertRegex(self.run_in(console, "nproc"), r"(?m)^2\r?$")
            self.run_in(console, "ip link set eth0 up; udhcpc -i eth0 -n", 120)
            printed = self.run_in(console, f"wget -q -O - http://10.0.2.2:{server.server_port}/served | tee /root/data | "
                                           "sha256sum; sync", 120)
            self.assertIn(hashlib.sha256(served).hexdigest(), printed)
            self.run_in(console, "modprobe virtio_console; sleep 1; echo said on hvc0 >/dev/hvc0", 60)
            self.named_port(console, port)
            self.assertRegex(self.run_in(console, "dd if=/dev/hwrng bs=16 count=1 2>/dev/null | wc -c"), r"(?m)^16\r?$")
            self.virtio_mode_more(console)
            console.send("reboot -f\n")
            console.expect(r"Linux version", 120 * SLOW)
            self.shell(console)
            self.assertIn(hashlib.sha256(served).hexdigest(), self.run_in(console, "sha256sum /root/data", 120))
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(120 * SLOW), 0)
        server.shutdown()
        server.server_close()
        with open(log) as text:
            self.assertIn("said on hvc0", text.read())

    def named_port(self, console, path):
        """A program in the guest finds the port by its name, and answers who connects to the host's end, one after the other."""
        self.run_in(console, "until name=$(grep -lx org.triarch.test /sys/class/virtio-ports/*/name); do sleep 1; done; "
                             # Kept open: who closes it throws away what has come. Nobody at the other end ends what is read.
                             "exec 3<>/dev/$(basename $(dirname $name)); "
                             "while :; do while read line; do echo heard $line >&3; done <&3; sleep 0.1; done &")
        for words in ("one", "two"):
            with socket.socket(socket.AF_UNIX) as other:
                other.settimeout(60 * SLOW)
                other.connect(path)
                other.sendall(words.encode() + b"\n")
                with other.makefile() as answers:
                    self.assertEqual(answers.readline(), f"heard {words}\n")

    def virtio_mode_more(self, console):
        """What an architecture's minimal board has that others don't."""

    def many_processors(self, *words):
        disk = os.path.join(self.folder.name, "root.img")
        with self.debian("--disk", f"{disk},format=raw", "--net", "none", *words, cpus=8) as console:
            self.shell(console)
            self.assertRegex(self.run_in(console, "nproc"), r"(?m)^8\r?$")
            self.run_in(console, "for i in 1 2 3 4 5 6 7 8; do (n=0; while [ $n -lt 2000 ]; do n=$((n + 1)); done) & done; wait",
                        300)
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(120 * SLOW), 0)

    def cd_boot(self, loader):
        """An ISO given as the kernel: EFI firmware finds its boot loader, here the kernel's own EFI stub."""
        for tool in ("mkfs.vfat", "mmd", "mcopy", "xorriso"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                self.skipTest(f"{tool} is not installed")
        root = os.path.join(self.folder.name, "cd")
        efi, iso = os.path.join(root, "efi.img"), os.path.join(self.folder.name, "boot.iso")
        kernel = os.path.join(fetch(f"linux-{self.arch}"), "vmlinuz")
        fetch(f"edk2-{self.arch}")
        os.mkdir(root)
        with open(efi, "wb") as image:
            image.truncate(os.path.getsize(kernel) + (8 << 20))
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", MTOOLS_SKIP_CHECK="1")
        for command in (["mkfs.vfat", efi], ["mmd", "-i", efi, "::/EFI", "::/EFI/BOOT"],
                        ["mcopy", "-i", efi, kernel, f"::/EFI/BOOT/{loader}"],
                        ["xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-e", "efi.img", "-no-emul-boot", root]):
            subprocess.run(command, check=True, capture_output=True, env=environment)
        with guest("--net", "none", "--arch", self.vm_arch, "--kernel", iso) as console:
            console.expect(r"EFI stub: Booting Linux Kernel", 300 * SLOW)
            # The kernel deals out the PCI addresses anew, and finds the CD again.
            console.expect(r"virtio_blk virtio\d|Unable to mount root fs", 300 * SLOW)

    def cd_direct(self, virtio=True):
        """An ISO without firmware: the default entry of its menu is started, with the CD as a (virtio) disk."""
        if not shutil.which("xorriso"):
            self.skipTest("xorriso is not installed")
        linux = fetch(f"linux-{self.arch}")
        root = os.path.join(self.folder.name, "cd")
        os.makedirs(f"{root}/boot/grub")
        os.mkdir(f"{root}/install")
        os.symlink(f"{linux}/vmlinuz", f"{root}/install/vmlinuz")
        os.symlink(f"{os.path.dirname(linux)}/images/initramfs-{self.arch}.gz", f"{root}/install/initrd.gz")
        with open(f"{root}/boot/grub/grub.cfg", "w") as menu:
            menu.write("set default=1\nmenuentry 'Other' {\n linux /none\n}\nmenuentry 'Install' {\n"
                       " linux /install/vmlinuz from.the.menu=1\n initrd /install/initrd.gz\n}\n")
        iso = os.path.join(self.folder.name, "direct.iso")
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-f", "-r", "-J", "-o", iso, root], check=True,
                       capture_output=True)
        with guest("--net", "none", "--firmware", "none", "--kernel", iso, "--append",
                   f"{self.console}from.the.user=1") as console:
            console.expect(rf"Kernel command line: from\.the\.menu=1 {self.console}from\.the\.user=1", 120 * SLOW)
            console.expect(r"initramfs# ", 300 * SLOW)
            if not virtio:
                return
            console.send("modprobe virtio_blk; sleep 1; cat /sys/block/vda/size; echo end\n")
            console.expect(rf"\b{os.path.getsize(iso) // 512}\b", 60 * SLOW)

    def installer_cd(self):
        """Debian's installer on a CD: EFI firmware, GRUB's menu, the kernel, the first question."""
        fetch(f"edk2-{self.arch}")
        iso = os.path.join(self.folder.name, "installer.iso")
        maker = os.path.join(os.path.dirname(FETCH), "make-installer-iso")
        result = subprocess.run([maker, self.arch, iso], capture_output=True, text=True, timeout=900)
        self.assertEqual(result.returncode, 0, result.stderr)
        with guest("--arch", self.vm_arch, "--memory", "1G", "--kernel", iso) as console:
            console.expect(r"Install", 300 * SLOW)
            console.expect(r"EFI stub: Booting Linux Kernel", 300 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def edk2(self, *words):
        folder = fetch(f"edk2-{self.arch}")
        with guest("--arch", self.vm_arch, "--net", "none", "--firmware", f"{folder}/code.fd", *words) as console:
            console.expect(r"UEFI Interactive Shell|Shell> |Press.*to (?:skip|enter)", 300 * SLOW)


class Riscv64(Guests, unittest.TestCase):
    arch = vm_arch = "riscv64"

    def installer(self, firmware, cpus):
        folder = fetch("debian-riscv64")
        if firmware == "opensbi":
            firmware = os.path.join(fetch("opensbi"), "fw_dynamic.bin")
        with guest("--firmware", firmware, "--cpus", str(cpus), "--memory", "1G", "--kernel", f"{folder}/linux",
                   "--initrd", f"{folder}/initrd.gz", "--append", "console=ttyS0") as console:
            if firmware != "builtin":
                console.expect(r"OpenSBI v\d", 60 * SLOW)
            console.expect(r"Linux version", 120 * SLOW)
            if cpus > 1:
                console.expect(rf"smp: Brought up 1 node, {cpus} CPUs", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_installer_builtin_1(self):
        self.installer("builtin", 1)

    def test_installer_builtin_4(self):
        self.installer("builtin", 4)

    def test_installer_opensbi_1(self):
        self.installer("opensbi", 1)

    def test_installer_opensbi_4(self):
        self.installer("opensbi", 4)

    def u_boot(self, firmware):
        kernel = os.path.join(fetch("u-boot"), "riscv64_smode", "u-boot.bin")
        with guest("--firmware", firmware, "--kernel", kernel) as console:
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"Hit any key to stop autoboot", 60 * SLOW)
            console.send("\n")
            console.expect(r"=> ", 60 * SLOW)
            console.send("version\n")
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"=> ", 60 * SLOW)
            console.send("poweroff\n")
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_u_boot_opensbi(self):
        self.u_boot(os.path.join(fetch("opensbi"), "fw_dynamic.bin"))

    def test_u_boot_builtin(self):
        self.u_boot("builtin")

    def test_u_boot_machine_mode(self):
        firmware = os.path.join(fetch("u-boot"), "riscv64", "u-boot.bin")
        with guest("--firmware", "none", "--kernel", firmware) as console:
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"Hit any key to stop autoboot", 60 * SLOW)
            console.send("\n")
            console.expect(r"=> ", 60 * SLOW)

    def test_opensbi_elf(self):
        firmware = os.path.join(fetch("opensbi"), "fw_jump.elf")
        kernel = os.path.join(fetch("u-boot"), "riscv64_smode", "u-boot.bin")
        with guest("--firmware", firmware, "--kernel", kernel) as console:
            console.expect(r"OpenSBI v\d", 60 * SLOW)
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)

    def test_debian_pci(self):
        self.disk_and_network("virtio", "--firmware", "builtin")

    def test_debian_mmio(self):
        self.disk_and_network("virtio-mmio")

    def test_virtio_mode_pci(self):
        self.virtio_mode("pci")

    def test_virtio_mode_mmio(self):
        self.virtio_mode("mmio")

    def test_debian_8_harts(self):
        self.many_processors()

    def test_deterministic(self):
        """The same machine twice: every byte and every time it prints is the same."""
        images = os.path.join(os.path.dirname(fetch("linux-riscv64")), "images")
        initramfs = os.path.join(self.folder.name, "initramfs")
        with open(f"{images}/initramfs-riscv64.gz", "rb") as base, open(initramfs, "wb") as out:
            out.write(base.read() + gzip.compress(cpio(b"init", INIT_TWO_PROCESSES)))
        outputs = []
        for run in range(2):
            log = os.path.join(self.folder.name, f"log{run}")
            result = subprocess.run([PROGRAM, "run", "--deterministic", "--firmware", "builtin", "--cpus", "2", "--net",
                                     "none", "--kernel", os.path.join(fetch("linux-riscv64"), "vmlinuz"), "--initrd",
                                     initramfs, "--serial", f"file:{log}"], timeout=300 * SLOW, stdin=subprocess.DEVNULL)
            self.assertEqual(result.returncode, 0)
            with open(log, "rb") as text:
                outputs.append(text.read())
        self.assertIn(b"counted to 500", outputs[0])
        self.assertEqual(outputs[0], outputs[1])

    def test_cd(self):
        self.cd_boot("BOOTRISCV64.EFI")

    def test_installer_cd(self):
        self.installer_cd()

    def test_cd_direct(self):
        self.cd_direct()

    def test_edk2(self):
        fetch("opensbi")
        self.edk2()


class Aarch64(Guests, unittest.TestCase):
    arch, vm_arch = "arm64", "aarch64"

    def installer(self, *words, cpus=1):
        folder = fetch("debian-arm64")
        with guest("--cpus", str(cpus), "--memory", "1G", "--kernel", f"{folder}/linux", "--initrd",
                   f"{folder}/initrd.gz", "--append", "console=ttyAMA0", *words) as console:
            console.expect(r"Linux version", 120 * SLOW)
            if cpus > 1:
                console.expect(rf"smp: Brought up 1 node, {cpus} CPUs", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_arm_installer_gicv3_1(self):
        self.installer()

    def test_arm_installer_gicv3_4(self):
        self.installer(cpus=4)

    def test_arm_installer_gicv2_1(self):
        self.installer("--machine", "gic-version=2")

    def test_arm_installer_gicv2_4(self):
        self.installer("--machine", "gic-version=2", cpus=4)

    def test_arm_kernel_files(self):
        """The same kernel in all that kernels come in: gzip, zstd, and Linux's EFI zboot file around gzip."""
        with open(os.path.join(fetch("linux-arm64"), "vmlinuz"), "rb") as kernel:
            packed = gzip.compress(kernel.read(), 1)
        # drivers/firmware/efi/libstub/zboot-header.S; of the PE header, what machine it is for.
        head = struct.pack("<4s4sII8x8s28xI", b"MZ\0\0", b"zimg", 128, len(packed), b"gzip", 64)
        files = {"gzip": packed, "zboot": head + struct.pack("<4sH58x", b"PE\0\0", 0xaa64) + packed}
        if shutil.which("zstd"):
            files["zstd"] = subprocess.run(["zstd", "-1", "-c"], input=gzip.decompress(packed), stdout=subprocess.PIPE,
                                           check=True).stdout
        for name, content in files.items():
            path = os.path.join(self.folder.name, name)
            with open(path, "wb") as out:
                out.write(content)
            with self.subTest(name), guest("--arch", "aarch64", "--net", "none", "--kernel", path) as console:
                console.expect(r"Linux version", 120 * SLOW)

    def test_arm_installer_edk2(self):
        """The firmware starts the kernel it is handed, which finds the machine by ACPI."""
        self.installer("--firmware", os.path.join(fetch("edk2-arm64"), "code.fd"), cpus=2)

    def test_arm_edk2(self):
        self.edk2()

    def test_arm_edk2_gicv2(self):
        self.edk2("--machine", "gic-version=2")

    def test_arm_ramfb(self):
        """The firmware draws its shell into the frame buffer."""
        picture = os.path.join(self.folder.name, "screen.png")
        with guest("--arch", "aarch64", "--machine", "display=ramfb", "--net", "none", "--firmware",
                   os.path.join(fetch("edk2-arm64"), "code.fd"), "--screenshot-at", f"{int(20 * SLOW)}:{picture}", "--timeout",
                   str(int(25 * SLOW))) as console:
            self.assertEqual(console.wait(120 * SLOW), 124)
        # An 800 x 600 picture of one colour is much smaller.
        self.assertGreater(os.path.getsize(picture), 3000)

    def test_arm_u_boot(self):
        firmware = os.path.join(fetch("u-boot"), "arm64", "u-boot.bin")
        with guest("--arch", "aarch64", "--firmware", firmware) as console:
            console.expect(r"U-Boot 20\d\d", 60 * SLOW)
            console.expect(r"Hit any key to stop autoboot", 60 * SLOW)
            console.send("\n")
            console.expect(r"=> ", 60 * SLOW)
            console.send("poweroff\n")
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_arm_debian_pci(self):
        self.disk_and_network("virtio")

    def test_arm_debian_mmio(self):
        self.disk_and_network("virtio-mmio", "--machine", "gic-version=2")

    def test_arm_virtio_mode_pci(self):
        self.virtio_mode("pci")

    def test_arm_virtio_mode_mmio(self):
        self.virtio_mode("mmio")

    def test_arm_debian_8_cores(self):
        self.many_processors()

    def test_arm_cd(self):
        self.cd_boot("BOOTAA64.EFI")

    def test_arm_installer_cd(self):
        self.installer_cd()

    def test_arm_cd_direct(self):
        self.cd_direct()


class X8664(Guests, unittest.TestCase):
    arch, vm_arch = "amd64", "x86_64"
    console = "console=ttyS0 "

    def installer(self, cpus):
        folder = fetch("debian-amd64")
        with guest("--cpus", str(cpus), "--memory", "1G", "--net", "none", "--kernel", f"{folder}/linux", "--initrd",
                   f"{folder}/initrd.gz", "--append", "console=ttyS0") as console:
            console.expect(r"Linux version", 120 * SLOW)
            if cpus > 1:
                console.expect(rf"smp: Brought up 1 node, {cpus} CPUs", 180 * SLOW)
            console.expect(FIRST_QUESTION, 900 * SLOW)

    def test_pc_installer_1(self):
        self.installer(1)

    def test_pc_installer_4(self):
        self.installer(4)

    def test_pc_installer_debian12(self):
        folder = fetch("debian12-amd64")
        with guest("--memory", "1G", "--net", "none", "--kernel", f"{folder}/linux", "--initrd", f"{folder}/initrd.gz",
                   "--append", "console=ttyS0") as console:
            console.expect(FIRST_QUESTION, 900 * SLOW)

    def screen_shows(self, text, seconds, *words):
        """The text screen has something that matches `text` within the time; it is photographed every few seconds."""
        bios = os.path.join(fetch("seabios"), "vgabios.bin")
        times = range(2, int(seconds * SLOW) + 1, max(2, int(seconds * SLOW) // 16 + 1))
        pictures = [os.path.join(self.folder.name, f"screen-{at}.png") for at in times]
        shots = [word for at, path in zip(times, pictures) for word in ("--screenshot-at", f"{at}:{path}")]
        command = [PROGRAM, "run", "--arch", "x86_64", "--memory", "256M", "--serial", "none", *words, *shots]
        vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seen = ""
        try:
            for path, after in zip(pictures, pictures[1:] + [None]):
                # A picture is complete when the next one is begun.
                deadline = time.monotonic() + seconds * SLOW + 10
                while time.monotonic() < deadline and vm.poll() is None and not os.path.exists(after or path + "-"):
                    time.sleep(0.1)
                if not os.path.exists(path):
                    break
                seen = words_of(path, bios)
                if re.search(text, seen):
                    return
            self.fail(f"{text!r} was not on the screen within {seconds} s; it showed:\n{seen}")
        finally:
            vm.kill()
            vm.communicate()

    def test_pc_memtest(self):
        """On two processors, which it starts itself."""
        self.screen_shows(r"Memtest86\+ v\d[^$]*Testing: +\d+MB[^$]*2 Cores", 40, "--cpus", "2", "--kernel",
                          os.path.join(fetch("memtest86+"), "memtest.iso"))

    def test_pc_memtest_32(self):
        """From a CD drive on the IDE controller."""
        self.screen_shows(r"Memtest86\+ v\d[^$]*Testing: +\d+MB", 30, "--arch", "x86_64", "--cdrom",
                          os.path.join(fetch("memtest86+"), "memtest32.iso") + ",if=ide")

    def test_pc_ipxe(self):
        """The boot code of the network drives the card itself, and gets an address."""
        self.screen_shows(r"net0: 10\.0\.2\.15", 40, "--kernel", os.path.join(fetch("ipxe"), "ipxe.iso"))

    def grub_rescue(self, commands=None):
        """GRUB's rescue CD, which does these commands or has its prompt."""
        if not shutil.which("grub-mkrescue") or not os.path.isdir("/usr/lib/grub/i386-pc"):
            self.skipTest("grub-mkrescue or grub-pc-bin is not installed")
        iso = os.path.join(self.folder.name, "grub.iso")
        tree = os.path.join(self.folder.name, "tree")
        os.makedirs(os.path.join(tree, "boot", "grub"))
        if commands:
            with open(os.path.join(tree, "boot", "grub", "grub.cfg"), "w") as out:
                out.write(commands)
        subprocess.run(["grub-mkrescue", "-o", iso, tree], check=True, capture_output=True, timeout=120)
        return iso

    def test_pc_grub(self):
        """Its prompt, and what is typed at it."""
        self.screen_shows(r"grub> echo typed by a test\s+typed by a test", 30, "--kernel", self.grub_rescue(), "--type-at",
                          f"{8 * SLOW}:echo typed by a test\\n")

    def test_pc_grub_drivers(self):
        """GRUB's own drivers for IDE and AHCI, without the BIOS, and how it switches a PC off: by the tables of ACPI 1.0."""
        disk = os.path.join(self.folder.name, "disk")
        with open(disk, "wb") as out:
            out.write(b"on the IDE disk\n".ljust(1 << 20, b"\0"))
        iso = self.grub_rescue("serial\nterminal_output serial\nnativedisk\ncat (ata0)0+1\necho\ncat (ata1)/boot/grub/grub.cfg\n"
                               "echo on the IDE CD\nls (ahci0)/boot/\necho on the AHCI CD\nhalt\n")
        with guest("--arch", "x86_64", "--disk", f"{disk},format=raw,if=ide", "--cdrom", f"{iso},if=ide", "--kernel", iso) as console:
            console.expect(r"on the IDE disk[^$]*nativedisk[^$]*on the IDE CD[^$]*grub/[^$]*on the AHCI CD", 60 * SLOW)
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_pc_grub_ovmf(self):
        with guest("--arch", "x86_64", "--net", "none", "--firmware", os.path.join(fetch("ovmf"), "code.fd"), "--kernel",
                   self.grub_rescue()) as console:
            console.expect(r"grub> ", 300 * SLOW)

    def installer_iso(self, arch="amd64"):
        iso = os.path.join(self.folder.name, "debian.iso")
        maker = os.path.join(os.path.dirname(FETCH), "make-installer-iso")
        result = subprocess.run([maker, arch, iso], capture_output=True, text=True, timeout=900)
        self.assertEqual(result.returncode, 0, result.stderr)
        return iso

    def test_pc_installer_cd(self):
        """SeaBIOS, isolinux's menu on the serial port, the kernel, the first question."""
        fetch("seabios")
        with guest("--arch", "x8664", "--cpus", "2", "--memory", "1G", "--kernel", self.installer_iso()) as console:
            console.expect(r"Install on the screen", 60 * SLOW)
            console.expect(r"Linux version", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_pc_installer_cd_32(self):
        """The last installer for 32 bits, with a kernel without PAE."""
        fetch("seabios")
        with guest("--arch", "x8664", "--cpus", "2", "--memory", "1G", "--net", "none", "--kernel",
                   self.installer_iso("i386")) as console:
            console.expect(r"Linux version \S+-686 ", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def initramfs(self):
        return os.path.join(os.path.dirname(fetch("linux-amd64")), "images", "initramfs-amd64.gz")

    def test_pc_bios_kernel(self):
        """A BIOS and a kernel: the option ROM of this program loads the kernel, the command line and the initrd."""
        fetch("seabios")
        with guest("--arch", "x86_64", "--memory", "512M", "--net", "none", "--firmware", "seabios", "--kernel",
                   os.path.join(fetch("linux-amd64"), "vmlinuz"), "--initrd", self.initramfs(), "--append",
                   "console=ttyS0 rom.test=1") as console:
            console.expect(r"BIOS-e820:", 120 * SLOW)
            console.expect(r"Kernel command line: console=ttyS0 rom\.test=1\s", 120 * SLOW)
            console.expect(r"initramfs# ", 300 * SLOW)

    def test_pc_ovmf_kernel(self):
        """EDK2 and a kernel: what is in fw_cfg is started by the firmware itself."""
        fetch("ovmf")
        with guest("--arch", "x86_64", "--memory", "512M", "--net", "none", "--firmware", "ovmf", "--kernel",
                   os.path.join(fetch("linux-amd64"), "vmlinuz"), "--initrd", self.initramfs(), "--append",
                   "console=ttyS0 efi.test=1") as console:
            console.expect(r"Kernel command line: .*console=ttyS0 efi\.test=1\s", 300 * SLOW)
            console.expect(r"initramfs# ", 300 * SLOW)

    def test_pc_ovmf_secboot(self):
        """EDK2 with Secure Boot, whose variables are kept by code in system-management mode, which all processors enter."""
        for name, cpus in (("ovmf-secboot", 4), ("ovmf-ia32", 1)):
            with self.subTest(name), guest("--arch", "x86_64", "--cpus", str(cpus), "--memory", "512M", "--net", "none",
                                           "--firmware", os.path.join(fetch(name), "code.fd")) as console:
                console.expect(r"BdsDxe: No bootable option", 300 * SLOW)

    def test_pc_u_boot(self):
        """Both of its builds as the machine's firmware, to the prompt."""
        for name in ("x86", "x86_64"):
            with self.subTest(name), guest("--arch", "x86_64", "--memory", "512M", "--net", "none", "--firmware",
                                           os.path.join(fetch("u-boot"), name, "u-boot.rom")) as console:
                console.expect(r"stop autoboot", 120 * SLOW)
                console.send(" ")
                console.expect(r"=> ", 60 * SLOW)

    def test_pc_xen(self):
        xen(self.folder.name)

    def test_pc_installer_cd_menu(self):
        """The menu's other entry, chosen on the keyboard: the kernel prints on the screen."""
        keys = [word for at in range(1, 7) for word in ("--type-at", f"{at * SLOW / 2}:s\\n")]
        self.screen_shows(r"\[ +\d+\.\d{6}\] ", 40, "--memory", "1G", "--kernel", self.installer_iso(), *keys)

    def test_pc_installer_cd_ovmf(self):
        """The same CD by EDK2 and GRUB."""
        fetch("ovmf")
        with guest("--arch", "x8664", "--memory", "1G", "--firmware", "ovmf", "--kernel", self.installer_iso()) as console:
            console.expect(r"Install on the screen", 300 * SLOW)
            console.expect(r"EFI stub", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_pc_installer_cd_direct(self):
        """The same CD without firmware: the menu's default entry."""
        with guest("--memory", "1G", "--net", "none", "--firmware", "none", "--kernel", self.installer_iso()) as console:
            console.expect(r"Kernel command line: console=ttyS0", 120 * SLOW)
            console.expect(FIRST_QUESTION, 600 * SLOW)

    def test_pc_ovmf(self):
        """The shell; a variable that is set in it is there again when the machine is started anew with the same file."""
        fetch("ovmf")
        variables = os.path.join(self.folder.name, "vars.fd")
        words = ["--arch", "x86_64", "--cpus", "4", "--net", "none", "--firmware", "ovmf", "--firmware-vars", variables]
        with guest(*words) as console:
            console.expect(r"Press.*to skip", 300 * SLOW)
            console.send("\x1b")
            console.expect(r"Shell> ", 60 * SLOW)
            console.send("set triarch kept-by-flash\r")
            console.expect(r"Shell> ", 60 * SLOW)
            console.send("reset -s\r")
            self.assertEqual(console.wait(60 * SLOW), 0)
        with guest(*words) as console:
            console.expect(r"Press.*to skip", 300 * SLOW)
            console.send("\x1b")
            console.expect(r"Shell> ", 60 * SLOW)
            console.send("set triarch\r")
            console.expect(r"kept-by-flash", 60 * SLOW)

    def test_pc_pvh(self):
        """The kernel that a bzImage unpacks (boot.rst: payload_offset, payload_length) is an ELF file with PVH's note."""
        linux = fetch("linux-amd64")
        with open(f"{linux}/vmlinuz", "rb") as file:
            image = file.read()
        offset, length = struct.unpack_from("<II", image, 0x248)
        start = (image[0x1F1] + 1) * 512 + offset
        kernel = os.path.join(self.folder.name, "vmlinux.compressed")
        with open(kernel, "wb") as out:
            out.write(image[start:start + length - 4])  # behind it, the size of what is in it
        images = os.path.join(os.path.dirname(linux), "images")
        with guest("--arch", "x86_64", "--cpus", "2", "--memory", "512M", "--net", "none", "--kernel", kernel, "--initrd",
                   f"{images}/initramfs-amd64.gz", "--append", "console=ttyS0 pvh.test=1") as console:
            console.expect(r"Command line: console=ttyS0 pvh\.test=1", 60 * SLOW)
            console.expect(r"initramfs: ready", 120 * SLOW)

    def test_pc_efi_program(self):
        """An EFI program as the kernel: EDK2 starts it."""
        fetch("ovmf")
        with guest("--kernel", os.path.join(fetch("ipxe"), "ipxe-amd64.efi")) as console:
            console.expect(r"iPXE \d", 300 * SLOW)

    def test_pc_without_acpi(self):
        """By the tables of before ACPI: two processors and the I/O APIC's pins; without any APIC, the 8259 pair."""
        for words, cpus, wanted in ("", 2, r"IO-APIC +2\d-fasteoi +virtio"), (" noapic nolapic", 1, r"XT-PIC .*virtio"):
            with guest("--cpus", str(cpus), "--memory", "512M", "--kernel", os.path.join(fetch("linux-amd64"), "vmlinuz"), "--initrd",
                       self.initramfs(), "--append", f"console=ttyS0 quiet acpi=off pci=nomsi{words}") as console:
                console.expect(r"initramfs# ", 300 * SLOW)
                console.send("cat /proc/interrupts; echo $(nproc) processors\n")
                console.expect(rf"{wanted}[^$]*{cpus} processors", 60 * SLOW)

    def test_pc_debian_ahci(self):
        self.disk_and_network("ahci", "--net", "user,model=e1000", root="LABEL=triarch")

    def test_pc_debian_ide(self):
        self.disk_and_network("ide", root="LABEL=triarch")

    def test_pc_debian_nvme(self):
        self.disk_and_network("nvme", root="LABEL=triarch")

    def test_pc_usb(self):
        """A disk, a keyboard and a tablet at the xHCI controller: the kernel finds them, and the disk keeps what is written."""
        linux = fetch("linux-amd64")
        images = os.path.join(os.path.dirname(linux), "images")
        disk, content = os.path.join(self.folder.name, "stick.img"), os.urandom(8 << 20)
        with open(disk, "wb") as out:
            out.write(content)
        with guest("--arch", "x86_64", "--memory", "512M", "--net", "none", "--kernel", f"{linux}/vmlinuz", "--initrd",
                   f"{images}/initramfs-amd64.gz", "--append", "console=ttyS0 quiet", "--usb", "keyboard", "--usb", "tablet",
                   "--disk", f"{disk},format=raw,if=usb") as console:
            self.shell(console)
            self.run_in(console, "modprobe sd_mod; modprobe hid-generic; until grep -q sda /proc/partitions; do sleep 1; done", 120)
            self.assertIn(hashlib.sha256(content).hexdigest(), self.run_in(console, "sha256sum /dev/sda"))
            printed = self.run_in(console, "until grep -A9 tablet /proc/bus/input/devices; do sleep 1; done; "
                                           "grep 'USB keyboard' /proc/bus/input/devices")
            # Of relative axes it has wheels alone: both ways, and both in high resolution.
            self.assertRegex(printed, r"Triarch USB tablet[^$]*B: REL=1940\b[^$]*Triarch USB keyboard")
            self.run_in(console, "echo written by the guest | dd of=/dev/sda bs=512 seek=100 conv=fsync")
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(60 * SLOW), 0)
        with open(disk, "rb") as file:
            file.seek(51200)
            self.assertEqual(file.read(20), b"written by the guest")

    def with_agent(self, display, environment=None):
        """A guest with a shell that plays SPICE's agent, when it has announced itself; its console and the agent."""
        linux = fetch("linux-amd64")
        images = os.path.join(os.path.dirname(linux), "images")
        console = Console([PROGRAM, "run", "--serial", "stdio", "--arch", "x86_64", "--memory", "512M", "--net", "none", "--kernel",
                           f"{linux}/vmlinuz", "--initrd", f"{images}/initramfs-amd64.gz", "--append", "console=ttyS0 quiet",
                           "--display", display], environment)
        self.addCleanup(console.__exit__)
        self.shell(console)
        there = agent.Agent(lambda *words: self.run_in(console, *words))
        self.assertEqual(there.hear(8)[0], agent.CAPABILITIES)
        there.say(agent.CAPABILITIES, struct.pack("<II", 0, agent.ON_DEMAND))
        return there

    def agent_pastes(self, there, text):
        self.assertEqual(there.hear(8), (agent.GRAB, agent.TEXT))
        there.say(agent.REQUEST, agent.TEXT)
        self.assertEqual(there.hear(8 + len(text.encode())), (agent.CLIPBOARD, agent.TEXT + text.encode()))

    def agent_copies(self, there, text):
        there.say(agent.GRAB, agent.TEXT)
        self.assertEqual(there.hear(8), (agent.REQUEST, agent.TEXT))
        there.say(agent.CLIPBOARD, agent.TEXT + text.encode())

    def test_pc_clipboard_vnc(self):
        """What a VNC client copies the guest's agent can paste, and the reverse, beyond Latin-1 where the client can do that."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1] - 5900
        there = self.with_agent(f"vnc=:{number}")
        with rfb.Client(5900 + number) as plain, rfb.Client(5900 + number, (rfb.RAW, rfb.CLIPBOARD)) as full:
            for client, text in ((plain, "gr\xfc\xdfe\n"), (full, "\u20ac \U0001f600\nline")):
                client.copy(text)
                self.agent_pastes(there, text)
            self.agent_copies(there, "caf\xe9 \u20ac\n")
            self.assertEqual(plain.pasted(), "caf\xe9 ?\n")
            self.assertEqual(full.pasted(), "caf\xe9 \u20ac\n")

    def test_pc_clipboard_window(self):
        """The same with the clipboard of the desktop where the window is."""
        for tool in ("Xvfb", "xclip"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        with x_server() as display:
            host = Clipboard(display)
            host.copy("was there: \u20ac\n")
            there = self.with_agent("sdl", host.environment)
            self.agent_pastes(there, "was there: \u20ac\n")
            self.agent_copies(there, "caf\xe9 \U0001f600\n")
            end = time.monotonic() + 60 * SLOW
            while host.paste() != "caf\xe9 \U0001f600\n":
                self.assertLess(time.monotonic(), end, "the host has not got the guest's text")
                time.sleep(0.1)
            host.copy("another")
            self.agent_pastes(there, "another")

    # Reads cylinder 40, head 1, sector 18 by the BIOS, from the drive it was started from, and writes it to COM1.
    BOOT_SECTOR = bytes.fromhex(
        "31c0 8ed8 8ec0"  # xor ax, ax; mov ds, ax; mov es, ax
        "bb0080 b80102 b91228 b601 cd13"  # mov bx, 0x8000; mov ax, 0x0201; mov cx, 0x2812; mov dh, 1; int 0x13
        "be0080 baf803"  # mov si, 0x8000; mov dx, 0x3f8
        "ac ee 84c0 75fa f4 ebfd")  # 1: lodsb; out dx, al; test al, al; jnz 1b; 2: hlt; jmp 2b

    def test_pc_diskette(self):
        """The BIOS starts one that is given as the kernel; Linux reads all of it and writes it."""
        linux = fetch("linux-amd64")
        images = os.path.join(os.path.dirname(linux), "images")
        content = bytearray(os.urandom(1440 << 10))
        content[:512] = self.BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa"
        at = ((40 * 2 + 1) * 18 + 17) * 512
        content[at:at + 512] = b"behind cylinder 39\n".ljust(512, b"\0")
        disk = os.path.join(self.folder.name, "diskette.img")
        with open(disk, "wb") as out:
            out.write(content)
        with guest("--arch", "x86_64", "--memory", "64M", "--kernel", disk) as console:
            console.expect("behind cylinder 39", 60 * SLOW)
        with guest("--memory", "512M", "--net", "none", "--kernel", f"{linux}/vmlinuz", "--initrd", f"{images}/initramfs-amd64.gz",
                   "--append", "console=ttyS0 quiet", "--disk", f"{disk},if=floppy") as console:
            self.shell(console)
            self.run_in(console, "modprobe floppy; until [ -e /dev/fd0 ]; do sleep 1; done", 120)
            self.assertIn(hashlib.sha256(content).hexdigest(), self.run_in(console, "sha256sum /dev/fd0", 120))
            self.run_in(console, "echo written by the guest | dd of=/dev/fd0 bs=512 seek=1000 conv=fsync", 60)
            console.send("poweroff -f\n")
            self.assertEqual(console.wait(60 * SLOW), 0)
        with open(disk, "rb") as file:
            file.seek(512000)
            self.assertEqual(file.read(20), b"written by the guest")

    def test_pc_debian_8_cores(self):
        self.many_processors()

    def test_pc_debian_pci(self):
        self.disk_and_network("virtio")

    def test_pc_virtio_mode_pci(self):
        self.virtio_mode("pci")

    def test_pc_virtio_mode_mmio(self):
        self.virtio_mode("mmio")

    def virtio_mode_more(self, console):
        """The paravirtual clock: the kernel knows it, and has the date from it."""
        self.assertIn("kvm-clock", self.run_in(console, "cat /sys/devices/system/clocksource/clocksource0/available_clocksource"))
        printed = self.run_in(console, "echo kvm-clock >/sys/devices/system/clocksource/clocksource0/current_clocksource; "
                                       "date +%s")
        date = re.search(r"(?m)^(\d+)\r?$", printed).group(1)
        self.assertLess(abs(int(date) - time.time()), 30 * SLOW)

    def test_pc_cd_direct(self):
        self.cd_direct(virtio=False)


class Examples(unittest.TestCase):
    """The configurations in docs/examples, each in a folder with the files it names."""

    FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="triarch-example-")
        self.addCleanup(self.folder.cleanup)

    def start(self, name, files, *words):
        for link, target in files.items():
            os.symlink(target, os.path.join(self.folder.name, link))
        config = shutil.copy(os.path.join(self.FOLDER, name), self.folder.name)
        return guest("--config", config, *words)

    def debian(self, arch):
        linux = fetch(f"linux-{arch}")
        images = os.path.join(os.path.dirname(linux), "images")
        return {"vmlinuz": f"{linux}/vmlinuz", "initramfs.gz": f"{images}/initramfs-{arch}.gz",
                "root.img": f"{images}/rootfs-{arch}.img"}

    def shell_reached(self, console, root):
        console.expect(PROMPT, 300 * SLOW)
        console.send("mount; poweroff -f\n")
        console.expect(rf"{root} on / ", 60 * SLOW)
        self.assertEqual(console.wait(120 * SLOW), 0)

    def test_example_debian_pc(self):
        with self.start("debian-pc.toml", self.debian("amd64")) as console:
            self.shell_reached(console, "/dev/sda")

    def test_example_paravirtual_arm(self):
        with self.start("paravirtual-arm.toml", self.debian("arm64")) as console:
            self.shell_reached(console, "/dev/vda")

    def test_example_installer_riscv(self):
        installer = fetch("debian-riscv64")
        files = {name: f"{installer}/{name}" for name in ("linux", "initrd.gz")}
        with self.start("installer-riscv.toml", files) as console:
            console.expect(FIRST_QUESTION, 300 * SLOW)

    def test_example_unikernel(self):
        unikernel = os.path.join(os.path.dirname(PROGRAM), "guests", "hvt", "x86_64", "block.hvt")
        for name, size in (("disk.img", 1 << 20), ("other.img", 40960)):
            with open(os.path.join(self.folder.name, name), "wb") as out:
                out.truncate(size)
        with self.start("unikernel.toml", {"block.hvt": unikernel}) as console:
            console.expect(r"SUCCESS", 60 * SLOW)
            self.assertEqual(console.wait(60 * SLOW), 0)

    def test_example_tests_are_complete(self):
        tests = {name.removeprefix("test_example_").replace("_", "-") + ".toml" for name in dir(self)}
        self.assertEqual(set(os.listdir(self.FOLDER)) - tests, set())


if __name__ == "__main__":
    PROGRAM, FETCH = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
