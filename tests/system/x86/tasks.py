"""Task switches of 16 and 32 bits: by JMP, CALL, gates, exceptions and IRET, to tasks good and bad."""

from image import *

NEW, NEW16 = TASKS, TASKS + 0x200  # the TSS of the other task
TARGET = USER_CODE + 0x800


def task32(random, **values):
    """A TSS whose task would run; `values` replace what is in it."""
    user = random.random() < .4
    stack, code, data = (STACK3, UCODE32, UDATA) if user else (0x7E00, CODE32, DATA32)
    fields = dict(link=TR, esp0=STACK0, ss0=DATA32, cr3=random.choice((PD32, PD32, 0xFFFFFFFF if random.random() < .1 else PD32)),
                  eip=TARGET, eflags=random.choice((2, 0x3002, 0x4002, 0x202, 0x102, 0x10002, 0xFFD7 & ~NT)),
                  eax=0x11, ecx=0x22, edx=0x33, ebx=0x44, esp=stack, ebp=0x55, esi=0x66, edi=0x77,
                  es=data, cs=code, ss=data, ds=data, fs=data, gs=data, ldt=LDTR, trap=0, iomap=0x68)
    fields.update(values)
    f = fields.get
    return struct.pack("<26I", f("link"), f("esp0"), f("ss0"), 0, 0, 0, 0, f("cr3"), f("eip"), f("eflags"), f("eax"), f("ecx"),
                       f("edx"), f("ebx"), f("esp"), f("ebp"), f("esi"), f("edi"), f("es"), f("cs"), f("ss"), f("ds"), f("fs"),
                       f("gs"), f("ldt"), f("trap") | f("iomap") << 16)


def task16(random, **values):
    fields = dict(link=TR, sp0=STACK0, ss0=DATA32, ip=0x4800, flags=random.choice((2, 0x3002, 0x202, 0x102)),
                  ax=0x11, cx=0x22, dx=0x33, bx=0x44, sp=0x7E00, bp=0x55, si=0x66, di=0x77, es=DATA16, cs=CODE16, ss=DATA16, ds=DATA16,
                  ldt=LDTR)
    fields.update(values)
    f = fields.get
    return struct.pack("<22H", f("link"), f("sp0"), f("ss0"), 0, 0, 0, 0, f("ip"), f("flags"), f("ax"), f("cx"), f("dx"), f("bx"),
                       f("sp"), f("bp"), f("si"), f("di"), f("es"), f("cs"), f("ss"), f("ds"), f("ldt"))


BAD = (0, 3, 0x1000, 0xFF8, FREE + 0x20, FREE + 0x20 | 3, LDTR, TR, DATA32, UDATA, CODE32, UCODE32, CONFORMING, CONFORMING | 3, 0x14)


def switches(random, count):
    for i in range(count):
        mode = random.choice(("pm32", "pm32u", "paged", "pagedu", "pm16", "v86", "v86iopl3"))
        wide = random.random() < .65
        how = random.choice(("ljmp", "lcall", "gate jmp", "gate call", "int", "#UD", "#NP", "iret"))
        values = {}
        if random.random() < .6:
            name = random.choice(("cs", "ss", "ds", "es", "ldt", "cs", "ss") + (("fs", "gs", "cr3") if wide else ()))
            values[name] = random.choice(BAD) if name != "cr3" else PD32
        if wide and random.random() < .1:
            values["trap"] = 1
        if wide and random.random() < .1:
            values.update(eflags=0x23002, cs=0x1400, ss=0x800, ds=0x900, es=0x900, fs=0, gs=0, eip=0x800, esp=0xF00)
        elif random.random() < .05:
            values["eip" if wide else "ip"] = 0x4802
        body = task32(random, **values) if wide else task16(random, **values)
        at = NEW if wide else NEW16
        dpl = random.choice((0, 3, 3))
        present = random.choice((0x80,) * 9 + (0,))
        busy = 2 if (how == "iret") == (random.random() < .9) else 0
        kind = (9 if wide else 1) | busy
        limit = random.choice((0x67 if wide else 0x2B,) * 8 + (0x66, 0x2A, 0x2B, 0xFFF))
        bits, op = MODES[mode].bits, how.split()[-1]
        suffix = "w" if bits == 16 else "l"
        selector = FREE + (0x10 if "gate" in how else 0) | random.choice((0, 0, 3))
        memory, state = {at: body}, {}
        code = {"int": "int $0x40", "#UD": "ud2", "#NP": "mov $0x118, %ax; mov %ax, %ds",
                "iret": f"iret{suffix}"}.get(how) or f"{'l' if op[0] != 'l' else ''}{op}{suffix} ${selector}, $0x4800"
        text = " ".join(f"{name}={value:x}" for name, value in values.items())
        case = Case(f"{how} {'32' if wide else '16'} type={kind:x} dpl={dpl} p={present >> 7} limit={limit:x} sel={selector:x} {text} #{i}",
                    mode, code, memory=memory)
        case.gdt(FREE, segment(at, limit, kind | dpl << 5 | present))
        case.gdt(FREE + 0x10, gate(FREE | random.choice((0, 0, 3)), 0, random.choice((0x85, 0xE5, 0xE5, 0x65))))
        case.gdt(FREE + 0x18, segment(0, 0xFFFFF, 0x73, 12))
        case.gdt(FREE + 0x20, segment(0, 0xFFFFF, random.choice((0x13, 0x73, 0x1B, 0x99, 0x9D, 0xFD, 0xB3, 0x82, 0x02, 0xF1)), 12))
        vector = {"int": 0x40, "#UD": 6, "#NP": 11}.get(how)
        if vector:
            case.idt(vector, gate(random.choice((FREE, FREE, FREE, FREE, CODE32, 0, 0x1000, TR)), 0, random.choice((0xE5, 0xE5, 0x85, 0x65))))
            if how == "#UD":  # the new task's own goes there too, unless it is another exception
                case.memory[at] = (task32 if wide else task16)(random, **{**values, "eip" if wide else "ip": 0x3000 if not wide else CODE})
                case.memory[CODE] = b"\xcc" * 16
                if MODES[mode].code == CODE:
                    continue
        if how == "iret":
            if MODES[mode].kind == 1 and "v86" not in mode:
                state["rflags"] = 2 | NT
            case.state.update(state)
            tss = bytearray(tss32() if True else b"")
            struct.pack_into("<H", tss, 0, random.choice((FREE, FREE, FREE, FREE, FREE | 3, 0, 4, 0x1000, DATA32, TR)))
            case.memory[TSS] = bytes(tss)
        yield case


def nested(random):
    """CALL or INT to a task and IRET back."""
    for mode in ("pm32", "paged", "pm16", "pm32u", "pagedu"):
        bits = MODES[mode].bits
        for wide in (True, False):
            for op in (f"lcall{'w' if bits == 16 else 'l'} ${FREE}, $0", "int $0x40", f"mov $3, %ecx; lcall{'w' if bits == 16 else 'l'} ${FREE + 0x10}, $0"):
                body = task32(random, cs=CODE32, ss=DATA32, ds=DATA32, es=DATA32, fs=DATA32, gs=DATA32, eip=CODE2, esp=0x7E00, eflags=2,
                              link=0, cr3=PD32) if wide else task16(random, ip=0x6000, flags=2, link=0)
                memory = {NEW if wide else NEW16: body, CODE2: b"\x40\xcf" if wide else b"\x40\xcf"}
                case = Case(f"{op} {'32' if wide else '16'} and iret", mode, f"stc; {op}; lahf", memory=memory)
                case.gdt(FREE, segment(NEW if wide else NEW16, 0x67, 0xE9 if wide else 0xE1))
                case.gdt(FREE + 0x10, gate(FREE, 0, 0xE5))
                yield case.idt(0x40, gate(FREE, 0, 0xE5))


def cases(random, count=3000):
    return [*switches(random, count), *nested(random)]
