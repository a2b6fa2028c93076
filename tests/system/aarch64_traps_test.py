#!/usr/bin/env python3
"""Exceptions, debug, counters and PSTATE in small cases, here and on the peer's board.

usage: aarch64_traps_test.py VM-CLI [unittest arguments]
"""

import collections
import re

import bare

SP, CM, ALIGNED = r"\d [9]a000000 \S+", r"\d 9[26]0001[45]\S \S+ \S+", r"\d 9[26]0000[26]1 \S+ \S+"
WATCHED = r"\d d[26]0000[26]2 \S+ \S+"

# Where the peer is not the manual: (why, case, here, there). An exception is "vector ESR SPSR [FAR]", "-" is none; what else
# differs is a list of "xN value" and the like.
FORGIVEN = [
    ("SP alignment is not checked there, and the access goes on", ".*", SP, r".*"),
    ("maintenance by address is not translated there, or without CM, WnR and the whole address", ".*", CM, r"-|\d 9[26]0000.*"),
    ("Device memory: what is not aligned faults; there it doesn't", ".* page 5|mmu off", ALIGNED, "-"),
    ("DC ZVA to Device memory faults; there it doesn't", "TOUCH_CACHE .* page 5|mmu off", ALIGNED, "-"),
    ("WnR of what loads or reads and writes is 0 for alignment; there it varies", ".*", r"\d 9[26]000021 .*", r"\d 9[26]000061 .*"),
    ("which page of two an unaligned access or an element reports", ".* page 1[01] .*|crossing.*", r"\d 9[26]0000.*",
     r"\d 9[26]0000.*"),
    ("how much of a store that faults is done", ".*0xff[8c].*|crossing.*", r"(\*.*)+", r"(\*.*)+"),
    ("op1 and op2 of DAIFSet and DAIFClr change places there", ".*", r"8 620[ce]d3.*", r"8 620[27][9d]3.*"),
    ("WnR of a watchpoint is that of an earlier one there", "watch.*", r"\d d[26]000022 .*", r"\d d[26]000062 .*"),
    ("the first address of DC ZVA's block that is watched or not", "watch.*", r"\d d[26]000062 .*", r"\d d[26]000062 .*"),
    ("BAS that is not contiguous: the implementation's choice", "watch 0x0a1f.*", WATCHED, "-"),
    ("SSC that needs EL3: the implementation's choice", "watch 0x9fff.*", WATCHED, "-"),
    ("SSC that needs EL3: the implementation's choice", "break 0x81e7.*", r"\d c[26]0000.*", "-"),
    ("the double lock keeps debug exceptions away; there it doesn't", "watch and the os lock", "-", WATCHED),
    ("breakpoints by context alone are missing there", "break (4|5|linked).*", r"\d c[26]000022 .*", "-"),
    ("the top bits of a breakpoint's address may be ignored", "break on a branch's target by bits", r"\d c6.*", "-"),
    ("PSTATE.D takes effect at once; there after the next instruction", "step.*|eret to illegal mode with ss", "-", r"4 c[ef].*"),
    ("the OS lock keeps software step away; there it doesn't", "step and the os lock", r"4 ce.*", r"4 cf.*"),
    ("an illegal return takes SPSR.SS, too", "eret to illegal mode with ss", r"4 3a000000 .*|-", r"4 (ce000022|3a000000) .*"),
    ("an illegal return takes SPSR.PAN, too", "eret to .*mode.*", r"4 3a000000 \S+", r"4 3a000000 \S+"),
    ("MTE and NMI are there", "absent parts of pstate", r"4 2000000 .*", r"-|4 2000000 .*"),
    ("fields of features that are missing here, and reserved ones", "keeps |.* holds|eret to .* bit (3\d|63)", "x.*", "x.*"),
    ("ours has another cache", "ccsidr.*", "x01.*", "x01.*"),
    ("instructions are not counted there", "pmu (counts event 0x08|filter .*|instructions)", ".*", ".*"),
    ("how far MOPS prologues go is the implementation's choice", "mops:prologues.*", ".*", ".*"),
]


def parts(line):
    """(name, {(ELR, how often before): exception}, the rest)."""
    name, rest = re.match(r"C (.*?)((?: @| x\d\d | \*| %| =).*)$", line).groups()
    tokens = [t for t in re.split(r" (?=@|x\d\d |\*|%|=)", rest) if t.strip()]
    exceptions, others, seen = {}, [], collections.Counter()
    for token in tokens:
        fields = token.split()
        if fields[0] != "@":
            others.append(token)
            continue
        seen[fields[3]] += 1
        exceptions[int(fields[3], 16), seen[fields[3]]] = " ".join(fields[1:3] + fields[4:])
    if name.startswith("mops:first:"):  # one exception is enough: which of the three instructions takes it is free
        first = next(iter(exceptions.values()), "-")
        return name, {(0, 1): first}, others if first == "-" else []
    return name, exceptions, others


def forgiven(name, a, b):
    return any(re.match(case, name) and re.fullmatch(here, a) and re.fullmatch(there, b)
               for _, case, here, there in FORGIVEN)


def differences(ours, theirs):
    name, a, rest_a = parts(ours)
    _, b, rest_b = parts(theirs)
    pairs = [(at, a.get(at, "-"), b.get(at, "-")) for at in sorted(set(a) | set(b)) if a.get(at) != b.get(at)]
    result = [f"{name} + {at[0]:#x}: {x}, the peer: {y}" for at, x, y in pairs if not forgiven(name, x, y)]
    if not pairs and rest_a != rest_b:
        x, y = (" ".join(t for t in p if t not in q) for p, q in ((rest_a, rest_b), (rest_b, rest_a)))
        if not forgiven(name, x, y):
            result.append(f"{name}: {x}, the peer: {y}")
    return result


class Traps(bare.Bare):
    def compare(self, model, peers_model=None):
        image = self.build("traps", "aarch64_traps.c", "aarch64_traps.S")
        ours, theirs = self.both(image, model, peers_model or bare.MODELS[model])
        theirs = {parts(line)[0]: line for line in theirs}
        different = []
        for line in ours:
            different += differences(line, theirs.pop(parts(line)[0], "C - = 0"))
        different += [f"only there: {name}" for name in theirs]
        self.assertFalse(different, f"{len(different)}\n" + "\n".join(different[:60]))
        self.assertGreater(len(ours), 700)

    def test_cortex_a57(self):
        self.compare("cortex-a57")

    def test_neoverse_n1(self):
        self.compare("neoverse-n1")

    def test_max(self):
        self.compare("max")

    def test_qarma5(self):
        self.compare("max,-pauth-impdef", "max,sve=off,sme=off,pauth-qarma5=on")


if __name__ == "__main__":
    bare.main()
