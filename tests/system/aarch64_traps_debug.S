    /* Debug exceptions. MDSCR_EL1: SS 1, KDE 0x2000, MDE 0x8000. EL1D is EL1 with PSTATE.D clear. */
#define EL1D 0x1c5
#define EL0D 0x1c0
#define MDE 0x8000
#define KDE 0x2000

    .macro SET_X register, value, with=x9
    ldr \with, =\value
    msr \register, \with
    .endm

    /* ---- watchpoints ---- */
    .macro WATCH n, address, control
    SET_X dbgwvr\n\()_el1, \address
    SET_X dbgwcr\n\()_el1, \control
    .endm
    .macro WATCHED
    ldrb w0, [x11]
    ldrb w0, [x11, #1]
    ldrb w0, [x11, #3]
    ldrb w0, [x11, #4]
    ldrb w0, [x11, #7]
    ldrb w0, [x11, #8]
    ldrh w0, [x11, #2]
    ldr w0, [x11, #4]
    ldr x0, [x11]
    ldr x0, [x11, #8]
    ldur x0, [x11, #-4]
    ldp x0, x1, [x11, #-8]
    ldr q0, [x11]
    strb w2, [x11]
    strb w2, [x11, #5]
    str w2, [x11, #4]
    str x2, [x11, #16]
    stp x2, x3, [x11]
    ldxr x0, [x11]
    stxr w1, x0, [x11]
    ldtr x0, [x11]
    sttr x2, [x11]
    dc zva, x11
    dc cvac, x11
    dc civac, x11
    prfm pldl1keep, [x11]
    ld2 {v0.8b, v1.8b}, [x11]
    .endm
    /* E, PAC << 1, LSC << 3, BAS << 5, HMC 0x2000, SSC << 14, WT 0x100000, MASK << 24 */
    .irp control, 0x1fff, 0x1ff7, 0x1fef, 0x1ff9, 0x1ffb, 0x1ffd, 0x003f, 0x021f, 0x061f, 0x1e1f, 0x0a1f, 0x03001fff, 0x04001fff, 0x06001fff, 0x101fff, 0x3fff, 0x5fff, 0x9fff, 0xdfff, 0x1f, 0x1ffe
    CASE "watch \control el1", EL1D
    WATCH 0, PAGES_AT + 0x40, \control
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    WATCHED
    END
    CASE "watch \control el0", EL1D
    WATCH 1, PAGES_AT + 0x40, \control
    SET mdscr_el1, MDE
    SCTLR (1 << 26) + (1 << 14)
    ldr x11, =PAGES_AT + 0x40
    TO_EL0
    WATCHED
    END
    .endr
    .irp address, 0x44, 0x3c, 0x48, 0x80
    .irp control, 0x1fff, 0x01ff, 0x1e1f
    CASE "watch at \address \control", EL1D
    WATCH 0, PAGES_AT + \address, \control
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    WATCHED
    END
    .endr
    .endr
    CASE "watch linked", EL1D
    SET_X dbgbvr5_el1, 0x1234
    SET_X dbgbcr5_el1, 0x3001e7
    WATCH 0, PAGES_AT + 0x40, 0x151fff
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    ldr x0, [x11]
    SET contextidr_el1, 0x1234
    ldr x0, [x11]
    str x0, [x11]
    SET contextidr_el1, 0x1235
    ldr x0, [x11]
    END
    CASE "watch without kde", EL1D
    WATCH 0, PAGES_AT + 0x40, 0x1fff
    SET mdscr_el1, MDE
    ldr x11, =PAGES_AT + 0x40
    ldr x0, [x11]
    TO_EL0
    ldr x0, [x11]
    END
    CASE "watch with d set"
    WATCH 0, PAGES_AT + 0x40, 0x1fff
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    ldr x0, [x11]
    msr daifclr, #8
    ldr x0, [x11]
    END
    CASE "watch and the os lock", EL1D
    WATCH 0, PAGES_AT + 0x40, 0x1fff
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    SET oslar_el1, 1
    mrs x4, oslsr_el1
    ldr x0, [x11]
    SET oslar_el1, 0
    mrs x5, oslsr_el1
    ldr x0, [x11]
    SET osdlr_el1, 1
    ldr x0, [x11]
    SET osdlr_el1, 0
    ldr x0, [x11]
    END
    CASE "lse:watch atomics", EL1D
    WATCH 0, PAGES_AT + 0x40, 0x1ff7
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40
    ldadd x0, x1, [x11]
    cas x2, x3, [x11]
    stadd x2, [x11]
    WATCH 0, PAGES_AT + 0x40, 0x1fef
    isb
    ldadd x0, x1, [x11]
    cas x2, x3, [x11]
    swp x2, x3, [x11]
    casp x2, x3, x4, x5, [x11]
    END
    CASE "watch tagged addresses", EL1D
    SET tcr_el1, 0x1280190019 + (3 << 37)
    WATCH 0, PAGES_AT + 0x40, 0x1fff
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + 0x40 + (0x5a << 56)
    ldr x0, [x11]
    str x0, [x11]
    END
    CASE "watch and fault", EL1D
    WATCH 0, PAGES_AT + P(4) + 0x40, 0x1fff
    WATCH 1, PAGES_AT + P(3) + 0x40, 0x1fff
    SET mdscr_el1, MDE + KDE
    ldr x11, =PAGES_AT + P(4) + 0x40
    ldr x0, [x11]
    ldr x11, =PAGES_AT + P(3) + 0x40
    str x0, [x11]
    ldr x0, [x11]
    ldur x0, [x11, #1]
    ldxr x0, [x11]
    stxr w1, x0, [x11]
    END

    /* ---- breakpoints ---- */
    .macro BREAK n, label, control
    adr x9, \label
    msr dbgbvr\n\()_el1, x9
    SET_X dbgbcr\n\()_el1, \control
    .endm
    .irp control, 0x1e7, 0x1e5, 0x1e3, 0x1e1, 0x1e6, 0x67, 0x187, 0x7, 0x21e7, 0x41e7, 0x81e7, 0xc1e7, 0x2001e7, 0x3001e7, 0x4001e7, 0x5001e7, 0x6001e7, 0x8001e7, 0xa001e7, 0xd001e7
    .irp level, 0x1c5, 0x1c0
    CASE "break \control at \level", EL1D
    BREAK 0, 1f, \control
    SET mdscr_el1, MDE + KDE
    TO_EL0 \level
    mov x0, #1
1:  mov x1, #1
    mov x2, #1
    END
    .endr
    .endr
    .irp n, 4, 5
    .irp control, 0x2001e7, 0x2001e5, 0x2001e3, 0x200007, 0x3001e7
    CASE "break \n by context \control", EL1D
    SET_X dbgbvr\n\()_el1, 0x123400001234
    SET_X dbgbcr\n\()_el1, \control
    SET mdscr_el1, MDE + KDE
    mov x0, #1
    SET contextidr_el1, 0x1234
    mov x1, #1
    mov x2, #1
    SET mdscr_el1, MDE + KDE
    TO_EL0
    mov x3, #1
    mov x4, #1
    END
    .endr
    .irp control, 0x3001e7, 0x3001e5, 0x300007, 0x2001e7, 0x300006
    .irp link, 4, 5, 3, 9
    CASE "break linked to \link, \n is \control", EL1D
    SET_X dbgbvr\n\()_el1, 0x1234
    SET_X dbgbcr\n\()_el1, \control
    BREAK 0, 1f, 0x1001e7 + (\link << 16)
    SET mdscr_el1, MDE + KDE
    mov x12, #2
1:  mov x0, #1
    SET contextidr_el1, 0x1234
    sub x12, x12, #1
    cbnz x12, 1b
    END
    .endr
    .endr
    .endr
    CASE "break on undefined and svc", EL1D
    BREAK 0, 1f, 0x1e7
    SET mdscr_el1, MDE + KDE
1:  udf #1
    BREAK 0, 2f, 0x1e7
    SET mdscr_el1, MDE + KDE
2:  svc #1
    BREAK 0, 3f, 0x1e7
    SET mdscr_el1, MDE + KDE
3:  brk #1
    END
    CASE "break in a page that is not there", EL1D
    ldr x9, =PAGES_AT + P(4)
    msr dbgbvr0_el1, x9
    SET_X dbgbcr0_el1, 0x1e7
    SET mdscr_el1, MDE + KDE
    adr x30, 1f
    br x9
1:  mov x0, #1
    END
    CASE "break and illegal state", EL1D
    BREAK 0, 1f, 0x1e7
    SET mdscr_el1, MDE + KDE
    adr x9, 1f
    msr elr_el1, x9
    ldr x9, =0x1001c5
    msr spsr_el1, x9
    eret
1:  mov x0, #1
    END
    CASE "break on a branch's target by bits", EL1D
    adr x9, 1f
    movk x9, #0x7f00, lsl #48
    msr dbgbvr0_el1, x9
    SET_X dbgbcr0_el1, 0x1e7
    SET mdscr_el1, MDE + KDE
    b 1f
    nop
1:  mov x0, #1
    mrs x1, dbgbvr0_el1
    mov x1, #0
    msr dbgbvr0_el1, xzr
    END

    /* ---- software step ---- */
    .macro STEPPED pstate=0x2001c5, bits=KDE + 1
    ldr x9, =\bits
    msr mdscr_el1, x9
    isb
    TO_EL0 \pstate
    .endm
    CASE "step plain", EL1
    STEPPED
    mov x0, #1
    mov x1, #2
    b 1f
    nop
1:  ldr x2, [x20]
    str x2, [x20, #8]
    nop
    cbz x2, 1b
    msr daifset, #8
    mov x3, #1
    END
    CASE "step at el0"
    STEPPED 0x2003c0, 1
    mov x0, #1
    bl 1f
1:  svc #1
    mov x1, #1
    udf #0
    brk #0
    ldr x2, [x4]
    mov x3, #1
    END
    CASE "step without ss in spsr"
    STEPPED 0x1c5
    mov x0, #1
    mov x1, #1
    msr daifset, #8
    END
    CASE "step exclusives", EL1
    STEPPED
    ldxr x0, [x20]
    mov x1, #1
    stxr w2, x0, [x20]
    ldaxrb w0, [x20]
    clrex
    ldxp x0, x1, [x20]
    ldar x1, [x20]
    ldxr x0, [x4]
    msr daifset, #8
    END
    CASE "step exceptions of el1", EL1
    STEPPED
    svc #1
    nop
    udf #0
    nop
    ldr x0, [x4]
    nop
    brk #1
    nop
    msr daifset, #8
    END
    CASE "step an eret to el0", EL1
    STEPPED
    adr x9, 1f
    msr elr_el1, x9
    mov x9, #0x3c0
    movk x9, #0x20, lsl #16
    msr spsr_el1, x9
    eret
1:  mov x0, #1
    mov x1, #1
    END
    CASE "step with kde clear", EL1
    STEPPED 0x2001c5, 1
    mov x0, #1
    TO_EL0 0x2001c0
    mov x1, #1
    mov x2, #1
    END
    CASE "step changes its own masks", EL1
    STEPPED
    msr daifset, #8
    mov x0, #1
    mov x1, #1
    msr daifclr, #8
    mov x2, #1
    mov x3, #1
    msr mdscr_el1, xzr
    isb
    mov x4, #1
    END
    CASE "step and the os lock", EL1
    SET oslar_el1, 1
    STEPPED
    mov x0, #1
    mov x1, #1
    msr oslar_el1, xzr
    isb
    mov x2, #1
    msr daifset, #8
    END
    CASE "step onto a breakpoint", EL1
    BREAK 0, 1f, 0x1e7
    STEPPED 0x2001c5, MDE + KDE + 1
    mov x0, #1
1:  mov x1, #1
    mov x2, #1
    msr daifset, #8
    END
    CASE "step over a watched load", EL1
    WATCH 0, PAGES_AT, 0x1fff
    STEPPED 0x2001c5, MDE + KDE + 1
    ldr x0, [x20]
    mov x1, #1
    msr daifset, #8
    END
    CASE "step into nowhere", EL1
    adr x30, 1f
    ldr x11, =PAGES_AT + P(4)
    STEPPED
    br x11
1:  mov x1, #1
    msr daifset, #8
    END
    CASE "step an illegal state", EL1
    STEPPED 0x3001c5
    mov x0, #1
    mov x1, #1
    msr daifset, #8
    END
    CASE "step waits", EL1
    mov x9, #1
    msr cntv_cval_el0, xzr
    msr cntv_ctl_el0, x9
    STEPPED
    wfi
    sevl
    wfe
    yield
    isb
    dsb sy
    msr daifset, #8
    END
    CASE "eret to illegal mode with ss", EL1
    ldr x9, =KDE + 1
    msr mdscr_el1, x9
    isb
    TO_EL0 0x2001cb
    mov x0, #1
    mov x1, #1
    msr daifset, #8
    END
    CASE "claim tags", EL1
    mov x0, #0xff
    msr dbgclaimclr_el1, x0
    mov x0, #0x5a
    msr dbgclaimset_el1, x0
    mrs x1, dbgclaimset_el1
    mrs x2, dbgclaimclr_el1
    mov x0, #0x50
    msr dbgclaimclr_el1, x0
    mrs x3, dbgclaimclr_el1
    END
