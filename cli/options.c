#include "cli/options.h"

#include <string.h>

#include "base/types.h"
#include "cli/config.h"
#include "cli/parse.h"

#define CPUS_MAX 512 /* what the virt board's interrupt controllers are laid out for */

#define AT(member) offsetof(struct run_options, member)

/* clang-format off */
const struct option run_option_table[] = {
    {"kernel", OPTION_TEXT, "FILE", "What to start",
     "the guest: a Linux Image or bzImage, an ELF or flat program, gzip or zstd of them, an ISO, or a disk or diskette to boot from", AT(kernel), 0},
    {"initrd", OPTION_TEXT, "FILE", "What to start", "an initial file system for the kernel", AT(initrd), 0},
    {"append", OPTION_LINE, "TEXT", "What to start", "the kernel's command line", AT(append), 0},
    {"dtb", OPTION_TEXT, "FILE", "What to start", "a device tree instead of the board's own", AT(dtb), 0},
    {"firmware", OPTION_TEXT, "auto|builtin|none|seabios|ovmf|FILE", "What to start",
     "auto: OpenSBI where it is found, else the built-in SBI; on x86_64 SeaBIOS or EDK2 (ovmf) for what they start; "
     "none: the kernel gets the bare machine",
     AT(firmware), 0},
    {"firmware-vars", OPTION_TEXT, "FILE", "What to start",
     "the second flash bank, where EFI firmware keeps its variables; the guest writes to it; x86_64: made when not there",
     AT(firmware_vars), 0},

    {"arch", OPTION_TEXT, "x86_64|aarch64|riscv64", "The machine", "the guest's architecture; else the kernel's", AT(arch), 0},
    {"mode", OPTION_TEXT, "auto|type1|virtio|hvt", "The machine",
     "what the guest is shown: type1 is a full board, virtio a minimal one, hvt a tender for Solo5 unikernels; else by the image, or TRIARCH_MODE", AT(mode), 0},
    {"transport", OPTION_TEXT, "pci|mmio", "The machine", "how virtio devices are reached (pci); without --mode on a minimal board, with --mode type1 on the full one of aarch64 and riscv64", AT(transport), 0},
    {"machine", OPTION_TEXT, "display=virtio|ramfb|vga|none,gic-version=2|3,virtio-mmio=1|2", "The machine",
     "what draws the picture (a PC: vga; else virtio where there is a window or a screenshot); aarch64: the interrupt controller; "
     "aarch64 and riscv64: the version of virtio-mmio (2), 1 for drivers that know the legacy interface only",
     AT(machine), 0},
    {"accel", OPTION_TEXT, "auto|kvm|interp", "The machine", "the engine that runs the guest", AT(accel), 0},
    {"cpu", OPTION_TEXT, "MODEL[,+EXT][,-EXT]", "The machine", "the processor; `vm-cli info` lists them", AT(cpu), 0},
    {"cpus", OPTION_NUMBER, "N", "The machine", "how many processors (1)", AT(cpus), CPUS_MAX},
    {"memory", OPTION_SIZE, "SIZE", "The machine", "its memory, with suffix K, M, G or T (1G)", AT(memory), 0},
    {"name", OPTION_TEXT, "NAME", "The machine", "a name for it, shown by the host's tools", AT(name), 0},

    {"disk", OPTION_LIST, "FILE[,format=raw|qcow2][,if=virtio|virtio-mmio|ahci|ide|nvme|usb|floppy][,slot=N][,readonly][,snapshot]", "Devices",
     "a disk; `virtio` is the PCI one, `virtio-mmio` has slots, the first free one if none is named, `ahci`, `ide`, `nvme` and `floppy` (a diskette) a PC's", AT(disks), 0},
    {"cdrom", OPTION_LIST, "FILE[,if=ide]", "Devices", "an ISO image, in a PC's CD drive, or as a disk that can't be written", AT(cdroms), 0},
    {"net", OPTION_LIST, "user[,hostfwd=tcp::2222-:22][,model=virtio|e1000]|tap,ifname=NAME|none", "Devices",
     "a network card; without the option, one for the user network", AT(nets), 0},
    {"serial", OPTION_LIST, "stdio|stdout|file:PATH|tcp:HOST:PORT[,server]|unix:PATH[,server]|pty|none", "Devices",
     "the serial port (stdio); given again, a virtio console", AT(serials), 0},
    {"port", OPTION_LIST, "NAME=unix:PATH[,server]|file:PATH|...", "Devices",
     "a port that programs in the guest find by its name (virtio); its end on the host is one that --serial can have", AT(ports), 0},
    {"display", OPTION_TEXT, "auto|sdl[,fullscreen][,scale=N]|vnc=:N[,password=FILE][,listen=ADDRESS]|none", "Devices",
     "who shows the screen: auto is a window where there can be one; vnc serves it on port 5900 + N of this host",
     AT(display), 0},

    {"clipboard", OPTION_TEXT, "auto|on|off", "Devices",
     "share the text of the clipboard with SPICE's agent in the guest; auto: where a window or VNC shows the screen, "
     "and neither --sandbox nor --deterministic is on",
     AT(clipboard), 0},
    {"usb", OPTION_LIST, "keyboard|mouse|tablet|none", "Devices", "plug in a USB device; --disk with if=usb is one as well; a PC whose screen is shown has a tablet, but for none", AT(usb), 0},
    {"screenshot-at", OPTION_LIST, "SECONDS:FILE.png", "Devices",
     "write what the screen shows at that time; may be given several times", AT(screenshots), 0},
    {"type-at", OPTION_LIST, "SECONDS:TEXT", "Devices",
     "type on the keyboard at that time; \\n is Enter, \\e Escape, \\t Tab", AT(typed), 0},

    {"hvt-block", OPTION_LIST, "NAME=FILE[,format=raw|qcow2][,readonly][,sector=N]", "A unikernel's devices",
     "mode hvt: what is behind the block device NAME of the manifest", AT(hvt_blocks), 0},
    {"hvt-net", OPTION_LIST, "NAME=INTERFACE|@FD|user[,hostfwd=...][,mac=MAC]", "A unikernel's devices",
     "mode hvt: what is behind the network NAME: a tap interface, an open descriptor, or the user network",
     AT(hvt_nets), 0},
    {"hvt-dumpcore", OPTION_TEXT, "FOLDER", "A unikernel's devices",
     "mode hvt: write a core for GDB there when the unikernel aborts", AT(hvt_dumpcore), 0},

    {"deterministic", OPTION_FLAG, NULL, "How it runs",
     "one thread, and time counted in instructions: the same run every time", AT(deterministic), 0},
    {"timeout", OPTION_NUMBER, "SECONDS", "How it runs", "end with status 124 after this time", AT(timeout_seconds), 1000000000},
    {"paused", OPTION_FLAG, NULL, "How it runs", "start stopped, until a debugger lets it go", AT(paused), 0},
    {"gdb", OPTION_TEXT, "[PORT]", "How it runs", "let GDB connect to a TCP port of this host (1234)", AT(gdb), 0},
    {"trace", OPTION_TEXT, "KINDS[:FILE][,from=N][,count=N]", "How it runs",
     "print what happens: insn, block, exc, irq, mmu, io or all; N counts lines", AT(trace), 0},
    {"verbose", OPTION_FLAG, NULL, "How it runs", "say which firmware, kernel and engine are used", AT(verbose), 0},
    {"debug-exit", OPTION_FLAG, NULL, "How it runs",
     "x86_64: ports 0xf4 and 0x501, through which a test guest gives its exit status", AT(debug_exit), 0},
    {"semihosting", OPTION_FLAG, NULL, "How it runs",
     "aarch64, riscv64: answer what test programs ask of a debugger: output to the serial port, times, the exit status; no files of the host",
     AT(semihosting), 0},
    {"test-device", OPTION_FLAG, NULL, "How it runs",
     "x86_64: the device that kvm-unit-tests want: interrupt lines to move, ports and memory to try", AT(test_device), 0},
    {"debugcon", OPTION_TEXT, "file:PATH|stdio|...", "How it runs",
     "x86_64: what firmware and kernels write to the debug ports 0x402 and 0xe9", AT(debugcon), 0},
    {"signature", OPTION_TEXT, "FILE", "How it runs",
     "write there, at the end, what a test program left between its symbols begin_signature and end_signature", AT(signature), 0},
    {"sandbox", OPTION_TEXT, "on|off", "How it runs",
     "give up, once the machine is set up, what the process does not need of the host (off)", AT(sandbox), 0},
    {"config", OPTION_TEXT, "FILE", "How it runs",
     "options from a TOML file; those of the command line win, and lists are added to", AT(config), 0},
    {"print-config", OPTION_FLAG, NULL, "How it runs", "write the options as such a file, and start nothing", AT(print_config), 0},
    {"help", OPTION_FLAG, NULL, "How it runs", "this text", AT(help), 0},
};
/* clang-format on */
const size_t run_option_count = ARRAY_LEN(run_option_table);

static const struct option *option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < run_option_count; i++) {
        if (strncmp(run_option_table[i].name, name, len) == 0 && run_option_table[i].name[len] == '\0')
            return &run_option_table[i];
    }
    return NULL;
}

static bool unknown(const char *word, struct error *err)
{
    const char *names[ARRAY_LEN(run_option_table)];
    char name[64] = "";
    for (size_t i = 0; i < run_option_count; i++)
        names[i] = run_option_table[i].name;
    strncat(name, word + strspn(word, "-"), sizeof(name) - 1);
    name[strcspn(name, "=")] = '\0';
    const char *near = nearest_word(name, names, run_option_count);
    if (word[0] != '-')
        return error_set(err, ERROR_USAGE, "%s stands alone: to start it, write --kernel %s", word, word);
    if (near)
        return error_set(err, ERROR_USAGE, "there is no option %s: did you mean --%s?", word, near);
    return error_set(err, ERROR_USAGE, "there is no option %s: vm-cli run --help lists them", word);
}

const struct option *option_named(const char *name)
{
    return option_find(name, strlen(name));
}

bool option_store(struct run_options *options, const struct option *option, const char *value,
                  struct error *err)
{
    char *field = (char *)options + option->offset;
    struct option_list *list;
    bool needed = option->argument && option->argument[0] != '[' && option->kind != OPTION_LINE;
    if (needed && !*value)
        return error_set(err, ERROR_USAGE, "--%s was given nothing: write --%s %s, or leave it out",
                         option->name, option->name, option->argument);
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_LINE: memcpy(field, &value, sizeof(value)); return true;
    case OPTION_LIST:
        list = (struct option_list *)(void *)field;
        if (list->count == OPTION_LIST_MAX)
            return error_set(err, ERROR_USAGE, "--%s can be given %u times at most", option->name,
                             OPTION_LIST_MAX);
        list->items[list->count++] = value;
        return true;
    case OPTION_SIZE:
        if (!parse_size(value, (uint64_t *)(void *)field) || *(uint64_t *)(void *)field == 0)
            return error_set(err, ERROR_USAGE,
                             "--%s %s is not a size: write a number with K, M, G or T after it", option->name,
                             value);
        return true;
    case OPTION_NUMBER:
        if (!parse_number(value, 1, option->most, (uint64_t *)(void *)field))
            return error_set(err, ERROR_USAGE, "--%s %s is not a number from 1 to %llu", option->name, value,
                             (unsigned long long)option->most);
        return true;
    case OPTION_FLAG: *(bool *)field = true; return true;
    }
    return false;
}

/* An optional value is the next word unless that looks like an option. */
static const char *value_take(const struct option *option, int count, char **words, int *at)
{
    bool optional = option->argument[0] == '[';
    bool there = *at + 1 < count && (!optional || words[*at + 1][0] != '-');
    if (there)
        return words[++*at];
    return optional ? "" : NULL;
}

static bool words_parse(struct run_options *options, int count, char **words, struct error *err)
{
    for (int i = 0; i < count; i++) {
        const char *word = strcmp(words[i], "-h") == 0 ? "--help" : words[i];
        const char *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word) : strlen(word);
        const struct option *option =
            strncmp(word, "--", 2) == 0 && len > 2 ? option_find(word + 2, len - 2) : NULL;
        if (!option)
            return unknown(word, err);
        const char *value = equals ? equals + 1 : NULL;
        if (!option->argument && value)
            return error_set(err, ERROR_USAGE, "--%s takes no value", option->name);
        if (option->argument && !value)
            value = value_take(option, count, words, &i);
        if (option->argument && !value)
            return error_set(err, ERROR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                             option->argument);
        if (!option_store(options, option, value, err))
            return false;
    }
    return true;
}

bool run_options_parse(struct run_options *options, int count, char **words, struct error *err)
{
    struct run_options given = {0};
    *options = (struct run_options){0};
    if (!words_parse(&given, count, words, err))
        return false;
    if (given.config && !given.help && !config_read(options, given.config, err))
        return false;
    return words_parse(options, count, words, err);
}
