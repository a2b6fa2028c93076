"""Loading segment registers, and what looks at descriptors."""

from image import *

REGISTERS = {"real": (), "pm32": ("ds", "es", "fs", "gs", "ss"), "long": ("ds", "fs", "ss")}


def descriptors():
    """(what it is, its bytes) of every type and privilege, present and not."""
    for kind in range(32):
        for dpl in (0, 1, 3):
            for present in (0x80, 0):
                yield f"type={kind:02x} dpl={dpl} p={present >> 7}", segment(0, 0xFFFFF if not kind & 4 or kind & 8 else 0, kind | dpl << 5 | present, 12)


def loads():
    for mode, registers in (("pm32", ("ds", "ss")), ("pm32u", ("es", "ss")), ("long", ("fs", "ss")), ("longu", ("gs", "ss")),
                            ("compatu", ("ds", "ss"))):
        for text, descriptor in descriptors():
            for rpl in (0, 3):
                for register in registers:
                    selector = FREE | rpl
                    yield Case(f"mov {register} rpl={rpl} {text}", mode, f"mov ${selector}, %eax; mov %ax, %{register}"
                               ).gdt(FREE, descriptor)


def inspect():
    for mode in ("pm32", "pm32u", "long", "longu", "compatu", "pm16"):
        for text, descriptor in descriptors():
            for op in ("lar %eax, %ecx", "lsl %eax, %ecx", "verr %ax", "verw %ax"):
                yield Case(f"{op} {text}", mode, f"mov ${FREE | 1}, %eax; {op}; mov $0, %eax; lahf", rcx=0x1234567
                           ).gdt(FREE, descriptor)


def cases(random):
    every = [*loads(), *inspect()]
    return every
