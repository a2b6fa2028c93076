#!/usr/bin/env python3
"""The registers of GICv2 and GICv3 in random use, here and on the peer's board.

usage: gic_test.py VM-CLI [--seeds N] [unittest arguments]
"""

import random
import struct

import bare

RESET_V2, RESET_V3, READ, WRITE, READ_ICC, WRITE_ICC, TAKE, DROP, DEACTIVATE, CLEAR = range(10)  # as in gic_program.c
SEQUENCES, ITS_SEQUENCES, STEPS = 400, 70, 60  # what fits into the program's block
GICD, GICC, GITS, GICR = 0x08000000, 0x08010000, 0x08080000, 0x080A0000
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


# Where the ITS finds its things in memory: pages of 4 KiB, of which the first are the second levels of tables that have two.
DEVICES, COLLECTIONS, QUEUE, LEVEL2, CONFIG, ITTS, PENDING = (0x40600000 + n for n in (0x0, 0x1000, 0x2000, 0x3000, 0x8000, 0xA000, 0x10000))
VALID, QUEUE_SIZE = 1 << 63, 4096
MOVI, INT, CLEAR_EVENT, SYNC, MAPD, MAPC, MAPTI, MAPI, INV, INVALL, MOVALL, DISCARD = 1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15


class Its:
    """Random commands: a few devices, events and collections, and some that are not there."""

    def __init__(self, r):
        self.r, self.at = r, 0

    def start(self):
        levels = self.r.getrandbits(1)
        yield (RESET_V3, 0, 0, 0)
        yield (CLEAR, 0, DEVICES, 0x14000)
        yield (WRITE, 4, GICD, 3)
        for name, value in ((PMR, 0xFF), (IGRPEN1, 1)):
            yield (WRITE_ICC, 0, name, value)
        for n, (table, level2) in enumerate(((DEVICES, LEVEL2), (COLLECTIONS, LEVEL2 + 0x2000))):
            yield (WRITE, 8, table, (VALID | level2) if levels else 0)
            yield (WRITE, 8, table + 8, (VALID | level2 + 0x1000) if levels else 0)
            yield (WRITE, 8, GITS + 0x100 + 8 * n, VALID | levels << 62 | table)
        yield (WRITE, 8, GITS + 0x80, VALID | QUEUE)
        yield (WRITE, 4, GITS + 0x88, 0)
        for n in range(16):
            yield (WRITE, 1, CONFIG + n, self.config(n))
        yield (WRITE, 8, GICR + 0x70, CONFIG | 13)
        yield (WRITE, 8, GICR + 0x78, PENDING)
        yield (WRITE, 4, GICR, 1)
        yield (WRITE, 4, GITS, 1)
        for device in 0, 5:
            yield from self.command(MAPD, device, 3, VALID | self.table(device))
        for collection in 0, 1:
            yield from self.command(MAPC, 0, 0, VALID | collection)
        for event in range(4):
            for device in 0, 5:
                yield from self.command(MAPTI, device, (8192 + 4 * (device & 1) + event) << 32 | event, self.r.choice([0, 1]))

    @staticmethod
    def table(device):
        return ITTS + 0x400 * (device % 16)

    def config(self, n):
        """Of different priorities: which of equal ones is first is the implementation's choice."""
        return (1 + n * 7 % 16) << 3 | (self.r.random() < .8)

    def command(self, code, device, word1, word2, word3=0):
        for n, word in enumerate((code | device << 32, word1, word2, word3)):
            yield (WRITE, 8, QUEUE + self.at + 8 * n, word)
        self.at = (self.at + 32) % QUEUE_SIZE
        yield (WRITE, 4, GITS + 0x88, self.at)
        yield (READ, 4, GITS + 0x90, 0)

    def step(self):
        r = self.r
        device = r.choice([0, 5, 0, 5, 0, 5, 6]) if r.random() < .9 else r.choice([511, 512, 1023, 1024, 0xFFFF, 0x10000, 0xFFFFFFFF])
        event = r.randrange(4) if r.random() < .9 else r.choice([4, 15, 16, 0xFFFF, 0x10000, 0xFFFFFFFF])
        collection = r.choice([0, 1, 2]) if r.random() < .9 else r.choice([511, 512, 1024, 0xFFFF])
        lpi = r.choice([8192, 8193, 8194, 8195, 8207, 16383, 8191, 0, 16384, 65535, 65536, 0xFFFFFFFF])
        kind = r.random()
        if kind < .30:
            yield from self.command(r.choice([INT, INT, INT, CLEAR_EVENT]), device, event, 0)
        elif kind < .40:
            yield from self.command(r.choice([MAPTI, MAPTI, MAPI]), device, lpi << 32 | r.choice([event, event, lpi]), collection)
        elif kind < .45:  # the peer cuts an RDbase to 16 bits
            yield from self.command(MAPC, 0, 0, r.choice([0, VALID, VALID]) | r.choice([0, 0, 0, 1 << 16, 0xFFFF << 16]) | collection)
        elif kind < .50:
            valid = r.choice([0, VALID, VALID])
            yield (CLEAR, 0, self.table(device), 0x400)
            yield from self.command(MAPD, device, r.choice([0, 1, 3, 3, 16, 31]) if valid else 3, valid | self.table(device))
        elif kind < .56:
            yield from self.command(MOVI, device, event, collection)
        elif kind < .62:
            yield from self.command(DISCARD, device, event, 0)
        elif kind < .66:
            yield from self.command(r.choice([INV, INVALL]), device, event, collection)
        elif kind < .69:
            yield from self.command(r.choice([SYNC, MOVALL, 0, 2, 0x1F, 0x80]), 0, 0, r.choice([0, 1 << 16]), r.choice([0, 1 << 16]))
        elif kind < .74:
            # What is written counts from the next INVALL of a mapped collection on.
            yield (WRITE, 4, GITS, 1)
            n = r.randrange(16)
            yield (WRITE, 1, CONFIG + n, self.config(n))
            yield from self.command(MAPC, 0, 0, VALID)
            yield from self.command(INVALL, 0, 0, 0)
        elif kind < .77:
            yield (WRITE, 4, r.choice([GITS, GICR]), r.choice([0, 1, 1]))
        elif kind < .80:
            size, where = r.choice([(4, GITS), (4, GICR), (8, GICR + 0x70), (8, GICR + 0x78), (8, GITS + 0x80), (4, GITS + 0x88)])
            yield (READ, size, where, 0)
        elif kind < .87:
            yield (READ_ICC, 0, r.choice([HPPIR1, HPPIR1, RPR, ISR]), 0)
        elif kind < .94:
            yield (TAKE, 0, IAR1, 0)
        else:
            yield (DROP, 0, EOIR1, 0)


def its_sequence(r):
    its = Its(r)
    return [operation for steps in (its.start(), *(its.step() for _ in range(STEPS))) for operation in steps]


def describe(operations, count):
    """What a sequence has done up to its read number `count`."""
    names = ["RESET", "RESET", "READ", "WRITE", "READ_ICC", "WRITE_ICC", "TAKE", "DROP", "DEACTIVATE", "CLEAR"]
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
        self.compare_all(gic, seed, [list(start(r)) + [step(r) for _ in range(STEPS)] for _ in range(SEQUENCES)])

    def compare_all(self, gic, seed, sequences):
        with open(self.path("operations"), "wb") as file:
            for operation in sum(sequences, []):
                file.write(struct.pack("<2I2Q", *operation))
        image = self.build("gic", "gic_program.c", "gic_program.S", f'-DOPERATIONS="{self.path("operations")}"')
        ours, theirs = self.both(image, "max", bare.MODELS["max"], gic)
        self.assertEqual((len(ours), len(theirs)), (len(sequences), len(sequences)))
        different = []
        for sequence, a, b in zip(sequences, ours, theirs):
            a, b = ([NOTHING.get(value, value) for value in line.split()[2:]] for line in (a, b))
            if a != b:
                at = next(n for n, (x, y) in enumerate(zip(a, b)) if x != y)
                different.append(f"{describe(sequence, at)}: {a[at]}, the peer: {b[at]}")
        self.assertFalse(different, f"{len(different)} of {len(sequences)}, seed {seed}\n" + "\n".join(different[:10]))

    def test_v3(self):
        for seed in range(bare.SEEDS):
            self.compare(3, seed, v3_start, v3_step)

    def test_its(self):
        for seed in range(bare.SEEDS):
            r = random.Random(seed)
            self.compare_all(3, seed, [its_sequence(r) for _ in range(ITS_SEQUENCES)])

    def test_v2(self):
        for seed in range(bare.SEEDS):
            self.compare(2, seed, v2_start, v2_step)


if __name__ == "__main__":
    bare.main()
