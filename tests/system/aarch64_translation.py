"""Cases for aarch64_translation.c: registers, descriptors and an access, at random but likely to get far."""

import random
import struct

TABLES = 0x40600000  # where the tables are, 64 KiB each
TARGET = 0x40700000
NOWHERE = 0x1000000000
SCTLR = 0x30D5199D | 1 << 14  # as in aarch64_bare.h; DC ZVA at EL0
WXN, EPAN = 1 << 19, 1 << 57
PAN, UAO = 1 << 22, 1 << 23
OPERATIONS = [name + level for level in "10" for name in
              ("load", "store", "fetch", "exclusive", "zero", "add", "compare")] + \
    ["load_user", "store_user", "at_s1e1r", "at_s1e1w", "at_s1e0r", "at_s1e0w", "at_s1e1rp", "at_s1e1wp"]
GRANULES = {12: (9, 0, 2), 14: (11, 2, 1), 16: (13, 1, 3)}  # page bits: bits a level, TG0, TG1


class Model:
    def __init__(self, name):
        modern = name == "max"
        self.granules = [12, 14, 16] if name != "cortex-a57" else [12, 16]
        self.lpa2 = self.lva = self.small = self.e0pd = self.epan = self.pauth = modern
        self.lse = self.haf = self.pan = name != "cortex-a57"
        self.operations = [n for n, op in enumerate(OPERATIONS)
                           if (self.lse or not op.startswith(("add", "compare"))) and (self.pan or not op.endswith("p"))]


def attributes(r, ds, normal):
    """Of a leaf, without its address."""
    value = r.choice([7, 7, 7, 7, 6, 3]) << 2 if normal else r.randrange(8) << 2
    value |= r.randrange(4) << 6 | (r.random() < 0.85) << 10 | r.getrandbits(1) << 11 | r.getrandbits(1) << 5
    value |= (0 if ds else r.randrange(4) << 8)
    for bit, odds in ((50, .2), (51, .4), (52, .2), (53, .35), (54, .35), (55, .2), (58, .2), (63, .1)):
        value |= (r.random() < odds) << bit
    return value


def table_attributes(r):
    return sum((r.random() < 0.12) << bit for bit in (59, 60, 61, 62, 63, 52, 10, 2))


def tcr_of(r, model, upper, page_bits, size, ds, ips):
    """The half in question by choice; the other as the program needs it: 39 bits, 4 KiB, nothing special."""
    tg = GRANULES[page_bits][1 + upper]
    own = [(size, 16 if upper else 0), (tg, 30 if upper else 14), (r.random() < .03, 23 if upper else 7),
           (r.random() < .3, 38 if upper else 37)]
    if model.haf:
        own.append((r.random() < .2, 42 if upper else 41))
    if model.pauth:
        own.append((r.random() < .3, 52 if upper else 51))
    if model.e0pd:
        own.append((r.random() < .1, 56 if upper else 55))
    other = [(25, 0 if upper else 16)] + ([] if upper else [(2, 30)])
    common = [(ips, 32), (r.getrandbits(1), 36)]
    if model.haf:
        common += [(r.random() < .4, 39), (r.random() < .4, 40)]
    if model.lpa2:
        common.append((ds, 59))
    return sum(int(value) << shift for value, shift in own + other + common)


def spread(r, address, ds, wide_64k, high, low):
    """An output address in a descriptor; sometimes more than the PE or TCR_EL1.IPS allows for."""
    if r.random() < .04:
        address |= 1 << r.choice([33, 37, 41, 43, 45, 47, 49, 51])
    if ds:
        return (address & ((1 << 50) - 1)) >> low << low | (address >> 50 & 3 & -high) << 8
    value = (address & ((1 << 48) - 1)) >> low << low
    return value | (address >> 48 & 15) << 12 if wide_64k and high else value


def one(r, model):
    upper, operation = r.getrandbits(1), r.choice(model.operations)
    page_bits = r.choice(model.granules)
    stride = GRANULES[page_bits][0]
    ds = model.lpa2 and r.random() < .4
    most = 48 if model.small else 39
    least = 12 if model.lva and (ds or page_bits == 16) else 16
    size = r.randrange(least, (most if page_bits != 16 or not model.small else 47) + 1)
    if r.random() < .03:
        size = r.randrange(64)
    ips = r.choice([0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7])
    tcr = tcr_of(r, model, upper, page_bits, size, ds, ips)
    ds, wide_64k = ds and page_bits != 16, model.lva and page_bits == 16
    bits = 64 - min(max(size, least), 48)
    levels = max(1, -(-(bits - page_bits) // stride))
    start = 4 - levels
    blocks = {12: [2, 1] + [0] * ds, 14: [2] + [1] * ds, 16: [2] + [1] * wide_64k}[page_bits]
    last = r.choice([3, 3] + [level for level in blocks if level >= start]) if r.random() < .95 else r.randrange(start, 4)
    shift = page_bits + stride * (3 - last)
    va = (r.getrandbits(64) & ~((1 << min(shift, 63)) - 1)) | (TARGET & ((1 << shift) - 1)) | r.randrange(64) * 8
    va = (va & ((1 << bits) - 1)) | (((1 << 64) - 1) >> bits << bits if upper else 0)
    if r.random() < .25:
        va ^= r.choice([1 << 63, 0x5A << 56, 1 << 56, 1 << bits if bits < 55 else 0, 1 << 54])
    # To fetch from Device memory is for the implementation to forbid or not; the peer lets DC ZVA have it.
    normal = OPERATIONS[operation].startswith(("fetch", "zero"))
    # Bits 51:48 in wide descriptors are an address size fault when IPS says less; the peer ignores them.
    high = ips >= 6
    writes = []
    for level in range(start, last + 1):
        at = page_bits + stride * (3 - level)
        top = min(bits, at + stride)
        table = TABLES + 0x10000 * (level + 1)
        slot = table + 8 * (va >> at & ((1 << (top - at)) - 1))
        if level == last:
            value = spread(r, TARGET >> shift << shift, ds, wide_64k, high, shift) | attributes(r, ds, normal) | \
                (3 if level == 3 else 1)
            if r.random() < .02:
                value = spread(r, NOWHERE, ds, wide_64k, high, shift) | attributes(r, ds, normal) | (3 if level == 3 else 1)
        else:
            below = TABLES + 0x10000 * (level + 2) if r.random() > .01 else NOWHERE
            value = spread(r, below, ds, wide_64k, high, page_bits) | table_attributes(r) | 3
        if r.random() < .02:
            value ^= 2 if level == 3 else 1
        writes.append((slot, value))
    ttbr = TABLES + 0x10000 * (start + 1)
    if r.random() < .02:
        ttbr |= 1 << r.choice([2, 5, 33, 37, 43, 47])
    ttbr |= r.randrange(1 << 16) << 48 | r.getrandbits(1)
    sctlr = SCTLR | (r.random() < .2) * WXN | (model.epan and r.random() < .4) * EPAN
    pstate = 0
    if model.pan and OPERATIONS[operation][-1] != "0":
        pstate = (r.random() < .4) * PAN | (r.random() < .2) * UAO
    return (upper, tcr, ttbr, sctlr, pstate, operation, va, len(writes)), writes


def cases(seed, count, name):
    r, model = random.Random(seed), Model(name)
    return [one(r, model) for _ in range(count)]


def pack(which):
    return b"".join(struct.pack("<8Q", *head) +
                    struct.pack("<16Q", *(sum(writes, ()) + (0,) * (16 - 2 * len(writes)))) for head, writes in which)


def describe(case):
    (upper, tcr, ttbr, sctlr, pstate, operation, va, _), writes = case
    return (f"{OPERATIONS[operation]} {va:#x} tcr {tcr:#x} ttbr{upper} {ttbr:#x} sctlr^ {sctlr ^ SCTLR:#x} pstate {pstate:#x} "
            + " ".join(f"{slot:#x}={value:#x}" for slot, value in writes))
