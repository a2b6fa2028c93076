"""What comes from outside, sent by the case itself through its local APIC: interrupts, NMIs and SMIs, with shadows, traps and HLT."""

from image import *

LOW, HIGH = 0x22, 0x32  # vectors; the higher goes first
NMI, SMI = 0x400, 0x200
RESUME = 1 << 1 | 1 << 2 | 1 << 3 | 1 << LOW | 1 << HIGH
KERNELS = ("real", "pm32", "pm16", "paged", "long", "compat", "compat16")


def send(what):
    return f"mov $0x830, %ecx; mov ${what | 0x4000:#x}, %eax; xor %edx, %edx; wrmsr"


def bodies(random, mode):
    """Instructions that open, close and delay."""
    bits = MODES[mode].bits
    letter = {16: "w", 32: "l", 64: "q"}[bits]
    code16 = mode == "real"
    flags = {"if": 0x202, "iftf": 0x302, "tf": 0x102, "none": 2}[random.choice(("if", "if", "iftf", "tf", "none"))]
    ss = "mov %ss, %eax; mov %eax, %ss" if random.random() < .6 or bits == 64 else "push %ss; pop %ss"
    return random.choice(("sti", "sti", "sti; nop", "cli", "nop", ss, f"sti; {ss}", f"{ss}; sti", f"{ss}; {ss}", f"push{letter} ${flags}; popf{letter}",
                          f"push{letter} ${flags}; popf{letter}; nop", "sti; cli", "sti; sti", "int3", "int $0x80", "inc %ebx", "pushf; popf",
                          "mov $2, %ecx; rep; lodsb", "mov $3, %ecx; rep; stosb", "sti; mov $2, %ecx; rep; movsb", ".byte 0xf1", "xchg %ebx, %ebp", "jmp 1f; 1:",
                          "call 1f; 1: nop", "movb (%ebx), %al", "movb %al, (%ebx)" if not code16 else "nop", f"{ss}; int3", f"{ss}; movb (%ebx), %al"))


def start(mode):
    low = mode == "real"
    data = 0x100 if low else USER_DATA + 0x100
    return dict(rbx=data, rsi=data + 8, rdi=data + 16, resume=RESUME)


def sequences(random, count):
    for i in range(count):
        mode = random.choice(KERNELS)
        state = MODES[mode].state
        first = random.sample((LOW, HIGH, NMI, SMI), random.choice((1, 1, 2)))
        parts = [send(first[0])]
        for _ in range(random.choice((1, 2, 3, 4))):
            parts.append(bodies(random, mode))
        if len(first) > 1:
            parts.insert(random.randrange(1, len(parts)), send(first[1]))
        trap = random.choice((0, 0, TF, IF))
        watch = {}
        if random.random() < .25:
            linear = 0x9100 if mode == "real" else USER_DATA + 0x100
            watch = dict(dr0=linear, dr7=0x400 | 2 | random.choice((0xD0000, 0xF0000)))
        code = "; ".join(parts + ["nop"])
        # QEMU puts the traps of data breakpoints and of TF elsewhere; Bochs takes those that wait when an SMI comes in its handler.
        traps = trap == TF or watch or "$258" in code or "$770" in code or "0xf1" in code
        without = (("qemu", "bochs") if SMI in first else ("qemu",)) if traps else ()
        yield Case(f"{code} flags={trap:x} {' '.join(f'{k}={v:x}' for k, v in watch.items())} #{i}", mode, code, without=without,
                   rflags=state["rflags"] | trap, **watch, **start(mode))


def pending(random):
    """An interrupt that waits when the case begins: what lets it in first."""
    for mode in ("real", "pm32", "pm32u", "pm16", "pm16u", "v86iopl3", "paged", "pagedu", "long", "longu", "compatu"):
        bits = MODES[mode].bits
        letter = {16: "w", 32: "l", 64: "q"}[bits]
        iopl = 0x3000
        for code in ("sti; nop; nop", "sti; sti; nop", "sti; cli; nop", f"push{letter} $0x3202; popf{letter}; nop; nop", "nop; nop", "sti; mov %ss, %eax; mov %eax, %ss; nop; nop",
                     "sti; int $0x80", "sti; ud2", "sti; int3; nop", "mov %ss, %eax; sti; mov %eax, %ss; nop; nop", "sti; pushf; popf; nop", "sti; hlt; nop", "hlt; nop"):
            if "hlt" in code and MODES[mode].state["cs"] & 3 or "hlt" in code and "v86" in mode:
                continue
            for flags in (0, IF, TF, RF):
                if code.startswith("hlt") and flags != IF or "hlt" in code and flags == TF:
                    continue  # neither of the others wakes up for the trap of HLT
                yield Case(f"pending: {code} flags={flags:x}", mode, code, icr=0x4000 | LOW, rflags=MODES[mode].state["rflags"] | iopl | flags,
                           without=("qemu",) if flags & (TF | RF) else (), resume=RESUME, rdx=0)


def priorities(random):
    """The task priority and CR8."""
    for tpr in (0, 1, 2, 3, 4, 15):
        for what in (LOW, HIGH):
            yield Case(f"cr8={tpr} {what:x}", "long", f"mov ${tpr}, %eax; mov %rax, %cr8; {send(what)}; sti; nop; nop; inc %ebx; xor %eax, %eax; mov %rax, %cr8; nop; nop",
                       resume=RESUME)


def halts():
    """HLT and what ends it."""
    for mode in KERNELS:
        for flags in (0, IF):
            for before in ("sti", "nop"):
                if before == "nop" and not flags & IF:
                    continue
                code = f"cli; {send(LOW)}; {before}; hlt; inc %ebx" if before == "sti" else f"cli; {send(LOW)}; pushf; sti; hlt; inc %ebx"
                yield Case(f"{code} flags={flags:x}", mode, code, rflags=MODES[mode].state["rflags"] | flags, resume=RESUME)


def cases(random):
    return [*sequences(random, 2500), *pending(random), *priorities(random), *halts()]
