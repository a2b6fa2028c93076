"""The emulators that bench/run compares, each as the command that starts the same kernel and initramfs."""

import functools
import os
import platform
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import bochs as bochs_peer

TOP = Path(__file__).resolve().parent.parent
CONSOLES = {"riscv64": "ttyS0", "aarch64": "ttyAMA0", "x86_64": "ttyS0"}


class Missing(Exception):
    """An emulator is not there; the text says what to do."""


@dataclass
class Job:
    """What every emulator is told to run."""

    arch: str
    kernel: Path
    initrd: Path
    program: Path  # the initramfs's /init
    scale: float
    only: str
    memory: str = "1G"
    cpus: int = 1

    @property
    def command_line(self):
        # A kernel that panics restarts at once, which ends an emulator that is told not to.
        only = f" bench.only={self.only}" if self.only else ""
        return f"console={CONSOLES[self.arch]} quiet panic=-1 bench.scale={self.scale:g}{only}"


def find_vm_cli():
    chosen = os.environ.get("TRIARCH_VM_CLI")
    for path in [chosen] if chosen else [TOP / "build/release/vm-cli", TOP / "build/vm-cli"]:
        if os.access(path, os.X_OK):
            return str(path)
    raise Missing("no vm-cli: build it (make), or name it in TRIARCH_VM_CLI")


@functools.cache
def peers_folder():
    """Where the peers' commands are; the first time, scripts/peers has to fetch them."""
    chosen = os.environ.get("TRIARCH_PEERS")
    if chosen:
        return Path(chosen)
    result = subprocess.run([TOP / "scripts/peers"], stdout=subprocess.PIPE, text=True, timeout=1800)
    if result.returncode != 0:
        raise Missing("scripts/peers could not get the peers; TRIARCH_PEERS can name a folder that has them")
    return Path(result.stdout.split()[-1])


def find_peer(name):
    path = peers_folder() / name
    if not os.access(path, os.X_OK):
        raise Missing(f"no {name} in {path.parent}")
    return str(path)


def triarch(job):
    program = find_vm_cli()
    return [program, "run", "--arch", job.arch, "--kernel", str(job.kernel), "--initrd", str(job.initrd),
            "--append", job.command_line, "--memory", job.memory, "--cpus", str(job.cpus),
            "--display", "none", "--serial", "stdio"]


def qemu_with(job, cpu):
    program = find_peer(f"qemu-system-{job.arch}")
    machine = "q35" if job.arch == "x86_64" else "virt"
    return [program, "-accel", "tcg", "-M", machine, *cpu, "-m", job.memory, "-smp", str(job.cpus),
            "-kernel", str(job.kernel), "-initrd", str(job.initrd), "-append", job.command_line,
            "-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"]


def qemu(job):
    """At its best: emulating vectors of any length, and the architected pointer authentication, costs it time."""
    cpu = {"riscv64": "rva22s64", "aarch64": "max,pauth-impdef=on", "x86_64": "max"}[job.arch]
    return qemu_with(job, ["-cpu", cpu])


def qemu_max(job):
    return qemu_with(job, ["-cpu", "max"])


def bochs(job):
    if job.arch != "x86_64":
        raise Missing(f"Bochs has no {job.arch}")
    for path, package in ((bochs_peer.ISOLINUX, "isolinux"), (bochs_peer.MODULE, "syslinux-common"),
                          (Path("/usr/bin/xorriso"), "xorriso")):
        if not path.exists():
            raise Missing(f"no {path}, which starts the kernel under Bochs: install Debian's package {package}")
    try:
        return bochs_peer.command(find_peer("bochs"), job)
    except subprocess.SubprocessError as error:
        raise Missing(f"the CD for Bochs could not be made: {error}") from error


def host(job):
    """No emulator at all: the program in user mode, for a quick look or to know what the hardware could do."""
    if platform.machine() != job.arch:
        raise Missing(f"this host is {platform.machine()}: it can't run {job.arch} programs itself")
    return [str(job.program), "--scale", f"{job.scale:g}", "--only", job.only]


TABLE = {"triarch": triarch, "qemu": qemu, "qemu-max": qemu_max, "bochs": bochs, "host": host}


def parse_variant(text):
    """LABEL=NAME ARGS...: the emulator NAME with more arguments, in a column of its own. Returns (label, function)."""
    label, equals, command = text.partition("=")
    words = shlex.split(command)
    if not (label and equals and words and words[0] in TABLE):
        raise ValueError(f"{text!r} is not LABEL=NAME ARGS..., NAME one of {', '.join(TABLE)}")
    base, extra = TABLE[words[0]], words[1:]
    return label, lambda job: base(job) + extra
