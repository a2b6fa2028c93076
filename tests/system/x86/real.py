"""What programs for older processors count on, in 16-bit code: wrapping and limits of stacks, strings and code, flags by decimal and other arithmetic, REP's counts, LOCK, lengths."""

from image import *

MODES_16 = ("real", "v86iopl3", "pm16", "pm16u")
DEFINED = {"aaa": 0x11, "aas": 0x11, "daa": 0xD5, "das": 0xD5, "aam": 0xC4, "aad": 0xC4}


def flags_kept(mask):
    """Leave these flags in SI, and in none of the flags or on the stack what is undefined and not compared."""
    return f"pushfw; popw %si; andw ${mask}, %si; pushw $0; popw %cx; test %sp, %sp"


def decimal(random):
    for mode in ("real", "pm16", "pm32u"):
        for op in ("aaa", "aas", "daa", "das", "aam", "aad", "aam $0", "aam $16", "aad $16", "aad $255", "aam $1", ".byte 0xd6"):
            for i in range(16):
                name = op.split()[0]
                ax, flags = random.randrange(0x10000), random.choice((0, CF, AF, CF | AF))
                text = f"{op}; {flags_kept(DEFINED.get(name, 0xD5))}"
                yield Case(f"{op} ax={ax:x} flags={flags:x}", mode, text, rax=ax, rflags=MODES[mode].state["rflags"] | flags)


def stacks(random):
    """Stack pointers at the ends of the segment."""
    ops = ("push %ax", "pushl %eax", "pop %ax", "popl %eax", "pusha", "pushal", "popa", "popal", "pushf", "popf", "pushfl", "call 1f; 1:", "enter $4, $0", "enter $4, $1", "enter $4, $2", "enter $4, $31",
           "enterl $4, $3", "leave", "leavel", "int $0x80", "push %cs; push $IP + (1f - 770b); lret; 1: nop", "lcall *(%bx)", "pushl (%bx)", "popl (%bx)", "push %sp", "pop %sp", "push %ss; pop %ss", "pushl %fs", "popl %fs",
           "iretw", "lret $2", "ret $2", "push $-1", "pushl $-1")
    for mode in MODES_16:
        for op in ops:
            for sp in (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 0x20, 0xFFFF, 0xFFFE, 0xFFFD, 0xFFFC, 0xF00):
                if sp < 0x40 and (sp & 1 or mode == "pm16"):
                    continue  # the exception's own frame does not fit either
                base = {"real": 0x7000, "v86iopl3": 0x8000}.get(mode, 0)
                if "enter" in op and "31" in op and random.random() < .5:
                    continue
                top = {base + 0xF00 + 2 * n: struct.pack("<H", word) for n, word in enumerate((0x10, MODES[mode].state["cs"], 2, 0, 0))} if base else {}
                text = op.replace("IP", f"{MODES[mode].state['rip']:#x}")
                yield Case(f"{op} sp={sp:x}", mode, f"770: {text}; nop", without=("qemu",), rsp=sp, rbp=random.choice((sp, 0xF00, 0)), rax=0x12345678, rbx=0x40, memory=top)


def edges(random):
    """Operands at the end of 64 KiB, addresses of 16 and 32 bits."""
    ops = ("movb (%bx), %al", "movw (%bx), %ax", "movl (%bx), %eax", "movw %ax, (%bx)", "movw 1(%bx), %ax", "movw (%bx,%si), %ax", "movw (%bp), %ax", "movb (%bp,%di), %al", "movw %ss:(%bx), %ax", "lds (%bx), %ax",
           "lcall *(%bx)", "ljmp *(%bx)", "jmp *(%bx)", "fldt (%bx)", "fnsave (%bx)", "fnstenv (%bx)", "movups (%bx), %xmm0", "lodsw", "stosw", "movsw", "cmpsw", "scasw", "xlat", "bound %ax, (%bx)", "sgdt (%bx)", "incw (%bx)",
           "movw (%ebx), %ax", "movb (%ebx), %al", "btw %ax, (%bx)", "lock; incw (%bx)", "cmpxchg8b (%bx)", "mov (%bx), %es", "mov %ds, (%bx)", "pushw (%bx)", "rep; movsb", "rep; stosw", "addr32 rep; movsb", "addr32 lodsb")
    for mode in MODES_16:
        for op in ops:
            for at in (0xFFFF, 0xFFFE, 0xFFFD, 0xFFFC, 0xFFF8, 0x10000, 0x1FFFF, 0xFFFFFFFF, 0x100):
                if at > 0xFFFF and "%e" not in op and "addr32" not in op:
                    at &= 0xFFFF
                if op[:2] in ("jm", "lj", "lc") and not 0xFFFF - ("l" in op) * 2 <= at <= 0xFFFF:
                    continue  # it would go anywhere
                low = {} if "pm" in mode else dict(ds=0x700, es=0x700)  # which end within the arena
                yield Case(f"{op} at={at:x}", mode, f"{op}; mov $0, %ax; fninit", without=("qemu",), **low, rbx=at, rbp=at, rsi=at if "(%bx,%si)" not in op else random.choice((0, 1)), rdi=at if "(%bp,%di)" not in op else 1, rcx=random.choice((1, 2, 3)), rax=0x20)


def code_edges():
    """IP at the end of the segment: jumps there, what runs over it."""
    for mode in ("real", "v86iopl3"):
        for text, ip in (("nop", 0xFFFF), ("mov $1, %al", 0xFFFF), ("mov $1, %al", 0xFFFE), ("jmp .+2", 0xFFFE), ("jmp .+10", 0xFFFE), ("call .+10", 0xFFFD), ("ljmp $0, $0x8000", 0xFFFC), ("jmp .-20", 4),
                         ("loop .-10", 2), ("jcxz .-10", 2)):
            # CS 0800h puts the end of the segment at 17FFFh, the arena's last byte.
            there = {"nop": b"\x90", "mov $1, %al": b"\xb0\x01", "jmp .+2": b"\xeb\x00", "jmp .+10": b"\xeb\x08", "call .+10": b"\xe8\x07\x00", "ljmp $0, $0x8000": b"\xea\x00\x80\x00\x00",
                     "jmp .-20": b"\xeb\xea", "loop .-10": b"\xe2\xf4", "jcxz .-10": b"\xe3\xf4"}[text]
            at = 0x8000 + ip
            for cx in (0, 2):
                yield Case(f"{text} ip={ip:x} cx={cx}", mode, f"ljmp $0x800, ${ip}", without=("qemu",), rcx=cx, memory={at: there[:0x18000 - at], 0x8000: b"\x90\x0f\x0b", 0x8006: b"\x90\x0f\x0b", 0x8007: b"\x0f\x0b", 0x17FF0: b"\x0f\x0b"} if ip > 0x100 else {at: there, 0x8000 + 0xFFF0: b"\x0f\x0b" * 8})
        for op in ("jmp *%ax", "call *%ax", "jmpl *%eax", "calll *%eax", "pushl %eax; retl", "pushl %eax; retw", "pushw %cs; pushw %ax; lretw", "pushl %cs; pushl %eax; lretl"):
            for eax in (0x10020, 0xFFFF, 0x12340678, 0x20):
                yield Case(f"{op} eax={eax:x}", mode, op, without=("qemu",), rax=eax)


def repeats(random):
    """Counts and address registers of 16 and 32 bits, and flags left by the last comparison."""
    for mode in ("real", "pm32", "pm16"):
        for prefix in ("rep; ", "repne; ", "addr32 rep; " if mode != "pm32" else "addr16 rep; ", ""):
            for op in ("movsb", "stosw", "lodsl", "cmpsb", "scasw", "cmpsl"):
                for i in range(4):
                    low = mode == "real"
                    data = 0x80 if low else USER_DATA + 0x80
                    ecx = random.choice((0, 1, 3, 5, 0x10000, 0x10002, 0x80000000))
                    wide = (mode == "pm32") != ("addr" in prefix)
                    if wide and ecx > 5:
                        ecx = 4
                    flags = MODES[mode].state["rflags"] | random.choice((0, DF, ZF, CF | DF))
                    upper = 0 if wide else random.choice((0, 0xABCD0000))
                    if prefix.startswith("addr16") and not low:
                        continue
                    yield Case(f"{prefix}{op} ecx={ecx:x} flags={flags:x} upper={upper:x}", mode, f"{prefix}{op}; nop", rcx=ecx, rsi=data | upper, rdi=data + 0x20 | upper, rax=0x4241, rflags=flags,
                               memory={USER_DATA + 0x80: b"AABBAABBAABBAABB", USER_DATA + 0xA0: b"AABBAABAAABBAABB"})


def locks():
    """LOCK in front of all of the one-byte map and of groups."""
    for mode in ("real", "pm32"):
        for opcode in range(256):
            if opcode in (0x0F, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0xF4, 0xE4, 0xE5, 0xE6, 0xE7, 0xEC, 0xED, 0xEE, 0xEF, 0x6C, 0x6D, 0x6E, 0x6F):
                continue
            for modrm in (0x07, 0xC1) if opcode not in (0x80, 0x81, 0x83, 0xF6, 0xF7, 0xFE, 0xFF) else tuple(range(7, 64, 8)):
                yield Case(f"lock {opcode:02x} {modrm:02x}", mode, f".byte 0xf0, {opcode}, {modrm}; nop; nop; nop; nop; nop", rbx=0x80 if mode == "real" else USER_DATA, rdi=USER_DATA if mode != "real" else 0x80,
                           rsi=0x80 if mode == "real" else USER_DATA)


def old_flags(random, count):
    """Arithmetic of 8 and 16 bits with the flags that the manual defines, by memory and by register."""
    ops = ("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "inc", "dec", "neg", "not", "shl", "shr", "sar", "rol", "ror", "rcl", "rcr", "mul", "imul", "div", "idiv", "xchg", "test", "cbtw", "cwtd")
    for i in range(count):
        op, byte, mode = random.choice(ops), random.random() < .5, random.choice(("real", "pm16u", "v86iopl3"))
        letter, reg, other = ("b", "%bl", "%dl") if byte else ("w", "%bx", "%dx")
        where = random.choice((reg, "0x100"))
        count8 = random.choice((0, 1, 2, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 255))
        mask = 0x8D5
        if op in ("cbtw", "cwtd"):
            text = op
        elif op in ("inc", "dec", "neg", "not"):
            text = f"{op}{letter} {where}"
        elif op in ("mul", "imul", "div", "idiv"):
            text, mask = f"{op}{letter} {where}", 0x801 if "mul" in op else 0
        elif op[:2] in ("sh", "sa", "ro", "rc"):
            text = f"{op}{letter} %cl, {where}"
            used = count8 & 31
            mask = (0x801 if used == 1 else 1) if op[0] == "r" else 0xC5 | (0x800 if used == 1 else 0)
            if used == 0:
                mask = 0x8D5
            elif op[0] == "s" and used > (8 if byte else 16):
                mask &= ~1
            if op[0] == "r" and used:
                mask |= 0xD4
        else:
            text = f"{op}{letter} {other}, {where}"
            mask &= ~AF if op in ("and", "or", "xor", "test") else ~0
        values = {name: random.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, random.randrange(1 << 16))) for name in ("rax", "rbx", "rdx")}
        state = MODES[mode].state
        segment = 0x9000 if mode != "pm16u" else 0
        at = segment + 0x100 if segment else USER_DATA
        text = text.replace("0x100", "0x9000") if mode == "pm16u" else text
        yield Case(f"{text} cl={count8} {' '.join(f'{k}={v:x}' for k, v in values.items())} #{i}", mode, f"{text}; {flags_kept(mask)}",
                   rcx=count8, rflags=state["rflags"] | random.choice((0, CF, 0x8D5)), memory={at: struct.pack("<H", random.choice((0, 1, 0x80, 0x8000, 0xFFFF, random.randrange(1 << 16))))}, **values)


def cases(random):
    return [*decimal(random), *stacks(random), *edges(random), *code_edges(), *repeats(random), *locks(), *old_flags(random, 800)]
