/*
 * The built-in demo guest: a program of a few KiB that runs on the bare machine, shows what it finds there
 * and takes a few commands. main.c is the same for all architectures; each folder beside it says how to do
 * these things on one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The console. console_get returns -1 when no key is waiting. */
void console_put(char c);
int console_get(void);

/* Time since the start in nanoseconds; sleep until an interrupt or `ns` have gone by. */
uint64_t time_now(void);
void sleep_for(uint64_t ns);

/* What the firmware says it is, and a name for the processor. */
const char *platform_firmware(void);
const char *platform_processor(void);

/* Wake the other processors; each calls processor_arrived and sleeps. Returns how many there should be. */
unsigned processors_start(void);

/* Each range of RAM, each device. */
void memory_each(void (*fn)(uint64_t base, uint64_t size));
void devices_each(void (*fn)(const char *name, const char *kind, uint64_t base, uint64_t size));

/* The end, or the beginning. */
_Noreturn void power_off(void);
_Noreturn void reboot(void);

/* In main.c: called once on the first processor, and by each other one. */
_Noreturn void demo_main(void);
void processor_arrived(void);

/* Called by an architecture's trap handler when something unexpected happens. */
_Noreturn void demo_panic(const char *what, uint64_t cause, uint64_t where, uint64_t address);

/* print.c: %s %c %d %u %x %lx %lu %%, with a width and 0 for padding. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool text_equal(const char *a, const char *b);
