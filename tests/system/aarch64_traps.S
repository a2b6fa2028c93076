/*
 * Small pieces of code that meet the exceptions of EL1 and EL0, for aarch64_traps.c to run: x20 is the base of the pages
 * there, xN is 0x0101010101010101 * N. CASE begins one in the given PSTATE, END ends it, at either level.
 */
#define EL1 0x3c5
#define EL0 0x3c0
#define P(n) ((n) * 4096)

    .macro CASE name, pstate=EL1
    .pushsection .rodata.cases, "a"
    .balign 8
    .quad 1f, \pstate
2:  .asciz "\name"
    .org 2b + 48
    .popsection
    .balign 16
1:
    .endm
    .macro END
    svc #0xffff
    .ltorg
    .endm

    .macro TO_EL1
    svc #0xfffe
    .endm
    /* Or to any other state. */
    .macro TO_EL0 pstate=EL0
    adr x9, 9f
    msr elr_el1, x9
    ldr x9, =\pstate
    msr spsr_el1, x9
    eret
9:
    .endm
    /* Change SCTLR_EL1. Uses x9 and x10. */
    .macro SCTLR set=0, clear=0
    mrs x9, sctlr_el1
    ldr x10, =\set
    orr x9, x9, x10
    ldr x10, =\clear
    bic x9, x9, x10
    msr sctlr_el1, x9
    isb
    .endm
    .macro SET register, value
    ldr x9, =\value
    msr \register, x9
    isb
    .endm

    .pushsection .rodata.cases, "a"
    .globl cases_begin
    .balign 8
cases_begin:
    .popsection

    .arch armv8.8-a+crypto+memtag+rng+predres+profile+mops
    .text

    /* ---- alignment: SCTLR_EL1.A (bit 1) and nAA (bit 6), types of memory, places in 16 bytes ---- */
    .macro ALIGNED_PLAIN
    ldrb w0, [x11]
    ldrh w0, [x11]
    ldr w0, [x11]
    ldr x0, [x11]
    ldrsw x0, [x11]
    ldp w0, w1, [x11]
    ldp x0, x1, [x11]
    ldnp x0, x1, [x11]
    ldpsw x0, x1, [x11]
    ldr q0, [x11]
    ldr h0, [x11]
    ldp q0, q1, [x11]
    ldtr x0, [x11]
    ld1 {v0.8b}, [x11]
    ld1 {v0.4s}, [x11]
    ld1 {v0.2d, v1.2d}, [x11]
    ld2 {v0.8h, v1.8h}, [x11]
    ld4r {v0.4s, v1.4s, v2.4s, v3.4s}, [x11]
    ld1 {v0.d}[1], [x11]
    st1 {v4.s}[1], [x11]
    st3 {v4.4s, v5.4s, v6.4s}, [x11]
    strb w2, [x11]
    strh w2, [x11]
    str w2, [x11]
    str x2, [x11]
    stp w2, w3, [x11]
    stp x2, x3, [x11]
    stnp x2, x3, [x11]
    str q4, [x11]
    sttr x2, [x11]
    stp d4, d5, [x11]
    prfm pldl1keep, [x11]
    .endm
    .macro ALIGNED_ORDERED
    ldarh w0, [x11]
    ldar w0, [x11]
    ldar x0, [x11]
    stlrh w2, [x11]
    stlr w2, [x11]
    stlr x2, [x11]
    ldxrh w0, [x11]
    stxrh w1, w0, [x11]
    ldxr w0, [x11]
    stxr w1, w0, [x11]
    ldaxr x0, [x11]
    stlxr w1, x0, [x11]
    ldxp w0, w1, [x11]
    stxp w3, w0, w1, [x11]
    ldxp x0, x1, [x11]
    stxp w3, x0, x1, [x11]
    clrex
    stxr w3, x0, [x11]
    stxp w3, x0, x1, [x11]
    .endm
    .macro ALIGNED_LSE
    ldaddh w2, w0, [x11]
    ldadd w2, w0, [x11]
    ldaddal x2, x0, [x11]
    swp x2, x0, [x11]
    swph w2, w0, [x11]
    stclr x2, [x11]
    cas w2, w3, [x11]
    cas x2, x3, [x11]
    cash w2, w3, [x11]
    casp w2, w3, w4, w5, [x11]
    casp x2, x3, x4, x5, [x11]
    .endm
    .macro ALIGNED_RCPC2
    ldapur x0, [x11, #1]
    ldapurh w0, [x11, #3]
    ldapursw x0, [x11, #2]
    stlur x2, [x11, #1]
    stlurh w2, [x11, #3]
    stlur w2, [x11, #9]
    .endm
    .macro ALIGNMENT kind, prefix=""
    .irp page, 0, 5, 6, 11
    .irp offset, 0, 1, 4, 8, 9, 15, 0xff8, 0xffc
    .irp control, 0, 2, 0x40
    CASE "\prefix\kind el1 page \page + \offset sctlr \control"
    SCTLR \control
    ldr x11, =PAGES_AT + P(\page) + \offset
    ALIGNED_\kind
    END
    .endr
    CASE "\prefix\kind el0 page \page + \offset"
    ldr x11, =PAGES_AT + P(\page) + \offset
    TO_EL0
    ALIGNED_\kind
    END
    .endr
    .endr
    .endm
    .set PAGES_AT, 0x40400000
    ALIGNMENT PLAIN
    ALIGNMENT ORDERED
    ALIGNMENT LSE, "lse:"
    ALIGNMENT RCPC2, "lrcpc2:"

    /* ---- the same with the MMU off: everything is Device memory ---- */
    .irp offset, 0, 1, 4
    .irp kind, PLAIN, ORDERED
    CASE "mmu off \kind \offset"
    SCTLR 0, 5
    ldr x11, =PAGES_AT + \offset
    ALIGNED_\kind
    dc zva, x11
    END
    .endr
    .endr

    /* ---- permissions and other faults of data accesses, by page ---- */
    .macro TOUCH
    ldr x0, [x11]
    str x0, [x11]
    ldtr x0, [x11]
    sttr x0, [x11]
    ldp q0, q1, [x11]
    stp x0, x1, [x11]
    ldxr x0, [x11]
    stxr w1, x0, [x11]
    prfm pstl1keep, [x11]
    ld1 {v0.16b}, [x11]
    st2 {v0.16b, v1.16b}, [x11]
    ldrb w0, [x11]
    strb w0, [x11, #1]!
    ldr x0, [x11], #8
    .endm
    .macro TOUCH_LSE
    ldadd x2, x0, [x11]
    cas x0, x1, [x11]
    cas x2, x3, [x11]
    casp x0, x1, x2, x3, [x11]
    swpb w2, w0, [x11]
    .endm
    .macro TOUCH_CACHE
    dc zva, x11
    dc cvac, x11
    dc cvau, x11
    dc civac, x11
    ic ivau, x11
    .endm
    .irp kind, TOUCH, TOUCH_CACHE
    .irp page, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 19
    CASE "\kind el1 page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x40
    \kind
    END
    CASE "\kind el0 page \page"
    SCTLR (1 << 26) + (1 << 14)
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TO_EL0
    \kind
    END
    .endr
    .endr
    .irp page, 1, 2, 3, 4, 8, 9, 10, 11, 12
    CASE "lse:el1 page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TOUCH_LSE
    END
    CASE "lse:el0 page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TO_EL0
    TOUCH_LSE
    END
    CASE "dbm:page \page"
    SET tcr_el1, 0x1280190019 + (3 << 39)
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TOUCH
    END
    CASE "dbm:access flag only, page \page"
    SET tcr_el1, 0x1280190019 + (1 << 39)
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TOUCH
    END
    .endr
    .irp page, 0, 1, 2, 3, 10
    CASE "pan:pan page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TO_EL0 0x4003c5
    TOUCH
    TOUCH_CACHE
    END
    CASE "epan:epan page \page"
    SCTLR (1 << 57)
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TO_EL0 0x4003c5
    TOUCH
    TOUCH_CACHE
    END
    CASE "uao:uao page \page", 0x8003c5
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TOUCH
    END
    CASE "uao:uao and pan page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TO_EL0 0xc003c5
    TOUCH
    END
    CASE "wxn page \page"
    SCTLR (1 << 19)
    ldr x11, =PAGES_AT + P(\page) + 0x40
    TOUCH
    END
    .endr
    CASE "dc ivac of pages"
    .irp page, 0, 2, 3, 4, 5, 8, 9
    ldr x11, =PAGES_AT + P(\page) + 0x48
    dc ivac, x11
    .endr
    END
    CASE "set and way"
    mov x11, #0
    dc isw, x11
    dc csw, x11
    dc cisw, x11
    END
    CASE "dpb:dc cvap of pages"
    .irp page, 0, 2, 3, 4, 5, 8
    ldr x11, =PAGES_AT + P(\page) + 0x48
    dc cvap, x11
    .endr
    TO_EL0
    .irp page, 0, 2, 3, 4, 5, 8
    ldr x11, =PAGES_AT + P(\page) + 0x48
    dc cvap, x11
    .endr
    END
    CASE "dpb2:dc cvadp of pages"
    SCTLR (1 << 26)
    .irp page, 0, 3, 4, 8
    ldr x11, =PAGES_AT + P(\page) + 0x48
    dc cvadp, x11
    .endr
    TO_EL0
    .irp page, 0, 3, 4, 8
    ldr x11, =PAGES_AT + P(\page) + 0x48
    dc cvadp, x11
    .endr
    END

    /* ---- accesses that cross into a page they may not ---- */
    .irp from, 0, 3, 10, 14
    CASE "crossing out of page \from"
    ldr x11, =PAGES_AT + P(\from + 1) - 4
    ldr x0, [x11]
    str x1, [x11]
    ldp x0, x1, [x11, #-8]
    stp x2, x3, [x11, #-8]
    stp q2, q3, [x11, #-16]
    ldp q2, q3, [x11, #-16]
    ld4 {v0.4s, v1.4s, v2.4s, v3.4s}, [x11]
    st4 {v0.4s, v1.4s, v2.4s, v3.4s}, [x11]
    ldrh w0, [x11, #3]
    strh w0, [x11, #3]
    stur q0, [x11, #-7]
    END
    .endr

    /* ---- fetches ---- */
    .irp page, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 17, 18, 19
    CASE "el1 runs page \page"
    adr x30, 1f
    ldr x11, =PAGES_AT + P(\page) + 8
    br x11
1:  END
    CASE "el0 runs page \page"
    TO_EL0
    adr x30, 1f
    ldr x11, =PAGES_AT + P(\page) + 8
    br x11
1:  END
    .irp wxn, 0x80000
    CASE "wxn el1 runs page \page"
    SCTLR \wxn
    adr x30, 1f
    ldr x11, =PAGES_AT + P(\page) + 8
    br x11
1:  END
    CASE "wxn el0 runs page \page"
    SCTLR \wxn
    TO_EL0
    adr x30, 1f
    ldr x11, =PAGES_AT + P(\page) + 8
    br x11
1:  END
    .endr
    .endr
    .irp address, 0x40400001, 0x40411002, 0x40411003, 0x8000000000, 0x1000000000000, 0xffffff8040411008, 0xfe00000040411008, 0x7ff0000040411009
    .irp level, EL1, EL0
    CASE "\level runs \address"
    .ifc \level, EL0
    TO_EL0
    .endif
    ldr x11, =\address
    adr x30, 1f
    br x11
1:  END
    CASE "\level blr \address"
    .ifc \level, EL0
    TO_EL0
    .endif
    ldr x11, =\address
    blr x11
    END
    .endr
    CASE "eret to \address"
    ldr x11, =\address
    msr elr_el1, x11
    ldr x11, =EL1
    msr spsr_el1, x11
    adr x30, 1f
    eret
1:  END
    CASE "tagged by tbi, \address"
    SET tcr_el1, 0x1280190019 + (3 << 37)
    ldr x11, =\address
    adr x30, 1f
    br x11
1:  ldr x0, [x11]
    END
    .endr

    /* ---- SP alignment ---- */
    .irp bits, 0, 8, 0x10, 0x18
    .irp pstate, 0x3c5, 0x3c4, 0x3c0
    CASE "sp alignment \bits \pstate"
    mrs x12, sctlr_el1
    bic x12, x12, #0x18
    mov x13, #\bits
    orr x12, x12, x13
    msr sctlr_el1, x12
    mov x12, sp
    msr sp_el0, x12
    isb
    TO_EL0 \pstate
    .irp add, 8, 4, 3, 1
    add sp, sp, #\add
    ldr x0, [sp]
    str x0, [sp, #-16]
    ldp x0, x1, [sp], #16
    stp x0, x1, [sp, #-16]!
    ldr q0, [sp, x13]
    ldxr x0, [sp]
    ld1 {v0.16b}, [sp]
    prfm pldl1keep, [sp]
    mov x1, sp
    ldr x2, [x1]
    .endr
    END
    .endr
    .endr
    CASE "lse:sp alignment"
    add sp, sp, #8
    ldadd x0, x1, [sp]
    cas x0, x1, [sp]
    swp x0, x1, [sp]
    stset x0, [sp]
    END

    /* ---- exceptions by instruction ---- */
    .irp level, EL1, EL0
    CASE "calls at \level", \level
    svc #0
    svc #0x1234
    brk #0
    brk #0xffff
    hlt #0
    hlt #0x1234
    udf #0
    udf #0xffff
    dcps1 #0
    dcps2 #1
    dcps3 #2
    drps
    END
    CASE "interrupt masks at \level", \level
    mrs x0, daif
    msr daifclr, #15
    mrs x1, daif
    msr daifset, #5
    mrs x2, daif
    msr daif, x5
    mrs x3, daif
    msr daifset, #15
    END
    .endr
    CASE "hvc and smc at el0", EL0
    hvc #0
    smc #0
    eret
    END
    CASE "unknown function by hvc"
    ldr x0, =0x84001234
    mov x1, #0
    hvc #0
    END

    /* ---- FP trap ---- */
    .macro FLOATING
    fmov d0, #1.0
    fadd d0, d0, d0
    add v0.16b, v0.16b, v0.16b
    ldr d0, [x20]
    str q0, [x20, #16]
    ldp s0, s1, [x20]
    ld1 {v0.8b}, [x20]
    mrs x0, fpcr
    mrs x1, fpsr
    msr fpsr, x1
    fcvtzs x2, d0
    fmov x3, d0
    dup v0.4s, w3
    fcmp d0, #0.0
    fccmp d0, d1, #3, eq
    fcsel d0, d1, d2, ne
    aese v0.16b, v1.16b
    sha1h s0, s1
    ldr s1, .+8
    b .+8
    .word 0
    prfm pldl1keep, [x20]
    .endm
    .irp fpen, 0, 1, 2, 3
    CASE "fpen \fpen el1"
    SET cpacr_el1, (\fpen << 20)
    FLOATING
    mrs x4, cpacr_el1
    END
    CASE "fpen \fpen el0"
    SET cpacr_el1, (\fpen << 20)
    TO_EL0
    FLOATING
    END
    CASE "fpen \fpen undefined at el0"
    SET cpacr_el1, (\fpen << 20)
    TO_EL0
    .inst 0x1e604810
    .inst 0x1ee04000
    .inst 0x0e000000
    .inst 0x4e604800
    .inst 0xbd400000
    .inst 0x1e7e0000
    .inst 0x5e282800
    .inst 0x9e6a0000
    .inst 0x0f00fc00
    END
    .endr
    CASE "cpacr holds"
    mov x0, #-1
    msr cpacr_el1, x0
    mrs x1, cpacr_el1
    ldr x0, =3 << 20
    msr cpacr_el1, x0
    END

    /* ---- EL0 and what SCTLR_EL1 lets it do ---- */
    .macro USERS
    mrs x0, ctr_el0
    mrs x1, dczid_el0
    dc zva, x20
    dc cvau, x20
    dc cvac, x20
    dc civac, x20
    ic ivau, x20
    mrs x2, daif
    msr daif, x2
    msr daifset, #3
    msr daifclr, #3
    mrs x3, nzcv
    mrs x3, tpidr_el0
    mrs x4, tpidrro_el0
    msr tpidrro_el0, x4
    mrs x5, midr_el1
    mrs x5, id_aa64isar0_el1
    mrs x5, clidr_el1
    mrs x5, csselr_el1
    mrs x5, revidr_el1
    mrs x5, S3_0_C0_C7_7
    mrs x5, S3_1_C0_C0_2
    mrs x5, S3_3_C0_C0_2
    mrs x5, S3_2_C0_C0_1
    msr S3_0_C0_C7_7, x5
    mrs x5, sctlr_el1
    mrs x5, currentel
    mrs x5, spsel
    msr spsel, #0
    mrs x5, S2_0_C0_C2_2
    mrs x5, S2_3_C0_C1_0
    mrs x5, S2_3_C0_C5_0
    msr S2_3_C0_C5_0, x5
    .endm
    .irp bit, 7, 8, 9, 10, 14, 15, 26
    CASE "sctlr bit \bit at el0"
    SCTLR (1 << \bit)
    TO_EL0
    USERS
    END
    .endr
    CASE "mdscr.tdcc at el0"
    SET mdscr_el1, 1 << 12
    TO_EL0
    USERS
    END
    CASE "res:rctx at el0"
    TO_EL0
    cfp rctx, x0
    dvp rctx, x0
    cpp rctx, x0
    TO_EL1
    SCTLR (1 << 10)
    TO_EL0
    cfp rctx, xzr
    dvp rctx, xzr
    cpp rctx, xzr
    END
    .irp bits, 0, 0x10000, 0x40000, 0x50000
    CASE "waiting at el0, \bits"
    mrs x12, sctlr_el1
    ldr x13, =0x50000
    bic x12, x12, x13
    ldr x13, =\bits
    orr x12, x12, x13
    msr sctlr_el1, x12
    mov x0, #1
    msr cntv_cval_el0, xzr
    msr cntv_ctl_el0, x0
    isb
    TO_EL0
    wfi
    sevl
    wfe
    sevl
    sev
    yield
    wfe
    END
    CASE "wfxt:timed waiting at el0, \bits"
    mrs x12, sctlr_el1
    ldr x13, =0x50000
    bic x12, x12, x13
    ldr x13, =\bits
    orr x12, x12, x13
    msr sctlr_el1, x12
    mov x0, #1
    msr cntv_cval_el0, xzr
    msr cntv_ctl_el0, x0
    isb
    mov x0, #-1
    TO_EL0
    .inst 0xd5031020
    .inst 0xd5031020
    sevl
    .inst 0xd5031000
    END
    .endr

    /* ---- illegal states and exception returns ---- */
    .irp mode, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    CASE "eret to mode \mode"
    ldr x11, =0xf07003c0 + \mode
    msr spsr_el1, x11
    adr x11, 1f
    msr elr_el1, x11
    eret
1:  nop
    END
    .endr
    .irp bit, 5, 10, 11, 12, 20, 21, 22, 23, 24, 25, 26, 27, 30, 32, 33, 34, 35, 63
    .irp level, EL1, EL0
    CASE "eret to \level with bit \bit"
    ldr x11, =\level | (1 << \bit)
    msr spsr_el1, x11
    mrs x12, spsr_el1
    adr x11, 1f
    msr elr_el1, x11
    eret
1:  nop
    svc #1
    END
    .endr
    .endr
    CASE "il and an undefined instruction"
    ldr x11, =EL1 | (1 << 20)
    msr spsr_el1, x11
    adr x11, 1f
    msr elr_el1, x11
    eret
1:  udf #0
    END
    CASE "il and brk"
    ldr x11, =EL0 | (1 << 20)
    msr spsr_el1, x11
    adr x11, 1f
    msr elr_el1, x11
    eret
1:  brk #1
    END
    CASE "il and a fetch abort"
    ldr x11, =EL1 | (1 << 20)
    msr spsr_el1, x11
    ldr x11, =PAGES_AT + P(4)
    msr elr_el1, x11
    adr x30, 1f
    eret
1:  nop
    END
    CASE "il and pc alignment"
    ldr x11, =EL1 | (1 << 20)
    msr spsr_el1, x11
    adr x11, 1f + 2
    msr elr_el1, x11
    adr x30, 1f
    eret
1:  nop
    END

    /* ---- PSTATE ---- */
    .macro STATES
    mrs x0, S3_0_C4_C2_3 /* PAN */
    mrs x1, S3_0_C4_C2_4 /* UAO */
    mrs x2, S3_3_C4_C2_5 /* DIT */
    mrs x3, S3_3_C4_C2_6 /* SSBS */
    mov x7, #-1
    msr S3_0_C4_C2_3, x7
    msr S3_0_C4_C2_4, x7
    msr S3_3_C4_C2_5, x7
    msr S3_3_C4_C2_6, x7
    mrs x10, S3_0_C4_C2_3
    mrs x11, S3_0_C4_C2_4
    mrs x12, S3_3_C4_C2_5
    mrs x13, S3_3_C4_C2_6
    svc #1
    .inst 0xd500407f /* uao */
    .inst 0xd500409f /* pan */
    .inst 0xd503405f /* dit */
    .inst 0xd503403f /* ssbs */
    mrs x14, S3_0_C4_C2_3
    mrs x15, S3_0_C4_C2_4
    mrs x16, S3_3_C4_C2_5
    mrs x17, S3_3_C4_C2_6
    svc #2
    .inst 0xd500417f
    .inst 0xd500419f
    .inst 0xd503415f
    .inst 0xd503413f
    svc #3
    .inst 0xd500427f
    .inst 0xd500439f
    .inst 0xd503445f
    .inst 0xd503483f
    .inst 0xd500401f /* cfinv */
    .inst 0xd500403f /* xaflag */
    .inst 0xd500405f /* axflag */
    .inst 0xd500411f
    .inst 0xd50040bf
    .inst 0xd50041bf
    .inst 0xd50040ff
    .endm
    .irp pstate, 0x3c5, 0x3c4, 0x3c0, 0x1c013c5, 0x1c013c0
    CASE "pstate accesses \pstate", \pstate
    STATES
    END
    .endr
    .irp bit, 23, 44
    .irp level, EL1, EL0
    CASE "exceptions with sctlr bit \bit toggled, \level"
    mrs x12, sctlr_el1
    eor x12, x12, #(1 << \bit)
    msr sctlr_el1, x12
    isb
    .ifc \level, EL0
    TO_EL0
    .endif
    adr x30, 1f
    TO_EL1
1:  mov x0, #0
    END
    .endr
    .endr
    CASE "sp_el0 and spsel"
    mrs x0, sp_el0
    mrs x1, spsel
    msr spsel, #0
    mrs x2, sp_el0
    mrs x3, spsel
    msr sp_el0, x3
    msr spsel, #1
    mrs x4, spsel
    mov x5, #3
    msr spsel, x5
    mrs x6, spsel
    msr spsel, xzr
    mrs x7, spsel
    mov x8, sp
    msr spsel, #1
    mrs x9, currentel
    END
    CASE "absent parts of pstate"
    mrs x4, S3_3_C4_C2_7        /* TCO */
    mrs x5, S3_0_C4_C3_0        /* ALLINT */
    msr S3_0_C4_C3_0, x7
    .inst 0xd501401f            /* msr allint, #0 */
    .inst 0xd501411f
    mrs x6, S3_0_C4_C3_1        /* PM */
    END
    CASE "ssbs:from dssbs"
    SCTLR (1 << 44)
    TO_EL0
    TO_EL1
    mrs x1, S3_3_C4_C2_6
    END

    /* ---- registers keep what they have ---- */
    .macro KEEPS register
    mov x0, #-1
    msr \register, x0
    mrs x1, \register
    msr \register, xzr
    mrs x2, \register
    .endm
    .irp register, spsr_el1, elr_el1, esr_el1, far_el1, par_el1, vbar_el1, afsr0_el1, afsr1_el1, contextidr_el1, tpidr_el0, tpidrro_el0, csselr_el1, amair_el1, actlr_el1, cntkctl_el1, mdccint_el1, S2_0_C0_C0_2, S2_0_C0_C3_2, S2_0_C0_C6_2, S2_0_C1_C3_4, mdscr_el1, fpsr, fpcr, nzcv, daif, ttbr1_el1, mair_el1, cntfrq_el0, pmuserenr_el0, pmselr_el0, pmccfiltr_el0, pmcr_el0, pmccntr_el0, pmevtyper0_el0, pmevtyper5_el0, pmevcntr0_el0, pmevcntr5_el0, pmxevtyper_el0, pmxevcntr_el0, pmovsset_el0, pmovsclr_el0, pmcntenset_el0, pmcntenclr_el0, pmintenset_el1, pmintenclr_el1, dbgclaimset_el1, dbgclaimclr_el1, cntv_cval_el0, cntp_cval_el0, cntv_ctl_el0, cntp_ctl_el0, lorc_el1, S3_0_C12_C1_1, S3_0_C4_C6_0
    CASE "keeps \register"
    KEEPS \register
    SET mdscr_el1, 0
    SET vbar_el1, bare_vectors
    END
    .endr
    CASE "tcr holds"
    ldr x3, =0x10
    msr ttbr1_el1, xzr
    ldr x0, =0xffffffffffff3fff & ~0x3f & ~0x380
    mov x5, #25
    orr x0, x0, x5
    mrs x4, tcr_el1
    msr tcr_el1, x0
    mrs x1, tcr_el1
    msr tcr_el1, x4
    END
    CASE "sctlr holds"
    mrs x4, sctlr_el1
    ldr x0, =~0x300000a
    msr sctlr_el1, x0
    mrs x1, sctlr_el1
    mov x0, #0
    msr sctlr_el1, x0
    isb
    mrs x2, sctlr_el1
    msr sctlr_el1, x4
    isb
    END
    .irp n, 0, 1, 3
    CASE "debug pair \n holds"
    KEEPS dbgwvr\n\()_el1
    mov x3, x1
    mov x4, x2
    KEEPS dbgwcr\n\()_el1
    mov x5, x1
    mov x6, x2
    KEEPS dbgbvr\n\()_el1
    END
    .endr
    .irp n, 0, 3, 4, 5
    .irp value, 0x1e7, 0x9001e7, 0xf0ffffff, 0x2301e5, 0x00000001, 0x00100021
    CASE "breakpoint control \n holds \value"
    ldr x0, =\value
    ldr x1, =0xffff123412345676
    msr dbgbvr\n\()_el1, x1
    msr dbgbcr\n\()_el1, x0
    mrs x2, dbgbcr\n\()_el1
    mrs x3, dbgbvr\n\()_el1
    END
    .endr
    .endr
    .irp select, 0, 1, 2, 3, 4, 5, 6, 14
    CASE "ccsidr of \select"
    mov x0, #\select
    msr csselr_el1, x0
    isb
    mrs x1, ccsidr_el1
    END
    .endr
#include "aarch64_traps_debug.S"
#include "aarch64_traps_counters.S"
#include "aarch64_traps_features.S"

    .pushsection .rodata.cases, "a"
    .balign 8
    .globl cases_end
cases_end:
    .popsection
