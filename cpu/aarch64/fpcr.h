/*
 * FPCR and FPSR: what arithmetic makes of them. While the core runs, FPSR's cumulative exception flags are
 * kept in core->fp, and QC in state.fpsr; whoever looks at the architectural state then goes through here.
 */
#pragma once

#include "cpu/aarch64/pe.h"

#define FPCR_FZ16        (1u << 19)
#define FPCR_RMODE_SHIFT 22
#define FPCR_FZ          (1u << 24)
#define FPCR_DN          (1u << 25)
#define FPCR_AHP         (1u << 26)

#define FPSR_IOC (1u << 0)
#define FPSR_DZC (1u << 1)
#define FPSR_OFC (1u << 2)
#define FPSR_UFC (1u << 3)
#define FPSR_IXC (1u << 4)
#define FPSR_IDC (1u << 7)
#define FPSR_QC  (1u << 27)

/* When the core starts to run: core->fp as FPCR and FPSR say. When it stops: FPSR as core->fp says. */
void aarch64_fp_enter(struct aarch64_core *c);
void aarch64_fp_leave(struct aarch64_core *c);

/* MSR FPCR: bits this model lacks stay 0. */
void aarch64_fpcr_write(struct aarch64_core *c, uint64_t value);

/* MRS and MSR FPSR, while the core runs. */
uint64_t aarch64_fpsr_read(const struct aarch64_core *c);
void aarch64_fpsr_write(struct aarch64_core *c, uint64_t value);
