/* The IDE controller by its registers: ACS-2, ATA8-AAM and the 82371AB's data sheet; on port 0x1f0 a disk and
 * a CD drive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ide.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define DEVFN     9
#define RAM_SIZE  (2 * MIB)
#define DISK_SIZE (64 * MIB) /* 130 cylinders of 16 heads and 63 sectors */
#define CD_SIZE   (64 * KIB)

enum { DATA = 0x1f0, ERROR = 0x1f1, COUNT, LOW, MID, HIGH, DEVICE, STATUS, CONTROL = 0x3f6 };
enum { BUSY = 0x80, READY = 0x40, DRQ = 0x08, BAD = 0x01 };
enum { IDENTIFY = 0xec, READ = 0x20, WRITE = 0x30, READ_DMA = 0xc8, WRITE_DMA = 0xca, PACKET = 0xa0 };
enum { MASTER, SLAVE = 0x10, LBA = 0xe0 };

static struct test_machine *test;
static struct test_pci pci;
static struct test_irq irqs[2];
static uint16_t master;
static const char *folder;

/* Byte i of the medium is (i / 512 * 7 + i) & 0xff. */
static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at / 512 * 7 + at);
}

static struct block *medium_open(const char *name, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < 128 * KIB && i < size; i++)
        fputc(pattern(i), file);
    fclose(file);
    CHECK_EQ(disk_shell("truncate -s %zu %s", size, path), 0);
    return disk_open(test, path, "raw", false);
}

static void set_up(void)
{
    struct error err = {0};
    folder = disk_folder_create();
    test = test_machine_create(RAM_SIZE);
    memset(irqs, 0, sizeof(irqs));
    test_pci_start(&pci, test);
    struct ide_config config = {
        .bus = pci.bus, .devfn = DEVFN, .irqs = {test_irq_line(&irqs[0]), test_irq_line(&irqs[1])}};
    config.devices[0] = ata_disk_create(&test->machine, "disk", medium_open("disk", DISK_SIZE), "SERIAL");
    config.devices[1] = atapi_create(&test->machine, "cd", medium_open("cd", CD_SIZE));
    CHECK(ide_create(&test->machine, &config, &err) != NULL);
    master = (uint16_t)test_pci_bar(&pci, DEVFN, 4);
    test_pci_put(&pci, DEVFN, 0x40, 2, 0x8000);
    test_pci_put(&pci, DEVFN, 0x42, 2, 0x8000);
}

static void tear_down(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    disk_folder_remove(folder);
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)test_in(test, port, 1);
}

static uint8_t bits_in(uint16_t port, uint8_t mask)
{
    return in(port)&mask;
}

static void out(uint16_t port, uint8_t value)
{
    test_out(test, port, 1, value);
}

static bool is_idle(void *opaque)
{
    (void)opaque;
    return !bits_in(CONTROL, BUSY);
}

/* Wait, and read the status, which takes the interrupt back. */
static uint8_t status_wait(void)
{
    CHECK(test_loop_until(test, is_idle, NULL));
    return in(STATUS);
}

static void command(uint8_t device, uint32_t lba, uint8_t count, uint8_t code)
{
    out(DEVICE, (uint8_t)(device | (lba >> 24 & 0xf)));
    out(COUNT, count);
    out(LOW, (uint8_t)lba);
    out(MID, (uint8_t)(lba >> 8));
    out(HIGH, (uint8_t)(lba >> 16));
    out(STATUS, code);
}

static void data_in(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 2)
        le16_store(bytes + i, (uint16_t)test_in(test, DATA, 2));
}

static void data_out(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 4)
        test_out(test, DATA, 4, le32_load(bytes + i));
}

static bool is_medium(const uint8_t *bytes, uint64_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != pattern(at + i))
            return false;
    }
    return true;
}

/* --- who is there --- */

static void signatures(void)
{
    set_up();
    /* ATA8-AAM, 9.1: after a reset both show what they are, and device 0 is selected. */
    out(CONTROL, 4);
    CHECK_EQ(in(CONTROL), BUSY);
    out(CONTROL, 0);
    CHECK_EQ(in(STATUS), 0x50);
    CHECK_EQ(in(ERROR), 1);
    CHECK_EQ(in(COUNT), 1);
    CHECK_EQ(in(MID) | in(HIGH) << 8, 0);
    out(DEVICE, SLAVE);
    CHECK_EQ(in(STATUS), 0); /* a packet device is not ready */
    CHECK_EQ(in(MID) | in(HIGH) << 8, 0xeb14);
    /* Nobody is on the other channel. */
    for (unsigned i = 0; i < 2; i++) {
        out(0x176, (uint8_t)(i << 4));
        CHECK_EQ(in(0x177), 0);
    }
    /* Each channel has its bit in configuration space, and both the one for ports. */
    test_pci_put(&pci, DEVFN, 0x42, 2, 0);
    uint64_t value;
    CHECK(!bus_read(test->machine.mem.pio, 0x177, 1, &value));
    CHECK(bus_read(test->machine.mem.pio, 0x1f7, 1, &value));
    test_pci_put(&pci, DEVFN, PCI_COMMAND, 2, 0);
    CHECK(!bus_read(test->machine.mem.pio, 0x1f7, 1, &value));
    tear_down();
}

static void identify(void)
{
    uint8_t data[512];
    set_up();
    command(MASTER, 0, 0, IDENTIFY);
    CHECK(irqs[0].level);
    CHECK_EQ(bits_in(CONTROL, DRQ), DRQ);
    CHECK(irqs[0].level); /* which the other status register leaves */
    CHECK_EQ(in(STATUS) & (BUSY | DRQ), DRQ);
    CHECK(!irqs[0].level);
    data_in(data, sizeof(data));
    CHECK_EQ(le16_load(data + 2 * 1), 130);
    CHECK_EQ(le16_load(data + 2 * 3), 16);
    CHECK_EQ(le16_load(data + 2 * 6), 63);
    CHECK_EQ(le32_load(data + 2 * 60), DISK_SIZE / 512);
    CHECK(!irqs[0].level); /* the data end the command */
    CHECK_EQ(in(STATUS), 0x50);
    /* A packet device refuses, and shows its signature. */
    command(SLAVE, 0, 0, IDENTIFY);
    CHECK_EQ(status_wait() & (DRQ | BAD), BAD);
    CHECK_EQ(in(MID) | in(HIGH) << 8, 0xeb14);
    command(SLAVE, 0, 0, 0xa1);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    CHECK_EQ(le16_load(data) & 0xff00, 0x8500);
    tear_down();
}

/* --- by the port --- */

static void reading(void)
{
    uint8_t data[512];
    set_up();
    command(LBA, 5, 2, READ);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
        data_in(data, sizeof(data));
        CHECK(is_medium(data, (5 + i) * 512, sizeof(data)));
    }
    CHECK_EQ(in(STATUS) & (BUSY | DRQ), 0);
    CHECK_EQ(irqs[0].rises, 2);
    /* ATA-5, 8.28: 16 sectors a DRQ after SET MULTIPLE MODE. */
    command(LBA, 0, 16, 0xc6);
    CHECK_EQ(status_wait() & BAD, 0);
    uint8_t *many = malloc(20 * 512);
    command(LBA, 100, 20, 0xc4);
    CHECK_EQ(status_wait() & DRQ, DRQ);
    data_in(many, 16 * 512);
    CHECK_EQ(status_wait() & DRQ, DRQ);
    data_in(many + 16 * 512, 4 * 512);
    CHECK_EQ(bits_in(STATUS, DRQ), 0);
    CHECK(is_medium(many, 100 * 512, 20 * 512));
    free(many);
    /* Behind the end of the disk. */
    command(LBA, DISK_SIZE / 512, 1, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), BAD);
    CHECK_EQ(in(ERROR), 0x10);
    /* Without interrupts. */
    unsigned rises = irqs[0].rises;
    out(CONTROL, 2);
    command(LBA, 5, 1, READ);
    CHECK_EQ(status_wait() & DRQ, DRQ);
    data_in(data, sizeof(data));
    CHECK_EQ(irqs[0].rises, rises);
    tear_down();
}

static void writing(void)
{
    uint8_t data[2 * 512], read[2 * 512];
    set_up();
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 3 + i / 256);
    command(LBA, 700, 2, WRITE);
    CHECK_EQ(in(STATUS) & (BUSY | DRQ), DRQ); /* at once: some don't even look */
    CHECK_EQ(irqs[0].rises, 0);
    data_out(data, 512);
    CHECK_EQ(status_wait() & DRQ, DRQ);
    data_out(data + 512, 512);
    CHECK_EQ(status_wait() & (DRQ | BAD), 0);
    CHECK_EQ(irqs[0].rises, 2);
    command(LBA, 700, 2, READ);
    for (unsigned i = 0; i < 2; i++) {
        status_wait();
        data_in(read + 512 * i, 512);
    }
    CHECK_MEM(read, data, sizeof(data));
    command(LBA, 0, 0, 0xe7); /* FLUSH CACHE */
    CHECK_EQ(status_wait() & BAD, 0);
    tear_down();
}

/* ATA-5, 6.2: cylinder, head and sector, from 1, by the geometry that was last set. */
static void geometry(void)
{
    uint8_t data[512];
    set_up();
    command(0xa2, 4, 1, READ); /* cylinder 0, head 2, sector 4 */
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    CHECK(is_medium(data, (2 * 63 + 3) * 512, sizeof(data)));
    out(DEVICE, 0xa0 | 3); /* 4 heads, 17 sectors */
    out(COUNT, 17);
    out(STATUS, 0x91);
    CHECK_EQ(status_wait() & BAD, 0);
    out(DEVICE, 0xa1);
    out(COUNT, 1);
    out(LOW, 17);
    out(MID, 2);
    out(STATUS, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    CHECK(is_medium(data, ((2 * 4 + 1) * 17 + 16) * 512, sizeof(data)));
    out(LOW, 0); /* there is no sector 0 */
    out(STATUS, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), BAD);
    CHECK_EQ(in(ERROR), 0x10);
    tear_down();
}

/* ACS-2, annex C: registers have a value before the last, which READ SECTOR EXT uses and HOB shows. */
static void wide(void)
{
    uint8_t data[512];
    set_up();
    out(DEVICE, 0x40);
    out(COUNT, 0);
    out(COUNT, 1);
    out(LOW, 0);
    out(LOW, 9);
    out(MID, 0x77);
    out(MID, 0);
    out(HIGH, 0);
    out(HIGH, 0);
    out(CONTROL, 0x80);
    CHECK_EQ(in(MID), 0x77);
    out(CONTROL, 0);
    CHECK_EQ(in(MID), 0);
    out(MID, 0);
    out(STATUS, 0x24);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    CHECK(is_medium(data, 9 * 512, sizeof(data)));
    tear_down();
}

/* --- by the bus master --- */

#define TABLE  (TEST_RAM_BASE + 0x1000)
#define BUFFER (TEST_RAM_BASE + 0x10000)

static void entry_put(unsigned i, uint64_t base, uint32_t len, bool last)
{
    test_store(test, TABLE + 8 * i, 4, base);
    test_store(test, TABLE + 8 * i + 4, 4, (len & 0xffff) | (last ? 0x80000000 : 0));
}

static uint8_t master_run(uint8_t direction, uint8_t device, uint32_t lba, uint8_t count, uint8_t code)
{
    test_out(test, master + 4, 4, TABLE);
    test_out(test, master, 1, direction);
    test_out(test, master + 2, 1, 0x66);
    command(device, lba, count, code);
    test_out(test, master, 1, direction | 1);
    return status_wait();
}

static void master_reads(void)
{
    uint8_t data[4096];
    set_up();
    entry_put(0, BUFFER, 1536, false);
    entry_put(1, BUFFER + 8192, 2560, true);
    CHECK_EQ(master_run(8, LBA, 40, 8, READ_DMA) & (DRQ | BAD), 0);
    CHECK_EQ(irqs[0].rises, 1);
    CHECK_EQ(test_in(test, master + 2, 1), 0x64); /* the interrupt, no longer active */
    test_out(test, master, 1, 8);
    test_out(test, master + 2, 1, 0x64);
    CHECK_EQ(test_in(test, master + 2, 1), 0x60);
    test_ram_get(test, BUFFER, data, 1536);
    test_ram_get(test, BUFFER + 8192, data + 1536, 2560);
    CHECK(is_medium(data, 40 * 512, sizeof(data)));
    /* A table with more than the transfer leaves the bus master active. */
    entry_put(0, BUFFER, 0, true); /* 64 KiB */
    CHECK_EQ(master_run(8, LBA, 1, 1, READ_DMA) & (DRQ | BAD), 0);
    CHECK_EQ(test_in(test, master + 2, 1), 0x65);
    test_out(test, master, 1, 8);
    CHECK_EQ(test_in(test, master + 2, 1) & 1, 0);
    test_ram_get(test, BUFFER, data, 512);
    CHECK(is_medium(data, 512, 512));
    tear_down();
}

static void master_writes(void)
{
    uint8_t data[1024], read[1024];
    set_up();
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 5 + 1);
    test_ram_put(test, BUFFER, data, sizeof(data));
    entry_put(0, BUFFER, sizeof(data), true);
    CHECK_EQ(master_run(0, LBA, 900, 2, WRITE_DMA) & (DRQ | BAD), 0);
    CHECK_EQ(test_in(test, master + 2, 1) & 7, 4);
    test_out(test, master, 1, 0);
    command(LBA, 900, 2, READ);
    for (unsigned i = 0; i < 2; i++) {
        status_wait();
        data_in(read + 512 * i, 512);
    }
    CHECK_MEM(read, data, sizeof(data));
    tear_down();
}

/* Tables that are too short, in no RAM, for the other direction: an error, and the next command works. */
static void master_errors(void)
{
    set_up();
    entry_put(0, BUFFER, 512, true);
    CHECK_EQ(master_run(8, LBA, 40, 2, READ_DMA) & (DRQ | BAD), BAD);
    CHECK_EQ(test_in(test, master + 2, 1) & 3, 2);
    test_out(test, master, 1, 0);
    entry_put(0, 0x10000000, 512, true);
    CHECK_EQ(master_run(8, LBA, 40, 1, READ_DMA) & (DRQ | BAD), BAD);
    test_out(test, master, 1, 0);
    entry_put(0, BUFFER, 512, true);
    CHECK_EQ(master_run(0, LBA, 40, 1, READ_DMA) & (DRQ | BAD), BAD);
    test_out(test, master, 1, 0);
    CHECK_EQ(master_run(8, LBA, 40, 1, READ_DMA) & (DRQ | BAD), 0);
    tear_down();
}

/* --- packets --- */

static void packet_send(const uint8_t packet[12], uint16_t limit, bool dma)
{
    out(DEVICE, SLAVE);
    out(ERROR, dma);
    out(MID, (uint8_t)limit);
    out(HIGH, (uint8_t)(limit >> 8));
    out(STATUS, PACKET);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    CHECK_EQ(bits_in(COUNT, 3), 1); /* a packet is awaited */
    for (unsigned i = 0; i < 12; i += 2)
        test_out(test, DATA, 2, le16_load(packet + i));
}

static void packets(void)
{
    static const uint8_t inquiry[12] = {0x12, [4] = 36}, bad[12] = {0xff}, ready[12] = {0};
    static const uint8_t read[12] = {0x28, [5] = 3, [8] = 2};
    uint8_t data[4096];
    set_up();
    packet_send(inquiry, 0xfffe, false);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    CHECK_EQ(bits_in(COUNT, 3), 2); /* data for the host */
    CHECK_EQ(in(MID) | in(HIGH) << 8, 36);
    data_in(data, 36);
    CHECK(irqs[0].level); /* the end of a packet command is told */
    CHECK_EQ(status_wait() & (DRQ | BAD), 0);
    CHECK_EQ(bits_in(COUNT, 3), 3);
    CHECK_EQ(data[0], 5);
    packet_send(ready, 0, false);
    CHECK_EQ(status_wait() & (DRQ | BAD), 0);
    /* No more a DRQ than was allowed. */
    packet_send(read, 1024, false);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
        CHECK_EQ(in(MID) | in(HIGH) << 8, 1024);
        data_in(data + 1024 * i, 1024);
    }
    CHECK_EQ(status_wait() & (DRQ | BAD), 0);
    CHECK(is_medium(data, 3 * 2048, sizeof(data)));
    packet_send(bad, 0, false);
    CHECK_EQ(status_wait() & (DRQ | BAD), BAD);
    CHECK_EQ(in(ERROR) >> 4, 5); /* an illegal request */
    /* The same by DMA. */
    test_out(test, master + 4, 4, TABLE);
    test_out(test, master, 1, 8);
    entry_put(0, BUFFER, 4096, true);
    packet_send(read, 0, true);
    test_out(test, master, 1, 9);
    CHECK_EQ(status_wait() & (DRQ | BAD), 0);
    test_ram_get(test, BUFFER, data, sizeof(data));
    CHECK(is_medium(data, 3 * 2048, sizeof(data)));
    tear_down();
}

/* --- resets --- */

static void resets(void)
{
    uint8_t data[512];
    set_up();
    command(LBA, 5, 4, READ);
    status_wait();
    data_in(data, 100);
    out(CONTROL, 4); /* in the middle */
    out(CONTROL, 0);
    CHECK_EQ(in(STATUS), 0x50);
    command(LBA, 6, 1, READ_DMA); /* and while the bus master is awaited */
    test_reset(test);
    test_pci_put(&pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    test_pci_put(&pci, DEVFN, 0x40, 2, 0x8000);
    CHECK_EQ(in(STATUS), 0x50);
    command(LBA, 6, 1, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    /* A save in the middle: the rest is lost, and the driver is told to try again. */
    test_save_load(test);
    CHECK_EQ(in(STATUS) & (BUSY | DRQ | BAD), BAD);
    command(LBA, 6, 1, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    CHECK(is_medium(data, 6 * 512, sizeof(data)));
    tear_down();
}

/* Any order of any values, and then it still works. */
static void wild(void)
{
    uint8_t data[512];
    set_up();
    uint32_t random = 12345;
    for (unsigned i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        unsigned where = random >> 28, width = 1u << (random >> 26 & 1);
        uint8_t value = (uint8_t)(random >> 16);
        if (where < 8)
            test_out(test, (uint16_t)(DATA + where), where ? 1 : width,
                     where == 7 && (value & 1) ? READ : value);
        else if (where < 12)
            test_in(test, (uint16_t)(DATA + (value & 7)), 1);
        else if (where == 12)
            test_out(test, CONTROL, 1, value & 0x86);
        else
            test_out(test, (uint16_t)(master + (value & 7)), 1, (uint8_t)(random >> 8));
    }
    out(CONTROL, 4);
    out(CONTROL, 0);
    command(LBA, 8, 1, READ);
    CHECK_EQ(status_wait() & (DRQ | BAD), DRQ);
    data_in(data, sizeof(data));
    tear_down();
}

static const struct test_case cases[] = {{"signatures", signatures},
                                         {"identify", identify},
                                         {"reading", reading},
                                         {"writing", writing},
                                         {"geometry", geometry},
                                         {"wide", wide},
                                         {"master_reads", master_reads},
                                         {"master_writes", master_writes},
                                         {"master_errors", master_errors},
                                         {"packets", packets},
                                         {"resets", resets},
                                         {"wild", wild}};
TEST_SUITE(ide_test, "unit", cases);
