/*
 * FPCR and FPSR: what arithmetic makes of them. While the core runs, exceptions raised since it entered are
 * in core->fp.flags and not yet in state.fpsr, but for QC; MRS and MSR (fpcr.c) see to that.
 */
#pragma once

#include "cpu/aarch64/pe.h"

#define FPCR_FZ16        BIT(19)
#define FPCR_RMODE_SHIFT 22
#define FPCR_FZ          BIT(24)
#define FPCR_DN          BIT(25)
#define FPCR_AHP         BIT(26)

#define FPSR_IOC      BIT(0)
#define FPSR_DZC      BIT(1)
#define FPSR_OFC      BIT(2)
#define FPSR_UFC      BIT(3)
#define FPSR_IXC      BIT(4)
#define FPSR_IDC      BIT(7)
#define FPSR_QC       BIT(27)
#define FPSR_WRITABLE 0x0800009fu

/* When run() begins: core->fp as FPCR and FPSR say. When it ends: FPSR as core->fp says. */
void aarch64_fp_enter(struct aarch64_core *c);
void aarch64_fp_leave(struct aarch64_core *c);
