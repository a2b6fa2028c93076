/*
 * The accesses of aarch64_translation.c's cases, x0 the address; its list of cases (the file CASES); and at_alias.
 */
    .arch armv8.8-a
    .macro OPERATION name, exception_level
    .pushsection .rodata.operations, "a"
    .quad \name, \exception_level
    .popsection
\name:
    .endm
    .pushsection .rodata.operations, "a"
    .balign 8
    .globl operations
operations:
    .popsection
    .macro ENDS
    svc #0xffff
    .endm
    .text
    .irp level, 1, 0
    OPERATION load\level, \level
    ldr x1, [x0]
    ENDS
    OPERATION store\level, \level
    str x2, [x0]
    ENDS
    OPERATION fetch\level, \level
    adr x30, 1f
    br x0
1:  ENDS
    OPERATION exclusive\level, \level
    ldxr x1, [x0]
    stxr w3, x2, [x0]
    ENDS
    OPERATION zero\level, \level
    dc zva, x0
    ENDS
    OPERATION add\level, \level
    ldadd x2, x1, [x0]
    ENDS
    OPERATION compare\level, \level
    cas x3, x2, [x0]
    ENDS
    .endr
    OPERATION load_user, 1
    ldtr x1, [x0]
    ENDS
    OPERATION store_user, 1
    sttr x2, [x0]
    ENDS
    .irp which, s1e1r, s1e1w, s1e0r, s1e0w
    OPERATION at_\which, 1
    at \which, x0
    isb
    mrs x1, par_el1
    bic x1, x1, #0x200          /* NS, of no meaning here */
    ENDS
    .endr
    .irp which, 0, 1
    OPERATION at_pan_\which, 1
    sys #0, C7, C9, #\which, x0
    isb
    mrs x1, par_el1
    bic x1, x1, #0x200
    ENDS
    .endr

/* at_alias(function, argument, offset): call it, with its argument and the stack, where all that is `offset` higher. */
    .globl at_alias
at_alias:
    stp x29, x30, [sp, #-16]!
    str x2, [sp, #-16]!
    add sp, sp, x2
    add x3, x0, x2
    add x0, x1, x2
    adr x30, 1f
    add x30, x30, x2
    br x3
1:  ldr x2, [sp], #16
    sub sp, sp, x2
    ldp x29, x30, [sp], #16
    adr x3, 2f
    ldr x4, =2f                 /* back to where the program is linked */
    br x4
2:  ret

    .section .rodata
    .balign 8
    .globl cases_begin, cases_end
cases_begin:
    .incbin CASES
cases_end:
