/*
 * The same register files and memory in our VGA and in QEMU's, driven through its qtest protocol while its
 * processor stands still: both pictures are the same, pixel by pixel.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "devices/display/vga.h"
#include "guests/vga/pictures.h"
#include "tests/devices/pci_support.h"

#define MEMORY (16 * MIB)

/* --- our own --- */

static struct test_machine *test;
static struct test_pci pci;
static struct display *display;

static void own_out(void *opaque, uint16_t port, uint8_t value)
{
    (void)opaque;
    test_out(test, port, 1, value);
}

static void own_out16(void *opaque, uint16_t port, uint16_t value)
{
    (void)opaque;
    test_out(test, port, 2, value);
}

static uint8_t own_in(void *opaque, uint16_t port)
{
    (void)opaque;
    return (uint8_t)test_in(test, port, 1);
}

static uint8_t own_load(void *opaque, uint32_t address)
{
    (void)opaque;
    return (uint8_t)test_load(test, address, 1);
}

static void own_store(void *opaque, uint32_t address, const uint8_t *bytes, size_t len)
{
    (void)opaque;
    for (size_t i = 0; i < len; i++)
        test_store(test, address + i, 1, bytes[i]);
}

static void own_start(void)
{
    test = test_machine_create(MIB);
    test_pci_start(&pci, test);
    display = display_create();
    struct vga_config config = {.bus = pci.bus, .devfn = 8, .memory = MEMORY, .display = display};
    CHECK(vga_create(&test->machine, &config, NULL) != NULL);
}

static void own_finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    display_destroy(display);
}

/* --- the peer --- */

struct peer {
    pid_t process;
    int qtest;     /* commands, and a line "OK ..." for each */
    int monitor;   /* QMP */
    unsigned owed; /* answers that were not read yet */
    char folder[64];
};

#define OWED_MAX 200

/* One line; false: the peer is gone. */
static bool line_read(int fd, char *line, size_t size)
{
    size_t len = 0;
    while (len < size - 1) {
        if (read(fd, line + len, 1) != 1)
            return false;
        if (line[len++] == '\n')
            break;
    }
    line[len] = 0;
    return true;
}

static void answers_take(struct peer *peer, char *last, size_t size)
{
    for (; peer->owed; peer->owed--) {
        if (!line_read(peer->qtest, last, size) || strncmp(last, "OK", 2) != 0) {
            FAIL("the peer answers %s", last);
            peer->owed = 0;
            return;
        }
    }
}

static void say(struct peer *peer, const char *text, size_t len)
{
    char line[128];
    if (write(peer->qtest, text, len) != (ssize_t)len)
        FAIL("the peer is gone");
    if (++peer->owed >= OWED_MAX)
        answers_take(peer, line, sizeof(line));
}

static uint8_t ask(struct peer *peer, const char *text, size_t len)
{
    char line[128] = "";
    say(peer, text, len);
    answers_take(peer, line, sizeof(line));
    return (uint8_t)strtoul(line + 3, NULL, 0);
}

static void peer_out(void *opaque, uint16_t port, uint8_t value)
{
    char text[64];
    say(opaque, text, (size_t)snprintf(text, sizeof(text), "outb %#x %#x\n", port, value));
}

static void peer_out16(void *opaque, uint16_t port, uint16_t value)
{
    char text[64];
    say(opaque, text, (size_t)snprintf(text, sizeof(text), "outw %#x %#x\n", port, value));
}

static uint8_t peer_in(void *opaque, uint16_t port)
{
    char text[64];
    return ask(opaque, text, (size_t)snprintf(text, sizeof(text), "inb %#x\n", port));
}

static uint8_t peer_load(void *opaque, uint32_t address)
{
    char text[64];
    return ask(opaque, text, (size_t)snprintf(text, sizeof(text), "readb %#x\n", address));
}

static void peer_store(void *opaque, uint32_t address, const uint8_t *bytes, size_t len)
{
    static char text[64 + 2 * 8192];
    size_t at = (size_t)snprintf(text, 64, "write %#x %#zx 0x", address, len);
    for (size_t i = 0; i < len && i < 8192; i++)
        at += (size_t)snprintf(text + at, 3, "%02x", bytes[i]);
    text[at++] = '\n';
    say(opaque, text, at);
}

static void monitor_say(struct peer *peer, const char *text)
{
    char line[4096];
    if (write(peer->monitor, text, strlen(text)) < 0)
        FAIL("the peer's monitor is gone");
    do {
        if (!line_read(peer->monitor, line, sizeof(line))) {
            FAIL("the peer's monitor is gone");
            return;
        }
    } while (!strstr(line, "\"return\"") && !strstr(line, "\"error\""));
}

static void peer_exec(const char *program, int qtest, int monitor)
{
    char chardev[64];
    dup2(qtest, 0);
    dup2(qtest, 1);
    snprintf(chardev, sizeof(chardev), "socket,id=m,fd=%d", monitor);
    execlp(program, program, "-machine", "pc", "-S", "-nodefaults", "-display", "none", "-device",
           "VGA,vgamem_mb=16", "-qtest", "stdio", "-qtest-log", "none", "-chardev", chardev, "-mon",
           "chardev=m,mode=control", (char *)NULL);
    _exit(127);
}

static bool peer_start(struct peer *peer)
{
    int qtest[2], monitor[2];
    if (system("qemu-system-x86_64 --version >/dev/null 2>&1") != 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, qtest) || socketpair(AF_UNIX, SOCK_STREAM, 0, monitor))
        return false;
    peer->process = fork();
    if (peer->process == 0) {
        close(qtest[0]);
        close(monitor[0]);
        peer_exec("qemu-system-x86_64", qtest[1], monitor[1]);
    }
    close(qtest[1]);
    close(monitor[1]);
    peer->qtest = qtest[0];
    peer->monitor = monitor[0];
    strcpy(peer->folder, "/tmp/triarch-vga-XXXXXX");
    if (!mkdtemp(peer->folder))
        return false;
    monitor_say(peer, "{\"execute\": \"qmp_capabilities\"}\n");
    return true;
}

static void peer_finish(struct peer *peer)
{
    close(peer->qtest);
    close(peer->monitor);
    kill(peer->process, SIGKILL);
    waitpid(peer->process, NULL, 0);
    rmdir(peer->folder);
}

/* --- the comparison --- */

static FILE *peer_picture(struct peer *peer)
{
    char path[128], text[256], line[128];
    answers_take(peer, line, sizeof(line));
    snprintf(path, sizeof(path), "%s/picture.ppm", peer->folder);
    snprintf(text, sizeof(text), "{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"%s\"}}\n",
             path);
    monitor_say(peer, text);
    FILE *picture = fopen(path, "rb");
    unlink(path);
    return picture;
}

static void compare(const char *name, FILE *picture)
{
    unsigned width, height, differing = 0, shown = 0;
    host_mutex_lock(&test->machine.lock);
    struct display_surface surface = display_refresh(display);
    host_mutex_unlock(&test->machine.lock);
    if (!CHECK(picture && fscanf(picture, "P6 %u %u 255", &width, &height) == 2 && getc(picture) == '\n'))
        return;
    if (!CHECK_EQ(surface.width, width) || !CHECK_EQ(surface.height, height))
        return;
    for (unsigned i = 0; i < width * height; i++) {
        uint8_t rgb[3];
        if (!CHECK(fread(rgb, 3, 1, picture) == 1))
            return;
        uint32_t theirs = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
        uint32_t ours = surface.pixels[i / width * surface.stride + i % width];
        differing += ours != theirs;
        if (ours != theirs && shown++ < 4)
            FAIL("%s: %06x at %u, %u, and %06x on the peer", name, ours, i % width, i / width, theirs);
    }
    CHECK_EQ(differing, 0);
}

static void same_pictures(void)
{
    static struct peer peer;
    const char *wanted = test_env("TRIARCH_VGA_PICTURE");
    if (!peer_start(&peer)) {
        SKIP("qemu-system-x86_64 is not installed (scripts/peers)");
        return;
    }
    own_start();
    const struct vga_io own = {own_out, own_out16, own_in, own_load, own_store, NULL};
    const struct vga_io other = {peer_out, peer_out16, peer_in, peer_load, peer_store, &peer};
    for (size_t i = 0; i < vga_picture_count; i++) {
        if (wanted && strcmp(wanted, vga_pictures[i].name) != 0)
            continue;
        test_context("%s", vga_pictures[i].name);
        vga_pictures[i].make(&own);
        vga_pictures[i].make(&other);
        FILE *picture = peer_picture(&peer);
        compare(vga_pictures[i].name, picture);
        if (picture)
            fclose(picture);
    }
    test_context(NULL);
    peer_finish(&peer);
    own_finish();
}

static const struct test_case cases[] = {{"same_pictures", same_pictures}};
TEST_SUITE(vga_peer_test, "guest", cases);
