/* Expected values are those of AHCI 1.3.1, SATA 2.6, ACS-2 and MMC-5. */
#include "devices/storage/ahci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN     (31 << 3 | 2)
#define DISK      (4 * MIB)
#define DISC      (2 * MIB)
#define LIST(p)   (TEST_RAM_BASE + 0x1000 * (p))
#define FRAMES(p) (TEST_RAM_BASE + 0x8000 + 0x1000 * (p))
#define TABLES    (TEST_RAM_BASE + 0x10000) /* 4 KiB each */
#define DATA      (TEST_RAM_BASE + 0x100000)

enum { PXIS = 0x10, PXIE = 0x14, PXCMD = 0x18, PXTFD = 0x20, PXSIG = 0x24, PXSSTS = 0x28, PXSCTL = 0x2c };
enum { PXSERR = 0x30, PXSACT = 0x34, PXCI = 0x38 };

static struct test_machine *test;
static struct test_pci pci;
static const char *folder;
static uint64_t abar;
static uint8_t *disk_bytes;

static uint32_t hba_get(unsigned offset)
{
    return (uint32_t)test_load(test, abar + offset, 4);
}

static void hba_put(unsigned offset, uint32_t value)
{
    test_store(test, abar + offset, 4, value);
}

static uint32_t port_get(unsigned port, unsigned offset)
{
    return hba_get(0x100 + 0x80 * port + offset);
}

static void port_put(unsigned port, unsigned offset, uint32_t value)
{
    hba_put(0x100 + 0x80 * port + offset, value);
}

static const char *image_make(const char *name, uint64_t size, uint32_t seed)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    disk_bytes = realloc(disk_bytes, size);
    for (uint64_t i = 0; i < size; i += 4)
        le32_store(disk_bytes + i, (uint32_t)(i / 4 * 2654435761u) ^ seed);
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(disk_bytes, 1, size, file) == size);
    fclose(file);
    return path;
}

static void port_start(unsigned port)
{
    port_put(port, 0x00, (uint32_t)LIST(port));
    port_put(port, 0x08, (uint32_t)FRAMES(port));
    port_put(port, PXIE, 0xffffffff);
    port_put(port, PXCMD, 0x10);
    port_put(port, PXCMD, 0x11);
}

static void start(bool readonly)
{
    struct ahci_config config = {.devfn = DEVFN};
    folder = disk_folder_create();
    test = test_machine_create(16 * MIB);
    test_pci_start(&pci, test);
    config.bus = pci.bus;
    config.devices[1] =
        atapi_create(&test->machine, "cd", disk_open(test, image_make("cd.iso", DISC, 0xcd), "raw", true));
    config.devices[0] = ata_disk_create(
        &test->machine, "hd", disk_open(test, image_make("hd.img", DISK, 0), "raw", readonly), "SERIAL-1");
    CHECK(ahci_create(&test->machine, &config, NULL) != NULL);
    abar = test_pci_bar(&pci, DEVFN, 5);
    hba_put(0x04, 2);
    port_start(0);
    port_start(1);
}

static void finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    disk_folder_remove(folder);
    free(disk_bytes);
    disk_bytes = NULL;
}

/* A command being put together. */
struct command {
    unsigned port, slot;
    uint8_t fis[20], packet[16];
    uint64_t data; /* where; in pieces of `piece` bytes when that is not 0 */
    uint32_t bytes, piece;
};

static struct command ata(uint8_t opcode, uint64_t lba, uint16_t count, uint32_t bytes)
{
    struct command command = {.fis = {0x27, 0x80, opcode}, .data = DATA, .bytes = bytes};
    for (unsigned i = 0; i < 3; i++) {
        command.fis[4 + i] = (uint8_t)(lba >> 8 * i);
        command.fis[8 + i] = (uint8_t)(lba >> 8 * (i + 3));
    }
    command.fis[7] = 0x40;
    le16_store(command.fis + 12, count);
    return command;
}

static struct command queued(unsigned slot, bool write, uint64_t lba, uint16_t count)
{
    struct command command = ata(write ? 0x61 : 0x60, lba, (uint16_t)(slot << 3), count * 512u);
    command.fis[3] = (uint8_t)count;
    command.fis[11] = (uint8_t)(count >> 8);
    command.slot = slot;
    command.data = DATA + slot * 0x10000;
    return command;
}

static struct command packet(const uint8_t *bytes, unsigned count, uint32_t len)
{
    struct command command = ata(0xa0, 0, 0, len);
    command.fis[3] = 1; /* by DMA */
    command.port = 1;
    memcpy(command.packet, bytes, count);
    return command;
}
#define PACKET(len, ...) packet((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), len)

static unsigned prdt_write(const struct command *command, uint64_t table)
{
    unsigned count = 0;
    uint32_t piece = command->piece ? command->piece : command->bytes;
    for (uint32_t done = 0; done < command->bytes; done += piece, count++) {
        uint8_t prd[16] = {0};
        uint32_t len = command->bytes - done < piece ? command->bytes - done : piece;
        /* Every other piece is set apart, so that the list is no single range. */
        le64_store(prd, command->data + done + (command->piece ? (uint64_t)count * 64 : 0));
        le32_store(prd + 12, len - 1);
        test_ram_put(test, table + 0x80 + count * 16, prd, sizeof(prd));
    }
    return count;
}

static void prepare(const struct command *command)
{
    uint64_t table = TABLES + 0x1000 * command->slot;
    uint8_t header[32] = {5};
    test_ram_put(test, table, command->fis, sizeof(command->fis));
    test_ram_put(test, table + 0x40, command->packet, sizeof(command->packet));
    le16_store(header + 2, (uint16_t)prdt_write(command, table));
    le64_store(header + 8, table);
    test_ram_put(test, LIST(command->port) + 32 * command->slot, header, sizeof(header));
}

static unsigned waited_port;
static uint32_t waited_slots;

static bool slots_done(void *opaque)
{
    (void)opaque;
    return !((port_get(waited_port, PXCI) | port_get(waited_port, PXSACT)) & waited_slots) ||
           port_get(waited_port, PXIS) >> 24;
}

static void wait_for(unsigned port, uint32_t slots)
{
    waited_port = port;
    waited_slots = slots;
    CHECK(test_loop_until(test, slots_done, NULL));
}

/* Issue and wait; the bytes that were moved. */
static uint32_t run(const struct command *command)
{
    uint8_t count[4];
    prepare(command);
    port_put(command->port, PXCI, 1u << command->slot);
    wait_for(command->port, 1u << command->slot);
    test_ram_get(test, LIST(command->port) + 32 * command->slot + 4, count, 4);
    return le32_load(count);
}

static uint32_t run_now(struct command command)
{
    return run(&command);
}

static void data_is(uint64_t offset, uint64_t len, uint64_t at)
{
    uint8_t *bytes = malloc(len);
    test_ram_get(test, at, bytes, len);
    CHECK_MEM(bytes, disk_bytes + offset, len);
    free(bytes);
}

/* The error is gone and commands are taken again, as 6.2.2.1 says. */
static void recover(unsigned port)
{
    port_put(port, PXCMD, 0x10);
    CHECK_EQ(port_get(port, PXCMD) & 0x8000, 0);
    CHECK_EQ(port_get(port, PXCI), 0);
    port_put(port, PXSERR, 0xffffffff);
    port_put(port, PXIS, 0xffffffff);
    port_put(port, PXCMD, 0x11);
}

static void registers(void)
{
    start(false);
    CHECK_EQ(test_pci_get(&pci, DEVFN, 0, 4), 0x29228086);
    CHECK_EQ(test_pci_get(&pci, DEVFN, 8, 4) >> 8, 0x010601);
    CHECK_EQ(hba_get(0) & 0x1fff, 0x1f05); /* 32 slots, 6 ports */
    CHECK_EQ(hba_get(0) >> 30, 3);
    CHECK_EQ(hba_get(0x04), 0x80000002);
    CHECK_EQ(hba_get(0x0c), 0x3f);
    CHECK_EQ(port_get(0, PXSIG), 0x00000101);
    CHECK_EQ(port_get(1, PXSIG), 0xeb140101);
    CHECK_EQ(port_get(0, PXSSTS) & 0xf0f, 0x103);
    CHECK_EQ(port_get(2, PXSSTS), 0);
    CHECK_EQ(port_get(2, PXTFD), 0x7f);
    CHECK_EQ(port_get(0, PXTFD) & 0x89, 0);
    CHECK_EQ(port_get(0, PXCMD) & 0xc011, 0xc011);
    CHECK_EQ(hba_get(0x500), 0); /* no such port */
    uint8_t fis[20];
    test_ram_get(test, FRAMES(1) + 0x40, fis, sizeof(fis));
    CHECK_EQ(fis[0], 0x34);
    CHECK_EQ(fis[4] | fis[5] << 8 | fis[6] << 16 | fis[12] << 24, 0x01eb1401);
    hba_put(0x04, 1);
    CHECK_EQ(hba_get(0x04), 0x80000000);
    CHECK_EQ(port_get(0, PXCMD) & 0xc011, 0);
    CHECK_EQ(port_get(0, PXIE), 0);
    finish();
}

static void identifies(void)
{
    start(false);
    uint8_t data[512], sum = 0;
    CHECK_EQ(run_now(ata(0xec, 0, 0, 512)), 512);
    CHECK_EQ(port_get(0, PXIS), 0x02); /* a PIO setup frame, and none for the status */
    CHECK_EQ(port_get(0, PXTFD) & 0xff, 0x50);
    test_ram_get(test, DATA, data, sizeof(data));
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + data[i]);
    CHECK_EQ(sum, 0);
    CHECK_MEM(data + 20, "ESIRLA1-", 8); /* swapped in pairs */
    CHECK_EQ(le32_load(data + 120), DISK / 512);
    CHECK_EQ(le64_load(data + 200), DISK / 512);
    CHECK_EQ(le16_load(data + 150), 31);
    CHECK(le16_load(data + 152) & 0x100);
    finish();
}

static void reads_and_writes(void)
{
    static const uint8_t reads[] = {0x20, 0x24, 0xc8, 0x25}, writes[] = {0x30, 0x34, 0xca, 0x35, 0x3d};
    start(false);
    for (unsigned i = 0; i < ARRAY_LEN(reads); i++) {
        test_context("%#x", reads[i]);
        CHECK_EQ(run_now(ata(reads[i], 100 + i, 9, 9 * 512)), 9 * 512);
        data_is((100 + i) * 512, 9 * 512, DATA);
        CHECK_EQ(port_get(0, PXTFD), 0x50);
    }
    for (unsigned i = 0; i < ARRAY_LEN(writes); i++) {
        test_context("%#x", writes[i]);
        memset(disk_bytes + i * 4096, 0x80 + (int)i, 4096);
        test_ram_put(test, DATA, disk_bytes + i * 4096, 4096);
        CHECK_EQ(run_now(ata(writes[i], i * 8, 8, 4096)), 4096);
    }
    test_context(NULL);
    CHECK_EQ(run_now(ata(0xea, 0, 0, 0)), 0);
    struct command whole = ata(0x25, 0, DISK / 512, DISK);
    whole.piece = 100000; /* many pieces with gaps */
    CHECK_EQ(run(&whole), DISK);
    for (unsigned i = 0; i < DISK / 100000; i++)
        data_is(i * 100000, 100000, DATA + i * 100064);
    /* A count of zero is the most there is. */
    CHECK_EQ(run_now(ata(0xc8, 0, 0, 256 * 512)), 256 * 512);
    data_is(0, 256 * 512, DATA);
    finish();
}

static void queued_commands(void)
{
    start(false);
    uint32_t slots = 0;
    for (unsigned i = 0; i < 32; i++) {
        struct command command = queued(i, false, 64 * i, 64);
        prepare(&command);
        slots |= 1u << i;
    }
    port_put(0, PXSACT, slots);
    port_put(0, PXCI, slots);
    CHECK_EQ(port_get(0, PXCI), 0); /* all accepted */
    wait_for(0, slots);
    CHECK_EQ(port_get(0, PXSACT), 0);
    CHECK_EQ(port_get(0, PXIS), 0x08);
    for (unsigned i = 0; i < 32; i++)
        data_is(64 * 512 * i, 64 * 512, DATA + i * 0x10000);
    memset(disk_bytes + 5 * 512, 0x5a, 512);
    test_ram_put(test, DATA + 7 * 0x10000, disk_bytes + 5 * 512, 512);
    struct command write = queued(7, true, 5, 1);
    port_put(0, PXSACT, 1u << 7);
    run(&write);
    uint8_t fis[8];
    test_ram_get(test, FRAMES(0) + 0x58, fis, sizeof(fis));
    CHECK_EQ(fis[0], 0xa1);
    CHECK_EQ(le32_load(fis + 4), 1u << 7);
    run_now(ata(0x25, 5, 1, 512));
    data_is(5 * 512, 512, DATA);
    finish();
}

static void interrupts(void)
{
    start(false);
    port_put(0, PXIE, 0x1); /* only at the status frame */
    CHECK(!test_pci_pin(&pci));
    run_now(ata(0x25, 0, 1, 512));
    CHECK(test_pci_pin(&pci));
    CHECK_EQ(hba_get(0x08), 1);
    hba_put(0x08, 1); /* the port still has its reason */
    CHECK_EQ(hba_get(0x08), 1);
    port_put(0, PXIS, 1);
    CHECK_EQ(hba_get(0x08), 1);
    hba_put(0x08, 1);
    CHECK_EQ(hba_get(0x08), 0);
    CHECK(!test_pci_pin(&pci));
    hba_put(0x04, 0);
    run_now(ata(0x25, 0, 1, 512));
    CHECK(!test_pci_pin(&pci));
    hba_put(0x04, 2);
    CHECK(test_pci_pin(&pci));
    port_put(0, PXIS, 1);
    hba_put(0x08, 1);
    unsigned msi = test_pci_capability(&pci, DEVFN, PCI_CAP_MSI);
    test_pci_put(&pci, DEVFN, msi + PCI_MSI_ADDRESS, 4, 0xfee01000);
    test_pci_put(&pci, DEVFN, msi + PCI_MSI_DATA, 2, 0x4051);
    test_pci_put(&pci, DEVFN, msi + PCI_MSI_CONTROL, 2, 1);
    run_now(ata(0x25, 0, 1, 512));
    CHECK_EQ(pci.messages, 1);
    CHECK_EQ(pci.last.data, 0x4051);
    CHECK(!test_pci_pin(&pci));
    finish();
}

static void errors(void)
{
    start(false);
    run_now(ata(0x25, DISK / 512, 1, 512)); /* behind the end */
    CHECK_EQ(port_get(0, PXTFD), 0x1051);
    CHECK(port_get(0, PXIS) & 1u << 30);
    CHECK_EQ(port_get(0, PXCI), 1);
    recover(0);
    run_now(ata(0x25, DISK / 512 - 1, 2, 1024)); /* across it */
    CHECK_EQ(port_get(0, PXTFD), 0x1051);
    recover(0);
    run_now(ata(0xb0, 0, 0, 0)); /* no such command */
    CHECK_EQ(port_get(0, PXTFD), 0x0451);
    recover(0);
    struct command command = ata(0x25, 0, 2, 512); /* too little memory */
    run(&command);
    CHECK(port_get(0, PXIS) & 1u << 24);
    recover(0);
    command = ata(0x25, 0, 1, 512);
    command.data = 0x1000; /* no memory */
    run(&command);
    CHECK(port_get(0, PXIS) & 1u << 29);
    recover(0);
    command.data = DATA;
    command.fis[0] = 0x99;
    run(&command);
    CHECK(port_get(0, PXIS) & 1u << 27);
    recover(0);
    CHECK_EQ(run_now(ata(0x25, 0, 1, 512)), 512);
    finish();
}

static void queue_errors(void)
{
    start(false);
    struct command good = queued(3, false, 0, 8), bad = queued(4, false, DISK / 512, 8);
    prepare(&good);
    prepare(&bad);
    port_put(0, PXSACT, 0x18);
    port_put(0, PXCI, 0x18);
    CHECK(port_get(0, PXIS) & 1u << 30);
    CHECK_EQ(port_get(0, PXTFD) & 0xff01, 0x1001);
    CHECK(port_get(0, PXSACT) & 0x10);
    recover(0);
    CHECK_EQ(port_get(0, PXSACT), 0);
    uint8_t data[512];
    CHECK_EQ(run_now(ata(0x2f, 0x10, 1, 512)), 512);
    test_ram_get(test, DATA, data, sizeof(data));
    CHECK_EQ(data[0], 4); /* the tag */
    CHECK_EQ(data[3], 0x10);
    CHECK_EQ(le16_load(data + 4), DISK / 512);
    run_now(ata(0x2f, 0x10, 1, 512));
    test_ram_get(test, DATA, data, sizeof(data));
    CHECK_EQ(data[0], 0x80); /* told once */
    struct command twisted = queued(5, false, 0, 8);
    twisted.fis[12] = 6 << 3; /* another tag than its slot */
    port_put(0, PXSACT, 1u << 5);
    run(&twisted);
    CHECK_EQ(port_get(0, PXTFD) & 0xff01, 0x0401);
    finish();
}

static void write_protected(void)
{
    start(true);
    run_now(ata(0x35, 0, 1, 512));
    CHECK_EQ(port_get(0, PXTFD), 0x0451);
    recover(0);
    CHECK_EQ(run_now(ata(0x25, 0, 1, 512)), 512);
    data_is(0, 512, DATA);
    finish();
}

static void trims(void)
{
    start(false);
    uint8_t ranges[512] = {0};
    le64_store(ranges, 16 | (uint64_t)8 << 48);
    le64_store(ranges + 8, 100 | (uint64_t)4 << 48);
    test_ram_put(test, DATA, ranges, sizeof(ranges));
    struct command trim = ata(0x06, 0, 1, 512);
    trim.fis[3] = 1;
    run(&trim);
    CHECK_EQ(port_get(0, PXTFD), 0x50);
    memset(disk_bytes + 16 * 512, 0, 8 * 512);
    memset(disk_bytes + 100 * 512, 0, 4 * 512);
    run_now(ata(0x25, 0, 200, 200 * 512));
    data_is(0, 200 * 512, DATA);
    le64_store(ranges, DISK / 512 | (uint64_t)1 << 48);
    test_ram_put(test, DATA, ranges, sizeof(ranges));
    run(&trim);
    CHECK_EQ(port_get(0, PXTFD), 0x1051);
    finish();
}

static void resets(void)
{
    start(false);
    /* By software: two control frames. */
    struct command reset = {.fis = {0x27, 0, 0}};
    reset.fis[15] = 4;
    run(&reset);
    reset.fis[15] = 0;
    run(&reset);
    CHECK_EQ(port_get(0, PXSIG), 0x101);
    CHECK_EQ(port_get(0, PXTFD), 0x150);
    /* By the link. */
    port_put(0, PXCMD, 0x10);
    port_put(0, PXSCTL, 1);
    CHECK_EQ(port_get(0, PXSSTS), 0);
    port_put(0, PXSCTL, 0);
    CHECK_EQ(port_get(0, PXSSTS) & 0xf, 3);
    CHECK(port_get(0, PXSERR) & 1u << 26);
    CHECK(port_get(0, PXIS) & 1u << 6);
    port_put(0, PXSERR, 0xffffffff);
    CHECK_EQ(port_get(0, PXIS) & 1u << 6, 0);
    port_put(0, PXCMD, 0x11);
    CHECK_EQ(run_now(ata(0x25, 3, 1, 512)), 512);
    /* While commands are on their way. */
    uint32_t slots = 0;
    for (unsigned i = 0; i < 32; i++) {
        struct command command = queued(i, false, 64 * i, 64);
        prepare(&command);
        slots |= 1u << i;
    }
    port_put(0, PXSACT, slots);
    port_put(0, PXCI, slots);
    test_reset(test);
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_COMMAND, 2), 0);
    abar = test_pci_bar(&pci, DEVFN, 5);
    CHECK_EQ(port_get(0, PXSACT), 0);
    port_start(0);
    CHECK_EQ(run_now(ata(0x25, 3, 1, 512)), 512);
    data_is(3 * 512, 512, DATA);
    finish();
}

static void reply_get(void *bytes, size_t len)
{
    test_ram_get(test, DATA, bytes, len);
}

static void cd_commands(void)
{
    uint8_t data[512];
    start(false);
    image_make("copy", DISC, 0xcd);
    struct command identify = ata(0xa1, 0, 0, 512);
    identify.port = 1;
    CHECK_EQ(run(&identify), 512);
    reply_get(data, 512);
    CHECK_EQ(le16_load(data), 0x8580);
    identify.fis[2] = 0xec;
    run(&identify);
    CHECK_EQ(port_get(1, PXTFD) >> 8, 0x04);
    recover(1);
    CHECK_EQ(run_now(PACKET(0, 0x00)), 0);
    CHECK_EQ(port_get(1, PXTFD), 0x50);
    CHECK_EQ(run_now(PACKET(36, 0x12, 0, 0, 0, 36)), 36);
    reply_get(data, 36);
    CHECK_EQ(data[0], 5);
    CHECK_EQ(data[1], 0x80);
    CHECK_EQ(run_now(PACKET(8, 0x25)), 8);
    reply_get(data, 8);
    CHECK_EQ(be32_load(data), DISC / 2048 - 1);
    CHECK_EQ(be32_load(data + 4), 2048);
    CHECK_EQ(run_now(PACKET(4096, 0x28, 0, 0, 0, 0, 16, 0, 0, 2)), 4096);
    data_is(16 * 2048, 4096, DATA);
    CHECK_EQ(run_now(PACKET(4096, 0xa8, 0, 0, 0, 0, 17, 0, 0, 0, 2)), 4096);
    data_is(17 * 2048, 4096, DATA);
    CHECK_EQ(run_now(PACKET(2048, 0xbe, 0, 0, 0, 0, 18, 0, 0, 1, 0x10)), 2048);
    data_is(18 * 2048, 2048, DATA);
    struct command pio = PACKET(2048, 0x28, 0, 0, 0, 0, 19, 0, 0, 1);
    pio.fis[3] = 0;
    pio.fis[5] = 0, pio.fis[6] = 8;
    CHECK_EQ(run(&pio), 2048);
    data_is(19 * 2048, 2048, DATA);
    /* The table of contents in the three formats. */
    CHECK_EQ(run_now(PACKET(20, 0x43, 0x02, 0, 0, 0, 0, 0, 0, 20)), 20);
    reply_get(data, 20);
    CHECK_EQ(be16_load(data), 18);
    CHECK_EQ(data[5], 0x14);
    CHECK_MEM(data + 8, ((uint8_t[]){0, 0, 2, 0}), 4);
    CHECK_EQ(data[14], 0xaa);
    CHECK_MEM(data + 16, ((uint8_t[]){0, 0, 15, 49}), 4); /* 1024 + 150 frames */
    CHECK_EQ(run_now(PACKET(12, 0x43, 0, 1, 0, 0, 0, 0, 0, 12)), 12);
    CHECK_EQ(run_now(PACKET(48, 0x43, 0, 2, 0, 0, 0, 0, 0, 48)), 48);
    CHECK_EQ(run_now(PACKET(4, 0x46, 0, 0, 0, 0, 0, 0, 0, 4)), 4); /* cut to what is allowed */
    finish();
}

static void cd_senses(void)
{
    uint8_t data[18];
    start(false);
    run_now(PACKET(2048, 0x28, 0, 0, 0, 4, 0, 0, 0, 1)); /* sector 1024 */
    CHECK_EQ(port_get(1, PXTFD), 0x5051);
    recover(1);
    CHECK_EQ(run_now(PACKET(18, 0x03, 0, 0, 0, 18)), 18);
    reply_get(data, 18);
    CHECK_EQ(data[0] << 16 | data[2] << 8 | data[12], 0x700521);
    run_now(PACKET(18, 0x03, 0, 0, 0, 18));
    reply_get(data, 18);
    CHECK_EQ(data[2], 0);
    run_now(PACKET(0, 0xdb));
    recover(1);
    run_now(PACKET(18, 0x03, 0, 0, 0, 18));
    reply_get(data, 18);
    CHECK_EQ(data[2] << 8 | data[12], 0x0520);
    run_now(PACKET(0, 0x1e, 0, 0, 0, 1)); /* locked */
    run_now(PACKET(0, 0x1b, 0, 0, 0, 2));
    CHECK_EQ(port_get(1, PXTFD) >> 12, 5);
    recover(1);
    run_now(PACKET(0, 0x1e, 0, 0, 0, 0));
    run_now(PACKET(0, 0x1b, 0, 0, 0, 2)); /* out */
    run_now(PACKET(0, 0x00));
    CHECK_EQ(port_get(1, PXTFD) >> 12, 2);
    recover(1);
    run_now(PACKET(18, 0x03, 0, 0, 0, 18));
    reply_get(data, 18);
    CHECK_EQ(data[2] << 8 | data[12], 0x023a);
    CHECK_EQ(run_now(PACKET(8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8)), 8);
    reply_get(data, 8);
    CHECK_EQ(data[4] << 8 | data[5], 0x0301);
    run_now(PACKET(0, 0x1b, 0, 0, 0, 3)); /* in */
    run_now(PACKET(0, 0x00));
    CHECK_EQ(port_get(1, PXTFD), 0x50);
    finish();
}

static void state(void)
{
    start(false);
    run_now(ata(0x25, 0, 1, 512));
    test_save_load(test);
    CHECK_EQ(port_get(0, PXIS), 1);
    CHECK_EQ(run_now(ata(0x25, 9, 1, 512)), 512);
    data_is(9 * 512, 512, DATA);
    finish();
}

static const struct test_case cases[] = {
    {"registers", registers},
    {"identifies", identifies},
    {"reads_and_writes", reads_and_writes},
    {"queued_commands", queued_commands},
    {"interrupts", interrupts},
    {"errors", errors},
    {"queue_errors", queue_errors},
    {"write_protected", write_protected},
    {"trims", trims},
    {"resets", resets},
    {"cd_commands", cd_commands},
    {"cd_senses", cd_senses},
    {"state", state},
};
TEST_SUITE(ahci_test, "unit", cases);
