"""Starting Triarch and its peers with a ROM of cases, and what they print as results."""

import os
import shutil
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from image import ERROR_CODES, GPRS, assemble, build_monitor, rom

EVENT = 0x180
START = 30  # seconds an emulator may need to begin
BOCHS = """display_library: term
cpu: model=arrow_lake, add_features="la57", exclude_features="vmx, waitpkg, serialize, cet", count=1, ips=200000000, ignore_bad_msrs=0, reset_on_triple_fault=0
memory: guest=64, host=64
romimage: file={rom}
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
clock: sync=none
port_e9_hack: enabled=1
log: {log}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""


class Peer:
    """An emulator: its command for a ROM, and where the debug port's output goes."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def start(self, image, folder):
        log = os.path.join(folder, f"{self.name}.out")
        if os.path.exists(log):
            os.unlink(log)
        if self.name == "bochs":
            settings = os.path.join(folder, "bochsrc")
            with open(settings, "w") as out:
                out.write(BOCHS.format(rom=image, log=os.path.join(folder, "bochs.log")))
            command = [self.command, "-q", "-f", settings]
        elif self.name == "qemu":
            command = [self.command, "-M", "q35,smm=on", "-cpu", "max", "-accel", "tcg", "-m", "64M", "-nodefaults", "-no-user-config",
                       "-display", "none", "-no-reboot", "-bios", image, "-device", "isa-debug-exit,iobase=0xf4",
                       "-chardev", f"file,id=log,path={log}", "-device", "isa-debugcon,iobase=0xe9,chardev=log"]
        else:
            command = [self.command, "run", "--arch", "x86_64", "--cpu", "max", "--accel", "interp", "--memory", "64M", "--net",
                       "none", "--serial", "none", "--display", "none", "--firmware", image, "--debug-exit", "--debugcon",
                       f"file:{log}"]
        # Bochs writes to its standard output.
        with open(log if self.name == "bochs" else os.devnull, "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                                       env=dict(os.environ, TERM="linux"))
        return process, log

    def run(self, cases, codes, folder, quiet):
        """[Result] of the cases, None where it is not asked. One that ends the machine, or says nothing for `quiet` seconds, is started over after."""
        asked = [i for i, case in enumerate(cases) if self.name not in case.without]
        found = self.run_asked([cases[i] for i in asked], [codes[i] for i in asked], folder, quiet)
        results = [None] * len(cases)
        for i, result in zip(asked, found):
            results[i] = result
        return results

    def run_asked(self, cases, codes, folder, quiet):
        results, first = [], 0
        while first < len(cases):
            image = os.path.join(folder, f"{self.name}.rom")
            with open(image, "wb") as out:
                out.write(rom(cases, codes, first, folder))
            process, log = self.start(image, folder)
            hung = wait(process, log, quiet)
            with open(log, "rb") as file:
                data = file.read()
            at = data.find(b"TRIARCH!")
            if at < 0:
                raise RuntimeError(f"{self.name} did not start the program")
            found, ended = parse(data[at + 8:], first)
            results += found
            first += len(found)
            if not ended:
                results.append(Result([], {}, "hangs" if hung else "shutdown"))
                first += 1
        return results


def wait(process, log, quiet):
    """Whether it had to be stopped."""
    size, since = -1, time.monotonic()
    while True:
        try:
            process.wait(0.05)
            return False
        except subprocess.TimeoutExpired:
            now = os.path.getsize(log) if os.path.exists(log) else 0
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > (quiet if size else START):
                process.kill()
                process.wait()
                return True


class Result:
    def __init__(self, events, changes, end="ran"):
        self.events, self.changes, self.end = events, changes, end

    def values(self):
        """{name: value} of all there is to compare."""
        values = {"end": self.end, "events": len(self.events)}
        for i, event in enumerate(self.events):
            values.update({f"{i}.{name}": value for name, value in event.items()})
        values.update({f"[{address:x}]": value for address, value in self.changes.items()})
        return values


def parse(data, first):
    """([Result] of the cases that came to an end, whether the program did)."""
    results, at = [], 0
    while at + 4 <= len(data):
        number, = struct.unpack_from("<I", data, at)
        if number == 0xFFFFFFFF:
            return results, True
        if number != first + len(results):
            raise RuntimeError(f"case {number} where {first + len(results)} was due")
        try:
            count, = struct.unpack_from("<I", data, at + 4)
            events = [parse_event(data[at + 8 + EVENT * i:at + 8 + EVENT * (i + 1)]) for i in range(count)]
            at += 8 + EVENT * count
            pairs, = struct.unpack_from("<I", data, at)
            words = struct.unpack_from(f"<{2 * pairs}I", data, at + 4)
        except struct.error:
            return results, False
        at += 4 + 8 * pairs
        results.append(Result(events, dict(zip(words[::2], words[1::2]))))
    return results, False


SMI = 0x100
SMM_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "gdtr", "ldtr", "idtr", "tr")


def parse_smi(data):
    """What an SMI saved, without what the manual does not tell: of null selectors, of attributes in real mode, of bit 1 of TR's type."""
    event = {"vector": SMI}
    protected, = struct.unpack_from("<B", data, 0xC0 + 16)
    for i, name in enumerate(SMM_SEGMENTS):
        selector, attributes, limit, base = struct.unpack_from("<HHIQ", data, 8 + 16 * i)
        if name in ("gdtr", "idtr"):
            event.update({f"s.{name}.limit": limit, f"s.{name}.base": base})
            continue
        if name in ("ldtr", "tr") and not protected & 1:
            continue  # what was there before
        event[f"s.{name}"] = selector
        if selector & ~3 or not protected & 1:
            event.update({f"s.{name}.limit": limit, f"s.{name}.base": base})
        if selector & ~3 and protected & 1:
            event[f"s.{name}.attributes"] = attributes & (0xF0FD if name == "tr" else 0xF0FF)
    event.update(zip(("s.io", "s.halt"), data[0xA8:0xAA]))
    event.update(zip(("s.efer", "s.revision", "s.smbase"), struct.unpack_from("<QII", data, 0xB0)))
    event.update(zip(("s.cr4", "s.cr3", "s.cr0", "s.dr7", "s.dr6", "s.rflags", "s.rip"), struct.unpack_from("<7Q", data, 0xC0)))
    event.update(zip((f"s.{name}" for name in reversed(GPRS)), struct.unpack_from("<16Q", data, 0xF8)))
    event.update(zip(("cr0", "dr7"), struct.unpack_from("<2I", data, 0x178)))
    return event


def parse_event(data):
    vector, width = struct.unpack_from("<II", data)
    if vector == SMI:
        return parse_smi(data)
    event = {"vector": vector, "width": width}
    event.update(zip((f"h.{name}" if name == "rsp" else name for name in GPRS), struct.unpack_from("<16Q", data, 8)))
    event.update(zip(("h.ss", "ds", "es", "fs", "gs", "h.cs", "tr", "ldtr"), struct.unpack_from("<8I", data, 0x88)))
    event.update(zip(("h.flags", "cr0", "cr2", "cr3", "cr4", "dr6", "dr7", "efer", "fsbase", "gsbase", "kgsbase"),
                     struct.unpack_from("<11Q", data, 0xA8)))
    event.update(zip(("fsw", "fcw", "mxcsr"), struct.unpack_from("<HHI", data, 0x150)))
    event.update(zip(("gdt.limit", "gdt.base"), struct.unpack_from("<HQ", data, 0x160)))
    event.update(zip(("idt.limit", "idt.base"), struct.unpack_from("<HQ", data, 0x170)))
    if width != 64:  # where they are part of what is loaded with FS and GS, and of no meaning when that is null
        for name in ("fsbase", "gsbase", "kgsbase"):
            del event[name]
    letter, count = {64: ("Q", 7), 32: ("I", 12), 16: ("H", 8)}.get(width, ("I", 12))
    words = list(struct.unpack_from(f"<{count}{letter}", data, 0x100))
    names = ["rip", "cs", "rflags", "rsp", "ss"]
    if vector in ERROR_CODES and width != 16:
        names.insert(0, "error")
    names = names[:-2] if width == 16 else names
    names += [f"stack{i}" for i in range(count - len(names))]
    event.update(zip(names, words))
    return event


def peers(program):
    """Triarch, and of the others those that are there."""
    found = [Peer("triarch", program)]
    for name, command in (("qemu", "qemu-system-x86_64"), ("bochs", "bochs")):
        path = shutil.which(command)
        if path:
            found.append(Peer(name, path))
    return found


def run_all(program_peers, cases, folder, quiet=5):
    """{name: results} of all, which run at the same time."""
    codes = assemble([(case.mode.bits, case.text) for case in cases], folder)
    build_monitor(folder)
    with ThreadPoolExecutor() as pool:
        runs = {peer.name: pool.submit(peer.run, cases, codes, folder, quiet) for peer in program_peers}
        return {name: run.result() for name, run in runs.items()}
