"""Breakpoints, single steps, RF, TF, interrupt shadows; canonical addresses, alignment, priorities of exceptions."""

from image import *

FIXED = 0x400


def dr7(n, kind, length):
    return FIXED | 3 << 2 * n | (kind | length << 2) << 16 + 4 * n


def breakpoints(random):
    for mode in ("pm32", "pm32u", "pm16", "v86", "v86iopl3", "real", "long", "longu", "compatu", "paged"):
        bits, low = MODES[mode].bits, MODES[mode].bits == 16 and "pm" not in mode
        data = 0x40 if low else USER_DATA + 0x40
        linear = USER_DATA + 0x40
        ax, bx = ("%ax", "%bx") if bits == 16 else ("%eax", "%rbx" if bits == 64 else "%ebx")
        seg = MODES[mode].state["es"] * 16 if low else 0
        lin = linear if not low else seg + 0x40
        codes = (f"nop; nop; nop; nop", f"mov {ax}, ({bx}); nop; nop", f"mov ({bx}), {ax}; nop; nop", f"rep; stosb; nop; nop", f"rep; movsb; nop; nop", "pushf; popf; nop; nop",
                 f"mov %ss, {ax}; mov {ax}, %ss; nop; nop; nop", f"mov %ss, {ax}; mov {ax}, %ss; int3; nop", f"incb ({bx}); nop; nop", "int $0x80; nop; nop", f"add $1, {ax}; ud2", "sti; nop; nop",
                 "push %ss; pop %ss; nop; nop" if bits != 64 else "nop; nop", f"mov ({bx}), %ss; nop; nop", f"mov %ss, {ax}; mov ({bx}), %ss; nop; nop", "call 1f; nop; 1: nop; nop", ".byte 0xf1; nop; nop", "xor %ecx, %ecx; jecxz 1f; nop; 1: nop; nop",
                 f"movsb; movsb; nop")
        for code in codes:
            for i in range(7):
                values, control = {}, FIXED
                for n in range(random.choice((0, 1, 1, 2, 4))):
                    kind = random.choice((0, 0, 1, 3, 3, 2))
                    length = 0 if kind == 0 else random.choice((0, 1, 3, 2 if bits == 64 else 3))
                    start = MODES[mode].code + random.choice((0, 1, 2, 3, 4, 5)) if kind == 0 else lin + random.choice((0, 0, 1, -1, 2, 4, -2))
                    values[f"dr{n}"] = start
                    control |= dr7(n, kind, length)
                    if random.random() < .2:
                        control &= ~(3 << 2 * n)
                state = MODES[mode].state
                flags = state["rflags"] | random.choice((0, TF, 0, RF, TF | RF))
                yield Case(f"{code} dr7={control:x} {' '.join(f'{k}={v:x}' for k, v in values.items())} flags={flags:x}", mode, code, dr7=control, rflags=flags, rbx=data, rax=0x10, rsi=data,
                           rdi=data + 2, rcx=3, resume=1 << 1 | 1 << 3, cr4=state["cr4"] | random.choice((0, CR4["DE"])),
                           memory={lin: struct.pack("<H", state["ss"]) + bytes(6)}, **values)


def general_detect():
    for mode in ("pm32", "pm32u", "long", "real"):
        ax = "%rax" if MODES[mode].bits == 64 else "%eax"
        for n in range(8):
            for op in (f"mov %dr{n}, {ax}", f"mov {ax}, %dr{n}"):
                for control in (0x2400, 0x400):
                    for value in (0, 0x400, 0xFFFFFFFF, 0x100000000, 0xFFFF0FF0, 0xC402):
                        if value >> 32 and MODES[mode].bits != 64 or op[4:6] != "%r" and op[4:6] != "%e" and value:
                            continue
                        yield Case(f"{op} dr7={control:x} ax={value:x}", mode, op, rax=value, dr7=control)


def canonical(random):
    addresses = (0x800000000000, 0x7FFFFFFFFFFF, 0x7FFFFFFFFFFC, 0xFFFF7FFFFFFFFFFF, 0xFFFF800000000000, 0xFFFFFFFFFFFFFFFF, 0xFFFF7FFFFFFFFFF9, 0x8000000000000000)
    ops = ("mov (%rbx), %eax", "mov %rax, (%rbx)", "movb (%rbx), %al", "mov (%rbp), %eax", "mov %ss:(%rbx), %eax", "mov %fs:(%rbx), %eax", "push %rax", "pop %rax", "call *%rbx", "jmp *%rbx", "jmp *(%rbx)", "ret", "lea (%rbx), %rax",
           "mov (%rsp), %rax", "enter $8, $0", "enter $8, $1", "leave", "pushf", "popf", "iretq", "lretq", "lodsq", "stosq", "movsq", "rep; lodsb", "call 1f; 1:", "fxsave (%rbx)", "movaps (%rbx), %xmm0", "movups (%rbp), %xmm0", "fldt (%rbx)",
           "invlpg (%rbx)", "sgdt (%rbx)", "lgdt (%rbx)", "cmpxchg16b (%rbx)", "xlat", "maskmovdqu %xmm0, %xmm1", "bts %rax, (%rbx)", "push (%rbx)", "pop (%rbx)", "int3", "prefetchnta (%rbx)", "clflush (%rbx)", "nopl (%rbx)", "lcall *(%rbx)", "lfs (%rbx), %eax")
    for op in ops:
        for address in addresses:
            for mode in ("long", "longu"):
                stack = {"rsp": address} if any(word in op for word in ("push", "pop", "rsp", "ret", "call", "enter", "pushf", "int3")) and "(%rbx)" not in op else {}
                if mode == "long" and stack:
                    continue  # the handler's stack as well: nothing to see
                yield Case(f"{op} {address:x}", mode, f"{op}; mov $0, %eax", rbx=address, rbp=address, rsi=address, rdi=address, rcx=1, rax=0x12345678, **stack)


def alignment(random):
    for mode in ("pm32u", "pm32", "longu", "v86", "compatu", "pagedu"):
        bits, low = MODES[mode].bits, "v86" in mode
        bx = {16: "%bx", 32: "%ebx", 64: "%rbx"}[bits]
        for op in (f"mov ({bx}), %ax", f"mov ({bx}), %eax", f"mov %eax, ({bx})", f"movb ({bx}), %al", f"fldt ({bx}); fninit", f"fldl ({bx}); fninit", f"flds ({bx}); fninit", f"movups ({bx}), %xmm0", f"movaps ({bx}), %xmm0",
                   f"movapd %xmm0, ({bx})", f"movq ({bx}), %mm0; emms", f"movdqu ({bx}), %xmm0", f"paddd ({bx}), %xmm0", f"fxsave ({bx})", f"fnsave ({bx})", f"fnstenv ({bx})", f"cmpxchg8b ({bx})", f"bts %eax, ({bx})", f"lds ({bx}), %eax" if bits == 32 else "nop",
                   f"bound %eax, ({bx})" if bits == 32 else "nop", f"movsd ({bx}), %xmm0", f"movss ({bx}), %xmm0", f"push ({bx})", f"lock; addl $1, ({bx})", f"lddqu ({bx}), %xmm0", f"movnti %eax, ({bx})", f"ldmxcsr ({bx})", f"xchg %eax, ({bx})", "push %eax" if bits == 32 else "nop", f"sidt ({bx})"):
            for offset in (0, 1, 2, 4, 8):
                for am in (CR0_AM, 0):
                    state = MODES[mode].state
                    yield Case(f"{op} +{offset} am={am >> 18}", mode, op, rbx=(0x100 if low else USER_DATA + 0x100) + offset, rflags=state["rflags"] | AC, cr0=state["cr0"] | am, rax=5,
                               memory={USER_DATA + 0x100: bytes(offset) + b"\0\0\0\0\x80\x1f\0\0" if "ldmxcsr" not in op else bytes(offset) + b"\x80\x1f\0\0"})


def priorities(random):
    """Instructions with two things wrong."""
    for mode in ("pm32", "pm32u", "longu", "long", "real", "v86"):
        bits = MODES[mode].bits
        for op in ("movaps (%ebx), %xmm0", "movups (%ebx), %xmm0", "fldl (%ebx)", "movq (%ebx), %mm0", "fnsave (%ebx)", "lock; movl (%ebx), %eax", "lock; addl %eax, (%ebx)", "fwait", "fxsave (%ebx)", "vmovups (%ebx), %xmm0", "vaddps (%ebx), %ymm0, %ymm1", "ldmxcsr (%ebx)", "pshufb (%ebx), %mm0", "cvtpi2ps (%ebx), %xmm0",
                   "xsave (%ebx)", "xrstor (%ebx)", "crc32l (%ebx), %eax", "popcnt (%ebx), %eax", "movbe (%ebx), %eax", "lock; cmpxchg8b (%ebx)", "xgetbv", "andn (%ebx), %eax, %ecx", "sarx %eax, (%ebx), %ecx", "aesenc (%ebx), %xmm0", "lock; xchg %eax, %ecx", "lock; btl $1, (%ebx)", "fcomi %st(1), %st", "fisttpl (%ebx)", "monitor"):
            for cr0 in (0, CR0_TS, CR0_EM, CR0_TS | CR0_MP, CR0_EM | CR0_TS):
                for cr4 in (0, SSE, SSE | CR4["OSXSAVE"]):
                    for address in (USER_DATA + 1, 0x7FFFFFFF0001 if bits == 64 else 0x80000001):
                        if mode in ("real", "v86"):
                            address &= 0xFFFF
                        if random.random() < .5:
                            continue
                        text = op.replace("%ebx", "%rbx" if bits == 64 else "%ebx")
                        state = MODES[mode].state
                        yield Case(f"{op} at={address:x} cr0+{cr0:x} cr4={cr4:x}", mode, f"{text}; test %esp, %esp", cr0=state["cr0"] & ~CR0_MP | cr0, cr4=state["cr4"] & ~SSE | cr4, rbx=address, rcx=0, rax=0, rdx=0)
    for mode in ("pm32", "longu", "real"):
        for n in range(8, 17):
            prefixes = "; ".join([".byte 0x66"] * n)
            for op in ("nop", "ud2", "addw $0x1234, %ax", "int3", "hlt"):
                if op == "hlt" and mode != "longu":
                    continue
                yield Case(f"{n} x 66 {op}", mode, f"{prefixes}; {op}; mov $0, %eax")


def cases(random):
    return [*breakpoints(random), *general_detect(), *canonical(random), *alignment(random), *priorities(random)]
