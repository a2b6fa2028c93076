"""The ROM that monitor.S runs from: the map of the arena, what the modes have in it, and cases as changes to that."""

import os
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MONITOR, MONITOR_SIZE, ROM_MAX = 0x20000, 0x10000, 4 << 20
UD2, INT3 = b"\x0f\x0b", b"\xcc"

# The arena.
IVT, LOW, GDT, LDT, IDT, TSS, TASKS, STATE = 0, 0x400, 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000
STACKS, USER_STACK, USER_DATA, USER_DATA2 = 0x7000, 0x8000, 0x9000, 0xA000
PD32, PT32, PML5, PML4, PDPT, PD, PT = 0xB000, 0xC000, 0xD000, 0xE000, 0xF000, 0x10000, 0x11000
SPARE, CODE, USER_CODE, DATA, CODE2 = 0x12000, 0x13000, 0x14000, 0x15000, 0x16000
USER_PAGES = {page >> 12 for page in (USER_STACK, USER_DATA, USER_DATA2, USER_CODE)}
STACK0, STACK1, STACK2, STACK3 = 0x7800, 0x7400, 0x7200, 0x8F00  # what the TSS has; the user's own
IST = 0x7700

# Selectors of the GDT.
CODE32, DATA32, CODE64, CODE16M, DATA16M, TR = 0x08, 0x10, 0x18, 0x20, 0x28, 0x30
UCODE32, UDATA, UCODE64, CONFORMING, CODE16, DATA16, LDTR = 0x43, 0x4B, 0x53, 0x58, 0x60, 0x68, 0x70
CODE_R1, DATA_R1, CODE_R2, DATA_R2, UCODE16, UDATA16 = 0x81, 0x89, 0x92, 0x9A, 0xA3, 0xAB
FREE = 0x100  # and on: for cases

CR0_PE, CR0_MP, CR0_EM, CR0_TS, CR0_ET, CR0_NE = 1, 2, 4, 8, 16, 32
CR0_WP, CR0_AM, CR0_NW, CR0_CD, CR0_PG = 1 << 16, 1 << 18, 1 << 29, 1 << 30, 1 << 31
CR4 = {name: 1 << bit for name, bit in dict(
    VME=0, PVI=1, TSD=2, DE=3, PSE=4, PAE=5, MCE=6, PGE=7, PCE=8, OSFXSR=9, OSXMMEXCPT=10, UMIP=11, LA57=12, FSGSBASE=16,
    PCIDE=17, OSXSAVE=18, SMEP=20, SMAP=21, PKE=22).items()}
SCE, LME, NXE = 1, 1 << 8, 1 << 11
CF, PF, AF, ZF, SF, TF, IF, DF, OF, NT, RF, VM, AC, VIF, VIP = (1 << bit for bit in (0, 2, 4, 6, 7, 8, 9, 10, 11, 14, 16, 17,
                                                                                   18, 19, 20))
ERROR_CODES = {8, 10, 11, 12, 13, 14, 17, 21}

GPRS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
# Offset and size of each value in the state.
FIELDS = {name: (8 * i, 8) for i, name in enumerate(GPRS + ["rip", "cs", "rflags", "rsp", "ss"])}
FIELDS.update({name: (0xA8 + 2 * i, 2) for i, name in enumerate(["ds", "es", "fs", "gs"])})
FIELDS.update({name: (0xB0 + 8 * i, 8) for i, name in enumerate(["cr0", "cr3", "cr4", "efer"])})
FIELDS.update(gdt_limit=(0xD0, 2), gdt_base=(0xD2, 8), idt_limit=(0xE0, 2), idt_base=(0xE2, 8), ldtr=(0xF0, 2), tr=(0xF2, 2),
              mode=(0xF4, 4), resume=(0xF8, 8), icr=(0x3F0, 4), smm_call=(0x3F4, 4), cr2=(0x130, 8), dr6=(0x120, 8), dr7=(0x128, 8))
FIELDS.update({f"dr{i}": (0x100 + 8 * i, 8) for i in range(4)})
MSRS, SMM = 0x200, 0x400


def segment(base, limit, access, flags=0):
    """A descriptor; access is its byte 5, flags are G, D/B, L, AVL as bits 3 to 0."""
    return struct.pack("<HHBBBB", limit & 0xFFFF, base & 0xFFFF, base >> 16 & 0xFF, access, limit >> 16 & 15 | flags << 4,
                       base >> 24 & 0xFF)


def gate(selector, offset, access, count=0, long=False):
    """A gate; 16 bytes in long mode, where count is the IST."""
    data = struct.pack("<HHBBH", offset & 0xFFFF, selector, count, access, offset >> 16 & 0xFFFF)
    return data + struct.pack("<II", offset >> 32, 0) if long else data


def entry32(vector):
    return MONITOR + 0x1000 + 16 * vector


def entry64(vector):
    return MONITOR + 0x2000 + 16 * vector


def entry16(vector):
    return 0x3000 + 8 * vector


def gdt():
    flat = 0xFFFFF
    table = {
        CODE32: segment(0, flat, 0x9B, 12), DATA32: segment(0, flat, 0x93, 12), CODE64: segment(0, flat, 0x9B, 10),
        CODE16M: segment(MONITOR, 0xFFFF, 0x9B), DATA16M: segment(0, 0xFFFF, 0x93), TR: segment(TSS, 0xFFF, 0x89),
        UCODE32: segment(0, flat, 0xFB, 12), UDATA: segment(0, flat, 0xF3, 12), UCODE64: segment(0, flat, 0xFB, 10),
        CONFORMING: segment(0, flat, 0x9F, 12), CODE16: segment(0x10000, 0xFFFF, 0x9B), DATA16: segment(0, 0xFFFF, 0x93),
        LDTR: segment(LDT, 0xFFF, 0x82),
        CODE_R1: segment(0, flat, 0xBB, 12), DATA_R1: segment(0, flat, 0xB3, 12),
        CODE_R2: segment(0, flat, 0xDB, 12), DATA_R2: segment(0, flat, 0xD3, 12),
        UCODE16: segment(0x10000, 0xFFFF, 0xFB), UDATA16: segment(0, 0xFFFF, 0xF3),
    }
    return {GDT + (selector & ~7): data for selector, data in table.items()}


def tss32(esp0=STACK0, iomap=0x88):
    return struct.pack("<26I", 0, esp0, DATA32, STACK1, DATA_R1, STACK2, DATA_R2, *[0] * 18, iomap << 16)


def tss64(iomap=0x88):
    return struct.pack("<I3QQ7QQHH", 0, STACK0, STACK1, STACK2, 0, *[IST - 0x80 * i for i in range(7)], 0, 0, iomap)


def tables():
    """All pages identical, the lowest 2 or 4 MiB; the user sees the user's."""
    def entries(count, wide):
        flags = [0x67 if page in USER_PAGES else 0x63 for page in range(count)]
        return b"".join(struct.pack("<Q" if wide else "<I", page << 12 | flags[page]) for page in range(count))
    return {
        PD32: struct.pack("<I", PT32 | 0x67), PT32: entries(1024, False), PML5: struct.pack("<Q", PML4 | 0x67),
        PML4: struct.pack("<Q", PDPT | 0x67), PDPT: struct.pack("<Q", PD | 0x67), PD: struct.pack("<Q", PT | 0x67),
        PT: entries(512, True)}


def common():
    return {
        IVT: b"".join(struct.pack("<HH", entry16(vector), MONITOR >> 4) for vector in range(256)),
        **gdt(), **tables(), CODE: INT3 * 4096, USER_CODE: INT3 * 4096, CODE2: INT3 * 4096,
        TSS + 0x800: INT3 * 2048}  # 16 bits of CODE's and USER_CODE's targets


class Mode:
    """What a case begins in: bits of code, where that is, memory and state."""

    def __init__(self, name, bits, code, kind, state, memory=None):
        self.name, self.bits, self.code, self.kind = name, bits, code, kind
        self.state = dict(gdt_limit=0xFFF, gdt_base=GDT, idt_base=IDT, idt_limit=0xFFF if kind == 2 else 0x7FF, mode=kind,
                          rflags=2, dr6=0xFFFF0FF0, dr7=0x400, tr=TR if kind else 0, ldtr=LDTR if kind else 0)
        self.state.update(state)
        self.memory = common()
        if kind == 2:
            self.memory[IDT] = b"".join(gate(CODE64, entry64(v), 0xEE if v in (3, 4, 0x80) else 0x8E, 0, True)
                                        for v in range(256))
            self.memory[TSS] = tss64() + b"\0" * 0x20 + b"\xff" * 0x100
        elif kind == 1:
            self.memory[IDT] = b"".join(gate(CODE32, entry32(v), 0xEE if v in (3, 4, 0x80) else 0x8E) for v in range(256))
            self.memory[TSS] = tss32() + b"\0" * 0x20 + b"\xff" * 0x100
        self.memory.update(memory or {})


def flat(cs, ss, rip, rsp, **more):
    return dict(cs=cs, ss=ss, ds=ss, es=ss, fs=ss, gs=ss, rip=rip, rsp=rsp, **more)


PE = CR0_PE | CR0_ET | CR0_NE | CR0_MP
LONG = dict(cr0=PE | CR0_PG | CR0_WP, cr3=PML4, efer=LME | NXE | SCE, cr4=CR4["PAE"] | CR4["OSFXSR"] | CR4["OSXMMEXCPT"])
LONG57 = dict(LONG, cr3=PML5, cr4=LONG["cr4"] | CR4["LA57"])
SSE = CR4["OSFXSR"] | CR4["OSXMMEXCPT"]
PAGED = dict(cr0=PE | CR0_PG | CR0_WP, cr3=PD32, cr4=SSE | CR4["PSE"])
PAE = dict(cr0=PE | CR0_PG | CR0_WP, cr3=PDPT, cr4=SSE | CR4["PAE"], efer=NXE)
PAE_TABLES = {PDPT: struct.pack("<Q", PD | 1)}
RING0 = flat(CODE32, DATA32, CODE, 0x7F00)
RING3 = flat(UCODE32, UDATA, USER_CODE, STACK3)
V86 = dict(cs=0x1400, ss=0x800, ds=0x900, es=0x900, fs=0xA00, gs=0xA00, rip=0, rsp=0xF00)
MODES = {mode.name: mode for mode in [
    Mode("real", 16, CODE, 0, dict(cs=0x1300, ss=0x700, ds=0x900, es=0x900, fs=0xA00, gs=0xA00, rip=0, rsp=0xF00,
                                   idt_base=0, idt_limit=0x3FF, cr0=CR0_ET | CR0_NE, cr4=SSE)),
    Mode("pm32", 32, CODE, 1, dict(RING0, cr0=PE, cr4=SSE)),
    Mode("pm32u", 32, USER_CODE, 1, dict(RING3, cr0=PE, cr4=SSE)),
    Mode("pm16", 16, CODE, 1, dict(flat(CODE16, DATA16, 0x3000, 0x7F00), cr0=PE, cr4=SSE)),
    Mode("pm16u", 16, USER_CODE, 1, dict(flat(UCODE16, UDATA16, 0x4000, STACK3), cr0=PE, cr4=SSE)),
    Mode("v86", 16, USER_CODE, 1, dict(V86, rflags=2 | VM, cr0=PE, cr4=SSE)),
    Mode("v86iopl3", 16, USER_CODE, 1, dict(V86, rflags=2 | VM | 0x3000, cr0=PE, cr4=SSE)),
    Mode("paged", 32, CODE, 1, dict(RING0, **PAGED)),
    Mode("pagedu", 32, USER_CODE, 1, dict(RING3, **PAGED)),
    Mode("pae", 32, CODE, 1, dict(RING0, **PAE), PAE_TABLES),
    Mode("paeu", 32, USER_CODE, 1, dict(RING3, **PAE), PAE_TABLES),
    Mode("long", 64, CODE, 2, dict(flat(CODE64, DATA32, CODE, 0x7F00), **LONG)),
    Mode("longu", 64, USER_CODE, 2, dict(flat(UCODE64, UDATA, USER_CODE, STACK3), **LONG)),
    Mode("long57", 64, CODE, 2, dict(flat(CODE64, DATA32, CODE, 0x7F00), **LONG57)),
    Mode("longu57", 64, USER_CODE, 2, dict(flat(UCODE64, UDATA, USER_CODE, STACK3), **LONG57)),
    Mode("compatu57", 32, USER_CODE, 2, dict(RING3, **LONG57)),
    Mode("compat", 32, CODE, 2, dict(RING0, **LONG)),
    Mode("compatu", 32, USER_CODE, 2, dict(RING3, **LONG)),
    Mode("compat16", 16, CODE, 2, dict(flat(CODE16, DATA16, 0x3000, 0x7F00), **LONG)),
]}


class Case:
    """Code that is run in a mode, with what it finds otherwise than the mode has it. Values of the state are keywords;
    the peers in `without` are not asked, because their answer is known to be none."""

    def __init__(self, name, mode, code, memory=None, msrs=(), without=(), smm=(), **state):
        """`smm`: for each SMI, {address from SMBASE: 8 bytes' value} of what is changed in what it saved."""
        self.name, self.mode, self.text, self.without = f"{name} [{mode}]", MODES[mode], f"{code}\nud2", without
        self.memory, self.state, self.msrs, self.smm = dict(memory or {}), state, list(msrs), list(smm)

    def gdt(self, selector, descriptor):
        self.memory[(LDT if selector & 4 else GDT) + (selector & ~7)] = descriptor
        return self

    def idt(self, vector, data):
        self.memory[IDT + len(data) * vector] = data
        return self

    def patches(self, code):
        result = [(self.mode.code, code)] + list(self.memory.items())
        result += state_patches(self.state)
        if self.msrs:
            words = [word for number, value in self.msrs for word in (number, value & 0xFFFFFFFF, value >> 32)]
            result.append((STATE + MSRS, struct.pack(f"<{len(words)}I", *words)))
        if self.smm:
            changes = (b"".join(struct.pack("<IQ", *change) for change in smi.items()) + bytes(4) for smi in self.smm)
            result.append((STATE + SMM, b"".join(changes)))
        return result


def state_patches(state):
    return [(STATE + FIELDS[name][0], (value & (1 << 8 * FIELDS[name][1]) - 1).to_bytes(FIELDS[name][1], "little"))
            for name, value in state.items()]


def stream(patches):
    parts = [struct.pack("<II", address, len(data)) + data + b"\0" * (-len(data) % 4) for address, data in patches]
    return b"".join(parts) + b"\xff" * 4


def assemble(texts, folder):
    """[bytes] for [(bits, text)], with one run of the assembler."""
    source, result = os.path.join(folder, "cases.S"), os.path.join(folder, "cases.bin")
    with open(source, "w") as out:
        out.write("start:\n")
        out.writelines(f".long c{i} - start\n" for i in range(len(texts) + 1))
        out.writelines(f".code{bits}\nc{i}:\n{local_labels(text)}\n" for i, (bits, text) in enumerate(texts))
        out.write(f"c{len(texts)}:\n")
    link(source, result)
    with open(result, "rb") as file:
        data = file.read()
    at = struct.unpack_from(f"<{len(texts) + 1}I", data)
    return [data[at[i]:at[i + 1]] for i in range(len(texts))]


def local_labels(text):
    return text.replace(";", "\n")


def link(source, result, base=0):
    unlinked = result + ".o"
    subprocess.run(["gcc", "-c", "-o", unlinked, source], check=True)
    subprocess.run(["ld", f"-Ttext={base:#x}", "--oformat", "binary", "-e", "0", "-o", result, unlinked], check=True)


def build_monitor(folder):
    link(os.path.join(HERE, "monitor.S"), os.path.join(folder, "monitor.bin"), MONITOR)


def rom(cases, codes, first, folder):
    """The bytes of a ROM with these cases, of which those before `first` are not run. The monitor has been built."""
    with open(os.path.join(folder, "monitor.bin"), "rb") as file:
        program = bytearray(file.read())
    body, modes, pairs = bytearray(8 * len(cases)), {}, []
    for case, code in zip(cases, codes):
        if case.mode.name not in modes:
            modes[case.mode.name] = len(body)
            body += stream([*case.mode.memory.items(), *state_patches(case.mode.state)])
        pairs.append((modes[case.mode.name], len(body)))
        body += stream(case.patches(code))
    size = -(-(len(body) + MONITOR_SIZE) // 0x10000) * 0x10000
    size = 1 << (size - 1).bit_length()
    if size > ROM_MAX:
        raise ValueError(f"{len(cases)} cases make a ROM of {size} bytes")
    base = (1 << 32) - size
    for i, pair in enumerate(pairs):
        struct.pack_into("<II", body, 8 * i, *(base + at for at in pair))
    struct.pack_into("<III", program, 0, base, len(cases), first)
    return bytes(body) + b"\0" * (size - MONITOR_SIZE - len(body)) + bytes(program)


