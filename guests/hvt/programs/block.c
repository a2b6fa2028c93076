/* Two block devices: sizes, what is there, writing and reading back, and what must be refused. */
#include "guests/hvt/hvt.h"

MANIFEST(2, BLOCK_DEVICE("disk"), BLOCK_DEVICE("other2"));

static uint8_t data[4096], back[4096];
static const uint8_t constant[4096] = {1};

static int transfer(enum call call, uint64_t handle, uint64_t offset, void *bytes, uint64_t len)
{
    struct call_block argument = {handle, offset, bytes, len, -1};
    hypercall(call, &argument);
    return argument.result;
}

static void refusals(const struct device *disk, uint64_t handle)
{
    uint64_t size = disk->block.capacity, sector = disk->block.sector_size;
    check(transfer(CALL_BLOCK_READ, handle, size, back, sector) == RESULT_INVALID, "a read behind the end");
    check(transfer(CALL_BLOCK_WRITE, handle, size, data, sector) == RESULT_INVALID, "a write behind the end");
    check(transfer(CALL_BLOCK_READ, handle, size - sector, back, 2 * sector) == RESULT_INVALID,
          "over the end");
    check(transfer(CALL_BLOCK_READ, handle, -sector, back, 2 * sector) == RESULT_INVALID, "a wrap-around");
    check(transfer(CALL_BLOCK_READ, handle, 1, back, sector) == RESULT_INVALID, "an odd offset");
    check(transfer(CALL_BLOCK_WRITE, handle, 0, data, sector - 1) == RESULT_INVALID, "an odd length");
    check(transfer(CALL_BLOCK_READ, handle, 0, back, 0) == RESULT_INVALID, "no length");
    check(transfer(CALL_BLOCK_READ, 0, 0, back, sector) == RESULT_INVALID, "the reserved handle");
    check(transfer(CALL_BLOCK_READ, 63, 0, back, sector) == RESULT_INVALID, "a handle without a device");
    check(transfer(CALL_BLOCK_READ, ~0ull, 0, back, sector) == RESULT_INVALID, "the highest handle");
}

static void sectors(const struct device *disk, uint64_t handle)
{
    uint64_t sector = disk->block.sector_size, last = disk->block.capacity - sector;
    bool same = true;
    for (unsigned i = 0; i < sector; i++)
        data[i] = (uint8_t)(i * 7 + handle);
    check(transfer(CALL_BLOCK_WRITE, handle, last, data, sector) == RESULT_OK, "a write");
    check(transfer(CALL_BLOCK_READ, handle, last, back, sector) == RESULT_OK, "a read");
    for (unsigned i = 0; i < sector; i++)
        same &= back[i] == data[i];
    check(same, "what was written is read");
    check(transfer(CALL_BLOCK_READ, handle, 0, back, sector) == RESULT_OK, "a read of the start");
    print((const char *)back);
    print("\n");
}

int guest_main(const struct boot_info *info)
{
    static const char *const names[] = {"disk", "other2"};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t handle;
        const struct device *disk = device_find(info, names[i], &handle);
        check(disk, names[i]);
        if (!disk)
            continue;
        print_number(disk->block.capacity);
        print(" bytes, sectors of ");
        print_number(disk->block.sector_size);
        print("\n");
        refusals(disk, handle);
        sectors(disk, handle);
    }
    /* What must not be: the device's bytes over constants. The tender ends such a program. */
    if (text_equal(info->arguments, "overwrite"))
        transfer(CALL_BLOCK_READ, 1, 0, (void *)(uintptr_t)constant, 512);
    /* Nor over the page tables. */
    if (text_equal(info->arguments, "tables"))
        transfer(CALL_BLOCK_READ, 1, 0, (void *)0x2000, 512);
    return check_status();
}
