#include "debug/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define WORDS_MAX    6
#define LINE_MAX_LEN 256
#define SPACE        " \t\r\n"

/* One command under way. */
struct call {
    struct monitor *monitor;
    struct vcpu *vcpu;
    unsigned count;
    char *words[WORDS_MAX];
    void (*print)(void *opaque, const char *text);
    void *opaque;
};

static void say(struct call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct call *call, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    call->print(call->opaque, text);
}

/* Word n as a number; without the word, `otherwise`. False, and said so, when it is none. */
static bool number(struct call *call, unsigned n, uint64_t otherwise, uint64_t *value)
{
    char *end;
    *value = otherwise;
    if (n >= call->count)
        return true;
    *value = strtoull(call->words[n], &end, 0);
    if (*end == 0 && call->words[n][0] >= '0' && call->words[n][0] <= '9')
        return true;
    say(call, "'%s' is not a number (write 0x1000 or 4096)\n", call->words[n]);
    return false;
}

static bool stopped(struct call *call)
{
    if (call->monitor->target->is_stopped(call->monitor->target))
        return true;
    say(call, "the machine is running: 'stop' it first\n");
    return false;
}

static void registers_show(struct call *call)
{
    size_t count;
    unsigned column = 0;
    if (!stopped(call))
        return;
    const struct debug_register *registers = call->vcpu->ops->registers(call->vcpu, &count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[64] = {0};
        if (registers[i].bits > 64 || !call->vcpu->ops->register_get(call->vcpu, registers[i].number, bytes))
            continue;
        say(call, "%-14s %016llx%s", registers[i].name, (unsigned long long)le64_load(bytes),
            ++column % 3 ? "  " : "\n");
    }
    if (column % 3)
        say(call, "\n");
}

static void cpus_show(struct call *call)
{
    struct debug_target *target = call->monitor->target;
    bool still = target->is_stopped(target);
    for (unsigned i = 0; i < target->count; i++) {
        struct vcpu *vcpu = target->vcpus[i];
        say(call, "%c cpu %u: %s, %llu instructions", i == call->monitor->cpu ? '*' : ' ', i,
            vcpu->halted ? "halted" : "running", (unsigned long long)vcpu->icount);
        if (still)
            say(call, ", pc %016llx", (unsigned long long)vcpu->ops->pc_get(vcpu));
        say(call, "\n");
    }
}

static void region_show(void *opaque, const struct bus_region *region)
{
    say(opaque, "%016llx-%016llx %s\n", (unsigned long long)region->base,
        (unsigned long long)(region->base + region->size - 1), region->name);
}

static void map_show(struct call *call)
{
    const struct physmem *mem = call->monitor->target->mem;
    bus_each(mem->mmio, region_show, call);
    if (mem->pio) {
        say(call, "ports:\n");
        bus_each(mem->pio, region_show, call);
    }
}

static void devices_show(struct call *call)
{
    if (call->monitor->devices)
        call->monitor->devices(call->monitor->opaque, call->count > 2 ? call->words[2] : NULL, call->print,
                               call->opaque);
}

static void vm_show(struct call *call)
{
    if (call->monitor->vm)
        call->monitor->vm(call->monitor->opaque, call->print, call->opaque);
}

/* How often each vCPU left its guest's code, and why; or would have to, under an engine that does it itself.
 */
static void exits_show(struct call *call)
{
    const struct debug_target *target = call->monitor->target;
    for (unsigned i = 0; i < target->count; i++) {
        say(call, "cpu %u:", i);
        for (int reason = 0; reason < EXIT_REASON_COUNT; reason++) {
            uint64_t count = vcpu_exits(target->vcpus[i], (enum exit_reason)reason);
            if (count)
                say(call, " %s %llu", exit_reason_name((enum exit_reason)reason), (unsigned long long)count);
        }
        say(call, "\n");
    }
}

static void info(struct call *call)
{
    static const struct {
        const char *name;
        void (*show)(struct call *call);
    } topics[] = {{"vm", vm_show},     {"registers", registers_show},
                  {"cpus", cpus_show}, {"exits", exits_show},
                  {"map", map_show},   {"devices", devices_show}};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (call->count > 1 && strcmp(call->words[1], topics[i].name) == 0) {
            topics[i].show(call);
            return;
        }
    }
    say(call, "info vm | registers | cpus | exits | map | devices [NAME]\n");
}

static void cpu_select(struct call *call)
{
    uint64_t n;
    if (!number(call, 1, call->monitor->cpu, &n))
        return;
    if (n >= call->monitor->target->count)
        say(call, "there are %u vCPUs, numbered from 0\n", call->monitor->target->count);
    else
        call->monitor->cpu = (unsigned)n;
}

static void translate(struct call *call)
{
    uint64_t va;
    enum walk_access access = WALK_READ;
    if (!number(call, 1, 0, &va) || !stopped(call))
        return;
    if (call->count > 2)
        access = call->words[2][0] == 'w' ? WALK_WRITE : call->words[2][0] == 'x' ? WALK_FETCH : WALK_READ;
    struct translation found = call->vcpu->ops->translate(call->vcpu, gva(va), access);
    if (!found.ok)
        say(call, "%016llx: no translation for this access\n", (unsigned long long)va);
    else
        say(call, "%016llx -> %016llx, page of %llu KiB, %s%s%s\n", (unsigned long long)va,
            (unsigned long long)found.pa.a, (unsigned long long)((uint64_t)1 << found.page_bits) / 1024,
            found.permission & TLB_READ ? "r" : "-", found.permission & TLB_WRITE ? "w" : "-",
            found.permission & TLB_FETCH ? "x" : "-");
}

static void line_say(void *opaque, const char *text)
{
    say(opaque, "%s\n", text);
}

static void page_tables(struct call *call)
{
    if (stopped(call))
        call->vcpu->ops->page_tables(call->vcpu, line_say, call);
}

/* Dump [address, address + len), virtual or physical. */
static void memory_show(struct call *call, bool physical)
{
    uint64_t address, len;
    struct debug_target *target = call->monitor->target;
    if (!number(call, 1, 0, &address) || !number(call, 2, 64, &len) || !stopped(call))
        return;
    if (len > 64 * KIB)
        len = 64 * KIB;
    while (len) {
        uint8_t bytes[16];
        size_t chunk = len < 16 ? len : 16;
        bool there = physical ? ram_read(target->mem->ram, gpa(address), bytes, chunk)
                              : debug_memory_read(target, call->vcpu, gva(address), bytes, chunk);
        if (!there) {
            say(call, "%016llx: no memory there\n", (unsigned long long)address);
            return;
        }
        char hex[3 * 16 + 1] = "", text[17] = "";
        for (size_t i = 0; i < chunk; i++) {
            snprintf(hex + 3 * i, 4, "%02x ", bytes[i]);
            text[i] = bytes[i] >= ' ' && bytes[i] < 127 ? (char)bytes[i] : '.';
        }
        say(call, "%016llx: %-48s %s\n", (unsigned long long)address, hex, text);
        address += chunk;
        len -= chunk;
    }
}

static void memory_virtual(struct call *call)
{
    memory_show(call, false);
}

static void memory_physical(struct call *call)
{
    memory_show(call, true);
}

static void instructions_show(struct call *call, uint64_t pc, uint64_t count)
{
    for (uint64_t i = 0; i < count && i < 1000; i++) {
        uint8_t bytes[16];
        size_t have = sizeof(bytes);
        char text[128];
        while (have && !debug_memory_read(call->monitor->target, call->vcpu, gva(pc), bytes, have))
            have--;
        unsigned len = call->vcpu->ops->disassemble(call->vcpu, pc, bytes, have, text, sizeof(text));
        if (!len) {
            say(call, "%016llx: no instruction there\n", (unsigned long long)pc);
            return;
        }
        say(call, "%016llx: %s\n", (unsigned long long)pc, text);
        pc += len;
    }
}

static void disassemble(struct call *call)
{
    uint64_t pc, count;
    if (stopped(call) && number(call, 1, call->vcpu->ops->pc_get(call->vcpu), &pc) &&
        number(call, 2, 8, &count))
        instructions_show(call, pc, count);
}

static void stop(struct call *call)
{
    call->monitor->target->pause(call->monitor->target);
    say(call, "stopped\n");
}

static void go(struct call *call, enum debug_action own, enum debug_action others)
{
    struct debug_target *target = call->monitor->target;
    enum debug_action actions[DEBUG_VCPUS_MAX];
    for (unsigned i = 0; i < target->count && i < DEBUG_VCPUS_MAX; i++)
        actions[i] = i == call->monitor->cpu ? own : others;
    if (stopped(call))
        target->resume(target, actions);
}

static void cont(struct call *call)
{
    go(call, DEBUG_CONTINUE, DEBUG_CONTINUE);
}

/* What is stepped over is shown before; a vCPU that waits for an interrupt has to get one first. */
static void step(struct call *call)
{
    if (!stopped(call))
        return;
    if (call->vcpu->halted)
        say(call, "cpu %u waits for an interrupt\n", call->vcpu->index);
    else
        instructions_show(call, call->vcpu->ops->pc_get(call->vcpu), 1);
    go(call, DEBUG_STEP, DEBUG_STAY);
}

static void reset(struct call *call)
{
    call->monitor->target->reset(call->monitor->target);
}

static void powerdown(struct call *call)
{
    struct debug_target *target = call->monitor->target;
    if (!target->power_button || !target->power_button(target))
        say(call, "this machine has no power button\n");
}

static void quit(struct call *call)
{
    call->monitor->target->quit(call->monitor->target);
}

static void help(struct call *call);

static const struct {
    const char *name, *arguments, *what;
    void (*run)(struct call *call);
} commands[] = {
    {"help", "", "this list", help},
    {"info", "vm|registers|cpus|exits|map|devices [NAME]", "what there is and how it is doing", info},
    {"cpu", "N", "the vCPU that the other commands speak of", cpu_select},
    {"stop", "", "stop the machine", stop},
    {"cont", "", "let it go on", cont},
    {"step", "", "one instruction of the selected vCPU", step},
    {"mem", "ADDRESS [LENGTH]", "memory by virtual address", memory_virtual},
    {"pmem", "ADDRESS [LENGTH]", "memory by physical address", memory_physical},
    {"dis", "[ADDRESS [COUNT]]", "instructions", disassemble},
    {"translate", "ADDRESS [r|w|x]", "a virtual address to its physical one", translate},
    {"pages", "", "the page tables in effect", page_tables},
    {"reset", "", "reset the machine", reset},
    {"powerdown", "", "press the power button", powerdown},
    {"quit", "", "end the program", quit},
};

static void help(struct call *call)
{
    const struct monitor *monitor = call->monitor;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        say(call, "%-10s %-36s %s\n", commands[i].name, commands[i].arguments, commands[i].what);
    for (size_t i = 0; i < monitor->added_count; i++)
        say(call, "%-10s %-36s %s\n", monitor->added[i].name, monitor->added[i].arguments,
            monitor->added[i].what);
}

/* Whether it can go on: a command whose arguments are needed has got some. */
static bool arguments_there(struct call *call, const char *name, const char *arguments)
{
    if (call->count > 1 || !arguments[0] || arguments[0] == '[')
        return true;
    say(call, "write: %s %s\n", name, arguments);
    return false;
}

/* `text` is the whole line: what is after the name is one argument, spaces and all. */
static bool added_run(struct call *call, const char *text)
{
    const struct monitor *monitor = call->monitor;
    struct monitor_output output = {call->print, call->opaque};
    for (size_t i = 0; i < monitor->added_count; i++) {
        const struct monitor_command *command = &monitor->added[i];
        if (strcmp(call->words[0], command->name) != 0)
            continue;
        if (!arguments_there(call, command->name, command->arguments))
            return true;
        char rest[LINE_MAX_LEN];
        snprintf(rest, sizeof(rest), "%s", text + strspn(text, SPACE) + strlen(command->name));
        rest[strcspn(rest, "\r\n")] = '\0';
        command->run(monitor->added_opaque, rest + strspn(rest, SPACE), &output);
        return true;
    }
    return false;
}

void monitor_command(struct monitor *monitor, const char *text, void (*print)(void *opaque, const char *text),
                     void *opaque)
{
    char copy[LINE_MAX_LEN], *rest = copy, *word;
    struct call call = {.monitor = monitor, .print = print, .opaque = opaque};
    call.vcpu = monitor->target->vcpus[monitor->cpu];
    snprintf(copy, sizeof(copy), "%s", text);
    while (call.count < WORDS_MAX && (word = strsep(&rest, SPACE)) != NULL)
        if (*word)
            call.words[call.count++] = word;
    if (call.count == 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(call.words[0], commands[i].name) != 0)
            continue;
        if (arguments_there(&call, commands[i].name, commands[i].arguments))
            commands[i].run(&call);
        return;
    }
    if (!added_run(&call, text))
        say(&call, "'%s' is not a command; 'help' lists them\n", call.words[0]);
}
