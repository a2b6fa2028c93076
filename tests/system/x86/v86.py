"""Virtual-8086 mode, its extensions (CR4.VME) and virtual interrupts in protected mode (CR4.PVI); I/O permissions."""

from image import *

OPS = ("cli", "sti", "pushfw", "pushfl", "popfw", "popfl", "iretw", "iretl", "int $0x40", "int3", "hlt", "inb $0x71, %al",
       "inw %dx, %ax", "inl %dx, %eax", "outb %al, %dx", "mov %cr0, %eax", "smsw %ax", "sldt %ax", "lar %ax, %cx", "arpl %ax, %cx",
       "lgdt 0", "clts", "invlpg 0", "rdtsc", "lmsw %ax", "mov $0x1234, %ax; mov %ax, %ds; mov %ds:0, %bx", "lock; nop", "ljmp $0x1480, $0",
       "lcall $0x1480, $0", "wbinvd", "rdmsr", "sysenter", "syscall", "into", "sti; cli", "mov %dr7, %eax", "sgdt 0x10", "str %ax",
       "movb 0xffff, %al", "movw 0xffff, %ax", "pushw %cs; pushw $0x900; lret", "verr %ax", "insb", "outsw", "xgetbv", "cpuid", "push %sp")


def v86(random):
    for iopl in (0, 1, 3):
        for cr4 in (0, CR4["VME"]):
            for op in OPS:
                for i in range(4):
                    flags = 2 | VM | iopl << 12 | random.choice((0, IF, VIF, VIP, VIF | VIP, IF | VIF))
                    if random.random() < .15:
                        flags |= TF
                    image = random.choice((2, 0x202, 0x3202, 0x4002, 0x7FD7, 0x102, 0x302, 0xCD7, 0x10202, 0x1B3202, 0xFFFFFFFF))
                    top = 0x8E00
                    words = [image, image >> 16] if "popf" in op else [0x900, 0x1400, image] if op == "iretw" else \
                        [0x900, 0, 0x1400, 0, image & 0xFFFF, image >> 16]
                    redirect = random.choice((0, 0xFF))
                    umip = random.choice((0, 0, CR4["UMIP"]))
                    yield Case(f"{op} iopl={iopl} vme={cr4} flags={flags:x} stack={image:x} map={redirect:x} umip={umip:x}", "v86", op,
                               rflags=flags, rsp=0xE00, cr4=SSE | cr4 | umip, rdx=random.choice((0x71, 0x80, 0x81, 0x87)),
                               rax=random.choice((0x40, 0x1234)), rsi=0x10, rdi=0x20,
                               memory={top: struct.pack(f"<{len(words)}H", *(word & 0xFFFF for word in words)),
                                       TSS + 0x68: bytes([redirect]) * 32 + random.choice((b"\xff", b"\0", b"\x02", b"\x80")) * 0x100})


def virtual_interrupts(random):
    """IOPL-sensitive instructions of rings 0 and 3 with and without PVI."""
    for mode in ("pm32u", "pm32", "pm16u", "longu", "compatu"):
        bits = MODES[mode].bits
        popf = ("popfq", "popfw") if bits == 64 else ("popfl", "popfw")
        for iopl in (0, 3):
            for cr4 in (0, CR4["PVI"], CR4["PVI"] | CR4["VME"]):
                for op in ("cli", "sti", *popf, popf[0].replace("pop", "push"), popf[1].replace("pop", "push"), "int $0x80"):
                    for flags in (0, IF, VIF, VIP, VIF | VIP, IF | VIP):
                        image = random.choice((2, 0x202, 0x3202, 0xFFFFFFFF, 0x4ED7, 0x180002))
                        state = MODES[mode].state
                        yield Case(f"{op} iopl={iopl} cr4={cr4:x} flags={flags:x} stack={image:x}", mode, op,
                                   rflags=2 | iopl << 12 | flags, cr4=state["cr4"] | cr4, rsp=state["rsp"] - 0x40,
                                   memory={state["rsp"] - 0x40: struct.pack("<Q", image)})


def io(random):
    for mode in ("pm32", "pm32u", "pm16u", "v86", "v86iopl3", "longu", "compatu", "real"):
        for op in ("inb %dx, %al", "inw %dx, %ax", "inl %dx, %eax", "outb %al, %dx", "outw %ax, %dx", "outl %eax, %dx",
                   "insb", "outsl", "insw", "inb $0xe0, %al", "rep outsb"):
            for i in range(10):
                port = random.choice((0x2A0, 0x2A7, 0x2A4, 0x2A6, 0x29F, 0x25F, 0x257, 0xFFFF, 0xFFFE, 0xFFD, 0x290))
                base = random.choice((0x88, 0x68, 0x67, 0xFFF, 0x78, 0xFFF0, 0x87, 0x79))
                limit = random.choice((0x67, 0xFFF, base + port // 8 & 0xFFFF, (base + port // 8 + 1) & 0xFFFF, base))
                bits = random.choice((0x00, 0x80, 0x01, 0xFF, 0x10))
                kind = random.choice((0x89, 0x89, 0x89, 0x81)) if MODES[mode].kind == 1 else 0x89
                long = MODES[mode].kind == 2
                body = (tss64(base) if long else tss32(iomap=base)) + bytes([bits]) * 0x100
                state = MODES[mode].state
                yield Case(f"{op} port={port:x} map={base:x} limit={limit:x} bits={bits:x} tss={kind:x}", mode, f"{op}; mov $0, %eax; movl $0, 0x20{'' if mode[0] in 'rv' else ' + 0x9000'}", rdx=port, rcx=1,
                           rsi=0x20 if mode in ("v86", "v86iopl3", "real") else USER_DATA, rdi=0x20 if mode in ("v86", "v86iopl3", "real")
                           else USER_DATA + 0x20, rflags=state["rflags"] | random.choice((0, 0, 0x3000)),
                           memory={TSS: body}).gdt(TR, segment(TSS, max(limit, 0x67), kind))


def cases(random):
    return [*v86(random), *virtual_interrupts(random), *io(random)]
