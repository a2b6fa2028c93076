#include "tests/devices/machine_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/clock.h"

static void request_record(struct machine *machine, enum machine_request request, int status)
{
    struct test_machine *test = container_of(machine, struct test_machine, machine);
    test->requests++;
    test->request = request;
    test->status = status;
}

static void give_up(const struct error *err)
{
    fprintf(stderr, "no test machine: %s\n", err->text);
    abort();
}

struct test_machine *test_machine_create(uint64_t ram_size)
{
    struct error err = {0};
    struct test_machine *test = machine_alloc(sizeof(*test));
    struct machine *machine = &test->machine;
    host_mutex_init(&machine->lock);
    machine->request = request_record;
    machine->clock = clock_create(&(struct clock_config){0});
    machine->loop = host_loop_create(&machine->lock, &err);
    if (!machine->loop)
        give_up(&err);
    machine->mem.ram = ram_create();
    machine->mem.mmio = bus_create("mmio", &machine->lock);
    machine->mem.pio = bus_create("pio", &machine->lock);
    struct ram_block *block = ram_block_create(machine->mem.ram, "ram", ram_size, &err);
    unsigned id;
    if (!block)
        give_up(&err);
    if (!ram_map(machine->mem.ram, block, 0, gpa(TEST_RAM_BASE), ram_size, RAM_MAPPED, &id))
        abort();
    return test;
}

void test_machine_destroy(struct test_machine *test)
{
    struct machine *machine = &test->machine;
    machine_devices_destroy(machine);
    host_loop_destroy(machine->loop);
    bus_destroy(machine->mem.mmio);
    bus_destroy(machine->mem.pio);
    ram_destroy(machine->mem.ram);
    clock_destroy(machine->clock);
    host_mutex_destroy(&machine->lock);
    free(test);
}

uint64_t test_load(struct test_machine *test, uint64_t address, unsigned width)
{
    uint64_t value = 0;
    if (!physmem_load(&test->machine.mem, gpa(address), width, &value))
        FAIL("nobody answers a load of %u bytes at %#llx", width, (unsigned long long)address);
    return value;
}

void test_store(struct test_machine *test, uint64_t address, unsigned width, uint64_t value)
{
    if (!physmem_store(&test->machine.mem, gpa(address), width, value))
        FAIL("nobody answers a store of %u bytes at %#llx", width, (unsigned long long)address);
}

uint64_t test_in(struct test_machine *test, uint16_t port, unsigned width)
{
    uint64_t value = 0;
    if (!bus_read(test->machine.mem.pio, port, width, &value))
        FAIL("nobody answers a read of port %#x", port);
    return value;
}

void test_out(struct test_machine *test, uint16_t port, unsigned width, uint64_t value)
{
    if (!bus_write(test->machine.mem.pio, port, value, width))
        FAIL("nobody answers a write of port %#x", port);
}

void test_ram_put(struct test_machine *test, uint64_t address, const void *bytes, size_t len)
{
    if (!ram_write(test->machine.mem.ram, gpa(address), bytes, len))
        FAIL("no RAM at %#llx", (unsigned long long)address);
}

void test_ram_get(struct test_machine *test, uint64_t address, void *bytes, size_t len)
{
    if (!ram_read(test->machine.mem.ram, gpa(address), bytes, len))
        FAIL("no RAM at %#llx", (unsigned long long)address);
}

void test_advance(struct test_machine *test, uint64_t ns)
{
    struct clock *clock = test->machine.clock;
    uint64_t end = clock_now(clock) + ns;
    host_mutex_lock(&test->machine.lock);
    for (uint64_t next; (next = clock_deadline(clock)) <= end;) {
        clock_advance(clock, next);
        clock_run(clock);
    }
    clock_advance(clock, end);
    host_mutex_unlock(&test->machine.lock);
}

struct loop_limit {
    struct host_loop *loop;
    bool over;
};

static void limit_reached(void *opaque)
{
    struct loop_limit *limit = opaque;
    limit->over = true;
}

bool test_loop_until(struct test_machine *test, bool (*done)(void *opaque), void *opaque)
{
    struct loop_limit limit = {.loop = test->machine.loop};
    struct error err = {0};
    struct host_timer *timer = host_timer_create(limit.loop, limit_reached, &limit, &err);
    if (!timer)
        give_up(&err);
    host_timer_set(timer, host_clock_ns() + 10000000000u);
    bool held = false;
    while (!limit.over && !(held = done(opaque)))
        host_loop_run(limit.loop, false);
    host_timer_destroy(timer);
    return held;
}

void test_reset(struct test_machine *test)
{
    host_mutex_lock(&test->machine.lock);
    machine_devices_reset(&test->machine, false);
    host_mutex_unlock(&test->machine.lock);
}

void test_save_load(struct test_machine *test)
{
    host_mutex_lock(&test->machine.lock);
    for (struct machine_device *device = test->machine.devices; device; device = device->next) {
        size_t len = state_save_size(device->table);
        uint8_t *saved = machine_alloc(len);
        state_save(device->table, device->object, saved);
        state_reset(device->table, device->object, true);
        if (!state_load(device->table, device->object, saved, len))
            FAIL("%s does not load what it saved", device->name);
        free(saved);
    }
    host_mutex_unlock(&test->machine.lock);
}

static void irq_record(void *opaque, unsigned number, bool level)
{
    (void)number;
    struct test_irq *irq = opaque;
    irq->sets++;
    irq->rises += level && !irq->level;
    irq->level = level;
}

struct irq_line test_irq_line(struct test_irq *irq)
{
    return (struct irq_line){.set = irq_record, .opaque = irq};
}
