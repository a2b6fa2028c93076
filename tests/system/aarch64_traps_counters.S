    /* Performance monitors and generic timers. What a counter shows differs from run to run, so cases ask whether. */

    /* x0..: 1 if `register` grew by at least one over some instructions. */
    .macro GROWS to, register
    mrs x9, \register
    .rept 40
    nop
    .endr
    isb
    mrs x10, \register
    subs x9, x10, x9
    cset \to, hi
    mov x9, #0
    mov x10, #0
    .endm
    .macro PMU bits=0x41, enable=0x8000003f
    SET_X pmcntenset_el0, \enable
    SET_X pmcr_el0, \bits
    isb
    .endm

    CASE "pmu identity"
    mrs x0, pmcr_el0
    ubfx x0, x0, #11, #5
    mrs x1, pmceid0_el0
    and x1, x1, #0x1f
    mrs x3, pmcntenset_el0
    mrs x4, pmintenset_el1
    mrs x5, pmovsset_el0
    END
    CASE "pmu sets and clears"
    mov x0, #-1
    msr pmcntenset_el0, x0
    mrs x1, pmcntenset_el0
    mrs x2, pmcntenclr_el0
    mov x0, #0x15
    msr pmcntenclr_el0, x0
    mrs x3, pmcntenset_el0
    mov x0, #-1
    msr pmintenset_el1, x0
    mrs x4, pmintenset_el1
    mrs x5, pmintenclr_el1
    msr pmintenclr_el1, x3
    mrs x6, pmintenset_el1
    msr pmintenclr_el1, x0
    msr pmovsset_el0, x0
    mrs x7, pmovsset_el0
    mrs x8, pmovsclr_el0
    msr pmovsclr_el0, x3
    mrs x10, pmovsset_el0
    msr pmovsclr_el0, x0
    END
    .irp select, 0, 1, 5, 6, 7, 30, 31
    CASE "pmu selected \select"
    mov x0, #\select
    msr pmselr_el0, x0
    isb
    mov x0, #0x11
    msr pmxevtyper_el0, x0
    mrs x1, pmxevtyper_el0
    mov x0, #0x1234
    msr pmxevcntr_el0, x0
    mrs x2, pmxevcntr_el0
    mrs x3, pmselr_el0
    mrs x4, pmevtyper0_el0
    mrs x5, pmevcntr0_el0
    mrs x6, pmccfiltr_el0
    END
    .endr
    .irp pmcr, 0, 1, 0x41, 0x47, 9
    CASE "pmu counts cycles, pmcr \pmcr"
    PMU \pmcr
    GROWS x0, pmccntr_el0
    mov x9, #-1
    msr pmcntenclr_el0, x9
    GROWS x1, pmccntr_el0
    END
    .endr
    .irp event, 0x00, 0x08, 0x11, 0x09, 0x3fff
    CASE "pmu counts event \event"
    SET_X pmevtyper0_el0, \event
    PMU
    GROWS x0, pmevcntr0_el0
    mov x1, #1
    mrs x2, pmevcntr0_el0
    msr pmswinc_el0, x1
    mrs x3, pmevcntr0_el0
    subs x2, x3, x2
    cset x2, ne
    mov x3, #0
    END
    .endr
    .irp filter, 0, 0x80000000, 0x40000000, 0xc0000000
    CASE "pmu filter \filter"
    SET_X pmccfiltr_el0, \filter
    SET_X pmevtyper1_el0, \filter + 8
    SET_X pmuserenr_el0, 0xf
    PMU
    GROWS x0, pmccntr_el0
    GROWS x1, pmevcntr1_el0
    TO_EL0
    GROWS x2, pmccntr_el0
    GROWS x3, pmevcntr1_el0
    END
    .endr
    CASE "pmu instructions"
    SET_X pmevtyper2_el0, 8
    PMU
    mrs x0, pmevcntr2_el0
    .rept 10
    nop
    .endr
    mrs x1, pmevcntr2_el0
    sub x1, x1, x0
    mov x0, #0
    END
    CASE "pmu software increment"
    SET_X pmevtyper0_el0, 0
    SET_X pmevtyper1_el0, 0
    SET_X pmevtyper2_el0, 8
    SET_X pmevcntr0_el0, 0xffffffff
    msr pmevcntr1_el0, xzr
    PMU
    mov x0, #3
    msr pmswinc_el0, x0
    msr pmswinc_el0, x0
    mrs x1, pmevcntr0_el0
    mrs x2, pmevcntr1_el0
    mrs x3, pmovsset_el0
    mov x0, #1
    msr pmcntenclr_el0, x0
    mov x0, #3
    msr pmswinc_el0, x0
    mrs x4, pmevcntr0_el0
    mrs x5, pmevcntr1_el0
    msr pmcr_el0, xzr
    msr pmswinc_el0, x0
    mrs x6, pmevcntr1_el0
    mov x0, #2
    msr pmcr_el0, x0
    mrs x7, pmevcntr1_el0
    mov x0, #0
    END
    CASE "pmu overflow of cycles"
    SET_X pmccntr_el0, 0xfffffffffffffff0
    PMU
    GROWS x0, pmccntr_el0
    .rept 200
    isb
    .endr
    mrs x1, pmovsset_el0
    mov x0, #0
    mov x9, #0
    mov x10, #0
    END
    CASE "pmu overflow of 32 bits of cycles"
    SET_X pmccntr_el0, 0xfffffff0
    PMU 1
    .rept 40
    mrs x9, pmccntr_el0
    .endr
    mrs x1, pmovsset_el0
    mov x9, #0
    END
    CASE "pmu overflow interrupts"
    SET_X pmccntr_el0, 0xfffffffffffffff0
    SET_X pmintenset_el1, 0x80000000
    PMU
    mov x9, #0
    wfi
    mrs x1, pmovsset_el0
    msr daifclr, #2
    nop
    nop
    END
    CASE "pmu overflow set by hand", 0x345
    SET_X pmintenset_el1, 0x2
    PMU 1, 0x2
    SET_X pmovsset_el0, 0x2
    isb
    .rept 20
    nop
    .endr
    mrs x1, pmovsset_el0
    END
    CASE "pmu overflow of a counter that is off", 0x345
    SET_X pmintenset_el1, 0x2
    PMU 1, 0x1
    SET_X pmovsset_el0, 0x2
    isb
    .rept 20
    nop
    .endr
    END
    CASE "pmu overflow while off", 0x345
    SET_X pmintenset_el1, 0x2
    PMU 0, 0x2
    SET_X pmovsset_el0, 0x2
    isb
    .rept 20
    nop
    .endr
    END
    .macro PMU_ALL
    mrs x0, pmcr_el0
    mrs x0, pmcntenset_el0
    mrs x0, pmovsclr_el0
    msr pmswinc_el0, xzr
    mrs x0, pmselr_el0
    msr pmselr_el0, xzr
    mrs x0, pmceid0_el0
    mrs x0, pmceid1_el0
    mrs x0, pmccntr_el0
    msr pmccntr_el0, xzr
    mrs x0, pmxevtyper_el0
    mrs x0, pmxevcntr_el0
    msr pmxevcntr_el0, xzr
    mrs x0, pmuserenr_el0
    msr pmuserenr_el0, xzr
    mrs x0, pmovsset_el0
    mrs x0, pmintenset_el1
    mrs x0, pmevcntr1_el0
    msr pmevcntr1_el0, xzr
    mrs x0, pmevtyper1_el0
    msr pmevtyper1_el0, xzr
    mrs x0, pmccfiltr_el0
    msr pmcr_el0, xzr
    msr pmcntenclr_el0, xzr
    mrs x0, pmmir_el1
    mov x0, #0
    .endm
    .irp bits, 0, 1, 2, 4, 8, 0xf
    CASE "pmu at el0, pmuserenr \bits"
    SET pmuserenr_el0, \bits
    TO_EL0
    PMU_ALL
    END
    .endr

    /* ---- timers ---- */
    .macro TIMER_ALL
    mrs x0, cntfrq_el0
    mrs x0, cntpct_el0
    mrs x0, cntvct_el0
    mrs x0, cntp_ctl_el0
    msr cntp_ctl_el0, xzr
    mrs x0, cntp_tval_el0
    mrs x0, cntp_cval_el0
    msr cntp_cval_el0, xzr
    mrs x0, cntv_ctl_el0
    msr cntv_ctl_el0, xzr
    mrs x0, cntv_tval_el0
    msr cntv_tval_el0, xzr
    mrs x0, cntv_cval_el0
    msr cntfrq_el0, x0
    mrs x0, cntkctl_el1
    mrs x0, cntps_ctl_el1
    msr S3_3_C14_C0_1, x0
    mov x0, #0
    .endm
    .irp bits, 0, 1, 2, 3, 0x100, 0x200, 0x303
    CASE "timers at el0, cntkctl \bits"
    SET cntkctl_el1, \bits
    TO_EL0
    TIMER_ALL
    END
    CASE "ecv:self-synchronised, cntkctl \bits"
    SET cntkctl_el1, \bits
    TO_EL0
    mrs x0, S3_3_C14_C0_5
    mrs x0, S3_3_C14_C0_6
    mov x0, #0
    END
    .endr
    .irp which, p, v
    CASE "timer \which", 0x345
    mrs x0, cnt\which\()_ctl_el0
    mov x1, #1
    msr cnt\which\()_cval_el0, xzr
    mov x2, #3
    msr cnt\which\()_ctl_el0, x2
    isb
    mrs x2, cnt\which\()_ctl_el0
    mov x3, #2
    msr cnt\which\()_ctl_el0, x3
    isb
    mrs x3, cnt\which\()_ctl_el0
    msr cnt\which\()_ctl_el0, x1
    isb
    nop
    nop
    mrs x4, cnt\which\()_ctl_el0
    mov x5, #-1
    msr cnt\which\()_cval_el0, x5
    isb
    mrs x5, cnt\which\()_ctl_el0
    mrs x6, cnt\which\()_cval_el0
    mov x7, #-1
    msr cnt\which\()_tval_el0, x7
    isb
    mrs x7, cnt\which\()_ctl_el0
    mrs x8, cnt\which\()_tval_el0
    asr w8, w8, #31
    movz x10, #0x7fff, lsl #16
    msr cnt\which\()_tval_el0, x10
    isb
    mrs x10, cnt\which\()_ctl_el0
    mrs x11, cnt\which\()_tval_el0
    lsr x11, x11, #28
    mov x12, #-1
    msr cnt\which\()_ctl_el0, x12
    mrs x12, cnt\which\()_ctl_el0
    END
    CASE "timer \which later"
    mov x1, #1
    mov x2, #5000
    msr cnt\which\()_tval_el0, x2
    msr cnt\which\()_ctl_el0, x1
    wfi
    mrs x3, cnt\which\()_ctl_el0
    msr daifclr, #2
    nop
    nop
    END
    CASE "timer \which tval of an enabled one wraps"
    mrs x1, cnt\which\()ct_el0
    mov x2, #1
    lsl x2, x2, #40
    msr cnt\which\()_cval_el0, x2
    mrs x3, cnt\which\()_tval_el0
    lsr x3, x3, #32
    mov x1, #0
    END
    .endr
    CASE "counters go together"
    mrs x0, cntpct_el0
    mrs x1, cntvct_el0
    isb
    mrs x2, cntpct_el0
    cmp x0, x1
    cset x0, ls
    cmp x1, x2
    cset x1, ls
    mov x2, #0
    END
    .irp event, 0x4, 0x34, 0x74, 0x3c
    CASE "event stream \event"
    SET cntkctl_el1, \event
    sevl
    wfe
    wfe
    wfe
    wfe
    END
    .endr
