/*
 * What the bare programs of this folder stand on: the entry at EL1 of the "virt" board, and vectors that write every
 * exception down and go on behind it.
 *
 * bare_run(code, x) takes 32 registers (x0 to x30, SP) from x and PSTATE from bare_pstate, runs code, and comes back at
 * SVC #0xffff, from EL1 or EL0, with the registers in x and PSTATE in bare_pstate. In between, an exception is put into
 * bare_log, and execution goes on: behind the instruction, or
 *
 *   SVC #0xfffe          at EL1, behind it: the way from EL0 to EL1
 *   instruction abort,   at x30, with SPSR.BTYPE clear
 *   PC alignment
 *   illegal state        at the same instruction, with SPSR.IL clear
 *   BTI                  at the same instruction, with SPSR.BTYPE clear
 *   breakpoint           at the same instruction, with MDSCR_EL1.MDE clear
 *   software step        with SPSR.SS set
 *   interrupts           at the same instruction, with SPSR.I, F and A set; an IRQ is acknowledged, and its number logged
 *
 * The handlers use no stack: SP may be anything. Addresses are relative to the PC: all of this works at any alias.
 */
#define ENTRY_SIZE 40
#define ENTRIES 48

    .section .text.start, "ax"
    .globl _start
_start:
    adrp x0, bare_vectors
    add x0, x0, :lo12:bare_vectors
    msr vbar_el1, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb
    adrp x0, stack_top
    add x0, x0, :lo12:stack_top
    mov sp, x0
    bl main
    mov w0, #'E'
    bl putc
    mov w0, #'\n'
    bl putc
    movz x0, #0x8400, lsl #16
    movk x0, #8
    hvc #0
    b .

    .text
    .globl bare_run
bare_run:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    adrp x2, run_state
    add x2, x2, :lo12:run_state
    mov x3, sp
    stp x3, x1, [x2]
    msr elr_el1, x0
    adrp x3, bare_pstate
    ldr x3, [x3, :lo12:bare_pstate]
    msr spsr_el1, x3
    ldr x4, [x1, #248]
    tbnz x3, #0, 1f
    msr sp_el0, x4
    b 2f
1:  mov sp, x4
2:  mov x0, x1
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldr x30, [x0, #240]
    ldp x0, x1, [x0]
    eret

/* SVC #0xffff; x0 and x1 are in the registers below, the rest is as the code left it. */
run_end:
    adrp x0, run_state
    ldr x0, [x0, :lo12:run_state + 8]
    stp x2, x3, [x0, #16]
    stp x4, x5, [x0, #32]
    stp x6, x7, [x0, #48]
    stp x8, x9, [x0, #64]
    stp x10, x11, [x0, #80]
    stp x12, x13, [x0, #96]
    stp x14, x15, [x0, #112]
    stp x16, x17, [x0, #128]
    stp x18, x19, [x0, #144]
    stp x20, x21, [x0, #160]
    stp x22, x23, [x0, #176]
    stp x24, x25, [x0, #192]
    stp x26, x27, [x0, #208]
    stp x28, x29, [x0, #224]
    str x30, [x0, #240]
    mrs x2, tpidr_el1
    mrs x3, tpidrro_el0
    stp x2, x3, [x0]
    mrs x1, spsr_el1
    adrp x3, bare_pstate
    str x1, [x3, :lo12:bare_pstate]
    mov x2, sp
    tbnz x1, #0, 1f
    mrs x2, sp_el0
1:  str x2, [x0, #248]
    adrp x2, run_state
    ldr x3, [x2, :lo12:run_state]
    mov sp, x3
    adr x2, 2f                  /* a PSTATE with nothing in it that hinders what follows */
    msr elr_el1, x2
    mov x2, #0x3c5
    msr spsr_el1, x2
    eret
2:
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

    .balign 2048
    .globl bare_vectors
bare_vectors:
    .set n, 0
    .rept 16
    .balign 128
    msr tpidr_el1, x0
    msr tpidrro_el0, x1
    mov x0, #n
    b taken
    .set n, n + 1
    .endr
    .balign 128

/* x0: which vector. Entries: vector, ESR (or the interrupt), FAR, ELR, SPSR. */
taken:
    tst x0, #3
    b.ne 1f
    mrs x1, esr_el1
    eor w1, w1, #0x40000000   /* 0x5600ffff: EC 0x15, IL, the immediate */
    eor w1, w1, #0x10000000
    eor w1, w1, #0x06000000
    eor w1, w1, #0xffff
    cbz w1, run_end
1:  adrp x1, saved
    add x1, x1, :lo12:saved
    stp x2, x3, [x1]
    stp x4, x5, [x1, #16]
    adrp x2, bare_log
    add x2, x2, :lo12:bare_log
    ldr x3, [x2]
    cmp x3, #ENTRIES
    b.hs run_end
    add x4, x3, #1
    str x4, [x2], #8
    mov x4, #ENTRY_SIZE
    madd x2, x3, x4, x2
    mrs x4, esr_el1
    tst x0, #3
    b.eq 2f
    mov x4, #0
    and x3, x0, #3
    cmp x3, #1
    b.ne 2f
    mrs x4, S3_0_C12_C12_0      /* ICC_IAR1_EL1 */
    msr S3_0_C12_C12_1, x4      /* ICC_EOIR1_EL1 */
2:  stp x0, x4, [x2]
    mrs x3, far_el1
    mrs x5, elr_el1
    stp x3, x5, [x2, #16]
    mrs x3, spsr_el1
    str x3, [x2, #32]
    tst x0, #3
    b.ne masked
    ubfx x0, x4, #26, #6
    cmp x0, #0x15
    b.eq call
    cmp x0, #0x11
    b.eq go_on
    cmp x0, #0x0e
    b.eq illegal
    cmp x0, #0x0d
    b.eq guarded
    and x2, x0, #0x3e
    cmp x2, #0x20
    b.eq to_x30
    cmp x0, #0x22
    b.eq to_x30
    cmp x2, #0x30
    b.eq breakpoint
    cmp x2, #0x32
    b.eq step
    add x5, x5, #4
    msr elr_el1, x5
go_on:
    ldp x2, x3, [x1]
    ldp x4, x5, [x1, #16]
    mrs x0, tpidr_el1
    mrs x1, tpidrro_el0
    eret
call:
    ubfx x2, x4, #0, #16
    mov x3, #0xfffe
    cmp x2, x3
    b.ne go_on
    mrs x3, spsr_el1
    orr x3, x3, #0x3c0
    bic x3, x3, #15
    orr x3, x3, #4
    orr x3, x3, #1
spsr:
    msr spsr_el1, x3
    b go_on
masked:
    orr x3, x3, #0x1c0
    b spsr
illegal:
    bic x3, x3, #(1 << 20)
    b spsr
guarded:
    bic x3, x3, #(3 << 10)
    b spsr
step:
    orr x3, x3, #(1 << 21)
    b spsr
to_x30:
    msr elr_el1, x30
    b guarded
breakpoint:
    mrs x2, mdscr_el1
    bic x2, x2, #(1 << 15)
    msr mdscr_el1, x2
    b go_on

    .bss
    .balign 16
run_state: .space 16
saved: .space 32
    .globl bare_log, bare_pstate
bare_log: .space 8 + ENTRIES * ENTRY_SIZE
bare_pstate: .space 8
    .balign 16
    .space 8192
stack_top:
