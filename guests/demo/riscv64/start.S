/*
 * Entered in S-mode with the hart's id in a0 and the device tree in a1, at the address it is linked to, as the RISC-V
 * Linux boot protocol has it. The image begins with that protocol's header, so that boot loaders take it for a kernel.
 */
    .section .head, "ax"
    .globl _start
_start:
    j       first_hart
    .balign 8
    .dword  0x200000            /* text offset from the start of RAM */
    .dword  _end - _start       /* image size */
    .dword  0                   /* flags: little-endian */
    .word   0x00000002          /* version 0.2 */
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0

first_hart:
    la      sp, stacks_end
    la      t0, trap_entry
    csrw    stvec, t0
    la      t0, _bss
    la      t1, _end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  call    platform_start
    call    demo_main

/* Other harts: a0 is the id, a1 what processors_start gave: the top of a stack. */
    .globl other_hart
other_hart:
    mv      sp, a1
    la      t0, trap_entry
    csrw    stvec, t0
    call    processor_arrived
1:  csrw    sie, zero
    wfi
    j       1b

    .balign 4
trap_entry:
    csrr    a1, scause
    csrr    a2, sepc
    csrr    a3, stval
    la      a0, trap_text
    call    demo_panic

    .section .rodata
trap_text:
    .asciz  "trap"

    .section .bss
    .balign 16
    .space  0x4000
stacks_end:
