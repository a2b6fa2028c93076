#!/usr/bin/env python3
"""Which system registers and operations exist at EL1: every encoding, here and on the peer's board, model by model.

usage: aarch64_system_test.py VM-CLI [unittest arguments]
"""

import bare

UNDEFINED = 0x2000000


def number(op0, op1, crn, crm, op2):
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def name(n):
    return f"S{n >> 14}_{n >> 11 & 7}_C{n >> 7 & 15}_C{n >> 3 & 15}_{n & 7}"


def numbers(op0, op1, crn, crms, op2s):
    return {number(op0, op1, crn, crm, op2) for crm in crms for op2 in op2s}


# Where the peer is not the manual, or the manual leaves the choice, or one has an optional feature that the other hasn't.
LEFT_OUT = (
    {number(2, 0, 1, 4, 4), number(2, 0, 7, 14, 6)}  # DBGPRCR_EL1, DBGAUTHSTATUS_EL1: the peer lacks them
    | numbers(3, 0, 5, [3, 4, 5], range(8))          # error records, of which there are none: may be UNDEFINED or zero
    | {number(3, 0, 12, 0, 2)}                       # RMR_EL1 is optional
    | {number(3, 0, 4, 3, 0), number(3, 0, 12, 9, 5)}  # NMI
    | {number(3, 0, 13, 0, 7), number(3, 3, 13, 0, 7)}  # SCXTNUM: FEAT_CSV2_2
    | numbers(3, 0, 12, [8], [5, 6, 7]) | numbers(3, 0, 12, [9], [1, 2, 3])  # ICC_APxRn, by the bits of priority
    | {number(3, 3, 4, 2, 7)}                        # TCO: MTE
    | numbers(3, 1, 11, range(16), range(8))         # IMPLEMENTATION DEFINED
    | {number(3, op1, 15, crm, op2) for op1 in range(8) for crm in range(16) for op2 in range(8)}  # likewise
    | numbers(1, 0, 9, range(16), range(8))          # TLBI nXS: FEAT_XS
    | numbers(1, 3, 7, [4, 10, 12, 13, 14], [3, 4, 5])  # tags: MTE
    | {number(1, 3, 7, 4, 1)}                        # DC ZVA on Device memory, as with the MMU off: an alignment fault
)

# Values that software goes by: of a real model they are the real one's. MIDR, CTR, DCZID, ISAR0 and 1, all of AArch64.
IDENTITY = [number(3, 0, 0, 0, 0), number(3, 3, 0, 0, 1), number(3, 3, 0, 0, 7), number(3, 0, 0, 6, 0), number(3, 0, 0, 6, 1)]


class Registers(bare.Bare):
    def table(self, lines):
        """{(kind, number): [values]} that the program printed."""
        rows = [line.split() for line in lines if line[:1] in ("R", "S")]
        return {(row[0], int(row[1], 16)): [int(value, 16) for value in row[2:]] for row in rows}

    def compare(self, model, peers_model, real):
        image = self.build_alone("registers", "aarch64_registers.S", "-march=armv8.5-a")
        ours, theirs = (self.table(lines) for lines in self.both(image, model, peers_model))
        nothing = {"R": [UNDEFINED, 0, UNDEFINED], "S": [UNDEFINED]}
        different = []
        for kind, n in sorted(set(ours) | set(theirs)):
            a, b = (table.get((kind, n), nothing[kind]) for table in (ours, theirs))
            if n not in LEFT_OUT and (a[0], a[-1]) != (b[0], b[-1]):
                different.append(f"{kind} {name(n)}: {a[0]:#x} {a[-1]:#x}, the peer {b[0]:#x} {b[-1]:#x}")
            if real and n in IDENTITY and a != b:
                different.append(f"{name(n)} is {a[1]:#x}, the peer's {b[1]:#x}")
        self.assertEqual(different, [])
        self.assertGreater(len(ours), 200)

    def test_cortex_a57(self):
        self.compare("cortex-a57", "cortex-a57", True)

    def test_cortex_a72(self):
        self.compare("cortex-a72", "cortex-a72", True)

    def test_neoverse_n1(self):
        self.compare("neoverse-n1", "neoverse-n1", True)

    def test_max(self):
        self.compare("max", "max,sve=off,sme=off", False)


if __name__ == "__main__":
    bare.main()
