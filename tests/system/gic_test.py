#!/usr/bin/env python3
"""The registers of GICv2 and GICv3 in random use, here and on the peer's board.

usage: gic_test.py VM-CLI [--seeds N] [unittest arguments]
"""

import random
import struct

import bare

RESET_V2, RESET_V3, READ, WRITE, READ_ICC, WRITE_ICC, TAKE, DROP, DEACTIVATE = range(9)  # as in gic_program.c
SEQUENCES, STEPS = 400, 60
GICD, GICC, GICR = 0x08000000, 0x08010000, 0x080A0000
SGI_BASE = GICR + 0x10000
PMR, IAR0, EOIR0, HPPIR0, BPR0, AP0R0, AP1R0, DIR, RPR, SGI1R, ASGI1R, SGI0R, IAR1, EOIR1, HPPIR1, BPR1, CTLR, SRE, IGRPEN0, \
    IGRPEN1, ISR = range(21)
BITS = [0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380]  # group, enable, pending, active


# Group 1 is waiting, but not important enough: ours says that there is nothing, the peer that it is Group 1.
NOTHING = {"3fe": "3ff"}


def priorities(r):
    """Four, of the five bits that ours has; the peer's distributor keeps eight."""
    return r.getrandbits(32) & 0xF8F8F8F8


def some_bits(r):
    return sum(1 << n for n in r.sample(range(32), r.choice([1, 1, 2, 4]))) if r.random() < .8 else r.getrandbits(32)


def bank(r, base, number):
    """An access to a bank of 32 interrupts. No PPI is touched whose input this board drives."""
    kind = r.random()
    if kind < .55:
        where = base + r.choice(BITS) + 4 * number
        return (READ, 4, where, 0) if r.random() < .4 else (WRITE, 4, where, some_bits(r))
    if kind < .85:
        size = r.choice([1, 4])
        where = base + 0x400 + 32 * number + r.randrange(0, 32, size)
        return (READ, size, where, 0) if r.random() < .3 else (WRITE, size, where, priorities(r))
    where = base + 0xC00 + 8 * number + r.choice([0, 4])
    return (READ, 4, where, 0) if r.random() < .4 else (WRITE, 4, where, r.getrandbits(32))


def v3_step(r):
    kind = r.random()
    if kind < .25:
        return bank(r, SGI_BASE, 0)
    if kind < .45:
        return bank(r, GICD, r.choice([1, 2]))
    if kind < .52:
        return (WRITE, 4, GICD, r.choice([0, 1, 2, 3, 3, 0xFFFFFF2F])) if r.random() < .6 else (READ, 4, GICD, 0)
    if kind < .60:
        sgi = r.randrange(16) << 24 | r.choice([1, 1, 1, 3, 0, 2]) | r.choice([0, 0, 0, 1 << 40, 1 << 16])
        return (WRITE_ICC, 0, r.choice([SGI1R, SGI1R, SGI0R, ASGI1R]), sgi)
    if kind < .70:
        return (TAKE, 0, r.choice([IAR0, IAR1]), 0)
    if kind < .78:
        return (DROP, 0, r.choice([EOIR0, EOIR1]), 0)
    if kind < .81:
        return (DEACTIVATE, 0, DIR, 0)
    if kind < .90:
        return (READ_ICC, 0, r.choice([PMR, HPPIR0, HPPIR1, BPR0, BPR1, AP0R0, AP1R0, RPR, SRE, IGRPEN0, IGRPEN1, ISR, ISR]), 0)
    if kind < .97:
        name, value = r.choice([(PMR, priorities(r) & 0xFF), (PMR, 0xFF),
                                (CTLR, r.choice([0, 1, 2, 3])), (IGRPEN0, r.getrandbits(1)), (IGRPEN1, r.getrandbits(1))])
        return (WRITE_ICC, 0, name, value)
    where = GICD + 0x6000 + 8 * r.randrange(32, 96)
    return (READ, 8, where, 0) if r.getrandbits(1) else (WRITE, 8, where, r.choice([0, 0, 1, 1 << 31, r.getrandbits(40) & 0xFF80FFFFFF]))


def v3_start(r):
    """Most of what can hinder an interrupt is out of its way."""
    yield (RESET_V3, 0, 0, 0)
    yield (WRITE, 4, GICD, 3)
    # One place of the binary point for both groups, and it stays: what counts among different ones is not written down.
    point = r.choice([0, 1, 2, 2, 3, 4, 5, 6])
    for name, value in ((BPR0, point), (BPR1, max(point, 2) + 1), (PMR, 0xFF), (IGRPEN0, 1), (IGRPEN1, 1)):
        if value != 1 or r.random() < .9:
            yield (WRITE_ICC, 0, name, value)
    for base, number in ((SGI_BASE, 0), (GICD, 1), (GICD, 2)):
        yield (WRITE, 4, base + 0x080 + 4 * number, r.getrandbits(32))
        yield (WRITE, 4, base + 0x100 + 4 * number, r.getrandbits(32))
        for n in range(8):
            yield (WRITE, 4, base + 0x400 + 32 * number + 4 * n, priorities(r))


def v2_step(r):
    """Both groups stay enabled, as the peer answers with interrupts of those that aren't, and groups stay as they are, as it ends
    them in the group that they have by then. GICC_HPPIR looks at the mask there."""
    kind = r.random()
    if kind < .40:
        kind, size, where, value = bank(r, GICD, r.randrange(3))
        # Whether SGIs can be disabled is the implementation's choice; their pending bits are read-only, there they aren't.
        own = where in (GICD + 0x180, GICD + 0x200, GICD + 0x280)
        if where in (GICD + 0x80, GICD + 0x84, GICD + 0x88):
            kind = READ
        return (kind, size, where, value & 0xFFFF0000 if own else value)
    if kind < .46:
        return (WRITE, 4, GICD, r.choice([3, 0xFFFFFFFF])) if r.random() < .6 else (READ, 4, GICD, 0)
    if kind < .54:
        return (WRITE, 4, GICD + 0xF00, r.randrange(16) | r.choice([1 << 16, 1 << 16, 1 << 24, 2 << 24, 0xFF << 16]))
    if kind < .60:
        size, where = r.choice([1, 4]), GICD + r.choice([0xF10, 0xF20])
        where += r.randrange(0, 16, size)
        return (READ, size, where, 0)  # writing them makes the peer abort
    if kind < .70:
        return (TAKE, 4, GICC + 0x0C, 0)
    if kind < .78:
        return (DROP, 4, GICC + 0x10, 0)
    if kind < .81:
        return (DEACTIVATE, 4, GICC + 0x1000, 0)
    if kind < .88:
        return (READ, 4, GICC + r.choice([0x00, 0x04, 0x08, 0x14, 0x1C]), 0)
    if kind < .91:
        return (READ_ICC, 0, ISR, 0)
    if kind < .97:
        offset, value = r.choice([(4, priorities(r) & 0xFF), (4, 0xF8),
                                  (0, r.choice([3, 7, 0xB, 0x13, 0x203, 0x1F]))])
        return (WRITE, 4, GICC + offset, value)
    size, where = r.choice([1, 4]), GICD + 0x800 + r.randrange(0, 96, 4)
    return (READ, size, where, 0) if r.getrandbits(1) else (WRITE, size, where, r.getrandbits(32))


def v2_start(r):
    point = r.randrange(2, 7)
    yield (RESET_V2, 0, 0, 0)
    yield (WRITE, 4, GICD, 3)
    for offset, value in ((4, 0xF8), (8, point), (0x1C, point + 1)):
        yield (WRITE, 4, GICC + offset, value)
    yield (WRITE, 4, GICC, r.choice([3, 3, 7, 0xB, 0xF, 0x1F, 0x203]))
    for number in range(3):
        yield (WRITE, 4, GICD + 0x080 + 4 * number, r.getrandbits(32))
        yield (WRITE, 4, GICD + 0x100 + 4 * number, r.getrandbits(32) | (0 if number else 0xFFFF))
        for n in range(8):
            yield (WRITE, 4, GICD + 0x400 + 32 * number + 4 * n, priorities(r))


def describe(operations, count):
    """What a sequence has done up to its read number `count`."""
    names = ["RESET", "RESET", "READ", "WRITE", "READ_ICC", "WRITE_ICC", "TAKE", "DROP", "DEACTIVATE"]
    text, reads = [], 0
    for kind, size, where, value in operations:
        text.append(f"{names[kind]} {where:#x}" + (f" = {value:#x}" if kind in (WRITE, WRITE_ICC) else ""))
        reads += kind in (READ, READ_ICC, TAKE)
        if reads > count and kind in (READ, READ_ICC, TAKE):
            return "; ".join(text[-25:])
    return "; ".join(text[-25:])


class Gic(bare.Bare):
    def compare(self, gic, seed, start, step):
        r = random.Random(seed)
        sequences = [list(start(r)) + [step(r) for _ in range(STEPS)] for _ in range(SEQUENCES)]
        with open(self.path("operations"), "wb") as file:
            for operation in sum(sequences, []):
                file.write(struct.pack("<2I2Q", *operation))
        image = self.build("gic", "gic_program.c", "gic_program.S", f'-DOPERATIONS="{self.path("operations")}"')
        ours, theirs = self.both(image, "max", bare.MODELS["max"], gic)
        self.assertEqual((len(ours), len(theirs)), (SEQUENCES, SEQUENCES))
        different = []
        for sequence, a, b in zip(sequences, ours, theirs):
            a, b = ([NOTHING.get(value, value) for value in line.split()[2:]] for line in (a, b))
            if a != b:
                at = next(n for n, (x, y) in enumerate(zip(a, b)) if x != y)
                different.append(f"{describe(sequence, at)}: {a[at]}, the peer: {b[at]}")
        self.assertFalse(different, f"{len(different)} of {SEQUENCES}, seed {seed}\n" + "\n".join(different[:10]))

    def test_v3(self):
        for seed in range(bare.SEEDS):
            self.compare(3, seed, v3_start, v3_step)

    def test_v2(self):
        for seed in range(bare.SEEDS):
            self.compare(2, seed, v2_start, v2_step)


if __name__ == "__main__":
    bare.main()
