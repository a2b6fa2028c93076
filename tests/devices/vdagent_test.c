/* The clipboard, and SPICE's agent at its guest's end. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "devices/clipboard/text.h"
#include "tests/devices/vdagent_support.h"
#include "tests/harness/test.h"

static struct agent agent;

static uint32_t can(unsigned capability)
{
    return 1u << capability;
}

/* Every message about the clipboard begins with the selection, if both sides know that. */
static void expect(enum agent_message type, const void *data, uint32_t size)
{
    if (!CHECK(agent_hear(&agent)))
        return;
    CHECK_EQ(agent.type, type);
    if (CHECK_EQ(agent.size, size))
        CHECK_MEM(agent.data, data, size);
}

static void announce(uint32_t request, uint32_t capabilities)
{
    uint8_t data[8];
    le32_store(data, request);
    le32_store(data + 4, capabilities);
    agent_say(&agent, AGENT_CAPABILITIES, data, sizeof(data), 2048);
}

/* Both have said what they can. */
static void connect_agent(uint32_t capabilities)
{
    agent_set_up(&agent);
    CHECK(!agent_hear(&agent));
    char_guest_open(agent.port, true);
    CHECK(agent_hear(&agent));
    CHECK_EQ(agent.type, AGENT_CAPABILITIES);
    CHECK_EQ(le32_load(agent.data), 1);
    uint32_t offered = le32_load(agent.data + 4);
    CHECK(offered & can(AGENT_CAN_BY_DEMAND) && offered & can(AGENT_CAN_SELECTION));
    CHECK(!clipboard_guest_listens(agent.clipboard));
    announce(0, capabilities);
    CHECK(clipboard_guest_listens(agent.clipboard));
}

static void host_copies(const char *text)
{
    CHECK(clipboard_put(agent.clipboard, CLIPBOARD_HOST, text, strlen(text)));
}

static void check_guest_copied(uint64_t *seen, const char *text)
{
    size_t len = 0;
    const char *copied = clipboard_news(agent.clipboard, CLIPBOARD_GUEST, seen, &len);
    if (!text) {
        CHECK(copied == NULL);
        return;
    }
    if (CHECK(copied != NULL) && CHECK_EQ(len, strlen(text)))
        CHECK_MEM(copied, text, len + 1);
}

#define ON_DEMAND (can(AGENT_CAN_BY_DEMAND) | can(AGENT_CAN_SELECTION))

/* Linux's agent. */
static void on_demand(void)
{
    uint64_t seen = 0;
    connect_agent(ON_DEMAND);
    host_copies("h\xc3\xb6st\n");
    expect(AGENT_GRAB, "\0\0\0\0\1\0\0\0", 8);
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8, 2048);
    expect(AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0h\xc3\xb6st\n", 14);
    /* Its own grab names what it has: a picture, and a text. */
    agent_say(&agent, AGENT_GRAB, "\0\0\0\0\2\0\0\0\1\0\0\0", 12, 2048);
    expect(AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8);
    agent_say(&agent, AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0from the guest", 22, 2048);
    check_guest_copied(&seen, "from the guest");
    check_guest_copied(&seen, NULL);
    CHECK(!agent_hear(&agent)); /* the guest is not told of its own text */
    /* What comes unasked, of another type or for another selection is not taken. */
    agent_say(&agent, AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0again", 13, 2048);
    agent_say(&agent, AGENT_GRAB, "\0\0\0\0\2\0\0\0", 8, 2048);
    agent_say(&agent, AGENT_GRAB, "\1\0\0\0\1\0\0\0", 8, 2048);
    agent_say(&agent, AGENT_RELEASE, "\0\0\0\0", 4, 2048);
    CHECK(!agent_hear(&agent));
    check_guest_copied(&seen, NULL);
    agent_tear_down(&agent);
}

/* There has to be an answer, and it is that there is nothing. */
static void nothing_to_give(void)
{
    connect_agent(ON_DEMAND);
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8, 2048);
    expect(AGENT_CLIPBOARD, "\0\0\0\0\0\0\0\0", 8);
    host_copies("text");
    CHECK(agent_hear(&agent));
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\2\0\0\0", 8, 2048); /* a picture */
    expect(AGENT_CLIPBOARD, "\0\0\0\0\0\0\0\0", 8);
    agent_say(&agent, AGENT_REQUEST, "\1\0\0\0\1\0\0\0", 8, 2048); /* the primary selection */
    expect(AGENT_CLIPBOARD, "\1\0\0\0\0\0\0\0", 8);
    agent_tear_down(&agent);
}

/* An old agent has one selection, and sends texts as they are copied. */
static void at_once(void)
{
    uint64_t seen = 0;
    connect_agent(can(AGENT_CAN_CLIPBOARD));
    host_copies("now");
    expect(AGENT_CLIPBOARD, "\1\0\0\0now", 7);
    agent_say(&agent, AGENT_CLIPBOARD, "\1\0\0\0then", 8, 2048);
    check_guest_copied(&seen, "then");
    agent_tear_down(&agent);
}

/* What was copied before the agent came is offered to it; and again when it comes again. */
static void offered_late(void)
{
    agent_set_up(&agent);
    host_copies("before");
    for (unsigned i = 0; i < 2; i++) {
        char_guest_open(agent.port, true);
        CHECK(agent_hear(&agent));
        announce(1, ON_DEMAND | can(AGENT_CAN_MAX_CLIPBOARD));
        CHECK(agent_hear(&agent)); /* ours, as it asked for them */
        CHECK_EQ(agent.type, AGENT_CAPABILITIES);
        CHECK_EQ(le32_load(agent.data), 0);
        expect(AGENT_MAX_CLIPBOARD, "\0\0\x10\0", 4); /* 1 MiB */
        expect(AGENT_GRAB, "\0\0\0\0\1\0\0\0", 8);
        announce(0, ON_DEMAND);
        CHECK(!agent_hear(&agent));
        char_guest_open(agent.port, false);
        CHECK(!clipboard_guest_listens(agent.clipboard));
    }
    agent_tear_down(&agent);
}

/* Windows' lines. */
static void lines(void)
{
    uint64_t seen = 0;
    connect_agent(ON_DEMAND | can(AGENT_CAN_CRLF));
    host_copies("a\nb\r\n");
    CHECK(agent_hear(&agent));
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8, 2048);
    expect(AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0a\r\nb\r\n", 14);
    agent_say(&agent, AGENT_GRAB, "\0\0\0\0\1\0\0\0", 8, 2048);
    CHECK(agent_hear(&agent));
    agent_say(&agent, AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0c\r\nd\re", 14, 2048);
    check_guest_copied(&seen, "c\nd\re");
    agent_tear_down(&agent);
}

/* The longest texts, in pieces of any size, to an agent that reads bit by bit. */
static void long_texts(void)
{
    static char text[CLIPBOARD_TEXT_MAX + 2];
    static uint8_t data[8 + CLIPBOARD_TEXT_MAX + 1];
    static const uint32_t pieces[] = {1, 7, 2048, UINT32_MAX};
    memset(text, 'x', sizeof(text) - 1);
    connect_agent(ON_DEMAND);
    CHECK(!clipboard_put(agent.clipboard, CLIPBOARD_HOST, text, CLIPBOARD_TEXT_MAX + 1));
    CHECK(!agent_hear(&agent));
    CHECK(clipboard_put(agent.clipboard, CLIPBOARD_HOST, text, CLIPBOARD_TEXT_MAX));
    CHECK(agent_hear(&agent));
    agent.room = 0;
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8, 2048);
    for (unsigned i = 0; i < 20000 && !agent.room; i++) {
        agent.room = 100;
        char_receive_ready(agent.port);
    }
    CHECK(agent_hear(&agent));
    CHECK_EQ(agent.size, 8 + CLIPBOARD_TEXT_MAX);
    CHECK_MEM(agent.data + 8, text, CLIPBOARD_TEXT_MAX);
    agent.room = SIZE_MAX;
    data[4] = 1;
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        uint64_t seen = 0;
        size_t len = 0;
        memset(data + 8, 'a' + (int)i, CLIPBOARD_TEXT_MAX + 1);
        agent_say(&agent, AGENT_GRAB, "\0\0\0\0\1\0\0\0", 8, pieces[i]);
        CHECK(agent_hear(&agent));
        agent_say(&agent, AGENT_CLIPBOARD, data, 8 + CLIPBOARD_TEXT_MAX, pieces[i]);
        const char *copied = clipboard_news(agent.clipboard, CLIPBOARD_GUEST, &seen, &len);
        CHECK_EQ(len, CLIPBOARD_TEXT_MAX);
        CHECK(copied && copied[0] == (char)data[8]);
    }
    /* One byte more is passed over, and what comes after it is understood. */
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    uint64_t seen = 0;
    size_t len = 0;
    data[8] = 'z';
    agent_say(&agent, AGENT_CLIPBOARD, data, 8 + CLIPBOARD_TEXT_MAX + 1, 2048);
    const char *copied = clipboard_news(agent.clipboard, CLIPBOARD_GUEST, &seen, &len);
    CHECK(copied && copied[0] == 'd');
    log_level_set(level);
    agent_say(&agent, AGENT_REQUEST, "\0\0\0\0\1\0\0\0", 8, 2048);
    CHECK(agent_hear(&agent));
    agent_tear_down(&agent);
}

/* An agent that asks and does not read costs a few words. */
static void deaf(void)
{
    enum log_level level = log_level_get();
    connect_agent(ON_DEMAND);
    host_copies("text");
    log_level_set(LOG_QUIET);
    agent.room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t data[8] = {0};
        le32_store(data + 4, i);
        agent_say(&agent, AGENT_REQUEST, data, sizeof(data), 2048);
    }
    agent.room = SIZE_MAX;
    char_receive_ready(agent.port);
    unsigned answers = 0;
    while (agent_hear(&agent))
        answers++;
    CHECK(answers >= 2 && answers < 50);
    log_level_set(level);
    agent_tear_down(&agent);
}

static void check_hung_up(const void *bytes, size_t len)
{
    char_guest_open(agent.port, true);
    CHECK(agent_hear(&agent));
    announce(0, ON_DEMAND);
    CHECK(clipboard_guest_listens(agent.clipboard) && char_is_connected(agent.port));
    unsigned connections = agent.connections;
    agent_write(&agent, bytes, len);
    CHECK(!clipboard_guest_listens(agent.clipboard) && !char_is_connected(agent.port));
    CHECK_EQ(agent.connections, connections + 1);
    announce(1, ON_DEMAND);
    CHECK(!agent_hear(&agent) && !clipboard_guest_listens(agent.clipboard));
    char_guest_open(agent.port, false);
    CHECK(char_is_connected(agent.port));
    CHECK_EQ(agent.connections, connections + 2);
}

/* A stream that makes no sense is not listened to until the agent comes again. */
static void nonsense(void)
{
    static const uint8_t port[] = {3, 0, 0, 0, 4, 0, 0, 0};
    static const uint8_t protocol[] = {1, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 4, 0,
                                       0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0};
    /* A grab without a selection; capabilities without any. */
    static const uint8_t grab[] = {1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 7, 0,
                                   0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t none[] = {1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 6, 0,
                                   0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0};
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    agent_set_up(&agent);
    check_hung_up(port, sizeof(port));
    check_hung_up(protocol, sizeof(protocol));
    check_hung_up(grab, sizeof(grab));
    check_hung_up(none, sizeof(none));
    agent_tear_down(&agent);
    /* Text that is none. */
    uint64_t seen = 0;
    connect_agent(ON_DEMAND);
    agent_say(&agent, AGENT_GRAB, "\0\0\0\0\1\0\0\0", 8, 2048);
    agent_say(&agent, AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0\xff\xfe", 10, 2048);
    check_guest_copied(&seen, NULL);
    /* Messages about other things, and those for the server, are passed over. */
    agent_say(&agent, (enum agent_message)3, "reply...", 8, 2048);
    agent_write(&agent, "\2\0\0\0\3\0\0\0\1\2\3", 11);
    CHECK(clipboard_guest_listens(agent.clipboard));
    log_level_set(level);
    agent_tear_down(&agent);
}

/* Well-formed or not, by Unicode 15's table 3-7. */
static void utf8(void)
{
    static const struct {
        const char *text;
        size_t len;
        bool good;
    } cases[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"a\0b", 3, false},
        {"\xc2\x80", 2, true},
        {"\xc1\xbf", 2, false},
        {"\xc2", 1, false},
        {"\xc2\x41", 2, false},
        {"\x80", 1, false},
        {"\xe0\xa0\x80", 3, true},
        {"\xe0\x9f\xbf", 3, false},
        {"\xed\x9f\xbf", 3, true},
        {"\xed\xa0\x80", 3, false},
        {"\xef\xbf\xbf", 3, true},
        {"\xf0\x90\x80\x80", 4, true},
        {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf0\x90\x80", 3, false},
        {"\xf8\x88\x80\x80\x80", 5, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        test_context("case %u", i);
        CHECK_EQ(text_is_utf8(cases[i].text, cases[i].len), cases[i].good);
    }
    test_context(NULL);
}

static void latin1(void)
{
    size_t made;
    char *text = text_from_latin1("\x7f\x80\xe4\xff", 4, &made);
    CHECK_EQ(made, 7);
    CHECK_MEM(text, "\x7f\xc2\x80\xc3\xa4\xc3\xbf", 7);
    free(text);
    text = text_to_latin1("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80x", 10, &made);
    CHECK_EQ(made, 4);
    CHECK_MEM(text, "\xe4??x", 4);
    free(text);
}

static const struct test_case cases[] = {
    {"on_demand", on_demand}, {"nothing_to_give", nothing_to_give},
    {"at_once", at_once},     {"offered_late", offered_late},
    {"lines", lines},         {"long_texts", long_texts},
    {"deaf", deaf},           {"nonsense", nonsense},
    {"utf8", utf8},           {"latin1", latin1},
};
TEST_SUITE(vdagent_test, "unit", cases);
