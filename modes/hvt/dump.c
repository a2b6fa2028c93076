/* The core of a unikernel that aborted, as an ELF file for GDB: registers and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "host/signal.h"
#include "host/store.h"
#include "machine/loader/detect.h"
#include "modes/hvt/board.h"

/* ELF-64 object file format. */
#define ELF_HEADER_SIZE 64
#define PROGRAM_SIZE    56
#define NOTE_HEADER     12
#define ET_CORE         4
#define PT_LOAD         1
#define PT_NOTE         4
#define PF_ALL          7
#define NT_PRSTATUS     1

#define NOTE_NAME        "CORE\0\0\0" /* eight bytes with the literal's own zero */
#define NOTE_NAME_LEN    5
#define NOTE_NAME_PADDED 8

/* Linux's struct elf_prstatus: the signal, and the registers. */
#define PRSTATUS_SIGNAL 12
#define PRSTATUS_REGS   112
#define PRSTATUS_MAX    512
#define SIGNAL_ABORT    6

#define MEMORY_AT PAGE_SIZE /* in the file: behind everything else, so that pages of it stay pages */
#define HEAD_SIZE (ELF_HEADER_SIZE + 2 * PROGRAM_SIZE + NOTE_HEADER + NOTE_NAME_PADDED + PRSTATUS_MAX)
_Static_assert(HEAD_SIZE <= MEMORY_AT, "the headers fit before the memory");

static void file_header_put(uint8_t *at, enum guest_arch arch)
{
    memcpy(at, "\177ELF\2\1\1", 7);
    le16_store(at + 16, ET_CORE);
    le16_store(at + 18, guest_arch_elf_machine(arch));
    le32_store(at + 20, 1);
    le64_store(at + 32, ELF_HEADER_SIZE); /* where the program headers are */
    le16_store(at + 52, ELF_HEADER_SIZE);
    le16_store(at + 54, PROGRAM_SIZE);
    le16_store(at + 56, 2);
}

static void program_put(uint8_t *at, uint32_t type, uint32_t flags, uint64_t offset, uint64_t size)
{
    le32_store(at, type);
    le32_store(at + 4, flags);
    le64_store(at + 8, offset);
    le64_store(at + 32, size);
    le64_store(at + 40, size);
}

static void note_put(uint8_t *at, const struct hvt_gregs *gregs)
{
    uint8_t *status = at + NOTE_HEADER + NOTE_NAME_PADDED;
    le32_store(at, NOTE_NAME_LEN);
    le32_store(at + 4, gregs->prstatus_size);
    le32_store(at + 8, NT_PRSTATUS);
    memcpy(at + NOTE_HEADER, NOTE_NAME, NOTE_NAME_PADDED);
    le16_store(status + PRSTATUS_SIGNAL, SIGNAL_ABORT);
    for (unsigned i = 0; i < gregs->count; i++)
        le64_store(status + PRSTATUS_REGS + 8 * i, gregs->regs[i]);
}

static void head_make(struct hvt_board *board, uint8_t *head)
{
    const uint8_t *cookie = NULL;
    struct hvt_gregs gregs;
    uint64_t note_at = ELF_HEADER_SIZE + 2 * PROGRAM_SIZE;
    if (board->cookie)
        cookie = ram_at(board->run->machine.mem.ram, gpa(board->cookie), HVT_COOKIE_SIZE, RAM_READ);
    board->arch->gregs(board->run->vcpus[0], cookie, &gregs);
    file_header_put(head, board->config->arch);
    program_put(head + ELF_HEADER_SIZE, PT_NOTE, 0, note_at,
                NOTE_HEADER + NOTE_NAME_PADDED + gregs.prstatus_size);
    program_put(head + ELF_HEADER_SIZE + PROGRAM_SIZE, PT_LOAD, PF_ALL, MEMORY_AT, board->size);
    note_put(head + note_at, &gregs);
}

/* What the guest never touched becomes a hole. The last byte gives the file its length. */
static bool memory_put(const struct hvt_board *board, struct host_store *file)
{
    const uint8_t *memory = ram_block_host(board->memory);
    uint64_t offset = 0, size;
    for (; offset < board->size && ram_block_next_data(board->memory, &offset, &size); offset += size) {
        if (!host_store_write(file, MEMORY_AT + offset, memory + offset, size))
            return false;
    }
    return host_store_write(file, MEMORY_AT + board->size - 1, memory + board->size - 1, 1);
}

bool hvt_dump_write(struct hvt_board *board, const char *folder, struct error *err)
{
    char path[512];
    uint8_t head[HEAD_SIZE] = {0};
    struct host_store file;
    snprintf(path, sizeof(path), "%s/core.solo5-hvt.%u", folder, host_process_id());
    if (!host_store_create(&file, path, err))
        return error_prefix(err, "no core is dumped");
    head_make(board, head);
    bool ok = host_store_write(&file, 0, head, sizeof(head)) && memory_put(board, &file);
    host_store_close(&file);
    if (!ok)
        return error_set(err, ERROR_HOST, "%s could not be written whole: is the disk full?", path);
    log_warn("the unikernel aborted; its core is in %s", path);
    return true;
}
