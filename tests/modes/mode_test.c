/*
 * Which mode is chosen, what modes refuse, and what the minimal boards of mode virtio have: no device but
 * those of the list in modes/mode.h's specification (memory, interrupt controller, timer, one serial port,
 * virtio).
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/run_private.h"
#include "modes/mode.h"
#include "tests/harness/test.h"

/* --- the choice --- */

static const char *chosen(const char *name, enum image_kind kind, bool transport)
{
    struct machine_config config = {.transport_chosen = transport};
    struct image_info image = {.kind = kind};
    struct error err = {0};
    const struct mode *mode = mode_find(name, &config, &image, &err);
    return mode ? mode->name : "none";
}

static void choice(void)
{
    CHECK_STR(chosen("auto", IMAGE_UNKNOWN, false), "type1");
    CHECK_STR(chosen("auto", IMAGE_ISO, false), "type1");
    CHECK_STR(chosen("auto", IMAGE_QCOW2, false), "type1");
    CHECK_STR(chosen("auto", IMAGE_BZIMAGE, false), "type1");
    CHECK_STR(chosen("auto", IMAGE_BZIMAGE, true), "virtio");
    CHECK_STR(chosen("auto", IMAGE_SOLO5, false), "hvt");
    CHECK_STR(chosen("virtio", IMAGE_BZIMAGE, false), "virtio");
    CHECK_STR(chosen("type1", IMAGE_SOLO5, false), "type1");
    CHECK_STR(chosen("huge", IMAGE_ELF, false), "none");
}

/* --- Solo5's note --- */

#define NOTE_AT 0x1000

/* An ELF file with one PT_NOTE of a foreign note and Solo5's ABI note ("ABI1"), for a tender. */
static size_t unikernel_build(uint8_t *file, uint32_t target)
{
    uint8_t *program = file + 64, *note = file + NOTE_AT;
    memset(file, 0, NOTE_AT + 0x100);
    memcpy(file, "\177ELF\2\1\1", 7);
    le16_store(file + 16, 2);
    le16_store(file + 18, 62);
    le64_store(file + 32, 64);
    le16_store(file + 54, 56);
    le16_store(file + 56, 1);
    le32_store(program, 4);
    le64_store(program + 8, NOTE_AT);
    le64_store(program + 32, 20 + 36);
    le32_store(note, 4); /* "GNU", 4 bytes, type 1 */
    le32_store(note + 4, 4);
    le32_store(note + 8, 1);
    memcpy(note + 12, "GNU", 4);
    note += 20;
    le32_store(note, 6);
    le32_store(note + 4, 16);
    le32_store(note + 8, 0x31494241);
    memcpy(note + 12, "Solo5", 6);
    le32_store(note + 20, target);
    le32_store(note + 24, 2);
    return NOTE_AT + 0x100;
}

static struct image_info detected(const uint8_t *file, size_t len)
{
    struct source source;
    struct image_info info;
    struct error err = {0};
    source_memory(&source, "unikernel", file, len);
    CHECK(image_detect(&source, &info, &err));
    source_close(&source);
    return info;
}

static void unikernels(void)
{
    uint8_t file[NOTE_AT + 0x100];
    size_t len = unikernel_build(file, 1);
    struct image_info info = detected(file, len);
    CHECK_EQ(info.kind, IMAGE_SOLO5);
    CHECK(info.arch_known && info.arch == GUEST_X86_64);
    unikernel_build(file, 3); /* for the virtio tender */
    CHECK_EQ(detected(file, len).kind, IMAGE_ELF);
}

/* Whatever the lengths say, nothing beyond the file is looked at. */
static void damaged_notes(void)
{
    uint8_t file[NOTE_AT + 0x100];
    size_t len = unikernel_build(file, 1);
    static const size_t fields[] = {32,      56,          64 + 8,       64 + 32,
                                    NOTE_AT, NOTE_AT + 4, NOTE_AT + 20, NOTE_AT + 24};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        static const uint32_t values[] = {0, 1, 0x7fffffff, 0xfffffffc, 0xffffffff};
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            unikernel_build(file, 1);
            le32_store(file + fields[i], values[j]);
            detected(file, len);
        }
    }
    unikernel_build(file, 1);
    for (size_t cut = 0; cut < NOTE_AT + 44; cut += 4)
        CHECK(detected(file, cut).kind != IMAGE_SOLO5);
}

/* --- what a mode refuses --- */

static bool refused(struct machine_config config, const char *words)
{
    struct error err = {0};
    return CHECK(!mode_check(&virtio_mode, &config, &err)) && CHECK_EQ(err.kind, ERROR_USAGE) &&
           CHECK(strstr(err.text, words) != NULL);
}

static void refusals(void)
{
    const struct machine_config good = {
        .arch = GUEST_X86_64, .cpus = 1, .kernel = "kernel", .initrd = "initrd"};
    struct machine_config config = good;
    struct disk_config disk = {.block = {.path = "disk"}, .transport = TRANSPORT_AHCI};
    struct error err = {0};
    CHECK(mode_check(&virtio_mode, &good, &err));
    config.kernel = NULL;
    refused(config, "--kernel");
    config = good;
    config.firmware = FIRMWARE_FILE;
    refused(config, "--firmware");
    config = good;
    config.gic_version = 2;
    refused(config, "--machine");
    config = good;
    config.screen = SCREEN_VGA;
    refused(config, "display=");
    config.screen = SCREEN_VIRTIO;
    CHECK(mode_check(&virtio_mode, &config, &err));
    config = good;
    config.debug_exit = true;
    refused(config, "--debug-exit");
    config = good;
    config.debugcon = "stdio";
    refused(config, "--debugcon");
    config = good;
    config.cpus = DEBUG_VCPUS_MAX + 1;
    refused(config, "--cpus");
    config = good;
    config.disks = &disk;
    config.disk_count = 1;
    refused(config, "if=ahci");
    disk.transport = TRANSPORT_MMIO;
    refused(config, "if=virtio-mmio");
    config.transport = TRANSPORT_MMIO;
    CHECK(mode_check(&virtio_mode, &config, &err));
    disk.cdrom = true;
    refused(config, "--cdrom");
    config = good;
    config.transport_chosen = true;
    config.transport = TRANSPORT_MMIO;
    config.arch = GUEST_RISCV64;
    CHECK(mode_check(&type1_mode, &config, &err));
    config.arch = GUEST_X86_64;
    CHECK(!mode_check(&type1_mode, &config, &err) && strstr(err.text, "--transport"));
}

/* --- VMs --- */

static char kernel_path[40];
static struct machine_config config;

/* An ELF program of one instruction that jumps to itself. */
static void kernel_make(enum guest_arch arch)
{
    static const struct {
        uint64_t address;
        uint32_t code;
    } loops[] = {[GUEST_RISCV64] = {0x80200000, 0x0000006f},
                 [GUEST_X86_64] = {0x200000, 0x0000feeb},
                 [GUEST_AARCH64] = {0x40200000, 0x14000000}};
    uint8_t file[64 + 56 + 4] = "\177ELF\2\1\1";
    le16_store(file + 16, 2);
    le16_store(file + 18, guest_arch_elf_machine(arch));
    le64_store(file + 24, loops[arch].address);
    le64_store(file + 32, 64);
    le16_store(file + 54, 56);
    le16_store(file + 56, 1);
    le32_store(file + 64, 1);
    le64_store(file + 64 + 8, 120);
    le64_store(file + 64 + 16, loops[arch].address);
    le64_store(file + 64 + 24, loops[arch].address);
    le64_store(file + 64 + 32, 4);
    le64_store(file + 64 + 40, 4);
    le32_store(file + 120, loops[arch].code);
    strcpy(kernel_path, "/tmp/triarch-mode-XXXXXX");
    int fd = mkstemp(kernel_path);
    CHECK(fd >= 0 && write(fd, file, sizeof(file)) == sizeof(file));
    close(fd);
}

static struct vm *vm_make(enum guest_arch arch, enum device_transport transport, const char *name)
{
    static const char *const nets[] = {"none"};
    struct error err = {0};
    kernel_make(arch);
    config = (struct machine_config){.arch = arch,
                                     .cpus = 2,
                                     .memory = 64 * MIB,
                                     .kernel = kernel_path,
                                     .nets = nets,
                                     .net_count = 1,
                                     .transport = transport,
                                     .engine = &interpreter_engine,
                                     .timeout_ns = 1};
    struct vm *vm = vm_create(&virtio_mode, &config, name, &err);
    if (!vm)
        FAIL("%s", err.text);
    return vm;
}

static void vm_end(struct vm *vm)
{
    vm_destroy(vm);
    unlink(kernel_path);
}

static void identity(void)
{
    struct vm *first = vm_make(GUEST_RISCV64, TRANSPORT_PCI, "first");
    struct vm *second = vm_make(GUEST_RISCV64, TRANSPORT_PCI, NULL);
    char expected[16];
    if (!first || !second)
        return;
    CHECK(first->id && second->id && first->id != second->id);
    CHECK_STR(first->name, "first");
    snprintf(expected, sizeof(expected), "vm%u", second->id);
    CHECK_STR(second->name, expected);
    CHECK_STR(second->mode->name, "virtio");
    CHECK_EQ(vm_state(first), MACHINE_STOPPED);
    vm_destroy(first);
    vm_end(second);
}

/* The names of all devices, in the order they were made; parts of one are after a dot. */
static void devices_are(struct vm *vm, const char *expected)
{
    char names[256] = "";
    size_t len = 0;
    for (const struct machine_device *device = vm->run->machine.devices; device; device = device->next) {
        if (!strchr(device->name, '.'))
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? " " : "", device->name);
    }
    CHECK_STR(names, expected);
}

static void devices(void)
{
    static const struct {
        enum guest_arch arch;
        enum device_transport transport;
        const char *names;
    } rows[] = {
        {GUEST_RISCV64, TRANSPORT_PCI, "plic uart0 pci0 pcie-host net0 net0-pci rng0 rng0-pci"},
        {GUEST_RISCV64, TRANSPORT_MMIO, "plic uart0 net0 rng0 virtio-mmio0 virtio-mmio1"},
        {GUEST_AARCH64, TRANSPORT_PCI, "gic its uart0 pci0 pcie-host net0 net0-pci rng0 rng0-pci"},
        {GUEST_AARCH64, TRANSPORT_MMIO, "gic uart0 net0 rng0 virtio-mmio0 virtio-mmio1"},
        {GUEST_X86_64, TRANSPORT_PCI,
         "lapic lapic0 lapic1 ioapic uart0 power-button acpi-power pci0 pcie-host net0 net0-pci rng0 "
         "rng0-pci"},
        {GUEST_X86_64, TRANSPORT_MMIO,
         "lapic lapic0 lapic1 ioapic uart0 power-button acpi-power net0 rng0 virtio-mmio0 virtio-mmio1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context("%s over %s", guest_arch_name(rows[i].arch),
                     rows[i].transport == TRANSPORT_PCI ? "pci" : "mmio");
        struct vm *vm = vm_make(rows[i].arch, rows[i].transport, NULL);
        if (!vm)
            return;
        devices_are(vm, rows[i].names);
        vm_end(vm);
    }
}

/* Each boots, runs until its time is up, and is stopped then. */
static void runs(void)
{
    for (int arch = 0; arch < GUEST_ARCH_COUNT; arch++) {
        struct error err = {0};
        int status = -1;
        struct vm *vm = vm_make((enum guest_arch)arch, TRANSPORT_MMIO, NULL);
        test_context("%s", guest_arch_name((enum guest_arch)arch));
        if (!vm)
            return;
        if (!machine_run(vm->run, &status, &err))
            FAIL("%s", err.text);
        CHECK_EQ(status, 124);
        CHECK_EQ(vm_state(vm), MACHINE_STOPPED);
        vm_end(vm);
    }
}

/* --- what kernels are told --- */

static bool has_compatible(const void *tree, const char *compatible)
{
    return fdt_node_offset_by_compatible(tree, -1, compatible) >= 0;
}

static unsigned compatible_count(const void *tree, const char *compatible)
{
    unsigned count = 0;
    for (int at = -1; (at = fdt_node_offset_by_compatible(tree, at, compatible)) >= 0;)
        count++;
    return count;
}

static void tree_check(const void *tree, bool pci)
{
    static const char *const absent[] = {"cfi-flash",    "qemu,fw-cfg-mmio",    "sifive,test0",
                                         "riscv,clint0", "google,goldfish-rtc", "arm,pl031",
                                         "arm,pl061",    "gpio-keys",           "syscon-poweroff"};
    if (!CHECK(tree))
        return;
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        CHECK(!has_compatible(tree, absent[i]));
    CHECK_EQ(compatible_count(tree, "virtio,mmio"), pci ? 0 : 2);
    CHECK_EQ(has_compatible(tree, "pci-host-ecam-generic"), pci);
    CHECK(has_compatible(tree, "arm,pl011") || has_compatible(tree, "ns16550a"));
}

/* The tree in the booted machine's memory, whose start is at `ram`. */
static const void *tree_find(struct vm *vm, uint64_t ram)
{
    struct error err = {0};
    if (!CHECK(vm->run->private->board.boot(vm->run->private->board.opaque, &err)))
        return NULL;
    for (uint64_t at = 0; at < config.memory; at += PAGE_SIZE) {
        const void *page = ram_at(vm->run->machine.mem.ram, gpa(ram + at), PAGE_SIZE, RAM_READ);
        if (page && fdt_check_header(page) == 0)
            return page;
    }
    return NULL;
}

static void device_trees(void)
{
    static const enum device_transport transports[] = {TRANSPORT_PCI, TRANSPORT_MMIO};
    for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
        bool pci = transports[i] == TRANSPORT_PCI;
        struct vm *vm = vm_make(GUEST_RISCV64, transports[i], NULL);
        if (!vm)
            return;
        tree_check(tree_find(vm, 0x80000000), pci);
        vm_end(vm);
        vm = vm_make(GUEST_AARCH64, transports[i], NULL);
        if (!vm)
            return;
        const void *tree = tree_find(vm, 0x40000000);
        tree_check(tree, pci);
        CHECK_EQ(tree && has_compatible(tree, "arm,gic-v3-its"), pci);
        vm_end(vm);
    }
}

static const struct test_case cases[] = {
    {"choice", choice},     {"unikernels", unikernels},     {"damaged_notes", damaged_notes},
    {"refusals", refusals}, {"identity", identity},         {"devices", devices},
    {"runs", runs},         {"device_trees", device_trees},
};
TEST_SUITE(mode_test, "unit", cases);
