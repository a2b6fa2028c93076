#!/usr/bin/env python3
"""Which words are instructions, at EL0 and EL1: all over the map, here and on the peer's board.

usage: aarch64_encodings_test.py VM-CLI [--seeds N] [unittest arguments]
"""

import random
import struct

import bare

# (mask, value, why): what only one of the two has.
FEATURES = [
    (0xFF000010, 0x54000010, "HBC"),
    (0x7FF00000, 0x11C00000, "CSSC: MIN and MAX, immediate"),
    (0x7FE0F000, 0x1AC06000, "CSSC: MIN and MAX, register"),
    (0x7FFFFC00, 0x5AC02000, "CSSC: ABS"), (0x7FFFF800, 0x5AC01800, "CSSC: CTZ, CNT"),
    (0xBF800000, 0x91800000, "MTE: ADDG, SUBG"), (0xDFE0FC00, 0x9AC00000, "MTE: SUBP"), (0xFFE0F800, 0x9AC01000, "MTE: IRG, GMI"),
    (0xFF200000, 0xD9200000, "MTE: tags in memory"), (0xFFC00000, 0x68800000, "MTE: STGP"), (0xFF400000, 0x69000000, "MTE: STGP"),
    (0xFFE00C00, 0x1DC00400, "MTE: SETG"), (0xFFFFE01F, 0xD503401F, "MTE, NMI: parts of PSTATE"),
    (0xFFFFF0E0, 0xD50B7060, "MTE: tags by address"), (0xFFFFF0E0, 0xD50B7080, "MTE"), (0xFFFFF0E0, 0xD50B70A0, "MTE"),
    (0xFFF8F01F, 0xD500401F, "parts of PSTATE"), (0xFFF8F01F, 0xD503401F, "TCO"), (0xFFDFFFE0, 0xD51BD0E0, "CSV2_2: SCXTNUM"),
]
MOPS = (0xFB200C00, 0x19000400)  # where exceptions differ by the implementation's choice
SYSTEM = (0xFFC00000, 0xD5000000)


def is_among(word, *forms):
    return any(word & form[0] == form[1] for form in forms)


def endless(word):
    """Branches to themselves, and at EL1 what leaves the program or changes its level."""
    return (is_among(word, (0x7C000000, 0x14000000)) and not word & 0x3FFFFFF
            or is_among(word, (0xFF000000, 0x54000000), (0x7E000000, 0x34000000)) and not word >> 5 & 0x7FFFF
            or is_among(word, (0x7E000000, 0x36000000)) and not word >> 5 & 0x3FFF
            or is_among(word, (0xFF00001F, 0xD4000002), (0xFF00001F, 0xD4000003), (0xFFC00000, 0xD6800000)))


def words(seed, low_bits):
    """All values of bits 31:21, with some of bits 15:10, the rest at random; then system instructions."""
    r = random.Random(seed)
    walk = [high << 21 | r.randrange(low, low + 64 // low_bits) << 10 | r.getrandbits(5) << 16 | r.getrandbits(10)
            for high in range(2048) for low in range(0, 64, 64 // low_bits)]
    system = [0xD5000000 | r.getrandbits(22) for _ in range(4096)]
    return [word for word in walk if not endless(word) and not is_among(word, SYSTEM)], system


class Encodings(bare.Bare):
    def compare(self, model, seed):
        both, user = words(seed, 16)
        for name, which in (("words", both), ("user", user)):
            with open(self.path(name), "wb") as file:
                file.write(struct.pack(f"<{len(which)}I", *which))
        image = self.build("encodings", "aarch64_encodings.c", "aarch64_encodings.S", f'-DWORDS="{self.path("words")}"',
                           f'-DUSER_WORDS="{self.path("user")}"')
        ours, theirs = ("".join(lines) for lines in self.both(image, model, bare.MODELS[model]))
        tried = [(0, word) for word in both + user] + [(1, word) for word in both]
        self.assertEqual((len(ours), len(theirs)), (len(tried), len(tried)))
        different = [f"{word:#010x} at EL{level}: {a}, the peer: {b}" for (level, word), a, b in zip(tried, ours, theirs)
                     if a != b and not is_among(word, *FEATURES) and not (is_among(word, MOPS) and "u" not in (a, b))]
        self.assertFalse(different, f"{len(different)}, seed {seed}\n" + "\n".join(different[:40]))

    def test_cortex_a57(self):
        for seed in range(bare.SEEDS):
            self.compare("cortex-a57", seed)

    def test_neoverse_n1(self):
        for seed in range(bare.SEEDS):
            self.compare("neoverse-n1", seed)

    def test_max(self):
        for seed in range(bare.SEEDS):
            self.compare("max", seed)


if __name__ == "__main__":
    bare.main()
