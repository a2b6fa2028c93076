#include "guests/hvt/hvt.h"

static const struct {
    struct note_header header;
    uint32_t target, version, reserved[2];
} abi_note
    __attribute__((section(".note.abi"), aligned(4), used)) = {{6, 16, 0x31494241, "Solo5"}, 1, 2, {0, 0}};

/* As Solo5's own programs have it, so that no host starts one by mistake. */
static const char interpreter[] __attribute__((section(".interp"), aligned(8), used)) = "/nonexistent/solo5/";

static bool failed;

/* The tender enters here, with a stack. */
void _start(const struct boot_info *info);
void _start(const struct boot_info *info)
{
    halt(guest_main(info), NULL);
}

/* The compiler calls these for copies and zeroed variables. */
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int byte, size_t len);

void *memcpy(void *restrict to, const void *restrict from, size_t len)
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

size_t text_length(const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    return len;
}

bool text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

uint64_t text_number(const char *text)
{
    uint64_t value = 0;
    while (*text >= '0' && *text <= '9')
        value = 10 * value + (uint64_t)(*text++ - '0');
    return value;
}

void print(const char *text)
{
    struct call_puts call = {text, text_length(text)};
    hypercall(CALL_PUTS, &call);
}

static void print_based(uint64_t value, unsigned base)
{
    char text[24], *at = text + sizeof(text) - 1;
    *at = '\0';
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    print(at);
}

void print_number(uint64_t value)
{
    print_based(value, 10);
}

void print_hex(uint64_t value)
{
    print("0x");
    print_based(value, 16);
}

uint64_t wall_now(void)
{
    struct call_walltime call = {0};
    hypercall(CALL_WALLTIME, &call);
    return call.ns;
}

void halt(int status, const void *cookie)
{
    struct call_halt call = {cookie, status};
    for (;;)
        hypercall(CALL_HALT, &call);
}

const struct device *device_find(const struct boot_info *info, const char *name, uint64_t *handle)
{
    for (uint32_t i = 0; i < info->manifest->count; i++) {
        const struct device *device = &info->manifest->devices[i];
        *handle = i;
        if (text_equal(device->name, name) && device->attached)
            return device;
    }
    return NULL;
}

void check(bool ok, const char *what)
{
    if (ok)
        return;
    print("wrong: ");
    print(what);
    print("\n");
    failed = true;
}

int check_status(void)
{
    if (!failed)
        print("SUCCESS\n");
    return failed;
}
