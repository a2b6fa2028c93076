/* Network backends: the pair, the command line, and the user-mode network spoken to as a guest would. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "devices/net/net.h"
#include "devices/net/net_hostfwd.h"
#include "tests/devices/machine_support.h"

/* A card that keeps the last frame and takes as many as it has room for. */
struct card {
    struct net_port *port;
    unsigned room, received;
    size_t len;
    uint8_t frame[2048];
    bool (*wanted)(const struct card *card); /* what a test waits for */
    bool found;
};

static bool card_receive(void *opaque, const uint8_t *frame, size_t len)
{
    struct card *card = opaque;
    if (card->room == 0)
        return false;
    card->room--;
    card->received++;
    if (!card->found) {
        card->len = len < sizeof(card->frame) ? len : sizeof(card->frame);
        memcpy(card->frame, frame, card->len);
        card->found = card->wanted && card->wanted(card);
    }
    return true;
}

static void card_attach(struct card *card, struct net_port *port)
{
    card->port = port;
    net_attach(port, &(struct net_handlers){.receive = card_receive, .opaque = card});
}

static void pair(void)
{
    struct net_port *a, *b;
    struct card card_a = {.room = 1}, card_b = {.room = 1};
    net_pair_create(&a, &b);
    card_attach(&card_a, a);
    card_attach(&card_b, b);
    net_send(a, (const uint8_t *)"first", 5);
    net_send(a, (const uint8_t *)"second", 6);
    CHECK_EQ(card_b.received, 1);
    CHECK_MEM(card_b.frame, "first", 5);
    card_b.room = 1;
    net_receive_ready(b);
    CHECK_EQ(card_b.received, 2);
    CHECK_MEM(card_b.frame, "second", 6);
    net_send(b, (const uint8_t *)"back", 4);
    CHECK_EQ(card_a.received, 1);
    net_close(a);
    net_send(b, (const uint8_t *)"lost", 4);
    net_close(b);
}

static void hostfwd_syntax(void)
{
    static const struct {
        const char *text;
        struct net_hostfwd expected;
    } good[] = {
        {"tcp::2222-:22", {false, false, "", "", 2222, 22}},
        {"udp:127.0.0.1:53-10.0.2.15:5353", {true, false, "127.0.0.1", "10.0.2.15", 53, 5353}},
        {"tcp:[::1]:80-[fec0::15]:8080", {false, true, "::1", "fec0::15", 80, 8080}},
        {"tcp::0-:22", {false, false, "", "", 0, 22}},
    };
    static const char *const bad[] = {"",
                                      "tcp",
                                      "icmp::1-:1",
                                      "tcp::2222",
                                      "tcp:2222-:22",
                                      "tcp::2222-22",
                                      "tcp::65536-:22",
                                      "tcp::22-:0",
                                      "tcp::22-:",
                                      "tcp::22-:22x",
                                      "tcp:host:22-:22",
                                      "tcp:[::1:22-:22",
                                      "tcp:[::1]:22-:22",
                                      "tcp:1.2.3.4:22-[::1]:22"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct net_hostfwd forward;
        struct error err = {0};
        test_context("%s", good[i].text);
        if (!CHECK(net_hostfwd_parse(&forward, good[i].text, &err)))
            continue;
        CHECK_EQ(forward.udp, good[i].expected.udp);
        CHECK_EQ(forward.ipv6, good[i].expected.ipv6);
        CHECK_STR(forward.host_address, good[i].expected.host_address);
        CHECK_STR(forward.guest_address, good[i].expected.guest_address);
        CHECK_EQ(forward.host_port, good[i].expected.host_port);
        CHECK_EQ(forward.guest_port, good[i].expected.guest_port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct net_hostfwd forward;
        struct error err = {0};
        test_context("%s", bad[i]);
        CHECK(!net_hostfwd_parse(&forward, bad[i], &err));
        CHECK_EQ(err.kind, ERROR_USAGE);
        CHECK(strstr(err.text, bad[i]) != NULL);
    }
    test_context(NULL);
}

static void command_line(void)
{
    struct test_machine *test = test_machine_create(MIB);
    static const char *const bad[] = {
        "bridge",           "tap",        "tap,ifname=", "tap,name=x",
        "user,hostfwd=tcp", "user,mtu=1", "none,x",      "tap,ifname=muchtoolongforaninterface"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = {0};
        test_context("%s", bad[i]);
        CHECK(net_open(&test->machine, bad[i], &err) == NULL);
        CHECK_EQ(err.kind, ERROR_USAGE);
        CHECK(err.text[0]);
    }
    test_context(NULL);
    struct error err = {0};
    CHECK(net_open(&test->machine, "none", &err) == NULL);
    CHECK_EQ(err.kind, ERROR_NONE);
    test_machine_destroy(test);
}

/* --- a guest on the user-mode network (RFC 826, 791, 768, 2131) --- */

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

#define IP_AT      14
#define UDP_AT     (IP_AT + 20)
#define DHCP_AT    (UDP_AT + 8)
#define OPTIONS_AT (DHCP_AT + 240)

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += be16_load(bytes + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* A DHCP message of the client; returns the frame's length. */
static size_t dhcp_make(uint8_t *frame, uint8_t type, uint32_t requested)
{
    memset(frame, 0, 400);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac, 6);
    be16_store(frame + 12, 0x0800);
    uint8_t *dhcp = frame + DHCP_AT;
    dhcp[0] = 1; /* BOOTREQUEST, Ethernet, 6-byte addresses */
    dhcp[1] = 1;
    dhcp[2] = 6;
    be32_store(dhcp + 4, 0x12345678);
    memcpy(dhcp + 28, mac, 6);
    be32_store(dhcp + 236, 0x63825363);
    uint8_t *option = frame + OPTIONS_AT;
    *option++ = 53;
    *option++ = 1;
    *option++ = type;
    if (requested) {
        *option++ = 50;
        *option++ = 4;
        be32_store(option, requested);
        option += 4;
    }
    *option++ = 255;
    size_t len = DHCP_AT + 300;
    uint8_t *ip = frame + IP_AT;
    ip[0] = 0x45;
    be16_store(ip + 2, (uint16_t)(len - IP_AT));
    ip[8] = 64;
    ip[9] = 17;
    be32_store(ip + 16, 0xffffffff);
    be16_store(ip + 10, checksum(ip, 20));
    be16_store(frame + UDP_AT, 68);
    be16_store(frame + UDP_AT + 2, 67);
    be16_store(frame + UDP_AT + 4, (uint16_t)(len - UDP_AT));
    return len;
}

/* A DHCP option of the answer; NULL: it is not there. */
static const uint8_t *dhcp_option(const struct card *card, uint8_t code)
{
    for (size_t at = OPTIONS_AT; at + 1 < card->len && card->frame[at] != 255;
         at += card->frame[at] ? 2 + card->frame[at + 1] : 1) {
        if (card->frame[at] == code)
            return card->frame + at + 2;
    }
    return NULL;
}

static bool is_dhcp_answer(const struct card *card)
{
    return card->len > OPTIONS_AT && be16_load(card->frame + 12) == 0x0800 && card->frame[IP_AT + 9] == 17 &&
           be16_load(card->frame + UDP_AT + 2) == 68;
}

static bool is_syn(const struct card *card)
{
    return card->len >= IP_AT + 40 && be16_load(card->frame + 12) == 0x0800 && card->frame[IP_AT + 9] == 6 &&
           card->frame[IP_AT + 20 + 13] == 0x02;
}

static bool card_found(void *opaque)
{
    return ((struct card *)opaque)->found;
}

static bool card_wait(struct test_machine *test, struct card *card, bool (*wanted)(const struct card *card),
                      const uint8_t *frame, size_t len)
{
    card->wanted = wanted;
    card->found = false;
    host_mutex_lock(&test->machine.lock);
    if (frame)
        net_send(card->port, frame, len);
    host_mutex_unlock(&test->machine.lock);
    return test_loop_until(test, card_found, card);
}

static struct net_port *user_network(struct test_machine *test, const char *spec)
{
    struct error err = {0};
#if HAVE_SLIRP
    struct net_port *port = net_open(&test->machine, spec, &err);
    if (!port)
        FAIL("%s: %s", spec, err.text);
    return port;
#else
    CHECK(!net_open(&test->machine, spec, &err));
    SKIP("libslirp is missing (libslirp-dev): %s", err.text);
    return NULL;
#endif
}

static void dhcp(void)
{
    struct test_machine *test = test_machine_create(MIB);
    struct card card = {.room = 1000};
    uint8_t frame[400];
    struct net_port *port = user_network(test, "user");
    if (port) {
        card_attach(&card, port);
        if (CHECK(card_wait(test, &card, is_dhcp_answer, frame, dhcp_make(frame, 1, 0)))) {
            CHECK_EQ(*dhcp_option(&card, 53), 2); /* DHCPOFFER */
            CHECK_EQ(be32_load(card.frame + DHCP_AT + 16), 0x0a00020f);
        }
        if (CHECK(card_wait(test, &card, is_dhcp_answer, frame, dhcp_make(frame, 3, 0x0a00020f)))) {
            CHECK_EQ(*dhcp_option(&card, 53), 5); /* DHCPACK */
            CHECK_EQ(be32_load(dhcp_option(&card, 1)), 0xffffff00);
            CHECK_EQ(be32_load(dhcp_option(&card, 3)), 0x0a000202);
            CHECK_EQ(be32_load(dhcp_option(&card, 6)), 0x0a000203);
            CHECK_EQ(checksum(card.frame + IP_AT, 20), 0);
        }
    }
    net_close(port);
    test_machine_destroy(test);
}

/* A free port of the host, as far as one can know. */
static uint16_t port_free(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&address, len);
    getsockname(fd, (struct sockaddr *)&address, &len);
    close(fd);
    return ntohs(address.sin_port);
}

/* A connection to the forwarded port of the host arrives as one to the guest's. */
static void hostfwd(void)
{
    struct test_machine *test = test_machine_create(MIB);
    struct card card = {.room = 1000};
    uint8_t frame[400];
    char spec[80];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons(port_free());
    snprintf(spec, sizeof(spec), "user,hostfwd=tcp:127.0.0.1:%u-:22", ntohs(address.sin_port));
    struct net_port *port = user_network(test, spec);
    if (port) {
        card_attach(&card, port);
        CHECK(card_wait(test, &card, is_dhcp_answer, frame, dhcp_make(frame, 3, 0x0a00020f)));
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fd, (struct sockaddr *)&address, sizeof(address));
        if (CHECK(card_wait(test, &card, is_syn, NULL, 0))) {
            CHECK_EQ(be32_load(card.frame + IP_AT + 16), 0x0a00020f);
            CHECK_EQ(be16_load(card.frame + IP_AT + 22), 22);
        }
        /* The port is taken now. */
        struct error err = {0};
        CHECK(net_open(&test->machine, spec, &err) == NULL);
        CHECK_EQ(err.kind, ERROR_HOST);
        close(fd);
    }
    net_close(port);
    test_machine_destroy(test);
}

/* --- tap --- */

#define TAP "triarch-test0"

static bool anything(const struct card *card)
{
    return card->len >= 14;
}

/* What the card sends arrives at the host's interface; what the host says on it (its search for routers, when
 * it goes up) arrives at the card, also when it had no room at first. */
static void tap(void)
{
    if (access("/dev/net/tun", R_OK | W_OK) != 0 || geteuid() != 0 ||
        system("command -v ip >/dev/null") != 0) {
        SKIP("a tap device needs root, /dev/net/tun and the ip tool (iproute2)");
        return;
    }
    struct test_machine *test = test_machine_create(MIB);
    struct error err = {0};
    struct card card = {.room = 0};
    struct net_port *port = net_open(&test->machine, "tap,ifname=" TAP, &err);
    if (port) {
        struct error busy = {0};
        card_attach(&card, port);
        CHECK(net_open(&test->machine, "tap,ifname=" TAP, &busy) == NULL);
        CHECK_EQ(busy.kind, ERROR_HOST);
        CHECK_EQ(system("ip link set " TAP " up"), 0);
        uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
        net_send(port, frame, sizeof(frame));
        CHECK_EQ(system("test $(cat /sys/class/net/" TAP "/statistics/rx_bytes) -ge 60"), 0);
        host_loop_run(test->machine.loop, false);
        card.room = 100;
        net_receive_ready(port);
        CHECK(card_wait(test, &card, anything, NULL, 0));
        net_close(port);
    } else {
        SKIP("this host has no tap devices: %s", err.text);
    }
    test_machine_destroy(test);
}

static bool card_has(void *opaque)
{
    return ((const struct card *)opaque)->received >= 2;
}

/* Frames by a descriptor: here a socket that keeps the borders of messages. */
static void descriptor(void)
{
    static const char *const wrong[] = {"tap,fd=",   "tap,fd=x",          "tap,fd=2",
                                        "tap,fd=-1", "tap,fd=9999999999", "tap,fd=777"};
    struct test_machine *test = test_machine_create(MIB);
    struct card card = {.room = 5};
    struct error err;
    char spec[32], frame[64] = "answer";
    int ends[2];
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_context("%s", wrong[i]);
        CHECK(!net_open(&test->machine, wrong[i], &err) && err.kind == ERROR_USAGE);
    }
    test_context(NULL);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    snprintf(spec, sizeof(spec), "tap,fd=%d", ends[0]);
    struct net_port *port = net_open(&test->machine, spec, &err);
    if (CHECK(port)) {
        card_attach(&card, port);
        CHECK_EQ(send(ends[1], "one", 3, 0), 3);
        CHECK_EQ(send(ends[1], "frame two", 9, 0), 9);
        CHECK(test_loop_until(test, card_has, &card));
        CHECK_EQ(card.len, 9);
        CHECK_MEM(card.frame, "frame two", 9);
        net_send(port, (const uint8_t *)frame, sizeof(frame));
        memset(frame, 0, sizeof(frame));
        CHECK_EQ(recv(ends[1], frame, sizeof(frame), MSG_DONTWAIT), sizeof(frame));
        CHECK_STR(frame, "answer");
        net_close(port);
        CHECK_EQ(recv(ends[1], frame, sizeof(frame), 0), 0); /* it was closed with the port */
    }
    close(ends[1]);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"pair", pair},       {"hostfwd_syntax", hostfwd_syntax}, {"command_line", command_line},
    {"tap", tap},         {"descriptor", descriptor},         {"dhcp", dhcp},
    {"hostfwd", hostfwd},
};
TEST_SUITE(net_test, "unit", cases);
