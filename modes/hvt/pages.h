/*
 * Who may do what in a unikernel's memory, and the page tables that say so: an identity map with 4 KiB pages
 * where protection changes, and 2 MiB pages elsewhere. The three architectures differ in where the tables are
 * and in their entries.
 */
#pragma once

#include "modes/hvt/image.h"

/* Without `readable` nothing is. Never writable and executable. */
struct hvt_access {
    bool readable, writable, executable;
};

/* What the guest may do at an address below `memory`; *end is where that changes at the earliest. */
struct hvt_access hvt_access_at(const struct hvt_image *image, uint64_t memory, uint64_t address,
                                uint64_t *end);

struct hvt_paging {
    uint64_t directories; /* four tables in a row, of 2 MiB each entry; the caller links them */
    uint64_t pages;       /* the table of 4 KiB pages of the first 2 MiB */
    uint64_t (*table)(uint64_t address);
    uint64_t (*leaf)(uint64_t address, struct hvt_access access, bool large);
};

/* Write the tables into the guest's memory, which is zero there. */
void hvt_pages_make(const struct hvt_paging *paging, const struct hvt_image *image, uint8_t *memory,
                    uint64_t size);
