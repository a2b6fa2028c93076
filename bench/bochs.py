#!/usr/bin/env python3
"""Bochs as one of bench/run's emulators: a CD that its BIOS starts the kernel from, its configuration, and a start.

    bochs.py PROGRAM CONFIGURATION     becomes Bochs, with the guest's serial port on standard output

Bochs' text display wants a terminal, which a pseudo-terminal is that nobody looks at; and a configuration can't say
"standard output", only name a file.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ISOLINUX = Path("/usr/lib/ISOLINUX/isolinux.bin")
MODULE = Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
SERIAL = "@SERIAL@"

MENU = """default bench
prompt 0
label bench
  kernel /kernel
  append initrd=/initrd {command_line}
"""

# At its best: no delay to keep step with the host's time, and a processor with AVX2 as Triarch's default has.
CONFIGURATION = """display_library: term
cpu: model=corei7_haswell_4770, count={cpus}, ips=200000000, ignore_bad_msrs=1
memory: guest={megabytes}, host={megabytes}
romimage: file=$BXSHARE/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={cd}, status=inserted
boot: cdrom
clock: sync=none
com1: enabled=1, mode=file, dev=""" + SERIAL + """
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


def make_cd(kernel, initrd, command_line, cd):
    """Writes a CD image on which isolinux starts the kernel. Raises OSError or subprocess.SubprocessError."""
    root = cd.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    (root / "isolinux").mkdir(parents=True)
    for path, name in ((kernel, "kernel"), (initrd, "initrd"), (ISOLINUX, "isolinux/isolinux.bin"),
                       (MODULE, "isolinux/ldlinux.c32")):
        shutil.copy(path, root / name)
    (root / "isolinux/isolinux.cfg").write_text(MENU.format(command_line=command_line))
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-o", cd, "-b", "isolinux/isolinux.bin", "-c",
                    "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", root],
                   check=True, stderr=subprocess.PIPE, timeout=120)
    shutil.rmtree(root)


def megabytes(memory):
    return int(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]]


def command(program, job):
    """Makes what Bochs needs for the job, beside its initramfs, and returns the command that starts it."""
    cd = job.initrd.with_name("bochs.iso")
    configuration = cd.with_suffix(".rc")
    # This processor's name alone would have the kernel work around Meltdown and its kin, which costs Bochs time.
    make_cd(job.kernel, job.initrd, job.command_line + " mitigations=off", cd)
    configuration.write_text(CONFIGURATION.format(cpus=job.cpus, megabytes=megabytes(job.memory), cd=cd,
                                                  log=cd.with_suffix(".log")))
    return [sys.executable, __file__, program, str(configuration)]


def main():
    program, configuration = sys.argv[1:]
    serial = os.dup(1)
    os.set_inheritable(serial, True)
    terminal, other_end = os.openpty()
    if os.fork() == 0:
        drain(terminal, [serial, other_end, 0, 1, 2])
    os.close(terminal)
    for number in (0, 1):
        os.dup2(other_end, number)
    os.environ["TERM"] = "linux"
    running = Path(configuration).with_suffix(".running")
    running.write_text(Path(configuration).read_text().replace(SERIAL, f"/proc/self/fd/{serial}"))
    os.execv(program, [program, "-q", "-f", str(running)])


def drain(terminal, others):
    """Reads what Bochs displays until it ends."""
    for number in others:
        os.close(number)
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # that is how the other end's closing shows
    os._exit(0)


if __name__ == "__main__":
    main()
