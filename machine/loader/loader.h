/*
 * Loaders put an image into guest RAM: one file per format. Each checks every value the image gives, and says
 * in one sentence what is wrong with it.
 */
#pragma once

#include "machine/loader/source.h"
#include "softmmu/ram.h"

/* Where images may go: RAM as the board laid it out, one range of it. */
struct load_target {
    struct ram *ram;
    uint64_t base, size;
};

struct loaded {
    uint64_t start, end; /* the physical range taken, with what the image wants zeroed */
    uint64_t entry;
};

/* What kind of ELF file it is. False and err: it can't be read. */
struct elf_facts {
    bool wide; /* of 64 bits */
    uint16_t machine;
    bool movable; /* static-pie */
};
bool elf_look(const struct source *source, struct elf_facts *facts, struct error *err);

/*
 * ELF64, or ELF32 for i386, for e_machine `machine`, executable or static-pie, by physical addresses. One
 * that is not bound to an address (static-pie, or linked at 0) goes to `free_base`. False and err.
 */
bool elf_load(const struct source *source, const struct load_target *target, uint16_t machine,
              uint64_t free_base, struct loaded *loaded, struct error *err);

/* The Image format of riscv and arm64 Linux, at its text offset from the target's base; not below
 * `free_base`, where what is below that is taken. False and err. */
bool linux_image_load(const struct source *source, const struct load_target *target, uint64_t free_base,
                      struct loaded *loaded, struct error *err);

/* The bytes as they are, at `address`, which is also the entry. False and err. */
bool flat_load(const struct source *source, const struct load_target *target, uint64_t address,
               struct loaded *loaded, struct error *err);

/* As high as `below` allows, page-aligned, and not over [taken->start, taken->end). False and err. */
bool initrd_load(const struct source *source, const struct load_target *target, const struct loaded *taken,
                 uint64_t below, struct loaded *loaded, struct error *err);

/*
 * For loaders: a host pointer for [address, address + size), or NULL and an error that names the image's
 * addresses and the machine's memory.
 */
void *load_place(const struct source *source, const struct load_target *target, uint64_t address,
                 uint64_t size, struct error *err);

/* Zero [address, address + size) of RAM that load_place gave, without touching pages that are zero. */
void load_zero(const struct load_target *target, uint64_t address, uint64_t size);
