"""Which bytes are instructions: all opcodes of the maps with and without prefixes, in every mode; what comes of those that are not is #UD."""

from image import *

# What gives something else each time or everywhere: clocks, ports, random numbers, CPUID, MSRs; and HLT.
UNSTEADY = {"one": {0xE4, 0xE5, 0xE6, 0xE7, 0xEC, 0xED, 0xEE, 0xEF, 0x6C, 0x6D, 0x6E, 0x6F, 0xF4}, "two": {0x01, 0x30, 0x31, 0x32, 0x33, 0xA2, 0xC7},
            "38": set(), "3a": set(), "vex": set(), "vex3": set()}
PREFIXES = ((), (0x66,), (0xF2,), (0xF3,), (0xF0,))


def encode(*parts):
    return ".byte " + ", ".join(f"{byte:#x}" for part in parts for byte in part)


def opcode_cases(random, count):
    tail = (0x00, 0x00, 0x00, 0x00)
    for i in range(count):
        mode = random.choice(("pm32u", "longu", "long", "pm32", "real", "v86", "compatu"))
        long = MODES[mode].bits == 64
        prefix = random.choice(PREFIXES)
        if long and random.random() < .3:
            prefix = (*prefix, random.choice((0x48, 0x41, 0x4F)))
        # Behind opcodes without ModRM it is an opcode itself.
        modrm = random.choice([byte for byte in range(256) if byte not in UNSTEADY["one"]]) if random.random() < .5 else \
            random.choice((0xC0, 0x03, 0xC8, 0xD1, 0xE9, 0xF8))
        kind = random.choice(("one", "two", "two", "two", "38", "3a", "vex", "vex", "vex", "vex3"))
        byte = random.choice([byte for byte in range(256) if byte not in UNSTEADY[kind]])
        if kind == "one":
            code = (byte,)
        elif kind == "two":
            code = (0x0F, byte)
        elif kind in ("38", "3a"):
            code = (0x0F, int(kind, 16), byte)
        else:
            if kind == "vex":
                code = (0xC5, random.choice((0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xE9, 0xED)), byte)
            else:
                code = (0xC4, random.choice((0xE1, 0xE2, 0xE3, 0xE2, 0xE3, 0xE0, 0xE4)), random.choice((0x78, 0x79, 0x7A, 0x7B, 0x7C, 0x7D, 0xF9, 0xFD, 0x69, 0x6D)), byte)
            prefix = prefix if random.random() < .1 else ()
        yield Case(f"{bytes((*prefix, *code, modrm)).hex(' ')}", mode, encode(prefix, code, (modrm,), tail), **registers(mode))


def registers(mode):
    low = MODES[mode].kind == 0 or "v86" in mode
    data = 0x80 if low else USER_DATA + 0x80
    state = MODES[mode].state
    return dict(rbx=data, rsi=data, rdi=data, rbp=data, rax=data, rcx=0, rdx=0, cr4=state["cr4"] | CR4["OSXSAVE"])


def cases(random, count=4000):
    return list(opcode_cases(random, count))
