#include "guests/demo/draw.h"

#define LINE_MAX 80
#define SECOND   1000000000u

static uint32_t arrived = 1; /* the first processor is here */

void processor_arrived(void)
{
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
}

static void memory_show(uint64_t base, uint64_t size)
{
    print("    %016lx  %lu MiB\n", (unsigned long)base, (unsigned long)(size >> 20));
}

static void device_show(const char *name, const char *kind, uint64_t base, uint64_t size)
{
    print("    %016lx  %6lx  %24s  %s\n", (unsigned long)base, (unsigned long)size, kind, name);
}

static void processors_show(void)
{
    static unsigned expected;
    if (!expected) {
        expected = processors_start();
        uint64_t deadline = time_now() + SECOND;
        while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < expected && time_now() < deadline)
            ;
    }
    print("  processors: %u of %u, %s\n", __atomic_load_n(&arrived, __ATOMIC_SEQ_CST), expected,
          platform_processor());
}

static void info(void)
{
    print("  firmware:   %s\n", platform_firmware());
    processors_show();
    print("  memory:\n");
    memory_each(memory_show);
}

static void devices(void)
{
    devices_each(device_show);
}

static void time_show(void)
{
    uint64_t now = time_now();
    print("  %lu.%06lu s since the start\n", (unsigned long)(now / SECOND),
          (unsigned long)(now % SECOND / 1000));
}

/* A round number of simple steps, timed, to give an idea of the speed. */
static void speed(void)
{
    enum { STEPS = 10000000 };
    uint64_t start = time_now();
    for (uint32_t i = 0; i < STEPS; i++)
        __asm__ volatile("" ::: "memory");
    uint64_t ns = time_now() - start;
    print("  %u turns of an empty loop in %lu us\n", STEPS, (unsigned long)(ns / 1000));
}

static void frames(void)
{
    show_frames();
}

static void help(void);

static const struct {
    const char *name, *what;
    void (*run)(void);
} commands[] = {
    {"help", "this list", help},
    {"info", "firmware, processors, memory", info},
    {"devices", "what the machine is made of", devices},
    {"time", "how long it has been running", time_show},
    {"speed", "time a loop", speed},
    {"frames", "fill the screen over and over, timed", frames},
    {"reboot", "start again", reboot},
    {"off", "power off", power_off},
};

static void help(void)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        print("  %8s  %s\n", commands[i].name, commands[i].what);
}

static void command_run(const char *line)
{
    if (!*line)
        return;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (text_equal(line, commands[i].name)) {
            commands[i].run();
            return;
        }
    }
    print("  '%s' is not a command; help lists them\n", line);
}

/* Read a line with echo and backspace. Sleeps while nothing is typed: an idle guest costs no host time. */
static void line_read(char *line)
{
    size_t len = 0;
    for (;;) {
        int c = console_get();
        if (c < 0)
            c = show_step();
        if (c < 0) {
            sleep_for(20 * 1000 * 1000);
        } else if (c == '\r' || c == '\n') {
            print("\n");
            line[len] = 0;
            return;
        } else if ((c == 8 || c == 127) && len > 0) {
            len--;
            print("\b \b");
        } else if (c >= ' ' && c < 127 && len < LINE_MAX - 1) {
            line[len++] = (char)c;
            print("%c", (char)c);
        }
    }
}

_Noreturn void demo_main(void)
{
    static char line[LINE_MAX];
    show_open();
    print("\nTriarch's built-in guest. This machine has:\n");
    info();
    devices();
    time_show();
    print("Type help for what I can do, Ctrl-A x to leave.\n");
    for (;;) {
        print("> ");
        line_read(line);
        command_run(line);
    }
}

_Noreturn void demo_panic(const char *what, uint64_t cause, uint64_t where, uint64_t address)
{
    print("\n%s: cause %lx at %lx, address %lx\n", what, (unsigned long)cause, (unsigned long)where,
          (unsigned long)address);
    power_off();
}
