/*
 * RAM as KVM's memory slots. A mapping is a slot, read-only ones so that writes come out as device accesses;
 * what is hidden has none. A change of the map is followed in the thread that makes it, before it goes on, so
 * the vCPU whose register write it was sees it with its next instruction. Another vCPU may meet the moment
 * between the end of one slot and the start of the next: its access comes out as one to a device, and finds
 * the RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "accel/kvm/kvm_private.h"
#include "base/bits.h"
#include "base/log.h"

struct kvm_slot {
    bool used;
    uint32_t number, flags;
    struct ram_range range;
};

static uint32_t flags_of(const struct ram_range *range)
{
    return (range->kind == RAM_READONLY ? KVM_MEM_READONLY : 0) |
           (range->tracked ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

static int slot_tell(struct kvm_vm *vm, const struct kvm_slot *slot, uint64_t size)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot->number,
        .flags = slot->flags,
        .guest_phys_addr = slot->range.base,
        .memory_size = size,
        .userspace_addr = (uintptr_t)ram_block_host(slot->range.block) + slot->range.offset};
    return host_kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static bool same_memory(const struct ram_range *a, const struct ram_range *b)
{
    return a->base == b->base && a->size == b->size && a->block == b->block && a->offset == b->offset &&
           a->kind == b->kind;
}

/* Tell what was written to since the last time. Lock held. */
static void slot_collect(struct kvm_vm *vm, const struct kvm_slot *slot)
{
    uint64_t pages = slot->range.size >> PAGE_BITS;
    uint64_t *bits = calloc((pages + 63) / 64, sizeof(*bits));
    struct kvm_dirty_log log = {.slot = slot->number, .dirty_bitmap = bits};
    if (!bits)
        abort();
    if (host_kvm_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) >= 0) {
        for (uint64_t page = 0; page < pages; page++) {
            if (bits[page / 64] >> (page % 64) & 1)
                ram_block_written(slot->range.block, slot->range.offset + (page << PAGE_BITS), PAGE_SIZE);
        }
    }
    free(bits);
}

static void slot_remove(struct kvm_vm *vm, struct kvm_slot *slot)
{
    if (slot->flags & KVM_MEM_LOG_DIRTY_PAGES)
        slot_collect(vm, slot);
    slot->flags = 0;
    slot_tell(vm, slot, 0);
    slot->used = false;
}

/* The range that this slot goes on to show; what it shows is marked as done. */
static bool slot_keep(struct kvm_vm *vm, struct kvm_slot *slot, struct ram_range *ranges, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (ranges[i].kind == RAM_HIDDEN || !same_memory(&slot->range, &ranges[i]))
            continue;
        uint32_t flags = flags_of(&ranges[i]);
        if (flags != slot->flags) {
            if (slot->flags & KVM_MEM_LOG_DIRTY_PAGES)
                slot_collect(vm, slot);
            slot->flags = flags;
            slot_tell(vm, slot, slot->range.size);
        }
        ranges[i].kind = RAM_HIDDEN; /* nothing more to do for it */
        return true;
    }
    return false;
}

static bool slot_add(struct kvm_vm *vm, const struct ram_range *range, struct error *err)
{
    unsigned number = 0;
    while (vm->slots[number].used)
        number++;
    struct kvm_slot *slot = &vm->slots[number];
    *slot = (struct kvm_slot){.used = true, .number = number, .flags = flags_of(range), .range = *range};
    int result = slot_tell(vm, slot, range->size);
    if (result >= 0)
        return true;
    slot->used = false;
    return error_set(err, ERROR_HOST, "KVM refuses %llu KiB of memory at %#llx: %s",
                     (unsigned long long)(range->size / KIB), (unsigned long long)range->base,
                     host_kvm_failure(result));
}

/* Make the slots what the map is: away with the old ones first, for slots may not overlap. Lock held. */
static bool slots_update(struct kvm_vm *vm, struct error *err)
{
    struct ram_range ranges[RAM_MAPPINGS_MAX];
    unsigned count = ram_ranges(vm->ram, ranges);
    for (unsigned i = 0; i < RAM_MAPPINGS_MAX; i++) {
        if (vm->slots[i].used && !slot_keep(vm, &vm->slots[i], ranges, count))
            slot_remove(vm, &vm->slots[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        if (ranges[i].kind != RAM_HIDDEN && !slot_add(vm, &ranges[i], err))
            return false;
    }
    return true;
}

static void remapped(void *opaque)
{
    struct kvm_vm *vm = opaque;
    struct error err;
    host_mutex_lock(&vm->lock);
    if (vm->started && !slots_update(vm, &err))
        log_warn("%s", err.text);
    host_mutex_unlock(&vm->lock);
}

/* Nothing decoded outlives a turn of the interpreter here, and the kernel has a dirty log of its own. */
static void protect(void *opaque, gpa_t first, uint64_t len)
{
    (void)opaque, (void)first, (void)len;
}

static void written(void *opaque, gpa_t p, uint64_t len)
{
    (void)opaque, (void)p, (void)len;
}

static void collect(void *opaque, struct ram_block *block)
{
    struct kvm_vm *vm = opaque;
    host_mutex_lock(&vm->lock);
    for (unsigned i = 0; i < RAM_MAPPINGS_MAX; i++) {
        const struct kvm_slot *slot = &vm->slots[i];
        if (slot->used && slot->range.block == block && slot->flags & KVM_MEM_LOG_DIRTY_PAGES)
            slot_collect(vm, slot);
    }
    host_mutex_unlock(&vm->lock);
}

bool kvm_memory_create(struct kvm_vm *vm, struct error *err)
{
    const struct ram_code_listener listener = {
        .protect = protect, .written = written, .remapped = remapped, .opaque = vm};
    vm->slots = calloc(RAM_MAPPINGS_MAX, sizeof(*vm->slots));
    if (!vm->slots)
        return error_set(err, ERROR_HOST, "out of memory");
    ram_listener_add(vm->ram, &listener);
    ram_dirty_source_set(vm->ram, collect, vm);
    return true;
}

void kvm_memory_destroy(struct kvm_vm *vm)
{
    if (!vm->slots)
        return;
    ram_dirty_source_set(vm->ram, NULL, NULL);
    ram_listener_remove(vm->ram, vm);
    free(vm->slots);
}

bool kvm_memory_start(struct kvm_vm *vm, struct error *err)
{
    host_mutex_lock(&vm->lock);
    bool ok = vm->started || slots_update(vm, err);
    vm->started = ok;
    host_mutex_unlock(&vm->lock);
    return ok;
}
