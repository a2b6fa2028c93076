#include "debug/target.h"

#include <string.h>

/* As the vCPU sees it; within a page. */
static bool page_copy(struct ram *ram, const struct translation *found, uint8_t *to, const uint8_t *from,
                      size_t len)
{
    struct ram_page page = {0};
    if (found->let_in)
        page = ram_page_guarded(ram, found->pa, false);
    if (!page.host || (from && !page.writable))
        return to ? ram_read(ram, found->pa, to, len) : ram_write(ram, found->pa, from, len);
    uint8_t *host = page.host + (found->pa.a & ~PAGE_MASK);
    memcpy(to ? to : host, to ? host : from, len);
    if (from)
        ram_written(ram, found->pa, len);
    return true;
}

/* Go through [va, va + len) page by page; copy one way or the other. */
static bool memory_each(struct debug_target *target, struct vcpu *vcpu, gva_t va, uint8_t *to,
                        const uint8_t *from, size_t len)
{
    while (len) {
        size_t chunk = PAGE_SIZE - (va.a & ~PAGE_MASK);
        if (chunk > len)
            chunk = len;
        struct translation found = vcpu->ops->translate(vcpu, va, WALK_READ);
        if (!found.ok)
            return false;
        if (!page_copy(target->mem->ram, &found, to, from, chunk))
            return false;
        va.a += chunk;
        to += to ? chunk : 0;
        from += from ? chunk : 0;
        len -= chunk;
    }
    return true;
}

bool debug_memory_read(struct debug_target *target, struct vcpu *vcpu, gva_t va, void *to, size_t len)
{
    return memory_each(target, vcpu, va, to, NULL, len);
}

bool debug_memory_write(struct debug_target *target, struct vcpu *vcpu, gva_t va, const void *from,
                        size_t len)
{
    return memory_each(target, vcpu, va, NULL, from, len);
}

static void points_count(struct debug_target *target)
{
    struct debug_points *points = target->points;
    points->any_break = points->any_watch = false;
    for (unsigned i = 0; i < points->count; i++) {
        if (points->points[i].access == WALK_FETCH)
            points->any_break = true;
        else
            points->any_watch = true;
    }
    target->points_changed(target);
}

bool debug_point_add(struct debug_target *target, uint64_t address, uint64_t len, enum walk_access access)
{
    struct debug_points *points = target->points;
    if (points->count == DEBUG_POINTS)
        return false;
    points->points[points->count].address = address;
    points->points[points->count].len = len;
    points->points[points->count++].access = access;
    points_count(target);
    return true;
}

bool debug_point_remove(struct debug_target *target, uint64_t address, uint64_t len, enum walk_access access)
{
    struct debug_points *points = target->points;
    for (unsigned i = 0; i < points->count; i++) {
        if (points->points[i].address == address && points->points[i].len == len &&
            points->points[i].access == access) {
            points->points[i] = points->points[--points->count];
            points_count(target);
            return true;
        }
    }
    return false;
}
