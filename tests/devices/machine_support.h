/*
 * A bare machine for device tests: RAM, buses, a counted clock and an event loop, with no board and no vCPU.
 * What the guest would do is done by test_load and test_store; what a device asks for is recorded.
 */
#pragma once

#include "devices/machine.h"
#include "tests/harness/test.h"

#define TEST_RAM_BASE ((uint64_t)0x80000000)

struct test_machine {
    struct machine machine;
    /* What devices asked through machine->request. */
    unsigned requests;
    enum machine_request request;
    int status;
};

/* A machine with `ram_size` bytes (a multiple of 4 KiB) of RAM at TEST_RAM_BASE, time 0. Ends the test
 * program when the host refuses. */
struct test_machine *test_machine_create(uint64_t ram_size);

/* Destroys every device too. */
void test_machine_destroy(struct test_machine *test);

/* An access as a vCPU makes it, little-endian; fails the test when nobody answers. Machine lock not held. */
uint64_t test_load(struct test_machine *test, uint64_t address, unsigned width);
void test_store(struct test_machine *test, uint64_t address, unsigned width, uint64_t value);

/* The same on the port bus. */
uint64_t test_in(struct test_machine *test, uint16_t port, unsigned width);
void test_out(struct test_machine *test, uint16_t port, unsigned width, uint64_t value);

/* Guest RAM, little-endian for the numbers; fails the test outside RAM. */
void test_ram_put(struct test_machine *test, uint64_t address, const void *bytes, size_t len);
void test_ram_get(struct test_machine *test, uint64_t address, void *bytes, size_t len);

/* Let guest time pass: every timer fires at its own deadline. */
void test_advance(struct test_machine *test, uint64_t ns);

/* Run the event loop until `done` holds, for at most ten seconds of host time; false: it never did. */
bool test_loop_until(struct test_machine *test, bool (*done)(void *opaque), void *opaque);

/* Reset every device as the machine does for a guest's reset. */
void test_reset(struct test_machine *test);

/* Save every device, wreck it with a cold reset, and load it again. */
void test_save_load(struct test_machine *test);

/* An interrupt line's far end. */
struct test_irq {
    bool level;
    unsigned rises; /* low to high so far */
    unsigned sets;  /* calls, changing the level or not */
};
struct irq_line test_irq_line(struct test_irq *irq);
