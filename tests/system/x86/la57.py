"""Addresses of 57 bits: what is canonical with and without 5-level paging, for everything that looks; switching it on and off."""

from image import *

MODES_BOTH = ("long", "long57", "longu", "longu57")
EDGES = (0x7FFFFFFFFFFF, 0x800000000000, 0xFFFF7FFFFFFFFFFF, 0xFFFF800000000000, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, 0x100000000000000, 0xFEFFFFFFFFFFFFFF,
         0xFF00000000000000, 0xFFFFFFFFFFFFFFFF, 0x8000000000000000, 0x1234567890AB)
BASES = {"FS": 0xC0000100, "GS": 0xC0000101, "KERNEL_GS": 0xC0000102, "LSTAR": 0xC0000082, "CSTAR": 0xC0000083, "SYSENTER_ESP": 0x175, "SYSENTER_EIP": 0x176}


def msrs():
    for mode in ("long", "long57"):
        for name, number in BASES.items():
            for edge in EDGES:
                yield Case(f"{name}={edge:x}", mode, "wrmsr; xor %eax, %eax; xor %edx, %edx; rdmsr", rcx=number, rax=edge & 0xFFFFFFFF, rdx=edge >> 32)


def tables():
    """What loads a base, and what uses one that cannot be used."""
    for mode in ("long", "long57"):
        for edge in EDGES:
            pointer = {USER_DATA: struct.pack("<HQ", 0xFFF, edge)}
            for op in ("lgdt", "lidt"):
                store, restore = op.replace("l", "s", 1), f"{op} {USER_DATA + 0x20}"
                yield Case(f"{op} {edge:x}", mode, f"{store} {USER_DATA + 0x20}; {op} {USER_DATA}; {store} {USER_DATA + 0x40}; {restore}; nop", memory=pointer)
            low = segment(edge & 0xFFFFFFFF, 0xFFF, 0x82) + struct.pack("<II", edge >> 32, 0)
            yield Case(f"lldt {edge:x}", mode, f"mov ${FREE}, %eax; lldt %ax; mov $0, %eax", memory={GDT + FREE: low})
            yield Case(f"ltr {edge:x}", mode, f"mov ${FREE}, %eax; ltr %ax; mov $0, %eax; mov ${TR}, %ecx; movb $0x89, {GDT + TR + 5}; ltr %cx",
                       memory={GDT + FREE: low[:5] + b"\x89" + low[6:]})
            yield Case(f"lldt {edge:x} and use", mode, f"mov ${FREE}, %eax; lldt %ax; mov $0xc, %eax; lar %eax, %ecx; mov %ax, %ds", memory={GDT + FREE: low})
            yield Case(f"wrfsbase {edge:x}", mode, f"wrfsbase %rbx; xor %eax, %eax; rdfsbase %rax; mov %fs:(%rcx), %cl", rbx=edge, rcx=0 - edge + USER_DATA & (1 << 64) - 1, cr4=MODES[mode].state["cr4"] | CR4["FSGSBASE"])
            yield Case(f"swapgs {edge:x}", mode, "swapgs; mov %gs:(%rcx), %cl", rcx=0 - edge + USER_DATA & (1 << 64) - 1, msrs=[(0xC0000102, edge if -(1 << 47) <= edge < 1 << 47 else 0)])


def invalidations():
    for mode in ("long", "long57"):
        for edge in EDGES:
            yield Case(f"invlpg {edge:x}", mode, "invlpg (%rbx); nop", rbx=edge)
            for kind in range(4):
                yield Case(f"invpcid {kind} {edge:x}", mode, f"mov ${kind}, %edx; movq $0, -32(%rsp); mov %rbx, -24(%rsp); invpcid -32(%rsp), %rdx", rbx=edge)


def accesses():
    """Memory, code and stacks at the edges: without tables there it is #PF, or #GP and #SS where no address is."""
    ops = ("mov (%rbx), %al", "mov %al, (%rbx)", "mov (%rbp), %al", "jmp *%rbx", "call *%rbx", "push %rbx; ret", "lcall *(%rbx)", "fldt (%rbx)", "movups (%rbx), %xmm0", "lock; incb (%rbx)",
           "cmpxchg8b (%rbx)", "xsave (%rbx)", "clflush (%rbx)", "stosb", "lodsb")
    for mode in MODES_BOTH:
        for op in ops:
            for edge in EDGES[:11]:
                state = MODES[mode].state
                yield Case(f"{op} at={edge:x}", mode, f"{op}; nop", rbx=edge, rbp=edge, rdi=edge, rsi=edge, rcx=1, cr4=state["cr4"] | CR4["OSXSAVE"])


def returns():
    for mode in ("long", "long57"):
        for edge in EDGES[:11]:
            yield Case(f"sysretq {edge:x}", mode, ".byte 0x48, 0x0f, 0x07", rcx=edge, r11=2, msrs=[(0xC0000081, 0x43 << 48)])
            yield Case(f"sysexitq {edge:x}", mode, ".byte 0x48, 0x0f, 0x35", rcx=STACK3, rdx=edge, msrs=[(0x174, CODE32)])
            yield Case(f"sysexitq stack={edge:x}", mode, ".byte 0x48, 0x0f, 0x35", rcx=edge, rdx=USER_CODE, msrs=[(0x174, CODE32)])
            yield Case(f"iretq {edge:x}", mode, f"pushq ${UDATA}; pushq ${STACK3}; pushq $2; pushq ${UCODE64}; push %rbx; iretq", rbx=edge)
            yield Case(f"iretq sp={edge:x}", mode, f"pushq ${UDATA}; push %rbx; pushq $2; pushq ${UCODE64}; pushq ${USER_CODE}; iretq", rbx=edge)
            yield Case(f"lretq {edge:x}", mode, f"pushq ${CODE64}; push %rbx; lretq", rbx=edge)
            yield Case(f"gate {edge:x}", mode, "int $0x40").idt(0x40, gate(CODE64, edge, 0x8E, 0, True))


def switching():
    """CR4.LA57 belongs to the mode that is entered: #GP in long mode; free outside."""
    for mode in ("real", "pm32", "paged", "pae", "long", "long57", "compat"):
        ax = "%rax" if MODES[mode].bits == 64 else "%eax"
        for bits in (CR4["LA57"], CR4["LA57"] | CR4["PAE"], CR4["LA57"] | CR4["PGE"]):
            yield Case(f"cr4^{bits:x}", mode, f"mov %cr4, {ax}; xor ${bits}, {ax}; mov {ax}, %cr4; mov %cr4, {ax}; nop")
    # From protected mode to each, by hand, and back.
    for levels in (4, 5):
        on = CR4["PAE"] | (CR4["LA57"] if levels == 5 else 0)
        for root in (PML4, PML5):
            yield Case(f"{levels} levels from {root:x}", "pm32",
                       f"mov %cr4, %eax; or ${on}, %eax; mov %eax, %cr4; mov ${root}, %eax; mov %eax, %cr3; mov $0xc0000080, %ecx; mov $0x101, %eax; xor %edx, %edx; wrmsr; "
                       f"mov %cr0, %eax; or ${CR0_PG}, %eax; mov %eax, %cr0; nop; mov {USER_DATA}, %ebx; mov %cr0, %eax; and $0x7fffffff, %eax; mov %eax, %cr0; "
                       "xor %eax, %eax; wrmsr", memory={USER_DATA: b"\x5a" * 4})


def cases(random):
    return [*msrs(), *tables(), *invalidations(), *accesses(), *returns(), *switching()]
