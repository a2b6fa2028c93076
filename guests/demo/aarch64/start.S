/*
 * Entered at EL1 with the MMU off and the device tree in x0, at the address it is linked to, as the arm64 Linux boot
 * protocol has it. The image begins with that protocol's header, so that boot loaders take it for a kernel.
 */
    .section .head, "ax"
    .globl _start
_start:
    b       first_processor
    .long   0
    .quad   0x200000            /* text offset from the start of RAM */
    .quad   _end - _start       /* image size */
    .quad   0x2                 /* flags: little-endian, pages of 4 KiB */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

first_processor:
    adrp    x1, stacks_end
    add     x1, x1, :lo12:stacks_end
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    adrp    x1, _bss
    add     x1, x1, :lo12:_bss
    adrp    x2, _end
    add     x2, x2, :lo12:_end
1:  cmp     x1, x2
    b.hs    2f
    str     xzr, [x1], #8
    b       1b
2:  bl      platform_start
    bl      demo_main

/* Other processors: x0 is what processors_start gave, the top of a stack. */
    .globl other_processor
other_processor:
    mov     sp, x0
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    bl      processor_arrived
1:  wfi
    b       1b

    .balign 2048
vectors:
    .rept   16
    .balign 128
    b       trap_entry
    .endr

trap_entry:
    mrs     x1, esr_el1
    mrs     x2, elr_el1
    mrs     x3, far_el1
    adrp    x0, trap_text
    add     x0, x0, :lo12:trap_text
    bl      demo_panic

    .section .rodata
trap_text:
    .asciz  "exception"

    .section .bss
    .balign 16
    .space  0x4000
stacks_end:
