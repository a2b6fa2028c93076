/*
 * A guest that shows one of the pictures, whose name is its command line, says "shown" on the first serial
 * port and sleeps: under any emulator that starts multiboot kernels.
 */
#include <stdbool.h>

#include "guests/vga/pictures.h"

#define COM1             0x3f8
#define COM_STATUS       5
#define COM_EMPTY        0x20
#define INFO_HAS_CMDLINE 0x04

struct multiboot_info {
    uint32_t flags, memory_lower, memory_upper, boot_device, command_line;
};

void vga_main(const struct multiboot_info *info);
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);

/* The compiler may call these two. */
void *memcpy(void *to, const void *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((volatile uint8_t *)to)[i] = (uint8_t)byte;
    return to;
}

static void port_out(void *opaque, uint16_t port, uint8_t value)
{
    (void)opaque;
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static void port_out16(void *opaque, uint16_t port, uint16_t value)
{
    (void)opaque;
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t port_in(void *opaque, uint16_t port)
{
    uint8_t value;
    (void)opaque;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static uint8_t memory_load(void *opaque, uint32_t address)
{
    (void)opaque;
    return *(volatile uint8_t *)address;
}

static void memory_store(void *opaque, uint32_t address, const uint8_t *bytes, size_t len)
{
    (void)opaque;
    for (size_t i = 0; i < len; i++)
        ((volatile uint8_t *)address)[i] = bytes[i];
}

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(port_in(NULL, COM1 + COM_STATUS) & COM_EMPTY))
            ;
        port_out(NULL, COM1, (uint8_t)*text);
    }
}

/* The command line's last word: some put the file's name before it. */
static const char *last_word(const char *line)
{
    const char *word = line;
    for (; *line; line++)
        if (*line == ' ' && line[1] && line[1] != ' ')
            word = line + 1;
    return word;
}

static bool word_is(const char *word, const char *name)
{
    while (*name && *word == *name)
        word++, name++;
    return !*name && (!*word || *word == ' ');
}

void vga_main(const struct multiboot_info *info)
{
    static const struct vga_io io = {port_out, port_out16, port_in, memory_load, memory_store, NULL};
    const char *name = info->flags & INFO_HAS_CMDLINE ? last_word((const char *)info->command_line) : "";
    for (size_t i = 0; i < vga_picture_count; i++) {
        if (!word_is(name, vga_pictures[i].name))
            continue;
        vga_pictures[i].make(&io);
        say("shown\r\n");
        return;
    }
    say("unknown picture\r\n");
}
