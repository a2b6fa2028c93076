/*
 * A bare program for EL1 of the "virt" board that tries every encoding of MRS, MSR (register) and SYS, and prints what came of
 * it on the PL011, in hexadecimal:
 *
 *   R number ESR-of-MRS value ESR-of-MSR     where either is not UNDEFINED; MSR writes the value read, or 0
 *   S number ESR                             where SYS is not UNDEFINED; its register has the address of a page
 *   E                                        the end; then PSCI's SYSTEM_OFF
 *
 * The number is op0:op1:CRn:CRm:op2; an ESR of 0 means that there was no exception.
 *
 * x20: the page; x21: the number; x28: the exception's ESR or 0.
 */
    .text
    .globl _start
_start:
    ldr x0, =vectors
    msr vbar_el1, x0
    ldr x0, =stack
    mov sp, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb
    ldr x20, =scratch
    mov x21, #0x8000            /* op0 = 2 << 14 */
    /* --- MRS and MSR --- */
1:  mov w0, #0xd5200000
    orr w0, w0, w21, lsl #5
    mov w1, #0xd5000000         /* msr enc, x0 */
    orr w1, w1, w21, lsl #5
    mov x22, #0
    bl patch_run                /* mrs: x0 value, x28 esr */
    mov x23, x28
    mov x24, x0
    /* msr with the value read, or 0 */
    cmp x23, #0
    csel x22, x24, xzr, eq
    /* not what would end this program */
    ldr x2, =skips
2:  ldr w3, [x2], #4
    cbz w3, 3f
    cmp w3, w21
    b.eq 4f
    b 2b
3:  mov w0, #0xd5000000
    orr w0, w0, w21, lsl #5
    bl patch_run
    b 5f
4:  mov x28, #0
    mov x28, #-1
5:  /* report when either is defined */
    mov x25, x28
    ldr x0, =0x2000000
    cmp x23, x0
    b.ne 6f
    cmp x25, x0
    b.eq 7f
6:  mov w0, #'R'
    bl putc
    mov x0, x21
    bl puthex
    mov x0, x23
    bl puthex
    mov x0, x24
    cmp x23, #0
    csel x0, x0, xzr, eq
    bl puthex
    mov x0, x25
    bl puthex
    mov w0, #'\n'
    bl putc
7:  add x21, x21, #1
    mov x0, #0x10000
    cmp x21, x0
    b.lo 1b
    /* --- SYS with a scratch address --- */
    mov x21, #0x4000
1:  ldr x2, =skips
2:  ldr w3, [x2], #4
    cbz w3, 3f
    cmp w3, w21
    b.eq 7f
    b 2b
3:  mov x22, x20
    mov w0, #0xd5000000
    orr w0, w0, w21, lsl #5
    bl patch_run
    ldr x0, =0x2000000
    cmp x28, x0
    b.eq 7f
    mov w0, #'S'
    bl putc
    mov x0, x21
    bl puthex
    mov x0, x28
    bl puthex
    mov w0, #'\n'
    bl putc
7:  add x21, x21, #1
    mov x0, #0x8000
    cmp x21, x0
    b.lo 1b
    mov w0, #'E'
    bl putc
    mov w0, #'\n'
    bl putc
    ldr x0, =0x84000008
    hvc #0
    b .

/* w0: instruction, run with x0 = x22 */
patch_run:
    ldr x3, =slot
    str w0, [x3]
    dc cvau, x3
    dsb sy
    ic ivau, x3
    dsb sy
    isb
    mov x28, #0
    mov x0, x22
slot: nop
    isb
    ret

putc:
    mov x5, #0x09000000
1:  ldr w6, [x5, #0x18]
    tbnz w6, #5, 1b
    str w0, [x5]
    ret
puthex:
    mov x7, x30
    mov x8, x0
    mov w0, #' '
    bl putc
    mov w9, #60
1:  lsr x0, x8, x9
    and w0, w0, #15
    cmp w0, #10
    b.lo 2f
    add w0, w0, #('a' - '0' - 10)
2:  add w0, w0, #'0'
    bl putc
    subs w9, w9, #4
    b.ge 1b
    mov x30, x7
    ret

    .balign 2048
vectors:
    .rept 16
    mrs x28, esr_el1
    mrs x10, elr_el1
    add x10, x10, #4
    msr elr_el1, x10
    eret
    .balign 128
    .endr
    .ltorg
skips:
    .word 0xc210 /* SPSel: this has no stack to change to */
    .word 0
    .bss
    .balign 4096
scratch: .space 8192
    .space 4096
stack:
