"""INT n and its kin through gates of every type, in every mode; stacks of the TSS; interrupt tables that are short."""

from image import *

TARGET = USER_CODE + 0x800


def gates(random):
    targets = (0, 3, CODE32, CODE32 | 3, CONFORMING, CODE_R1, CODE_R2, UCODE32, CODE64, CODE64 | 3, UCODE64, CODE16, DATA32, TR, 0xFF8,
               0x1000, FREE, FREE)
    for mode in ("pm32", "pm32u", "pm16", "v86", "v86iopl3", "long", "longu", "compat", "compatu"):
        long = MODES[mode].kind == 2
        for kind in range(32):
            if kind == 5 and not long:
                continue
            for i in range(12):
                dpl, present = random.choice((0, 3, 3, 3)), random.choice((0x80, 0x80, 0x80, 0))
                selector = random.choice(targets)
                if kind in (6, 7, 14, 15) and i < 6:
                    selector, present = CODE64 if long else CODE32, 0x80
                offset = random.choice((TARGET, TARGET, entry64(0x40), 1 << 31, 1 << 47) if long else (TARGET,))
                count = random.choice((0, 0, 1, 3, 7)) if long else 0
                op, vector = random.choice((("int $0x40", 0x40), ("int $0x40", 0x40), ("int3", 3), (".byte 0xf1", 1),
                                            ("ud2", 6), ("int $13", 13)))
                data = gate(selector, offset, kind | dpl << 5 | present, count, long)
                case = Case(f"{op} gate={kind:02x} dpl={dpl} p={present >> 7} to={selector:x}:{offset:x} ist={count}", mode, op,
                            rflags=MODES[mode].state["rflags"] | random.choice((0, IF, NT, RF, AC, IF | 0x8D5)))
                case.gdt(FREE, segment(0, 0xFFFFF, random.choice((0x9F, 0xBF, 0xDB, 0x1B, 0x99, 0xFB, 0xFF)),
                                       random.choice((12, 10, 14))))
                if random.random() < .2:
                    stack = random.choice((0, 8, 1 << 47, 0xFFFFFFFFFFFF0, 0x7801))
                    case.memory[TSS] = (struct.pack("<IQQQQQ", 0, stack, stack, stack, 0, stack) if long else
                                        struct.pack("<III", 0, STACK0, random.choice((0, 3, UDATA, DATA_R1, CODE32, 0x1000,
                                                                                     FREE + 8, DATA32 | 1))))
                    case.gdt(FREE + 8, segment(0, 0xFFFFF, random.choice((0x13, 0x91, 0x93)), 12))
                if op == "int3":
                    case.memory[TARGET] = case.memory[TARGET & 0xFFFF] = UD2
                yield case.idt(vector, data)


def short_tables(random):
    for mode in ("real", "pm32", "pm32u", "v86iopl3", "long", "longu"):
        size = {0: 4, 1: 8, 2: 16}[MODES[mode].kind]
        for vector in (0x40, 0x20, 3, 4, 5):
            for delta in (-size - 1, -size, -3, -2, -1, 0, 1, 100):
                limit = size * (vector + 1) - 1 + delta
                yield Case(f"int {vector:x} limit={limit:x}", mode, f"int ${vector}", idt_limit=limit)
    for mode in MODES:
        for op in ("int3", ".byte 0xf1", "int $4", "int $0x80", "into", "ud2", "div %cl", "int $8", "int $10", "int $14", "int $17"):
            if op == "into" and MODES[mode].bits == 64:
                op = ".byte 0xce"
            for flags in (OF, OF | IF | TF):
                yield Case(f"{op} flags={flags:x}", mode, op, rcx=0, rflags=MODES[mode].state["rflags"] | flags)
    for mode in ("real", "pm32", "pm32u", "pm16", "v86", "compatu"):
        for op in ("bound %eax, (%ebx)", "bound %ax, (%ebx)"):
            for value in (4, 5, 6, 7, 0xFFFFFFFF, 0x10005):
                yield Case(f"{op} {value:x}", mode, op, rbx=0x9000 if MODES[mode].kind and mode != "v86" else 0, rax=value,
                           memory={USER_DATA: struct.pack("<HHHH", 5, 0, 6, 0) if "eax" in op else struct.pack("<hh", 5, 6)})


def cases(random):
    return [*gates(random), *short_tables(random)]
