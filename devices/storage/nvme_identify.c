/* What the controller and its namespace are (NVMe 1.4, 5.15). */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/nvme_internal.h"

enum {
    CNS_NAMESPACE,
    CNS_CONTROLLER,
    CNS_NAMESPACES,
    CNS_DESCRIPTORS,
};

#define MODEL    "TRIARCH NVMe"
#define FIRMWARE "1.0"
#define VERSION  0x00010400u

static void text_put(uint8_t *to, size_t room, const char *text)
{
    size_t len = strlen(text);
    memset(to, ' ', room);
    memcpy(to, text, len < room ? len : room);
}

/* A number of the disk's own, made from its serial number (FNV-1a), with the bit that marks it as local. */
static uint64_t namespace_number(const struct nvme *nvme)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *p = nvme->serial; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    return hash | (uint64_t)0x02 << 56;
}

static void controller(const struct nvme *nvme, uint8_t *data)
{
    le16_store(data, nvme->pci.config.vendor);
    le16_store(data + 2, nvme->pci.config.subsystem_vendor);
    text_put(data + 4, 20, nvme->serial);
    text_put(data + 24, 40, MODEL);
    text_put(data + 64, 8, FIRMWARE);
    data[72] = 6; /* the burst that is best */
    data[77] = NVME_MDTS;
    le32_store(data + 80, VERSION);
    data[258] = 3;                 /* aborts at a time, less one */
    data[259] = NVME_EVENTS - 1;   /* asynchronous events likewise */
    data[260] = 3;                 /* one firmware slot, read-only */
    data[261] = 1 << 2;            /* log pages by offset */
    le16_store(data + 266, 0x157); /* 70 C: warning and critical temperatures */
    le16_store(data + 268, 0x175);
    data[512] = 0x66; /* sizes of queue entries: 64 and 16 bytes */
    data[513] = 0x44;
    le32_store(data + 516, 1);      /* namespaces */
    le16_store(data + 520, 0x000c); /* DATASET MANAGEMENT, WRITE ZEROES */
    data[525] = 1;                  /* a volatile write cache */
    snprintf((char *)data + 768, 223, "nqn.2025-01.triarch:nvme:%s", nvme->serial);
    le16_store(data + 2048, 2500); /* one power state: 25 W */
}

static void namespace_tell(const struct nvme *nvme, uint8_t *data)
{
    uint64_t blocks = nvme_blocks(nvme);
    le64_store(data, blocks);
    le64_store(data + 8, blocks);
    le64_store(data + 16, blocks);
    data[33] = 0x09; /* deallocated blocks read as zero; WRITE ZEROES deallocates */
    data[99] = block_readonly(nvme->block);
    be64_store(data + 120, namespace_number(nvme));
    data[130] = 9; /* the one format: 2^9 bytes a block */
}

enum nvme_status nvme_identify(struct nvme *nvme, const struct nvme_command *command, uint8_t *data)
{
    uint32_t namespace = command->namespace;
    switch (command->words[0] & 0xff) {
    case CNS_NAMESPACE:
        if (namespace != 1)
            return NVME_INVALID_NAMESPACE;
        namespace_tell(nvme, data);
        return NVME_OK;
    case CNS_CONTROLLER: controller(nvme, data); return NVME_OK;
    case CNS_NAMESPACES: /* those with a number above the given one */
        if (namespace >= 0xfffffffe)
            return NVME_INVALID_NAMESPACE;
        le32_store(data, namespace < 1);
        return NVME_OK;
    case CNS_DESCRIPTORS:
        if (namespace != 1)
            return NVME_INVALID_NAMESPACE;
        data[0] = 1; /* an EUI-64 */
        data[1] = 8;
        be64_store(data + 4, namespace_number(nvme));
        return NVME_OK;
    default: return NVME_INVALID_FIELD;
    }
}
