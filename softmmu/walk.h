/*
 * What every page-table walker offers. A walker is pure: (translation registers, address, access) gives a
 * physical address with permissions and page size, or a fault; it reads tables through ram_at and sets
 * accessed and dirty bits atomically when asked to. One file per format under walkers/.
 */
#pragma once

#include "softmmu/ram.h"

enum walk_access {
    WALK_READ,
    WALK_WRITE,
    WALK_FETCH,
};

/* The reasons a walk can fail, for cores to turn into their own causes. */
enum walk_status {
    WALK_OK,
    WALK_NOT_CANONICAL, /* the address's upper bits are wrong for the format */
    WALK_NOT_PRESENT,   /* no translation */
    WALK_PERMISSION,    /* a translation that doesn't allow this access */
    WALK_RESERVED,      /* a reserved bit or encoding, or a misaligned large page */
    WALK_ACCESS_FLAG,   /* accessed or dirty bit clear and hardware doesn't set it */
    WALK_BUS,           /* a table lies where there is no RAM, or where reading it is not allowed (PMP) */
};

struct walk_result {
    enum walk_status status;
    uint64_t pa;        /* of the address asked for */
    uint8_t permission; /* enum tlb_permission: what this context may do without another walk; WRITE only if D
                           is set */
    uint8_t page_bits;  /* log2 of the page */
    uint8_t level;      /* of the last entry looked at; the format's own numbering */
    uint8_t memory_type; /* the format's own (Svpbmt PBMT, PAT index, AttrIndx) */
    bool global;
    uint64_t table; /* physical address of the last entry read, for dumps and bus faults */
};
