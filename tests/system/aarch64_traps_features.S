    /* ---- BTI: where indirect branches land, on guarded pages (7) and others (17) ---- */
    .macro BRANCHES page, offset
    adr x30, 1f
    ldr x11, =PAGES_AT + P(\page) + \offset
    mov x16, x11
    mov x0, #1
    br x11
1:  adr x30, 2f
    mov x0, #2
    br x16
2:  mov x0, #3
    blr x11
    mov x0, #4
    blr x16
    mov x0, #5
    adr x30, 3f
    ret x11
3:  mov x0, #6
    .endm
    .irp offset, 0, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0
    .irp page, 7, 17
    .irp bt, 0, 0x1800000000
    CASE "bti:el1 to page \page + \offset, sctlr \bt"
    SCTLR \bt
    BRANCHES \page, \offset
    END
    CASE "bti:el0 to page \page + \offset, sctlr \bt"
    SCTLR \bt
    TO_EL0
    BRANCHES \page, \offset
    END
    .endr
    .endr
    .endr
    .irp btype, 0, 1, 2, 3
    .irp offset, 0, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0
    CASE "bti:eret with btype \btype to \offset"
    adr x30, 1f
    ldr x11, =PAGES_AT + P(7) + \offset
    msr elr_el1, x11
    ldr x12, =0x3c5 + (\btype << 10)
    msr spsr_el1, x12
    eret
1:  mov x0, #1
    END
    .endr
    .endr
    CASE "bti:from a guarded page"
    adr x28, 1f
    ldr x27, =PAGES_AT + P(7) + 0x20
    ldr x11, =PAGES_AT + P(7) + 0x100
    mov x16, x11
    br x11
1:  adr x28, 2f
    add x11, x11, #0x20
    br x11
2:  mov x0, #1
    END

    /* What pages 7 and 17 hold. */
    .globl page_code, page_code_end
    .balign 32
page_code:
    nop
    ret
    .balign 32
    hint #32                    /* bti */
    ret
    .balign 32
    hint #34                    /* bti c */
    ret
    .balign 32
    hint #36                    /* bti j */
    ret
    .balign 32
    hint #38                    /* bti jc */
    ret
    .balign 32
    hint #25                    /* paciasp */
    hint #29                    /* autiasp */
    ret
    .balign 32
    brk #7
    ret
    .balign 32
    hlt #7
    ret
    .balign 32
    hint #38                    /* 0x100: to a page like this one */
    br x27
    ret
    .balign 32
    hint #38                    /* 0x120: and back */
    br x28
    .balign 32
page_code_end:

    /* ---- FEAT_MOPS ---- */
    .macro MOVES to, from, size, m, e
    CASE "mops:\m \to \from \size"
    SCTLR (1 << 33)
    ldr x0, =PAGES_AT + \to
    ldr x1, =PAGES_AT + \from
    ldr x2, =\size
    \m\()p [x0]!, [x1]!, x2!
    \m\()m [x0]!, [x1]!, x2!
    \m\()e [x0]!, [x1]!, x2!
    mrs x3, nzcv
    END
    .endm
    .irp size, 0, 1, 7, 16, 0x100, 0x900
    MOVES 0x100, 0x5000, \size, cpy
    MOVES 0x100, 0x2000, \size, cpyf
    MOVES 0x108, 0x100, \size, cpy
    MOVES 0x100, 0x108, \size, cpy
    .endr
    /* Sizes that no range has, and pages that fault. */
    .irp size, 0x8000000000000000, 0x7fffffffffffffff, 0xffffffffffffffff, 0x0080000000000000, 0x007fffffffffffff
    CASE "mops:prologues with \size"
    SCTLR (1 << 33)
    mov x0, x20
    add x1, x20, #0x800
    ldr x2, =\size
    cpyp [x0]!, [x1]!, x2!
    mrs x3, nzcv
    mov x4, x20
    add x5, x20, #0x800
    ldr x6, =\size
    cpyfp [x4]!, [x5]!, x6!
    mrs x7, nzcv
    mov x8, x20
    ldr x11, =\size
    setp [x8]!, x11!, x12
    mrs x13, nzcv
    add x0, x20, #0x900
    add x1, x20, #0x800
    ldr x2, =\size
    cpyp [x0]!, [x1]!, x2!
    END
    .endr
    .irp pages, 3, 10, 14
    CASE "mops:first: set into page \pages + 1"
    SCTLR (1 << 33)
    ldr x0, =PAGES_AT + P(\pages) + 0xf00
    mov x1, #0x200
    setp [x0]!, x1!, x3
    setm [x0]!, x1!, x3
    mov x4, x0
    mov x5, x1
    sete [x0]!, x1!, x3
    END
    CASE "mops:first: copy into page \pages + 1"
    SCTLR (1 << 33)
    ldr x0, =PAGES_AT + P(\pages) + 0xf00
    mov x1, x20
    mov x2, #0x200
    cpyfp [x0]!, [x1]!, x2!
    cpyfm [x0]!, [x1]!, x2!
    cpyfe [x0]!, [x1]!, x2!
    END
    CASE "mops:first: copy out of page \pages + 1"
    SCTLR (1 << 33)
    ldr x1, =PAGES_AT + P(\pages) + 0xf00
    mov x0, x20
    mov x2, #0x200
    cpyp [x0]!, [x1]!, x2!
    cpym [x0]!, [x1]!, x2!
    cpye [x0]!, [x1]!, x2!
    END
    CASE "mops:first: copy back out of page \pages + 1"
    SCTLR (1 << 33)
    ldr x1, =PAGES_AT + P(\pages) + 0xf00
    add x0, x1, #0x10
    mov x2, #0x200
    cpyp [x0]!, [x1]!, x2!
    cpym [x0]!, [x1]!, x2!
    END
    .endr
    CASE "mops:without mscen at el0", EL0
    mov x0, x20
    mov x1, #16
    setp [x0]!, x1!, x3
    setm [x0]!, x1!, x3
    sete [x0]!, x1!, x3
    cpyfp [x0]!, [x4]!, x1!
    cpyp [x0]!, [x4]!, x1!
    cpym [x0]!, [x4]!, x1!
    END
    CASE "mops:option b's flags"
    SCTLR (1 << 33)
    .irp level, 1, 0
    .if \level == 0
    TO_EL0
    .endif
    mov x9, #0x20000000
    mov x0, x20
    mov x1, #16
    add x2, x20, #256
    msr nzcv, x9
    setm [x0]!, x1!, x3
    sete [x0]!, x1!, x3
    setmt [x0]!, x1!, x3
    setmn [x0]!, x1!, x3
    setetn [x0]!, x1!, xzr
    cpym [x0]!, [x2]!, x1!
    cpye [x0]!, [x2]!, x1!
    cpyfm [x0]!, [x2]!, x1!
    cpyfe [x0]!, [x2]!, x1!
    cpymwt [x0]!, [x2]!, x1!
    cpymrt [x0]!, [x2]!, x1!
    cpymtn [x0]!, [x2]!, x1!
    cpyfmwn [x0]!, [x2]!, x1!
    cpyfern [x0]!, [x2]!, x1!
    cpyert [x0]!, [x2]!, x1!
    .endr
    END
    .irp form, , n, t, tn
    .irp page, 0, 1, 2, 3
    CASE "mops:first: set\form page \page"
    SCTLR (1 << 33)
    add x0, x20, #P(\page)
    mov x1, #0x40
    setp\form [x0]!, x1!, x3
    setm\form [x0]!, x1!, x3
    sete\form [x0]!, x1!, x3
    END
    .endr
    .endr
    .irp form, , wn, rn, n, wt, wtwn, wtrn, wtn, rt, rtwn, rtrn, rtn, t, twn, trn, tn
    .irp from, 0, 1
    .irp to, 0, 1, 2
    CASE "mops:first: cpyf\form page \from to \to"
    SCTLR (1 << 33)
    add x0, x20, #P(\to)
    add x1, x20, #P(\from)
    add x1, x1, #0x400
    mov x2, #0x40
    cpyfp\form [x0]!, [x1]!, x2!
    cpyfm\form [x0]!, [x1]!, x2!
    cpyfe\form [x0]!, [x1]!, x2!
    END
    CASE "mops:first: cpy\form page \from to \to"
    SCTLR (1 << 33)
    add x0, x20, #P(\to)
    add x1, x20, #P(\from)
    add x1, x1, #0x400
    mov x2, #0x40
    cpyp\form [x0]!, [x1]!, x2!
    cpym\form [x0]!, [x1]!, x2!
    cpye\form [x0]!, [x1]!, x2!
    END
    .endr
    .endr
    .endr
    CASE "mops:equal registers"
    SCTLR (1 << 33)
    .irp word, 0x19c00400, 0x19c10421, 0x19c20401, 0x19c1041f, 0x19c107e0, 0x19df0400, 0x1d010400, 0x19000400, 0x19010401, 0x191f0420, 0x1901041f, 0x190107e0
    .inst \word
    .endr
    END

    /* ---- pointer authentication, where the algorithm is the architecture's ---- */
    .macro KEYS
    .irp key, apiakeylo_el1, apiakeyhi_el1, apibkeylo_el1, apibkeyhi_el1, apdakeylo_el1, apdakeyhi_el1, apdbkeylo_el1, apdbkeyhi_el1, apgakeylo_el1, apgakeyhi_el1
    add x9, x9, x8
    ror x9, x9, #11
    msr \key, x9
    .endr
    isb
    .endm
    .irp enable, 0, 0x80000000, 0x40000000, 0x08000000, 0x2000, 0xc8002000
    .irp tcr, 0x1280190019, 0x7280190019, 0x18007280190019
    CASE "pauth:\enable, \tcr"
    KEYS
    SET tcr_el1, \tcr
    SCTLR \enable
    ldr x0, =PAGES_AT + P(17)
    mov x1, #0x1234
    orr x2, x0, #0xff00000000000000
    mov x3, x0
    mov x4, x0
    mov x5, x0
    ldr x6, =0xffffff8040411000
    mov x7, x0
    pacia x0, x1
    pacib x2, x1
    pacda x3, x1
    pacdb x4, x1
    pacga x5, x5, x1
    paciza x6
    mov x10, x0
    mov x11, x3
    mov x12, x6
    mov x13, x2
    xpaci x10
    xpacd x11
    autia x0, x1
    autia x0, x1
    autdzb x4
    autiza x12
    autib x13, x2
    ldraa x14, [x3]
    ldrab x15, [x7, #8]!
    END
    CASE "pauth:br \enable, \tcr"
    KEYS
    SET tcr_el1, \tcr
    SCTLR \enable
    adr x30, 1f
    ldr x11, =PAGES_AT + P(17)
    mov x12, x11
    pacia x12, x1
    braa x12, x1
1:  adr x30, 2f
    braa x11, x1
2:  adr x30, 3f
    braaz x12
3:  blrab x11, x1
    mov x12, sp
    adr x30, 4f
    retaa
4:  adr x30, 5f
    paciasp
    retaa
5:  adr x30, 6f
    mov x13, x30
    pacib x13, x12
    msr elr_el1, x13
    ldr x9, =EL1
    msr spsr_el1, x9
    eretab
6:  mov x30, #0
    END
    .endr
    .endr

    /* ---- the exclusive monitor ---- */
    CASE "exclusives"
    ldr x11, =PAGES_AT
    ldxr x0, [x11]
    stxr w1, x0, [x11]
    stxr w2, x0, [x11]
    ldxr x0, [x11]
    clrex
    stxr w3, x0, [x11]
    ldxr x0, [x11]
    svc #1
    stxr w4, x0, [x11]
    ldxr w0, [x11]
    stxr w5, w0, [x11]
    ldxp x0, x6, [x11]
    stxp w7, x0, x6, [x11]
    ldxr x0, [x11]
    str x2, [x11, #512]
    stxr w8, x0, [x11]
    ldxr x0, [x11]
    ldr x12, [x11, #4]
    stxr w12, x0, [x11]
    END

    /* ---- TLB maintenance, of which every form is there or not ---- */
    .macro TLBIS crm, from
    .irp op2, 0, 1, 2, 3, 4, 5, 6, 7
    sys #0, C8, C\crm, #\op2, x20
    .endr
    .endm
    CASE "tlb maintenance"
    .irp crm, 0, 1, 2, 3, 4
    TLBIS \crm
    .endr
    END
    CASE "tlb maintenance, 5 to 7"
    .irp crm, 5, 6, 7
    TLBIS \crm
    .endr
    END
    CASE "tlb maintenance at el0", EL0
    TLBIS 7
    TLBIS 3
    at s1e1r, x20
    END
    .macro AFTER operation
    CASE "after \operation"
    ldr x11, =PAGES_AT + P(20)
    ldr x12, =pages
    add x12, x12, #20 * 8
    ldr x0, [x11]
    ldr x13, [x12]
    str xzr, [x12]
    dsb ish
    lsr x14, x11, #12
    ldr x15, =(1 << 48)
    \operation
    dsb ish
    isb
    ldr x0, [x11]
    str x13, [x12]
    dsb ish
    END
    .endm
    AFTER "tlbi vmalle1"
    AFTER "tlbi vmalle1is"
    AFTER "tlbi vaae1, x14"
    AFTER "tlbi vae1is, x14"
    AFTER "tlbi vaale1, x14"
    AFTER "tlbi aside1, xzr"

    /* ---- address translation instructions ---- */
    .irp page, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 17, 19, 20
    CASE "at page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x123
    at s1e1r, x11
    isb
    mrs x0, par_el1
    bic x0, x0, #0x200         /* NS, of no meaning here */
    at s1e1w, x11
    isb
    mrs x1, par_el1
    bic x1, x1, #0x200         /* NS, of no meaning here */
    at s1e0r, x11
    isb
    mrs x2, par_el1
    bic x2, x2, #0x200         /* NS, of no meaning here */
    at s1e0w, x11
    isb
    mrs x3, par_el1
    bic x3, x3, #0x200         /* NS, of no meaning here */
    END
    CASE "pan:at with pan, page \page"
    ldr x11, =PAGES_AT + P(\page) + 0x123
    .inst 0xd500409f           /* msr pan, #0 */
    at s1e1r, x11
    isb
    mrs x0, par_el1
    bic x0, x0, #0x200         /* NS, of no meaning here */
    sys #0, C7, C9, #0, x11
    isb
    mrs x1, par_el1
    bic x1, x1, #0x200         /* NS, of no meaning here */
    sys #0, C7, C9, #1, x11
    isb
    mrs x2, par_el1
    bic x2, x2, #0x200         /* NS, of no meaning here */
    .inst 0xd500419f           /* msr pan, #1 */
    at s1e1r, x11
    isb
    mrs x3, par_el1
    bic x3, x3, #0x200         /* NS, of no meaning here */
    sys #0, C7, C9, #0, x11
    isb
    mrs x4, par_el1
    bic x4, x4, #0x200         /* NS, of no meaning here */
    sys #0, C7, C9, #1, x11
    isb
    mrs x5, par_el1
    bic x5, x5, #0x200         /* NS, of no meaning here */
    END
    .endr
    CASE "at with the mmu off"
    SCTLR 0, 5
    ldr x11, =PAGES_AT + 0x123
    at s1e1r, x11
    isb
    mrs x0, par_el1
    bic x0, x0, #0x200         /* NS, of no meaning here */
    ldr x11, =0x5a40000000000123
    at s1e0w, x11
    isb
    mrs x1, par_el1
    bic x1, x1, #0x200         /* NS, of no meaning here */
    ldr x11, =0xff40000000000123
    at s1e0w, x11
    isb
    mrs x2, par_el1
    bic x2, x2, #0x200         /* NS, of no meaning here */
    END
