"""System-management mode: what an SMI saves in every mode, what RSM makes of it, what the handler can do."""

from events import HIGH, NMI, RESUME, SMI, send
from image import *

KERNELS = ("real", "pm32", "pm16", "paged", "pae", "long", "compat", "compat16")
MAP_SEGMENT = {name: 0xFE00 + 16 * i for i, name in enumerate(("es", "cs", "ss", "ds", "fs", "gs", "gdtr", "ldtr", "idtr", "tr"))}
HALT, EFER, BASE, MAP_CR4, MAP_CR3, MAP_CR0, MAP_DR7, MAP_DR6, MAP_FLAGS, MAP_RIP, MAP_RAX = (
    0xFEC8, 0xFED0, 0xFF00, 0xFF48, 0xFF50, 0xFF58, 0xFF60, 0xFF68, 0xFF70, 0xFF78, 0xFFF8)
SMBASE2 = 0x48000


def segment_map(selector, attributes, limit):
    """The first half of a segment's place; what is in use has bit 8 of the attributes in Bochs."""
    return selector | (attributes | 0x100 if attributes & 0x80 else attributes) << 16 | limit << 32


def saves(random):
    """Nothing changed, from every mode with all kinds of state."""
    for mode in KERNELS:
        state = MODES[mode].state
        for flags in (0, IF, NT, AC, RF, DF | CF | OF, 0x3000, 0x200000, VIF | VIP if mode != "real" else 0):
            for dr7 in (0x400, 0xF0402):
                for more in ("nop", "lldt %ax" if mode != "real" else "nop", "mov $0, %eax; mov %eax, %fs", "mov $5, %edx; mov %edx, %cr2" if MODES[mode].bits != 64 else "nop"):
                    if random.random() < .5:
                        continue
                    code = f"{more}; {send(SMI)}; inc %ebx; nop"
                    yield Case(f"{code} flags={flags:x} dr7={dr7:x}", mode, code, rflags=state["rflags"] | flags, dr7=dr7, dr0=0x12345, rbx=0x1234, resume=RESUME,
                               cr4=state["cr4"] | random.choice((0, CR4["PGE"], CR4["PCIDE"] if MODES[mode].kind == 2 else 0, CR4["TSD"])))


def changes(random, count):
    """One thing changed that may be."""
    for i in range(count):
        mode = random.choice(KERNELS)
        state, bits = MODES[mode].state, MODES[mode].bits
        target = random.choice(("rip", "rflags", "rax", "rsp", "ds", "es", "cs", "ss", "halt", "gdtr", "idtr", "ldtr", "tr", "dr7", "dr6", "cr0", "cr4", "fs"))
        smm, memory, after = {}, {}, "inc %ebx; nop"
        if target == "rip":
            smm[MAP_RIP] = state["rip"] + 0x40
        elif target == "rflags":
            smm[MAP_FLAGS] = random.choice((2, 0x246, 0x4002, 0x40ED7, 0x10002, 0x200002, 0x3002, 0x102, 0x8D7))
        elif target in ("rax", "rsp"):
            smm[MAP_RAX - (32 if target == "rsp" else 0)] = random.choice((0, 0x7E00, 0x123456789ABCDEF0)) if target == "rax" else state["rsp"] - 16
        elif target in ("ds", "es", "fs"):
            smm[MAP_SEGMENT[target]] = segment_map(random.choice((0, DATA32, 0x123, UDATA)), random.choice((0, 0xC093, 0x93, 0x13, 0xC0F3, 0xC091, 0x97)),
                                                   random.choice((0, 0xFF, 0xFFFF, 0xFFFFFFFF)))
            if random.random() < .5:
                smm[MAP_SEGMENT[target] + 8] = random.choice((0, 0x100, USER_DATA, 0x10))
            after = f"movb %{target}:0x40, %al; nop" if bits != 64 or target == "fs" else "nop"
            memory = {USER_DATA + 0x40: b"\x5a"}
        elif target in ("cs", "ss"):
            here = {16: 0, 32: 0x4000, 64: 0x2000}[bits]
            size = (0xFFFF, 0) if bits == 16 else (0xFFFFFFFF, 0x8000)
            kind = random.choice((0x9B, 0x9F, 0x9A)) if target == "cs" else 0x93
            big = here if target == "cs" else random.choice((0, 0x4000))
            smm[MAP_SEGMENT[target]] = segment_map(state[target], kind | big | size[1], size[0])
        elif target == "halt":
            smm[HALT] = 0
        elif target in ("gdtr", "idtr"):
            smm[MAP_SEGMENT[target] + 8] = GDT if target == "gdtr" else state["idt_base"]
            smm[MAP_SEGMENT[target]] = segment_map(0, 0, 0xFFF)
        elif target in ("ldtr", "tr"):
            smm[MAP_SEGMENT[target]] = segment_map(random.choice((0, 0x70, 0x30)), 0x8B if target == "tr" else random.choice((0, 0x82)), 0xFFF)
            smm[MAP_SEGMENT[target] + 8] = TSS if target == "tr" else LDT
        elif target == "dr7":
            smm[MAP_DR7] = random.choice((0x400, 0xFFFF0400, 0xF0402))
        elif target == "dr6":
            smm[MAP_DR6] = random.choice((0xFFFF0FF0, 0xFFFF0FF1, 0xFFFF4FF0))
        elif target == "cr0":
            smm[MAP_CR0] = state["cr0"] ^ random.choice((CR0_TS, CR0_EM, CR0_WP, CR0_AM, CR0_CD, CR0_CD | CR0_NW, CR0_MP, CR0_NE, CR0_ET))
        else:
            smm[MAP_CR4] = state["cr4"] ^ random.choice((CR4["TSD"], CR4["DE"], CR4["PGE"], CR4["OSFXSR"], CR4["UMIP"], CR4["PCE"], CR4["OSXSAVE"]))
        text = " ".join(f"{at:x}={value:x}" for at, value in smm.items())
        yield Case(f"smm {target} {text} #{i}", mode, f"{send(SMI)}; {after}", smm=[smm], rbx=0x1234, resume=RESUME, memory=memory)


def switches():
    """To another mode by RSM."""
    flat16 = {MAP_SEGMENT["cs"]: segment_map(0x1400, 0x93, 0xFFFF), MAP_SEGMENT["cs"] + 8: 0x14000, MAP_RIP: 0}
    ring3 = {MAP_SEGMENT["cs"]: segment_map(UCODE32, 0xC0FB, 0xFFFFFFFF), MAP_SEGMENT["ss"]: segment_map(UDATA, 0xC0F3, 0xFFFFFFFF), MAP_RIP: USER_CODE,
             MAP_SEGMENT["cs"] + 8: 0, MAP_SEGMENT["ss"] + 8: 0}
    v86 = {**{MAP_SEGMENT[name]: segment_map(0x900, 0xF3, 0xFFFF) for name in ("ds", "es", "fs", "gs")},
           MAP_SEGMENT["cs"]: segment_map(0x1400, 0xF3, 0xFFFF), MAP_SEGMENT["cs"] + 8: 0x14000, MAP_SEGMENT["ss"]: segment_map(0x800, 0xF3, 0xFFFF),
           MAP_SEGMENT["ss"] + 8: 0x8000, MAP_RIP: 0, MAP_FLAGS: 2 | VM | 0x3000, MAP_RAX - 32: 0xF00}
    off = {MAP_CR0: PE, EFER: 0, MAP_CR4: SSE}
    protected = {MAP_SEGMENT["cs"]: segment_map(CODE32, 0xC09B, 0xFFFFFFFF), MAP_SEGMENT["cs"] + 8: 0, MAP_RIP: CODE2,
                 MAP_SEGMENT["ss"]: segment_map(DATA32, 0xC093, 0xFFFFFFFF), MAP_SEGMENT["ss"] + 8: 0, MAP_RAX - 32: 0x7E00}
    long64 = {**protected, MAP_SEGMENT["cs"]: segment_map(CODE64, 0xA09B, 0xFFFFFFFF), MAP_CR0: LONG["cr0"], MAP_CR3: PML4, MAP_CR4: LONG["cr4"],
              EFER: 0xD01, MAP_SEGMENT["idtr"]: segment_map(0, 0, 0xFFF)}
    idt64 = {IDT: MODES["long"].memory[IDT], TSS: MODES["long"].memory[TSS]}
    for mode, name, smm, memory in (
            ("pm32", "ring 3", ring3, {}), ("paged", "ring 3", ring3, {}), ("pae", "ring 3", ring3, {}), ("compat", "ring 3", ring3, {}), ("long", "ring 3", ring3, {}),
            ("pm32", "v86", v86, {}), ("paged", "v86", v86, {}), ("pae", "v86", v86, {}),
            ("real", "cs", flat16, {}), ("pm32", "to 64 bits", long64, idt64), ("pae", "to 64 bits", long64, idt64), ("paged", "to 64 bits", long64, idt64),
            ("compat", "cs64", {MAP_SEGMENT["cs"]: segment_map(CODE64, 0xA09B, 0xFFFFFFFF)}, {}),
            ("long", "cs32", {MAP_SEGMENT["cs"]: segment_map(CODE32, 0xC09B, 0xFFFFFFFF)}, {}),
            ("paged", "unpaged", {**protected, **off}, {}), ("pae", "unpaged", {**protected, **off}, {}),
            ("pm32", "paged", {**protected, MAP_CR0: PAGED["cr0"], MAP_CR3: PD32, MAP_CR4: PAGED["cr4"]}, {}),
            ("pm32", "pae", {**protected, MAP_CR0: PAE["cr0"], MAP_CR3: PDPT, MAP_CR4: PAE["cr4"]}, PAE_TABLES)):
        yield Case(f"rsm to {name}", mode, f"{send(SMI)}; inc %ebx; nop", smm=[smm], memory={CODE2: b"\x90\x0f\x0b", USER_CODE: b"\x90\x0f\x0b", **memory}, rbx=0x1234)


def invalid():
    """Save areas that are none: shutdown. QEMU takes them."""
    for mode, smm in (("pm32", {MAP_CR0: CR0_PG | CR0_ET}), ("pm32", {MAP_CR0: PE | CR0_NW}), ("pm32", {MAP_CR4: 1 << 14}), ("pm32", {MAP_CR4: CR4["PCIDE"]}),
                      ("long", {EFER: 0x100}), ("long", {MAP_CR4: SSE}), ("long", {MAP_FLAGS: 2 | VM}), ("long", {EFER: 0x400}),
                      ("pae", {MAP_CR3: SPARE})):
        memory = {SPARE: struct.pack("<4Q", 0x1E7, 0, 0, 0)}
        text = " ".join(f"{at:x}={value:x}" for at, value in smm.items())
        yield Case(f"rsm refuses {text}", mode, f"{send(SMI)}; nop", smm=[smm], without=("qemu",), memory=memory)


SEQUENCE, IDTR, VECTORS = 0x500, 0x600, 0x800  # what the handler's own vectors count with, and where they are


def vector_code(vector):
    """Real-mode code of a vector: notes in its place the how manieth it was."""
    skip = "push %bp; mov %sp, %bp; addw $2, 2(%bp); pop %bp; " if vector == 6 else ""
    return f"incl {SEQUENCE}; pushl %eax; mov {SEQUENCE}, %eax; mov %eax, {SEQUENCE + 4 + 4 * vector}; popl %eax; {skip}iretw"


def handlers():
    """What the handler does: code of its own behind the case's, called in real mode with vectors at VECTORS."""
    unblock = "pushf; push %cs; push $0x80 + (2f - 772b); iretw; 2: nop"
    once = f"cmpl $0, {SEQUENCE + 0x80}; jne 3f; incl {SEQUENCE + 0x80}; {send(SMI)}; 3: nop"
    programs = {
        "nothing": "nop", "NMI": send(NMI), "NMI behind IRET": f"{unblock}; {send(NMI)}; nop", "IRET behind NMI": f"{send(NMI)}; nop; {unblock}; nop",
        "two NMIs": f"{unblock}; {send(NMI)}; {send(NMI)}; nop", "ud2": "ud2; nop", "int3": "int3", "int": "int $0x22", "SMI": once, "SMI and NMI": f"{once}; {send(NMI)}",
        "interrupt": f"{send(0x22)}; sti; nop; nop; cli", "interrupt left": send(0x22), "interrupt and HLT": f"{send(0x22)}; sti; hlt; cli",
        "trap": "pushf; orw $0x100, (%esp); popf; nop; nop; pushf; andw $0xfeff, (%esp); popf; nop", "CR2": "mov $0x1234, %eax; mov %eax, %cr2",
        "CR4": "mov $0x80, %eax; mov %eax, %cr4", "DR": "mov $0x1234, %eax; mov %eax, %dr0; mov $0x402, %eax; mov %eax, %dr7; mov %eax, %dr6", "FPU": "fninit; fld1",
        "EFER": "mov $0xc0000080, %ecx; xor %edx, %edx; mov $0x801, %eax; wrmsr", "RSM at once": "rsm", "CR3": "mov $0x5000, %eax; mov %eax, %cr3",
        "LGDT": f"lgdtl {IDTR}", "KERNEL_GS": "mov $0xc0000102, %ecx; mov $0x12345, %eax; xor %edx, %edx; wrmsr", "segments": "mov $0x900, %ax; mov %ax, %ds; mov %ax, %fs; xor %ax, %ax; mov %ax, %ds",
        "protected mode": f"lgdtl 0x608; mov %cr0, %eax; or $1, %al; mov %eax, %cr0; mov $0x10, %ax; mov %ax, %ds; mov %ax, %fs; mov %cr0, %eax; and $0xfe, %al; mov %eax, %cr0; xor %ax, %ax; mov %ax, %ds",
        "far away": "mov $0x12800, %eax; incl (%eax)", "A20": "mov $0xffff, %ax; mov %ax, %es; movb $1, %es:0x10; xor %ax, %ax; mov %ax, %es",
    }
    vectors = (1, 2, 3, 6, 0x22)
    tables = {SEQUENCE: bytes(256), IDTR: struct.pack("<HI", 0x3FF, VECTORS), 0x608: struct.pack("<HI", 0xFFF, GDT)}
    tables.update({VECTORS + 4 * vector: struct.pack("<HH", 0x180 + 0x30 * i, CODE >> 4) for i, vector in enumerate(vectors)})
    for mode in ("pm32", "long", "real", "paged", "compat16"):
        for name, program in programs.items():
            bits = MODES[mode].bits
            text = f"771: {send(SMI)}; inc %ebx; nop; nop; ud2; .skip 0x80 - (. - 771b), 0x90; .code16; 772: lidtl {IDTR}; {program}; lret"
            for i, vector in enumerate(vectors):
                text += f"; .skip {0x180 + 0x30 * i} - (. - 771b), 0x90; {vector_code(vector)}"
            # Bochs puts the single-step trap of an SMI's handler elsewhere.
            yield Case(f"smm handler: {name}", mode, f"{text}; .code{bits}", smm_call=CODE >> 4 << 16 | 0x80, resume=RESUME, rbx=0x1234, memory=tables)


def relocation():
    for mode in KERNELS:
        yield Case("smbase", mode, f"{send(SMI)}; nop; {send(SMI)}; nop", smm=[{BASE: SMBASE2}, {}], rbx=0x1234)
        yield Case("smi twice", mode, f"{send(SMI)}; {send(SMI)}; nop", rbx=0x1234)


def cases(random):
    return [*saves(random), *changes(random, 800), *switches(), *invalid(), *handlers(), *relocation()]
