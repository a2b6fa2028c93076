/*
 * Pointer authentication: which bits of an address hold a code, computing it by the model's algorithm,
 * signing, verifying and stripping.
 */
#pragma once

#include "cpu/aarch64/pe.h"
#include "base/bits.h"
#include "cpu/interp.h"

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

/* The code of models with an algorithm of their own: a cheap keyed hash, no protection against anybody who may compute. */
INLINE uint64_t aarch64_own_hash(uint64_t text, uint64_t modifier, const uint64_t key[2])
{
    const uint64_t odd = 0x9e3779b97f4a7c15;
    uint64_t v = (text ^ key[1]) * odd;
    v = (v ^ v >> 29 ^ modifier ^ key[0]) * odd;
    v = (v ^ v >> 32 ^ key[1]) * odd;
    return v ^ v >> 29;
}

/* Every function's entry and return sign and verify with the A key. These two do that without a call in the usual
 * circumstances: a hash, FEAT_PAuth2's way, the key enabled, and nothing wrong. False: nothing was done, ask aarch64_sign
 * or aarch64_verify. */
INLINE bool aarch64_pauth_quick_sign(const struct aarch64_core *c, uint64_t *pointer, uint64_t modifier)
{
    if (unlikely(!c->pac_layout.quick || !(c->s.sctlr_el1 & SCTLR_EnIA)))
        return false;
    uint64_t p = *pointer, upper = (uint64_t)((int64_t)(p << (c->pac_layout.any_tags[0] ? 8 : 0)) >> 63);
    uint64_t field = c->pac_layout.fields[upper & 1][0];
    uint64_t code = aarch64_own_hash((p & ~field) | (field & upper), modifier, c->s.pauth_keys[KEY_IA]) ^ p;
    field &= ~BIT(55);
    *pointer = (((p & ~field) | (code & field)) & ~BIT(55)) | (upper & BIT(55));
    return true;
}

INLINE bool aarch64_pauth_quick_verify(const struct aarch64_core *c, uint64_t *pointer, uint64_t modifier)
{
    if (unlikely(!c->pac_layout.quick || !(c->s.sctlr_el1 & SCTLR_EnIA)))
        return false;
    uint64_t p = *pointer, upper = (uint64_t)((int64_t)(p << 8) >> 63), field = c->pac_layout.fields[upper & 1][0];
    uint64_t plain = (p & ~field) | (field & upper);
    uint64_t code = aarch64_own_hash(plain, modifier, c->s.pauth_keys[KEY_IA]);
    if (unlikely((p ^ (code & field & ~BIT(55))) != plain))
        return false;
    *pointer = plain;
    return true;
}

/* The QARMA-64 block cipher with sigma-2 (5 rounds) or, for QARMA3, sigma-1 (3 rounds) as the manual has it
 * (qarma.c). */
uint64_t aarch64_qarma(uint64_t text, uint64_t modifier, uint64_t key_hi, uint64_t key_lo, bool qarma3);
