/*
 * IA32_APIC_BASE: whether and how a processor's APIC is reached, and the pages its registers are in (SDM 3,
 * 11.4.3, 11.4.5 and 11.12). All processors share the page at the usual place unless software moves some.
 */
#include "base/bits.h"
#include "devices/irq/lapic_internal.h"

uint64_t lapic_base_get(struct lapic *lapic, unsigned cpu)
{
    return lapic->cpus[cpu].base | (cpu == 0 ? APIC_BASE_BSP : 0);
}

/* 11.12.5: of the two mode bits only some changes are allowed; others, and reserved bits, are faults. */
bool lapic_base_set(struct lapic *lapic, unsigned number, uint64_t value)
{
    struct lapic_cpu *cpu = &lapic->cpus[number];
    bool enable = value & APIC_BASE_ENABLE, extended = value & APIC_BASE_EXTD;
    uint64_t allowed = bits_get(~(uint64_t)0, 0, lapic->physical_bits) & PAGE_MASK;
    if (value & ~(allowed | APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_ENABLE))
        return false;
    if (extended && (!enable || !lapic_enabled(cpu)))
        return false;
    if (enable && !extended && lapic_is_x2apic(cpu))
        return false;
    bool turned_off = lapic_enabled(cpu) && !enable, turned_x2apic = extended && !lapic_is_x2apic(cpu);
    cpu->base = value & ~(uint64_t)APIC_BASE_BSP;
    if (turned_off)
        lapic_cpu_init(cpu);
    if (turned_x2apic)
        cpu->ldr = lapic_x2apic_ldr(cpu);
    lapic_pages_update(lapic);
    lapic_intr_update(cpu);
    return true;
}

/* The processor that makes this access, if it has its registers here. */
static struct lapic_cpu *page_user(const struct lapic_page *page)
{
    struct lapic *lapic = page->lapic;
    int current = lapic->processors.current(lapic->processors.opaque);
    if (current < 0 || (unsigned)current >= lapic->count)
        return NULL;
    struct lapic_cpu *cpu = &lapic->cpus[current];
    bool shown = lapic_enabled(cpu) && !lapic_is_x2apic(cpu) && (cpu->base & PAGE_MASK) == page->base;
    return shown ? cpu : NULL;
}

static uint64_t page_read(void *opaque, uint64_t offset, unsigned width)
{
    struct lapic_page *page = opaque;
    struct lapic_cpu *cpu = page_user(page);
    (void)width;
    return cpu && offset < PAGE_SIZE ? lapic_read(page->lapic, cpu->index, (unsigned)offset) : UINT32_MAX;
}

static void page_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct lapic_page *page = opaque;
    struct lapic_cpu *cpu = page_user(page);
    (void)width;
    if (offset >= PAGE_SIZE)
        lapic_message_receive(page->lapic,
                              (struct msi_message){.address = page->base + offset, .data = (uint32_t)value});
    else if (cpu)
        lapic_write(page->lapic, cpu->index, (unsigned)offset, (uint32_t)value);
}

/* Behind the page at its usual place are the addresses of messages. */
static bool page_open(struct lapic_page *page, struct error *err)
{
    struct bus_region region = {.name = "lapic",
                                .base = page->base,
                                .size = page->base == APIC_BASE_DEFAULT ? MIB : PAGE_SIZE,
                                .min_width = 4,
                                .max_width = 4,
                                .read = page_read,
                                .write = page_write,
                                .opaque = page};
    page->open = bus_add(page->lapic->machine->mem.mmio, &region, &page->region, err);
    return page->open;
}

static bool page_is_wanted(const struct lapic_page *page)
{
    for (unsigned i = 0; i < page->lapic->count; i++) {
        if ((page->lapic->cpus[i].base & PAGE_MASK) == page->base)
            return true;
    }
    return false;
}

static void page_provide(struct lapic *lapic, uint64_t base)
{
    struct lapic_page *spare = NULL;
    for (unsigned i = 0; i <= lapic->count; i++) {
        if (!lapic->pages[i].open)
            spare = &lapic->pages[i];
        else if (lapic->pages[i].base == base)
            return;
    }
    *spare = (struct lapic_page){.lapic = lapic, .base = base};
    if (!page_open(spare, NULL))
        log_guest("local APIC: its page is hidden at %#llx", (unsigned long long)base);
}

/* Page 0, at the usual place, stays whoever uses it; the others are one a processor at most. */
void lapic_pages_update(struct lapic *lapic)
{
    for (unsigned i = 1; i <= lapic->count; i++) {
        struct lapic_page *page = &lapic->pages[i];
        if (!page->open || page_is_wanted(page))
            continue;
        bus_remove(lapic->machine->mem.mmio, page->region);
        page->open = false;
    }
    for (unsigned i = 0; i < lapic->count; i++)
        page_provide(lapic, lapic->cpus[i].base & PAGE_MASK);
}

bool lapic_pages_create(struct lapic *lapic, struct error *err)
{
    lapic->pages[0] = (struct lapic_page){.lapic = lapic, .base = APIC_BASE_DEFAULT};
    return page_open(&lapic->pages[0], err);
}
