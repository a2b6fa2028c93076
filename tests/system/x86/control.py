"""Control registers, EFER and other MSRs, XCR0, and instructions that need privilege."""

from image import *

ALL_MODES = ("real", "pm32", "pm32u", "pm16", "v86iopl3", "paged", "pae", "long", "longu", "compat", "compatu")
PRIVILEGED = ("clts", "hlt", "invd", "wbinvd", "lmsw %ax", "smsw %eax", "smsw %ax", "smsw (%ebx)", "sgdt (%ebx)", "sidt (%ebx)", "str %ax", "str %eax",
              "sldt %ax", "sldt %eax", "sldt (%ebx)", "lldt %ax", "ltr %ax", "lgdt (%esi)", "lidt (%esi)", "invlpg (%ebx)", "rdmsr", "wrmsr", "rdpmc",
              "rdtsc; xor %eax, %eax; xor %edx, %edx", "swapgs", "mov %cr0, %eax", "mov %cr2, %eax", "mov %cr3, %eax", "mov %cr4, %eax",
              "mov %dr0, %eax", "mov %dr6, %eax", "mov %dr7, %eax", "mov %eax, %dr7", "mov %dr4, %eax", "mov %dr5, %eax", "xgetbv", "xsetbv",
              "rdtscp; mov $0, %eax; mov $0, %edx", "monitor", "mwait", "rsm", "getsec", "vmcall", "vmrun", "vmxoff", "skinit", "clgi", "stgi", "invpcid (%ebx), %eax", "rdfsbase %eax",
              "wrgsbase %eax", "stac", "clac", "rdpkru", "wrpkru", "iretl; nop", "syscall", "sysenter", "cli", "sti", "ud1 %eax, %eax",
              "ud0 %eax, %eax", ".byte 0x0f, 0x20, 0xc8", ".byte 0x0f, 0x20, 0xe8", ".byte 0x0f, 0x20, 0xf8", ".byte 0x0f, 0x20, 0x00",
              ".byte 0x0f, 0x23, 0x38", ".byte 0x0f, 0x24, 0xc0", ".byte 0xf0, 0x0f, 0x20, 0xc0", ".byte 0xf0, 0x0f, 0x22, 0xc0", ".byte 0x0f, 0x01, 0xe9",
              "rdpid %eax", "xsaves (%ebx)", "xrstors (%ebx)", "arpl %ax, %bx", "lar %ax, %ebx", "verr %ax", "endbr32", "in $0x61, %al; mov $0, %al", "encls", "pconfig",
              "cldemote (%ebx)", "umonitor %eax", "tpause %eax", "serialize", "xbegin .", "xend", "xabort $1", "xtest")


def privileged(random):
    for mode in ALL_MODES:
        for op in PRIVILEGED:
            if MODES[mode].bits == 64:
                op = op.replace("%eax", "%rax") if op[:5] in ("mov %", "invpc", "rdpid", "umoni") else op
                if op.startswith("arpl"):
                    op = ".byte 0x63, 0xc3"
            elif op in ("swapgs", "rdfsbase %eax", "wrgsbase %eax", "syscall"):
                op = {"swapgs": ".byte 0x0f, 0x01, 0xf8", "rdfsbase %eax": ".byte 0xf3, 0x0f, 0xae, 0xc0", "wrgsbase %eax":
                      ".byte 0xf3, 0x0f, 0xae, 0xd8", "syscall": ".byte 0x0f, 0x05"}[op]
            if op == "sysret" and MODES[mode].bits != 64:
                op = ".byte 0x0f, 0x07"
            for extra in (0, CR4["UMIP"] | CR4["TSD"] | CR4["DE"] | CR4["OSXSAVE"] | CR4["FSGSBASE"] | CR4["PCE"]):
                if op == "hlt" and not (MODES[mode].state["cs"] & 3):
                    continue
                if op[:4] == "lidt" and mode == "real":
                    continue  # there is no table then
                state = MODES[mode].state
                low = MODES[mode].kind == 0 or "v86" in mode
                yield Case(f"{op} cr4+{extra:x}", mode, op, cr4=state["cr4"] | extra, rax=random.choice((0, 1, 0x10, TR, LDTR, 0x3F)), rcx=random.choice((0x12345, 0x174, 0xC0000081)),
                           rdx=0, rbx=0x40 if low else USER_DATA + 0x40, rsi=0x80 if low else USER_DATA + 0x80, rdi=0,
                           memory={USER_DATA + 0x80: struct.pack("<HQ", 0xFFF, GDT)})


def registers(random, count):
    """MOV to control registers, LMSW, EFER: values with a few bits changed; what follows is fetched and run."""
    ring0 = [mode for mode in ALL_MODES if MODES[mode].state["cs"] & 3 == 0 and "v86" not in mode]
    for i in range(count):
        mode = random.choice(ring0)
        state, bits = MODES[mode].state, MODES[mode].bits
        wide = bits == 64
        register = random.choice(("cr0", "cr0", "cr4", "cr4", "cr4", "cr3", "efer", "efer", "lmsw", "cr8", "xcr0", "cr2"))
        ax = "%rax" if wide else "%eax"
        cr4 = state["cr4"] | random.choice((0, 0, CR4["OSXSAVE"], CR4["PAE"] if not state["cr0"] & CR0_PG else 0,
                                            CR4["PCIDE"] if MODES[mode].kind == 2 else 0))
        base = {"cr0": state["cr0"], "cr4": cr4, "cr3": state.get("cr3", 0), "efer": state.get("efer", 0), "lmsw": state["cr0"], "xcr0": 1}.get(register, 0)
        value = base
        safe = {"cr0": (1, 2, 3, 5, 16, 18, 29, 30, 4, 6, 20, 31), "cr4": (*range(12), 16, 17, 18, 20, 21, 22), "efer": (0, 8, 11, 1, 9, 12, 13, 14, 15, 10, 20),
                "cr3": (3, 4, 0, 5, 63 if wide else 11), "lmsw": (0, 1, 2, 3), "cr8": (0, 1, 2, 3, 4, 5), "xcr0": (0, 1, 2, 3, 5, 8, 9, 18, 63), "cr2": range(63)}[register]
        for _ in range(random.choice((1, 1, 2, 3))):
            value ^= 1 << random.choice(tuple(safe))
        if wide and random.random() < .15 and register in ("cr0", "cr4", "cr3", "cr8", "cr2"):
            value |= 1 << random.randrange(32, 64)
        if not wide:
            value &= 0xFFFFFFFF if register not in ("efer", "xcr0") else -1
        load = f"movabs ${value}, %rax" if wide else f"mov ${value & 0xFFFFFFFF}, %eax"
        if register in ("efer", "xcr0"):
            op = "wrmsr" if register == "efer" else "xsetbv"
            code = f"mov ${value & 0xFFFFFFFF}, %eax; mov ${value >> 32 & 0xFFFFFFFF}, %edx; mov ${0xC0000080 if register == 'efer' else 0}, %ecx; {op}; xor %eax, %eax"
        elif register == "lmsw":
            code = f"{load}; lmsw %ax"
        elif register == "cr8":
            if not wide:
                continue
            code = f"{load}; mov %rax, %cr8; xor %eax, %eax; mov %cr8, %rax"
        else:
            code = f"{load}; mov {ax}, %{register}; mov %{register}, {ax}"
        # Where it ends paging, protection or long mode, what follows may be decoded otherwise: it must be the same in all.
        # QEMU takes bits that are reserved there, and goes on with something else.
        without = ("qemu",) if value >> 32 and register in ("cr3", "cr4") else ()
        yield Case(f"{register}={value:x} was {base:x} #{i}", mode, code, cr4=cr4, without=without)


MSR_NUMBERS = [0x10, 0x1B, 0x3B, 0xFE, 0x174, 0x175, 0x176, 0x200, 0x201, 0x20F, 0x250, 0x258, 0x26F, 0x277, 0x2FF,
               0xC0000080, 0xC0000081, 0xC0000082, 0xC0000083, 0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, 0xC0000103, 0xDA0, 0x6E0, 0x12345]
MSR_VALUES = [0, 1, 0xFFFFFFFF, 0x0007040600070406, 0x0101010101010101, 0x0700000000000002, 0x800000000000, 0xFFFF800000000000, 0x7FFFFFFFFFFF, 0x06060606, 0xC00, 0x806, 0x10,
              0xFFFFFFFFFFFFFFFF, 0x1000, 0x8000000000000000, 0x02, 0x100000000, 0x10000000000000]


def msrs(random):
    for number in MSR_NUMBERS:
        yield Case(f"rdmsr {number:x}", "long", "rdmsr; xor %eax, %eax; xor %edx, %edx", rcx=number)
        for value in MSR_VALUES:
            if number == 0x1B or (number == 0xC0000080):
                continue
            code = "wrmsr; xor %eax, %eax; xor %edx, %edx; rdmsr"
            if number in (0x10, 0x6E0, 0x3A):
                code = "wrmsr; xor %eax, %eax; xor %edx, %edx"
            restore = ""
            if 0x200 <= number <= 0x2FF or number == 0xDA0:
                restore = "; mov %eax, %r8d; mov %edx, %r9d; mov %r10d, %eax; mov %r11d, %edx; wrmsr"
                code = "mov %eax, %r8d; mov %edx, %r9d; rdmsr; mov %eax, %r10d; mov %edx, %r11d; mov %r8d, %eax; mov %r9d, %edx; " + code
                restore += "; xor %r10d, %r10d; xor %r11d, %r11d"
            yield Case(f"wrmsr {number:x}={value:x}", "long", code + restore, rcx=number | 0xABCD00000000, rax=value & 0xFFFFFFFF | 0x5500000000,
                       rdx=value >> 32 | 0x6600000000)


def syscalls(random):
    msr = {"star": 0xC0000081, "lstar": 0xC0000082, "cstar": 0xC0000083, "mask": 0xC0000084, "cs": 0x174, "esp": 0x175, "eip": 0x176}
    ops = ("syscall", "sysretq", "sysretl", "sysenter", "sysexitl", "sysexitq")
    codes = {"syscall": ".byte 0x0f,0x05", "sysretq": ".byte 0x48,0x0f,0x07", "sysretl": ".byte 0x0f,0x07", "sysenter": ".byte 0x0f,0x34",
             "sysexitl": ".byte 0x0f,0x35", "sysexitq": ".byte 0x48,0x0f,0x35"}
    for mode in ("real", "pm32", "pm32u", "pm16u", "v86", "long", "longu", "compat", "compatu"):
        for op in ops:
            if op[-1] == "q" and MODES[mode].bits != 64:
                continue
            for i in range(14):
                goal = random.choice((USER_CODE + 0x800, USER_CODE + 0x800, 1 << 47, -1 << 47, 0x7FFFFFFFFFFF, 0x100014800)
                                     if MODES[mode].kind == 2 else (USER_CODE + 0x800,))
                values = dict(star=random.choice((0x40 << 48 | CODE64 << 32, 0x43 << 48 | (CODE64 | 3) << 32)), lstar=random.choice((USER_CODE + 0x800, 0xFFFF800000000000)),
                              cstar=USER_CODE + 0x800, mask=random.choice((0, 0x700, 0xFFFFFFFF, 0x40000)), cs=random.choice((0, 3, CODE32, CODE32 | 3, 0x13)),
                              esp=random.choice((0x7C00, 0xFFFF800000000000)), eip=USER_CODE + 0x800)
                efer = MODES[mode].state.get("efer", 0) & ~SCE | random.choice((SCE, SCE, 0))
                flags = MODES[mode].state["rflags"] | random.choice((0, 0xCD5, RF, AC, NT, TF))
                yield Case(f"{op} goal={goal:x} sce={efer & 1} flags={flags:x} #{i}", mode, codes[op], rflags=flags, efer=efer, rcx=goal, rdx=goal,
                           r11=random.choice((2, 0x202, 0x3CD7, 0xFFFFFFFF, 0x10102)),
                           without=("qemu",) if MODES[mode].bits != 64 and op[:4] in ("sysc", "sysr") else (), msrs=[(msr[name], value) for name, value in values.items()])


def cases(random):
    return [*privileged(random), *registers(random, 2500), *msrs(random), *syscalls(random)]
