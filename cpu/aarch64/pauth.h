/*
 * Pointer authentication: which bits of an address hold a code, computing it by the model's algorithm,
 * signing, verifying and stripping.
 */
#pragma once

#include "cpu/aarch64/pe.h"

/* TCR_EL1 has changed. */
void aarch64_pauth_update(struct aarch64_core *c);

/* PAC*: the pointer with its code. These two set c->fault, whose ec is 0 when nothing failed (FEAT_FPAC). */
uint64_t aarch64_sign(struct aarch64_core *c, uint64_t pointer, uint64_t modifier,
                      enum aarch64_pauth_key key);

/* AUT*: the pointer without it, or made unusable. */
uint64_t aarch64_verify(struct aarch64_core *c, uint64_t pointer, uint64_t modifier,
                        enum aarch64_pauth_key key);

/* Likewise for instructions that also use the pointer (`combined`): those fault with FEAT_FPACCOMBINE. */
uint64_t aarch64_authenticate(struct aarch64_core *c, uint64_t pointer, uint64_t modifier,
                              enum aarch64_pauth_key key, bool combined);

/* XPAC*. */
uint64_t aarch64_strip(const struct aarch64_core *c, uint64_t pointer, bool data);

/* PACGA. */
uint64_t aarch64_generic_mac(struct aarch64_core *c, uint64_t value, uint64_t modifier);

/* The QARMA-64 block cipher with sigma-2 (5 rounds) or, for QARMA3, sigma-1 (3 rounds) as the manual has it
 * (qarma.c). */
uint64_t aarch64_qarma(uint64_t text, uint64_t modifier, uint64_t key_hi, uint64_t key_lo, bool qarma3);
