"""Where a peer is not the manual, or the manual leaves the choice, or one has an extension that another has not.

(peer, the case's name, the first value that differs, why). A case whose name and first difference match is not compared
with that peer. SDM and APM are the manuals of Intel and AMD.
"""

import re

DIVERGENCES = [(peer, re.compile(name), re.compile(key), why) for peer, name, key, why in [
    # --- QEMU ---
    ("qemu", r"^(#UD|#NP|\.byte 0xf1|ud2|div|int3|into|lock)", r"0\.error", "EXT is not set when an exception's gate is bad (SDM 3, 6.13)"),
    ("qemu", r"^(#UD|#NP|int|ljmp|lcall|gate jmp|gate call|iret) (16|32) ", r".*",
     "task switches: faults of the new task have the old one's EIP or stack, 16-bit ones clear upper halves, T does not trap, "
     "RF is kept, and a task's own TSS is read before it is written (SDM 3, 8.3)"),
    ("qemu", r"and iret \[", r".*", "task switches, as above"),
    ("qemu", r"^(lar|lsl)\b", r"0\.r[bc]x|0\.rflags", "LAR leaves out limit bits 19:16, undefined; types 1, 3 and 4 are not valid in long mode"),
    ("qemu", r"flags=14 \[", r".*", "L and D at once are not refused (SDM 3, 5.2.1: reserved)"),
    ("qemu", r"^(i?ret|lret|iret|jmp|call|ljmp|lcall)[lqw]? ", r".*", "no limit or canonical check of the target before the switch, its descriptor is not marked accessed, no VIF and VIP from IRET"),
    ("qemu", r"gate=0?[467] ", r"0\.rip", "a 16-bit gate's offset is not cut (SDM 2, CALL: EIP := offset AND FFFFh)"),
    ("qemu", r"gate=.* \[(long|compat)", r"0\.(cs|h\.ss|ss|rflags|rip|vector|error)", "a target that is not canonical faults behind the switch; SS is made null, RF and NT are changed, before all is checked"),
    ("qemu", r"^(ud2|int|\.byte 0xf1|int3).* gate=", r"0\.(vector|rflags|rip|ss|rsp|h\.rsp|h\.flags|error|stack\d)|end|\[.*", "limits of segments are not checked; RF stays set in handlers"),
    ("qemu", r".*", r"\[f000\]", "a PDPTE of PAE paging gets an accessed bit, which is reserved there"),
    ("qemu", r"flags=(80000|100000|180000|100200|80200|180200) ", r".*", "IRET at CPL 0 does not load VIF and VIP, which cases begin with"),
    ("qemu", r"cr4=[123] flags=", r".*", "no protected-mode virtual interrupts"),
    ("qemu", r"(pte|pde)=", r"0\.(error|rflags|rax|rcx|rsp|fsw|stack\d)|\[.*", "a read-modify-write faults as a read; P is not set with RSVD; no memory reads as 0"),
    ("qemu", r"^clflush", r"0\.vector", "CLFLUSH never faults"),
    ("qemu", r"^(invlpg|prefetch)", r".*", "hints"),
    ("qemu", r"behind .*invpcid", r".*", "INVPCID's operands are not checked, and TCG ends no block behind it"),
    ("qemu", r"^cr[08]=", r".*", "reserved bits of CR0 and CR8 are kept; NW without CD is taken"),
    ("qemu", r"^(cr4|efer|xcr0|cr3)=", r".*", "reserved bits and forbidden combinations are taken"),
    ("qemu", r"^(rdmsr|wrmsr) ", r".*", "unknown MSRs read as 0, and most values are taken"),
    ("qemu", r"dr7=", r".*", "debugging is coarser: breakpoints within handlers, RF, and those with TF"),
    ("qemu", r" am=1 ", r"0\.(vector|rip|error)|end", "no #AC"),
    ("qemu", r" (80|7f|ff)[0-9a-f]+ \[long", r".*", "addresses that are not canonical: another of #GP, #SS and #PF, or none"),
    ("qemu", r"at=8000000|at=7fffffff", r".*", "no memory reads as 0"),
    ("qemu", r" cr0\+", r".*", "other order of #UD, #NM and #GP; x87 flags"),
    ("qemu", r"^(fnsave|fnstenv) ", r"\[.*", "reserved halves of the environment are cleared, not set"),
    ("qemu", r"^iretl; nop", r"end", "a frame that leads nowhere"),
    ("qemu", r"cr4\+[0-9a-f]+ \[", r"0\.(rip|rbx|cs|vector|error|rax|rcx|rdx)|\[.*", "feature sets, LOCK before MOV CR, AMD's SYSCALL outside of 64-bit mode"),
    ("qemu", r"^(syscall|sysret[lq]|sysenter|sysexit[lq]) ", r".*", "VIF and VIP, the order of #GP and #UD, SYSRET's and SYSEXIT's checks"),
    ("qemu", r"^\d+ x 66 ", r".*", "prefixes beyond 15 bytes that cross a page"),
    ("qemu", r"^([0-9a-f]{2} )+\[", r".*", "bytes: prefixes that matter, extensions of its own"),
    ("qemu", r"^\.byte 0xce", r".*", "INTO is an instruction in 64-bit mode"),
    ("qemu", r"^smm (ds|es|fs) ", r".*", "data segments of an SMI's map that are not present or too short are used"),
    ("qemu", r"(%ss|sti|%ss, %eax); (sti|mov %ss|push %ss|mov %eax, %ss)", r".*", "of shadows that follow each other only the first holds (SDM 2, MOV: allowed)"),
    ("qemu", r"^(invpcid \d|wrfsbase|lldt|ltr|lgdt|lidt|gate|push %rbx; ret|.* at=|[A-Z_]+=|i?retq|iretq|lretq|sysretq|sysexitq|swapgs).*\[(long|longu)(57)?\]", r".*",
     "what is not canonical: taken, or faults at another place or by another exception"),
    ("qemu", r"^cr4\^", r".*", "reserved bits of PDPTEs, and CR4.LA57 in long mode, are taken"),
    # --- Bochs ---
    ("qemu bochs", r".*", r"RF of #DF", "RF in what #DF pushes: an abort's is nowhere defined"),
    ("bochs", r"^iret[lw] .*\[long", r".*", "IRET of 16 and 32 bits in 64-bit mode does not pop SS:RSP (SDM 2, IRET)"),
    ("qemu bochs", r"^(lret|iret)q.* (ip|=)=?-?800000000000 ", r".*", "RIP that is not canonical, to compatibility mode: #GP(0) (SDM 2, IRET), cut to 32 bits elsewhere"),
    ("qemu bochs", r"^iretl.* ip=14800 .*flags=(20002|ffffffff|[2a-f]\d*) ", r".*", "EIP beyond FFFFh to virtual-8086 mode: #GP(0) (SDM 2, IRET)"),
    ("qemu bochs", r"tss=9 ", r"end", "SS:ESP of a TSS that ends right behind SS is enough (SDM 2, INT n: TSSstackAddress + 5)"),
    ("bochs", r"^(call|lcall) .*compat16", r".*", "CALL to 64-bit code from a 16-bit stack pushes by the whole RSP"),
    ("bochs", r" ss=123 ", r"0\.(vector|error)", "a stack segment with two faults: the order is open (SDM 3, table 8-1)"),
    ("bochs", r"cr4=[123] flags=180000 ", r".*", "VIF and VIP together fault at any instruction, not at those that set VIF (SDM 3, 21.3 and 21.4)"),
    ("bochs", r"pkru=0x", r"0\.(error|vector|cr2)", "keys of supervisor pages count, and key 15's rights do not (SDM 3, 4.7 and 4.6.2)"),
    ("bochs", r"dr7=", r"\d\.dr6", "B0 to B3 of breakpoints that are met but not enabled, or only for the next instruction, may be set or not (SDM 3, 18.2.3)"),
    ("bochs", r"%ss.* dr7=", r".*", "a data breakpoint on a load of SS is put off, and then lost (SDM 3, 6.8.3)"),
    ("bochs", r"^mov .*%dr\d dr7=2400|%dr\d, .* dr7=2400", r".*", "DR7.GD before the privilege, whose #GP the manual lists without order"),
    ("bochs", r"gate=.* to=100:.* ist=[1-7] .*u\]", r"0\.vector", "an interrupt stack is the supervisor's even where a conforming handler stays at level 3"),
    ("bochs", r"gate=.* ist=[1-7] .*\[(long|compat)", r"0\.vector", "a stack from the edge of the canonical addresses downwards is canonical (SDM 3, 6.14.2)"),
    ("bochs", r"pde=2000", r".*", "what is read where there is no memory"),
    ("bochs", r"^fnsave .* am=1", r"0\.vector", "FNSAVE's alignment is that of its integers (SDM 3, table 6-7), not of each register"),
    ("bochs", r"^s[gi]dt .* am=1", r".*", "alignment of pseudo-descriptors: 4 (SDM 3, table 6-7)"),
    ("bochs", r"^(lgdt|lidt|sgdt|sidt|call \*%rbx|lretq|lfs|maskmovdqu|iretq|cmpxchg16b|fxsave) .* \[long", r".*", "an operand that runs over the edge of the canonical addresses: which of its parts is looked at first"),
    ("bochs", r"^(sysret[lq]) ", r".*", "RF is kept where the trap of TF follows"),
    ("bochs", r"^(andn|sarx) .*\[(real|v86)", r".*", "VEX is #UD in real and virtual-8086 mode (SDM 2, 2.6)"),
    ("bochs", r"^syscall .*flags=102 ", r"0\.vector", "TF that SFMASK takes away traps all the same"),
    ("bochs", r"invpcid.* cr4|^([A-Z_]+=|invpcid|wrfsbase|ltr |lldt |lgdt |lidt )[^\[]*\[long\]", r"0\.(vector|error)",
     "bases of 57 bits without CR4.LA57: the processor's width counts, not the mode's"),
    ("bochs", r"^(lret|iretw|popa|popal|push %cs; push).* sp=", r"0\.vector", "a stack of 16 bits does not wrap between the parts of what is popped"),
    ("bochs", r"^popl %fs sp=", r"end|0\.vector", "two bytes are read for a selector, and nothing behind them is checked"),
    ("bochs", r"^(fnstenv|fnsave|fldt|sgdt) .* at=", r".*", "operands that run over the end of the segment wrap"),
    ("bochs", r"^smm (ds|es|fs) .*\[real\]", r".*", "what a segment that can't be used becomes by a load in real mode"),
    ("bochs", r"^xsave .* at=", r"0\.error", "XSAVE's first access is said to be a read"),
    ("bochs", r"^call \*%rbx at=", r"\[.*", "the return address is pushed before the target is checked (SDM 2, CALL)"),
    ("bochs", r"^(rdmsr|wrmsr) ", r".*", "some MSRs are missing"),
    ("bochs", r"^([0-9a-f]{2} )+\[", r"0\.vector|0\.rip", "extensions of its own"),
]]

# In this order the first difference is looked for: what went otherwise before what came of it.
ORDER = ("end", "0.vector", "0.error", "0.cs", "0.rip", "0.rflags", "0.ss", "0.rsp", "0.dr6")


EVENTS = {2, 0x22, 0x32, 0x100}  # NMIs, the interrupts of events.py, SMIs


def alike(peer, name, ours, theirs):
    """Whether values are the same, or differ by what QEMU alone does: RF in what interrupts push, and what follows from that."""
    mine, other = ours.get(name), theirs.get(name)
    outside = peer == "qemu" and name.endswith((".rflags", "]")) and EVENTS.intersection(value for key, value in ours.items() if key.endswith(".vector"))
    return mine == other or outside and None not in (mine, other) and mine | 1 << 16 == other


def first_difference(peer, ours, theirs):
    """The name of the value, or None."""
    names = sorted(set(ours) | set(theirs), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    name = next((name for name in names if not alike(peer, name, ours, theirs)), None)
    if name and name.endswith(".rflags") and ours.get("0.vector") == 8 and ours.get(name, 0) ^ theirs.get(name, 0) == 1 << 16:
        return "RF of #DF"
    return name


def explained(peer, case, name):
    return any(peer in entry[0] and entry[1].search(case) and entry[2].fullmatch(name) for entry in DIVERGENCES)
