#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "devices/char/char.h"
#include "devices/char/char_backends.h"
#include "host/socket.h"
#include "host/stream.h"
#include "tests/devices/machine_support.h"

static struct test_machine *test;

/* A device that takes as much as it is told to. */
static struct {
    uint8_t bytes[100000];
    size_t len, room, wanted;
    unsigned breaks, writables, connections;
} device;

static size_t device_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    (void)opaque;
    size_t taken = len < device.room ? len : device.room;
    memcpy(device.bytes + device.len, bytes, taken);
    device.len += taken;
    device.room -= taken;
    return taken;
}

static void device_writable(void *opaque)
{
    (void)opaque;
    device.writables++;
}

static void device_break(void *opaque)
{
    (void)opaque;
    device.breaks++;
}

static void device_connection_changed(void *opaque)
{
    (void)opaque;
    device.connections++;
}

static bool connection_changed(void *opaque)
{
    (void)opaque;
    return device.connections != 0;
}

static void attach(struct char_port *port)
{
    static const struct char_handlers handlers = {
        .receive = device_receive,
        .writable = device_writable,
        .break_received = device_break,
        .connection_changed = device_connection_changed,
    };
    memset(&device, 0, sizeof(device));
    device.room = sizeof(device.bytes);
    char_attach(port, &handlers);
}

static bool received_enough(void *opaque)
{
    (void)opaque;
    return device.len >= device.wanted;
}

static void check_received(const char *expected)
{
    device.wanted = strlen(expected);
    CHECK(test_loop_until(test, received_enough, NULL));
    CHECK_EQ(device.len, strlen(expected));
    CHECK_MEM(device.bytes, expected, strlen(expected));
    device.len = 0;
}

static size_t port_write(struct char_port *port, const char *text)
{
    host_mutex_lock(&test->machine.lock);
    size_t taken = char_write(port, (const uint8_t *)text, strlen(text));
    host_mutex_unlock(&test->machine.lock);
    return taken;
}

/* Read exactly what is expected from the other side, running the loop meanwhile. */
struct other_side {
    int fd;
    char text[256];
    size_t len, wanted;
};

static bool other_side_read(void *opaque)
{
    struct other_side *side = opaque;
    size_t got;
    if (host_stream_read(side->fd, side->text + side->len, sizeof(side->text) - side->len, &got) ==
        HOST_STREAM_OK)
        side->len += got;
    return side->len >= side->wanted;
}

static void check_sent(int fd, const char *expected)
{
    struct other_side side = {.fd = fd, .wanted = strlen(expected)};
    CHECK(test_loop_until(test, other_side_read, &side));
    CHECK_EQ(side.len, strlen(expected));
    CHECK_MEM(side.text, expected, strlen(expected));
}

static void check_refused(const char *spec, enum error_kind kind)
{
    struct error err = {0};
    test_context("%s", spec);
    CHECK(char_open(&test->machine, "--serial", spec, &err) == NULL);
    CHECK_EQ(err.kind, kind);
    CHECK((err.text[0] != 0) == (kind != ERROR_NONE));
    test_context(NULL);
}

static void specs(void)
{
    test = test_machine_create(MIB);
    check_refused("none", ERROR_NONE);
    check_refused("", ERROR_USAGE);
    check_refused("stdin", ERROR_USAGE);
    check_refused("file:", ERROR_USAGE);
    check_refused("file:/nonexistent/x", ERROR_USAGE);
    check_refused("tcp:", ERROR_USAGE);
    check_refused("tcp:localhost", ERROR_USAGE);
    check_refused("tcp::", ERROR_USAGE);
    check_refused("tcp::1234", ERROR_USAGE);
    check_refused("tcp:localhost:1,client", ERROR_USAGE);
    check_refused("unix:", ERROR_USAGE);
    check_refused("unix:,server", ERROR_USAGE);
    check_refused("unix:/tmp/x,client", ERROR_USAGE);
    check_refused("unix:/nonexistent/x", ERROR_HOST);
    check_refused("unix:/nonexistent/x,server", ERROR_HOST);
    check_refused("tcp:localhost:no-such-service", ERROR_USAGE);
    test_machine_destroy(test);
}

/* Helpers accept that there is no port. */
static void no_port(void)
{
    static const struct char_handlers handlers;
    char_attach(NULL, &handlers);
    CHECK_EQ(char_write(NULL, (const uint8_t *)"abc", 3), 3);
    char_receive_ready(NULL);
    char_stdio_escape_set(NULL, NULL, NULL);
    char_close(NULL);
}

static void file(void)
{
    char path[] = "/tmp/triarch-char-XXXXXX", spec[64], text[16];
    int fd = mkstemp(path);
    CHECK_EQ(write(fd, "old contents", 12), 12);
    snprintf(spec, sizeof(spec), "file:%s", path);
    test = test_machine_create(MIB);
    struct char_port *port = char_open(&test->machine, "--serial", spec, NULL);
    if (CHECK(port != NULL)) {
        CHECK_EQ(port_write(port, "first "), 6);
        CHECK_EQ(port_write(port, "line"), 4);
        char_close(port);
    }
    CHECK_EQ(pread(fd, text, sizeof(text), 0), 10);
    CHECK_MEM(text, "first line", 10);
    close(fd);
    unlink(path);
    test_machine_destroy(test);
}

static void tcp_server(void)
{
    char service[16];
    test = test_machine_create(MIB);
    struct char_port *port = char_open(&test->machine, "--serial", "tcp:127.0.0.1:0,server", NULL);
    if (!CHECK(port != NULL))
        return;
    attach(port);
    /* Nobody there: output vanishes. */
    CHECK_EQ(port_write(port, "lost"), 4);
    snprintf(service, sizeof(service), "%u", char_tcp_port(port));
    for (unsigned i = 0; i < 2; i++) {
        int client = host_socket_connect("127.0.0.1", service, NULL);
        CHECK(client >= 0);
        CHECK_EQ(write(client, "hello", 5), 5);
        check_received("hello");
        CHECK_EQ(port_write(port, "world"), 5);
        check_sent(client, "world");
        close(client);
    }
    char_close(port);
    test_machine_destroy(test);
}

/* A port that is connected to us: its descriptor here, or -1 and the test failed. */
static int tcp_connected(struct char_port **port, char spec[static 64], int *listener)
{
    *listener = host_socket_listen("127.0.0.1", "0", NULL);
    snprintf(spec, 64, "tcp:127.0.0.1:%u", host_socket_port(*listener));
    *port = char_open(&test->machine, "--serial", spec, NULL);
    int server = host_socket_accept(*listener);
    if (!CHECK(*port != NULL) || !CHECK(server >= 0))
        return -1;
    attach(*port);
    return server;
}

static void tcp_client(void)
{
    char spec[64];
    int listener;
    struct char_port *port;
    test = test_machine_create(MIB);
    int server = tcp_connected(&port, spec, &listener);
    if (server < 0)
        return;
    CHECK_EQ(write(server, "in", 2), 2);
    check_received("in");
    CHECK_EQ(port_write(port, "out"), 3);
    check_sent(server, "out");
    close(server);
    close(listener);
    char_close(port);
    struct error err = {0};
    CHECK(char_open(&test->machine, "--serial", spec, &err) == NULL);
    CHECK_EQ(err.kind, ERROR_HOST);
    test_machine_destroy(test);
}

/* It comes and goes, and leaves no socket behind; one that somebody else left is no hindrance. */
static void unix_server(void)
{
    char folder[] = "/tmp/triarch-char-XXXXXX", path[64], spec[96];
    test = test_machine_create(MIB);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(spec, sizeof(spec), "unix:%s,server", path);
    int left = host_socket_listen_path(path, NULL);
    CHECK(left >= 0);
    check_refused(spec, ERROR_HOST); /* somebody listens */
    close(left);
    struct char_port *port = char_open(&test->machine, "--serial", spec, NULL);
    if (!CHECK(port != NULL))
        return;
    attach(port);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(!char_is_connected(port));
        device.connections = 0;
        int client = host_socket_connect_path(path, NULL);
        CHECK(client >= 0);
        CHECK(test_loop_until(test, connection_changed, NULL));
        CHECK(char_is_connected(port));
        CHECK_EQ(write(client, "hello", 5), 5);
        check_received("hello");
        CHECK_EQ(port_write(port, "world"), 5);
        check_sent(client, "world");
        device.connections = 0;
        close(client);
        CHECK(test_loop_until(test, connection_changed, NULL));
    }
    char_close(port);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ(rmdir(folder), 0);
    test_machine_destroy(test);
}

static void unix_client(void)
{
    char folder[] = "/tmp/triarch-char-XXXXXX", path[64], spec[96];
    test = test_machine_create(MIB);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(spec, sizeof(spec), "unix:%s", path);
    int listener = host_socket_listen_path(path, NULL);
    struct char_port *port = char_open(&test->machine, "--serial", spec, NULL);
    if (!CHECK(port != NULL))
        return;
    attach(port);
    CHECK(char_is_connected(port));
    int server = host_socket_accept(listener);
    CHECK(server >= 0);
    CHECK_EQ(write(server, "in", 2), 2);
    check_received("in");
    device.connections = 0;
    close(server);
    CHECK(test_loop_until(test, connection_changed, NULL));
    CHECK(!char_is_connected(port));
    char_close(port);
    close(listener);
    CHECK_EQ(unlink(path), 0); /* the client leaves it alone */
    CHECK_EQ(rmdir(folder), 0);
    test_machine_destroy(test);
}

/* What a full device leaves is offered again, in order, and not lost. */
static void input_back_pressure(void)
{
    char spec[64];
    int listener;
    struct char_port *port;
    test = test_machine_create(MIB);
    int server = tcp_connected(&port, spec, &listener);
    if (server < 0)
        return;
    device.room = 3;
    char text[1001];
    for (unsigned i = 0; i < 1000; i++)
        text[i] = (char)('a' + i % 26);
    text[1000] = 0;
    CHECK_EQ(write(server, text, 1000), 1000);
    device.wanted = 3;
    CHECK(test_loop_until(test, received_enough, NULL));
    CHECK_EQ(device.len, 3);
    for (size_t before = 3; before < 1000; before = device.len) {
        host_mutex_lock(&test->machine.lock);
        device.room = 7;
        char_receive_ready(port);
        host_mutex_unlock(&test->machine.lock);
        device.wanted = before + 1;
        if (!CHECK(test_loop_until(test, received_enough, NULL)))
            break;
    }
    check_received(text);
    close(server);
    close(listener);
    char_close(port);
    test_machine_destroy(test);
}

static bool is_writable(void *opaque)
{
    (void)opaque;
    return device.writables != 0;
}

/* A reader that does not read: the port takes less than all, and tells when there is room again. */
static void output_back_pressure(void)
{
    char spec[64];
    int listener;
    struct char_port *port;
    test = test_machine_create(MIB);
    int server = tcp_connected(&port, spec, &listener);
    if (server < 0)
        return;
    static uint8_t block[65536], sink[65536];
    uint64_t sent = 0;
    size_t taken = sizeof(block);
    host_mutex_lock(&test->machine.lock);
    while (taken == sizeof(block) && sent < GIB)
        sent += taken = char_write(port, block, sizeof(block));
    host_mutex_unlock(&test->machine.lock);
    CHECK(taken < sizeof(block));
    CHECK_EQ(device.writables, 0);
    for (uint64_t read_back = 0; read_back < sent;) {
        ssize_t n = read(server, sink, sizeof(sink));
        if (!CHECK(n > 0))
            break;
        read_back += (uint64_t)n;
    }
    CHECK(test_loop_until(test, is_writable, NULL));
    close(server);
    close(listener);
    char_close(port);
    test_machine_destroy(test);
}

static void pty(void)
{
    test = test_machine_create(MIB);
    struct char_port *port = char_open(&test->machine, "--serial", "pty", NULL);
    if (!CHECK(port != NULL))
        return;
    attach(port);
    for (unsigned i = 0; i < 2; i++) {
        int slave = open(char_pty_path(port), O_RDWR | O_NOCTTY);
        if (!CHECK(slave >= 0))
            break;
        /* Raw: bytes pass as they are. */
        CHECK_EQ(write(slave, "\n\x03\x11ok", 5), 5);
        check_received("\n\x03\x11ok");
        CHECK_EQ(port_write(port, "a\nb"), 3);
        check_sent(slave, "a\nb");
        close(slave);
        /* Nobody attached: output must not fill up and stop the guest. */
        for (unsigned j = 0; j < 10000; j++)
            if (!CHECK_EQ(port_write(port, "0123456789"), 10))
                break;
    }
    char_close(port);
    test_machine_destroy(test);
}

/* A child process whose standard input and output are `in` and `out`: it runs a port on them until a request
 * or the end of input has come, and exits with what the check function says. */
static char escape_keys[8];

static void escape_record(void *opaque, char key)
{
    (void)opaque;
    escape_keys[strlen(escape_keys)] = key;
}

static bool exit_asked(void *opaque)
{
    (void)opaque;
    return test->requests != 0;
}

static int stdio_child(const char *expected, bool until_exit)
{
    test = test_machine_create(MIB);
    struct char_port *port = char_open(&test->machine, "--serial", "stdio", NULL);
    if (!port || char_open(&test->machine, "--serial", "stdio", &(struct error){0}))
        return 10;
    attach(port);
    char_stdio_escape_set(port, escape_record, NULL);
    if (port_write(port, "ready") != 5)
        return 11;
    device.wanted = strlen(expected);
    if (!test_loop_until(test, until_exit ? exit_asked : received_enough, NULL))
        return 12;
    if (device.len != strlen(expected) || memcmp(device.bytes, expected, device.len) != 0)
        return 13;
    if (until_exit && (test->request != MACHINE_EXIT || test->status != 0 || device.breaks != 1 ||
                       strcmp(escape_keys, "cq") != 0))
        return 14;
    for (unsigned i = 0; i < 10; i++) /* the end of a file is no event */
        host_loop_run(test->machine.loop, false);
    char_close(port);
    return 0;
}

static int run_child(int in, int out, const char *expected, bool until_exit)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(in, 0);
        dup2(out, 1);
        _exit(stdio_child(expected, until_exit));
    }
    return child;
}

static int child_status(int child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void check_reads(int fd, const char *expected)
{
    char text[256] = "";
    size_t len = 0;
    while (len < strlen(expected)) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    CHECK(strncmp(text, expected, strlen(expected)) == 0);
}

static void stdio_terminal(void)
{
    int master, slave;
    struct termios before, during, after;
    CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &before);
    CHECK(before.c_lflag & ICANON);
    int child = run_child(slave, slave, "a\x03\x01z", true);
    check_reads(master, "ready");
    tcgetattr(slave, &during);
    CHECK(!(during.c_lflag & (ICANON | ECHO | ISIG)));
    CHECK(!(during.c_oflag & OPOST));
    /* Ctrl-C and a doubled Ctrl-A are the guest's; c and q go to who runs the machine; x ends it. */
    static const char keys[] = "a\x03\x01\x01z\x01"
                               "c\x01q\x01"
                               "b\x01h\x01x";
    CHECK_EQ(write(master, keys, sizeof(keys) - 1), sizeof(keys) - 1);
    CHECK_EQ(child_status(child), 0);
    tcgetattr(slave, &after);
    CHECK_EQ(after.c_lflag, before.c_lflag);
    CHECK_EQ(after.c_iflag, before.c_iflag);
    CHECK_EQ(after.c_oflag, before.c_oflag);
    /* The mode shared with the shell is not changed. */
    CHECK_EQ(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    close(master);
    close(slave);
}

/* A signal that ends the program puts the terminal back first. */
static void stdio_signal(void)
{
    int master, slave;
    struct termios before, after;
    CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &before);
    int child = run_child(slave, slave, "never", true);
    check_reads(master, "ready");
    kill(child, SIGTERM);
    CHECK_EQ(child_status(child), 128 + SIGTERM);
    tcgetattr(slave, &after);
    CHECK_EQ(after.c_lflag, before.c_lflag);
    close(master);
    close(slave);
}

static void stdio_pipe(void)
{
    int in[2], out[2];
    CHECK_EQ(pipe(in), 0);
    CHECK_EQ(pipe(out), 0);
    int child = run_child(in[0], out[1], "piped\x01xinput", false);
    close(in[0]);
    close(out[1]);
    check_reads(out[0], "ready");
    CHECK_EQ(write(in[1], "piped\x01xinput", 12), 12);
    close(in[1]);
    CHECK_EQ(child_status(child), 0);
    close(out[0]);
}

static void stdio_file(void)
{
    char path[] = "/tmp/triarch-char-XXXXXX", text[301];
    int fd = mkstemp(path), out = open("/dev/null", O_WRONLY);
    memset(text, 'f', 300);
    text[300] = 0;
    CHECK_EQ(write(fd, text, 300), 300);
    lseek(fd, 0, SEEK_SET);
    CHECK_EQ(child_status(run_child(fd, out, text, false)), 0);
    close(fd);
    close(out);
    unlink(path);
}

static const struct test_case cases[] = {{"specs", specs},
                                         {"no_port", no_port},
                                         {"file", file},
                                         {"tcp_server", tcp_server},
                                         {"tcp_client", tcp_client},
                                         {"unix_server", unix_server},
                                         {"unix_client", unix_client},
                                         {"input_back_pressure", input_back_pressure},
                                         {"output_back_pressure", output_back_pressure},
                                         {"pty", pty},
                                         {"stdio_terminal", stdio_terminal},
                                         {"stdio_signal", stdio_signal},
                                         {"stdio_pipe", stdio_pipe},
                                         {"stdio_file", stdio_file}};
TEST_SUITE(char_test, "unit", cases);
