"""Far JMP, CALL, RET and IRET: to segments and gates of every type, to other privileges, and back."""

from image import *

TARGET = USER_CODE + 0x800  # INT3 that all may run
MODES_OF_FAR = ("pm32", "pm32u", "pm16", "pm16u", "long", "longu", "compat", "compatu", "compat16")


def jump(op, mode, selector, offset):
    """Code that goes to selector:offset."""
    bits = MODES[mode].bits
    if op in ("jmp", "call"):
        if bits == 64:
            return f"push ${selector}; movl ${offset}, -8(%rsp); mov $0, %eax; movl ${offset}, -24(%rsp)" \
                   f"; movw ${selector}, -20(%rsp); l{op} *-24(%rsp)"
        return f"l{op}{'l' if bits == 32 else 'w'} ${selector}, ${offset & (1 << bits) - 1}"
    width = {16: "w", 32: "l", 64: "q"}[bits]
    flags = f"push{'f' + width}; " if op == "iret" else ""
    rest = f"pushl ${STACK3}; " if False else ""
    return f"{rest}{flags}push{width} ${selector}; push{width} ${offset & (1 << bits if bits < 64 else 1 << 32) - 1}; {op}{width}"


def to_segments():
    for mode in MODES_OF_FAR:
        for kind in range(32):
            for dpl in (0, 1, 3):
                for flags in ((12, 10, 14) if MODES[mode].kind == 2 else (12, 10)):
                    for present in (0x80, 0):
                        if kind < 16 and kind in (1, 3, 5, 9, 11):
                            continue  # tasks have their own
                        descriptor = segment(0, 0xFFFFF, kind | dpl << 5 | present, flags)
                        if flags == 12 and MODES[mode].bits == 16:
                            descriptor = segment(0x10000, 0xFFFF, kind | dpl << 5 | present, 0)
                        for rpl in (0, 3):
                            for op in ("jmp", "call", "lret", "iret"):
                                yield Case(f"{op} rpl={rpl} type={kind:02x} dpl={dpl} p={present >> 7} flags={flags}", mode,
                                           jump(op, mode, FREE | rpl, TARGET)).gdt(FREE, descriptor + bytes(8))


def through_gates(random):
    targets = (0, CODE32, CODE32 | 3, CONFORMING, CODE_R1, CODE_R2, UCODE32, CODE64, UCODE64, CODE16, UCODE16, DATA32, TR,
               0xFF8, 0x1000, FREE + 0x10, LDT & 4 | 0x24)
    for mode in MODES_OF_FAR:
        long = MODES[mode].kind == 2
        for kind in (4, 12):
            for dpl in (0, 1, 2, 3):
                for selector in targets:
                    for op in ("jmp", "call"):
                        count, present = random.choice((0, 1, 3, 31)), random.choice((0x80, 0x80, 0x80, 0))
                        rpl, offset = random.choice((0, 3)), random.choice((TARGET, TARGET, TARGET, 1 << 31, 1 << 47) if long
                                                                           else (TARGET,))
                        data = gate(selector, offset, kind | dpl << 5 | present, count, long)
                        case = Case(f"{op} gate={kind:x} dpl={dpl} rpl={rpl} to={selector:x}:{offset:x} n={count} p={present >> 7}",
                                    mode, jump(op, mode, FREE | rpl, 0x1234))
                        case.gdt(FREE + 0x10, segment(0, 0xFFFFF, 0x1B | random.choice((0, 0x20, 0x60)), 12))
                        if random.random() < .2:
                            case.memory[TSS] = random.choice((tss32(), tss64()))[:random.choice((4, 8, 104))]
                            limit = random.choice((3, 7, 9, 0x1F, 0x67))
                            case.gdt(TR, segment(TSS, limit, 0x89))
                            case.name = case.name.replace(" [", f" tss={limit:x} [")
                        yield case.gdt(FREE, data)


CODE_SELECTORS = (0, 3, CODE32, CODE32 | 3, UCODE32, UCODE32 & ~3, CODE64, UCODE64, CONFORMING, CONFORMING | 3, CODE_R1, CODE_R2,
                  CODE16, UCODE16, DATA32, UDATA, LDTR, 0x1003, FREE, FREE | 3, FREE | 1)
STACK_SELECTORS = (0, 3, 1, DATA32, UDATA, UDATA, UDATA, DATA_R1, DATA_R2, UDATA16, DATA16, UCODE32, 0x1003, FREE + 8, FREE + 11)


def returns(random):
    """RET and IRET to any privilege, with the stack made by hand."""
    for mode in MODES_OF_FAR:
        bits = MODES[mode].bits
        for i in range(600):
            op = random.choice(("iret", "iret", "lret", "lret $8"))
            width = random.choice({16: "wl", 32: "lwl", 64: "qqlw"}[bits])
            cs, ss = random.choice(CODE_SELECTORS), random.choice(STACK_SELECTORS)
            if random.random() < .6:
                ring = random.choice((0, 3, 3, 3))
                cs = random.choice((UCODE32, UCODE64, UCODE16) if ring else (CODE32, CODE64, CODE16))
                ss = random.choice((UDATA, UDATA, UDATA16, 3) if ring else (DATA32, DATA16, 0))
            offset = random.choice((TARGET, TARGET, TARGET, TARGET & 0xFFFF, 1 << 31, 1 << 47, -1 << 47))
            if MODES[mode].kind == 1 or bits == 16:
                offset = random.choice((TARGET, TARGET & 0xFFFF)) # elsewhere there may be no memory
            stack = random.choice((STACK3, STACK3, 0x8F00FF00, 1 << 47, 0x12345678F00, 0))
            flags = random.choice((2, 2, 0x3202, 0x202, 0x4002, 0x10002, 0x20002, 0x43202, 0x180002, 0x240ED7, 0xFFFFFFFF, 0x102))
            words = [offset, cs] + ([flags] if op == "iret" else []) + ([0x55, 0x66] if "8" in op and random.random() < .5 else [])
            words += [stack, ss, UDATA, UDATA, UDATA, UDATA]
            if op == "iret" and bits == 64 and width == "q":
                words = words[:5]
            size = {"w": 2, "l": 4, "q": 8}[width]
            data = b"".join((word & (1 << 8 * size) - 1).to_bytes(size, "little") for word in words)
            ring = MODES[mode].state["cs"] & 3
            top = STACK3 - 0x100 if ring else 0x7E00
            name, _, n = op.partition(" ")
            case = Case(f"{name}{width} {n} cs={cs:x} ss={ss:x} ip={offset:x} sp={stack:x} flags={flags:x}", mode,
                        f"{name}{width} {n}", memory={top: data}, rsp=top,
                        rflags=2 | random.choice((0, 0x3000, 0x4000 if MODES[mode].kind == 2 or random.random() < .1 else 0)))
            case.gdt(FREE, segment(0, 0xFFFFF, random.choice((0xFF, 0xDF, 0xBF, 0x9F, 0x7B, 0xFB, 0xF9)), random.choice((12, 10, 14, 8))))
            case.gdt(FREE + 8, segment(0, random.choice((0xFFFFF, 0xF)), random.choice((0x73, 0xF3, 0xF1, 0xF7, 0xB3, 0x92)),
                                       random.choice((12, 4, 0))))
            yield case


def cases(random):
    return [*to_segments(), *through_gates(random), *returns(random)]
