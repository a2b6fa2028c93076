"""Page tables: rights, reserved bits, sizes and what accesses of every kind make of them; how TLBs are flushed."""

from image import *

P, W, U, PWT, A, D, PS, G, NX = 1, 2, 4, 8, 0x20, 0x40, 0x80, 0x100, 1 << 63
ACCESSES = ("movb (%ebx), %al", "movb $0x11, (%ebx)", "orb $1, (%ebx)", "jmp *%ebx", "pushl (%ebx)", "movl (%ebx), %eax", "lock; orb $0, (%ebx)",
            "cmpxchgb %cl, (%ebx)", "invlpg (%ebx)", "prefetcht0 (%ebx)", "clflush (%ebx)", "xchgb %cl, (%ebx)", "movl 0xffe(%ebx), %eax",
            "movl $0x11, 0xffe(%ebx)", "btsl $3, (%ebx)", "fldl (%ebx)", "movups %xmm0, (%ebx)", "sgdt (%ebx)")
FORMATS = {
    # name: (modes, bytes of an entry, [(table, index) from the top for the page at USER_DATA], bits to try in each)
    "32": (("paged", "pagedu"), 4, [(PD32, 0), (PT32, USER_DATA >> 12)]),
    "pae": (("pae", "paeu"), 8, [(PD, 0), (PT, USER_DATA >> 12)]),
    "5": (("long57", "longu57", "compatu57"), 8, [(PML5, 0), (PML4, 0), (PDPT, 0), (PD, 0), (PT, USER_DATA >> 12)]),
    "4": (("long", "longu", "compat", "compatu"), 8, [(PML4, 0), (PDPT, 0), (PD, 0), (PT, USER_DATA >> 12)]),
}


def access_text(access, bits):
    return access.replace("%ebx", "%rbx").replace("pushl", "pushq") if bits == 64 else access


def rights(random, count):
    """The last level's entry, or a higher one's, with random rights; the code lies on a page of its own."""
    for i in range(count):
        name = random.choice(tuple(FORMATS))
        modes, size, levels = FORMATS[name]
        mode = random.choice(modes)
        bits, user = MODES[mode].bits, MODES[mode].state["cs"] & 3 == 3
        access = random.choice(ACCESSES)
        entry = USER_DATA | random.choice((P, P, P, 0)) | random.choice((W, 0)) | random.choice((U, 0)) | random.choice((A, A | D, 0)) | random.choice((0, 0, G, PWT))
        if size == 8 and random.random() < .35:
            entry |= NX
        if random.random() < .12 and size == 8:
            entry |= 1 << random.choice((52, 58, 62, 45, 51, 40, 59))
        if random.random() < .05:
            entry |= PS
        state = MODES[mode].state
        cr0 = state["cr0"] & ~CR0_WP | random.choice((0, CR0_WP))
        cr4 = state["cr4"] | random.choice((0, CR4["SMEP"], CR4["SMAP"], CR4["SMEP"] | CR4["SMAP"])) | random.choice((0, CR4["PGE"]))
        efer = state.get("efer", 0) & ~NXE | random.choice((NXE, NXE, NXE, 0))
        setup, flags = "", 2 | random.choice((0, 0, AC))
        pkru = None
        if name in "45" and random.random() < .3:
            cr4 |= CR4["PKE"]
            key = random.choice((0, 1, 15))
            entry |= key << 59
            pkru = random.choice((0, 4, 8, 12, 1 << 30, 0x80000000, 0x55555554, 0xAAAAAAA8))
            setup = f"mov ${pkru}, %eax; xor %ecx, %ecx; xor %edx, %edx; wrpkru; "
        memory = {levels[-1][0] + size * levels[-1][1]: entry.to_bytes(size, "little")}
        upper = ""
        if random.random() < .3 and len(levels) > 1:  # a higher level, which rules the code and the stack as well
            table, index = random.choice(levels[:-1])
            value = int.from_bytes(MODES[mode].memory[table][size * index:size * index + size], "little") if table in MODES[mode].memory else 0
            flip = random.choice((W, U, A, G, PWT, PS)) if size == 4 or random.random() < .8 else 1 << random.choice((52, 62, 51, 45))
            if flip != PS or table in (PML4, PML5):
                value ^= flip
                memory[table] = value.to_bytes(size, "little")
                upper = f" {table:x}={value:x}"
        text = f"{setup}mov ${USER_DATA}, %ebx; {access_text(access, bits)}"
        yield Case(f"{access} pte={entry:x}{upper} wp={cr0 >> 16 & 1} cr4={cr4:x} nxe={efer >> 11 & 1} ac={flags >> 18} pkru={pkru if pkru is None else hex(pkru)}", mode, text,
                   memory={USER_DATA: INT3 * 16, **memory}, cr0=cr0, cr4=cr4, efer=efer if size == 8 else 0, rflags=flags)


def large(random, count):
    """4 MiB, 2 MiB and 1 GiB pages at an address of their own."""
    for i in range(count):
        name = random.choice(("32", "pae", "4", "4g"))
        modes = FORMATS[name[:1] if name == "4g" else name][0]
        mode = random.choice(modes)
        bits = MODES[mode].bits
        where, address, size = {"32": (PD32 + 4, 0x400000, 4), "pae": (PD + 8, 0x200000, 8), "4": (PD + 8, 0x200000, 8), "4g": (PDPT + 8, 0x40000000, 8)}[name]
        entry = PS | random.choice((P, P, P, P, 0)) | random.choice((W, 0)) | random.choice((U, U, 0)) | random.choice((A, A | D, 0)) | random.choice((0, G))
        if size == 8 and random.random() < .2:
            entry |= NX
        if random.random() < .25:
            entry |= 1 << random.choice((12, 13, 20, 21, 14, 29) if size == 4 else (12, 13, 20, 21, 29, 45, 51, 52, 62))
        cr4 = MODES[mode].state["cr4"]
        if name == "32" and random.random() < .2:
            cr4 &= ~CR4["PSE"]
        access = random.choice(ACCESSES)
        yield Case(f"{access} {name} pde={entry:x} cr4={cr4:x}", mode, f"mov ${address + USER_DATA}, %ebx; {access_text(access, bits)}; mov $0, %eax; fninit",
                   memory={where: entry.to_bytes(size, "little"), USER_DATA: INT3 * 16}, cr4=cr4)


def flushes(random):
    """What a change to an entry does behind each way to flush."""
    change = f"movl ${USER_DATA2 | 7}, {PT + 8 * (USER_DATA >> 12)}"
    load = f"mov {USER_DATA}, %eax"
    for flush in (f"invlpg {USER_DATA}", "mov %cr3, %rdx; mov %rdx, %cr3", "mov %cr4, %rdx; xor $0x80, %edx; mov %rdx, %cr4; xor $0x80, %edx; mov %rdx, %cr4",
                  *(f"mov ${kind}, %edx; movq $0, -32(%rsp); movq ${USER_DATA}, -24(%rsp); invpcid -32(%rsp), %rdx" for kind in range(5)),
                  "mov $0, %edx; movq $1, -32(%rsp); movq $0, -24(%rsp); invpcid -32(%rsp), %rdx; mov $2, %edx; invpcid -32(%rsp), %rdx",
                  "mov $2, %edx; movq $0x1000, -32(%rsp); invpcid -32(%rsp), %rdx", "mov $0, %edx; movq $0, -32(%rsp); movabs $0x800000000000, %rcx; mov %rcx, -24(%rsp); invpcid -32(%rsp), %rdx",
                  "invlpg 0x12345678", "movabs $0x800000000000, %rdx; invlpg (%rdx)"):
        for bits in (0, CR4["PCIDE"]):
            yield Case(f"{load} behind {flush} cr4+{bits:x}", "long", f"{load}; {change}; {flush}; {load}; xor %edx, %edx",
                       memory={USER_DATA: b"\x11" * 8, USER_DATA2: b"\x22" * 8}, cr4=LONG["cr4"] | bits)


def cases(random, count=2500):
    return [*rights(random, count), *large(random, count // 3), *flushes(random)]
