/*
 * An agent that says anything: messages that are nearly right, and bytes that are not, in any pieces, while
 * the host copies texts and the agent reads now and then. The process lives, and an agent that comes again is
 * understood. TRIARCH_FUZZ_ITERATIONS says how many rounds; TRIARCH_TEST_SEED which.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "tests/devices/vdagent_support.h"
#include "tests/harness/test.h"

#define STEPS 100

static uint32_t number(void)
{
    switch (test_random() % 8) {
    case 0: return (uint32_t)test_random();
    case 1: return 0;
    case 2: return (uint32_t)test_random() % 256;
    default: return 1;
    }
}

static void message_wild(struct agent *agent)
{
    static const uint8_t types[] = {AGENT_CLIPBOARD, AGENT_CAPABILITIES, AGENT_GRAB,
                                    AGENT_REQUEST,   AGENT_RELEASE,      AGENT_MAX_CLIPBOARD};
    uint8_t data[512];
    uint32_t size = (uint32_t)test_random() % (test_random() & 1 ? 17 : sizeof(data));
    uint32_t type = test_random() % 16 ? types[test_random() % ARRAY_LEN(types)] : number();
    uint32_t chunk = test_random() & 1 ? 2048 : 1 + (uint32_t)test_random() % 40;
    for (size_t at = 0; at < sizeof(data); at += 4)
        le32_store(data + at, type == AGENT_CLIPBOARD && at > 4 ? 0x61626364 : number());
    if (test_random() % 4)
        le32_store(data, 0); /* the selection */
    if (type == AGENT_CAPABILITIES)
        le32_store(data + 4, (uint32_t)test_random());
    agent_say(agent, (enum agent_message)type, data, size, chunk);
}

static void bytes_wild(struct agent *agent)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(test_random() % 4 ? test_random() % 3 : test_random());
    agent_write(agent, bytes, test_random() % sizeof(bytes));
}

static void step(struct agent *agent)
{
    char text[64];
    switch (test_random() % 32) {
    case 0: bytes_wild(agent); break;
    case 1: char_guest_open(agent->port, test_random() % 8); break;
    case 2:
    case 3:
        memset(text, (int)(test_random() % 0x81), sizeof(text));
        clipboard_put(agent->clipboard, CLIPBOARD_HOST, text, test_random() % sizeof(text));
        break;
    case 4:
        agent->room = test_random() % 200;
        char_receive_ready(agent->port);
        break;
    default: message_wild(agent);
    }
    if (agent->len > MIB)
        agent->len = 0;
}

static void agents(void)
{
    const char *wanted = test_env("TRIARCH_FUZZ_ITERATIONS");
    unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 0) : 300, copied = 0;
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    for (unsigned i = 0; i < rounds; i++) {
        struct agent agent;
        uint64_t seen = 0;
        size_t len;
        agent_set_up(&agent);
        char_guest_open(agent.port, true);
        for (unsigned k = 0; k < STEPS; k++) {
            step(&agent);
            copied += clipboard_news(agent.clipboard, CLIPBOARD_GUEST, &seen, &len) != NULL;
        }
        char_guest_open(agent.port, false);
        agent.len = 0;
        agent.room = SIZE_MAX;
        char_guest_open(agent.port, true);
        CHECK(agent_hear(&agent));
        CHECK_EQ(agent.type, AGENT_CAPABILITIES);
        agent_tear_down(&agent);
    }
    log_level_set(level);
    CHECK(copied > rounds / 10); /* or little of it was tried */
}

static const struct test_case cases[] = {{"agents", agents}};
TEST_SUITE(vdagent_fuzz_test, "fuzz", cases);
