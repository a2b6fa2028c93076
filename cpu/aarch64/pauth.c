#include "cpu/aarch64/pauth.h"

#include "base/bits.h"
#include "softmmu/walkers/arm64.h"

/* ---- the code ---- */

/* A function's entry and return ask the same, and loops the same again: so recent answers of the ciphers are
 * kept. */
static uint64_t cipher(struct aarch64_core *c, uint64_t text, uint64_t modifier, const uint64_t key[2])
{
    uint64_t hash = (text ^ (modifier << 17 | modifier >> 47) ^ key[0]) * 0x9e3779b97f4a7c15;
    struct aarch64_pac *entry = &c->pacs[hash >> (64 - PAC_BITS)];
    if (entry->text != text || entry->modifier != modifier || entry->key[0] != key[0] ||
        entry->key[1] != key[1] || !entry->valid) {
        *entry =
            (struct aarch64_pac){.text = text, .modifier = modifier, .key = {key[0], key[1]}, .valid = true};
        entry->code = aarch64_qarma(text, modifier, key[1], key[0], aarch64_has(c, FEAT_QARMA3));
    }
    return entry->code;
}

static bool has_own_hash(const struct aarch64_core *c)
{
    return aarch64_has(c, FEAT_PAUTH_IMPDEF) && !aarch64_has(c, FEAT_QARMA3);
}

static uint64_t compute(struct aarch64_core *c, uint64_t text, uint64_t modifier, const uint64_t key[2])
{
    if (has_own_hash(c))
        return aarch64_own_hash(text, modifier, key);
    return cipher(c, text, modifier, key);
}

/* ---- its place in a pointer ---- */

static bool is_data(enum aarch64_pauth_key key)
{
    return key == KEY_DA || key == KEY_DB;
}

/* Whether the top byte of addresses of one half is ignored for this use. */
static bool ignores_top(const struct aarch64_core *c, bool upper, bool data)
{
    uint64_t tbi = upper ? TCR_TBI1 : TCR_TBI0, tbid = upper ? TCR_TBID1 : TCR_TBID0;
    return (c->s.tcr_el1 & tbi) && (data || !(c->s.tcr_el1 & tbid));
}

/* The lowest bit of the code: where the half's virtual addresses end. TnSZ out of range counts as the limit.
 */
static unsigned bottom_bit(const struct aarch64_core *c, bool upper)
{
    uint64_t tcr = c->s.tcr_el1;
    unsigned granule = (unsigned)bits_get(tcr, upper ? TCR_TG1_SHIFT : TCR_TG0_SHIFT, 2);
    bool is_64k = granule == (upper ? 3 : 1);
    bool wide = (tcr & TCR_DS) && !is_64k;
    unsigned least = wide || (is_64k && aarch64_has(c, FEAT_LVA)) ? 12 : 16;
    unsigned most = !aarch64_has(c, FEAT_TTST) ? 39 : is_64k ? 47 : 48;
    unsigned size = (unsigned)bits_get(tcr, upper ? TCR_T1SZ_SHIFT : TCR_T0SZ_SHIFT, 6);
    size = size < least ? least : size > most ? most : size;
    return 64 - size;
}

void aarch64_pauth_update(struct aarch64_core *c)
{
    for (unsigned data = 0; data < 2; data++) {
        for (unsigned upper = 0; upper < 2; upper++) {
            unsigned bottom = bottom_bit(c, upper), top = ignores_top(c, upper, data) ? 55 : 63;
            c->pac_layout.fields[upper][data] = bits_set(0, bottom, top - bottom + 1, ~(uint64_t)0);
        }
        c->pac_layout.any_tags[data] = ignores_top(c, false, data) || ignores_top(c, true, data);
    }
    c->pac_layout.quick = has_own_hash(c) && aarch64_has(c, FEAT_PAUTH2);
}

/* The pointer with the field made copies of `sign`. */
static uint64_t extended(uint64_t pointer, uint64_t field, bool sign)
{
    return sign ? pointer | field : pointer & ~field;
}

static bool enabled(const struct aarch64_core *c, enum aarch64_pauth_key key)
{
    static const uint64_t bits[] = {
        [KEY_IA] = SCTLR_EnIA, [KEY_IB] = SCTLR_EnIB, [KEY_DA] = SCTLR_EnDA, [KEY_DB] = SCTLR_EnDB};
    return c->s.sctlr_el1 & bits[key];
}

uint64_t aarch64_sign(struct aarch64_core *c, uint64_t pointer, uint64_t modifier, enum aarch64_pauth_key key)
{
    c->fault.ec = 0;
    if (!enabled(c, key))
        return pointer;
    const struct aarch64_pac_layout *layout = &c->pac_layout;
    bool data = is_data(key), upper = pointer >> (layout->any_tags[data] ? 55 : 63) & 1;
    /* Arm ARM, AddPAC: whether there is a tag depends on bit 55, even where bit 63 tells the halves apart. */
    bool tagged = !(layout->fields[pointer >> 55 & 1][data] >> 63);
    uint64_t field = layout->fields[upper][data];
    field = tagged ? field & (BIT(56) - 1) : field | (uint64_t)0xff << 56;
    uint64_t present = pointer & field;
    uint64_t code = compute(c, extended(pointer, field, upper), modifier, c->s.pauth_keys[key]);
    if (aarch64_has(c, FEAT_PAUTH2)) {
        code ^= pointer;
    } else if (present != 0 && present != field) {
        /* The upper bits were no sign extension: make sure that it won't verify. */
        code = aarch64_has(c, FEAT_EPAC) ? 0 : code ^ BIT(tagged ? 54 : 62);
    }
    return (pointer & ~field) | (code & field & ~BIT(55)) | (upper ? BIT(55) : 0);
}

/* FEAT_FPAC: the syndrome says which key (D17.2.37). */
static void fail(struct aarch64_core *c, enum aarch64_pauth_key key)
{
    bool b = key == KEY_IB || key == KEY_DB;
    c->fault = (struct aarch64_fault){.ec = EC_FPAC, .iss = (uint32_t)is_data(key) << 1 | b};
}

uint64_t aarch64_authenticate(struct aarch64_core *c, uint64_t pointer, uint64_t modifier,
                              enum aarch64_pauth_key key, bool combined)
{
    c->fault.ec = 0;
    if (!enabled(c, key))
        return pointer;
    bool data = is_data(key), upper = pointer >> 55 & 1;
    uint64_t field = c->pac_layout.fields[upper][data], plain = extended(pointer, field, upper);
    uint64_t code = compute(c, plain, modifier, c->s.pauth_keys[key]);
    if (aarch64_has(c, FEAT_PAUTH2)) {
        uint64_t result = pointer ^ (code & field & ~BIT(55));
        bool faults = aarch64_has(c, combined ? FEAT_FPACCOMBINE : FEAT_FPAC);
        if (faults && result != plain)
            fail(c, key);
        return result;
    }
    if (((code ^ pointer) & field & ~BIT(55)) == 0)
        return plain;
    /* An error code in two bits of the extension: 01 with an A key, 10 with a B key. */
    unsigned at = ignores_top(c, upper, data) ? 53 : 61;
    return bits_set(plain, at, 2, key == KEY_IB || key == KEY_DB ? 2 : 1);
}

uint64_t aarch64_verify(struct aarch64_core *c, uint64_t pointer, uint64_t modifier,
                        enum aarch64_pauth_key key)
{
    return aarch64_authenticate(c, pointer, modifier, key, false);
}

uint64_t aarch64_strip(const struct aarch64_core *c, uint64_t pointer, bool data)
{
    bool upper = pointer >> 55 & 1;
    return extended(pointer, c->pac_layout.fields[upper][data], upper);
}

uint64_t aarch64_generic_mac(struct aarch64_core *c, uint64_t value, uint64_t modifier)
{
    return compute(c, value, modifier, c->s.pauth_keys[KEY_GA]) & ~(uint64_t)0 << 32;
}
