#include "debug/gdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "debug/gdb_packet.h"
#include "tests/harness/test.h"

/* A core with two registers whose memory is a page at 0x1000. */
struct fake_cpu {
    struct vcpu vcpu;
    uint64_t pc, a0, csr;
};

struct world {
    struct fake_cpu cpus[2];
    struct vcpu *vcpus[2];
    struct debug_points points;
    struct debug_target target;
    struct gdb_stub *stub;
    struct physmem mem;
    bool stopped, let_in;
    unsigned changes, ram_id;
    enum debug_action actions[2];
    char sent[65536];
    size_t sent_len;
};

static struct world *world;

static const struct debug_register registers[] = {
    {"a0", "long", 64, 0, "general", "org.test.cpu"},
    {"pc", "code_ptr", 64, 1, "general", "org.test.cpu"},
    {"status", NULL, 32, 2, "csr", "org.test.csr"},
};

static const struct debug_register *fake_registers(struct vcpu *vcpu, size_t *count)
{
    (void)vcpu;
    *count = ARRAY_LEN(registers);
    return registers;
}

static uint64_t *slot(struct vcpu *vcpu, unsigned number)
{
    struct fake_cpu *cpu = container_of(vcpu, struct fake_cpu, vcpu);
    return number == 0 ? &cpu->a0 : number == 1 ? &cpu->pc : &cpu->csr;
}

static bool fake_get(struct vcpu *vcpu, unsigned number, uint8_t *out)
{
    le_store(out, registers[number].bits / 8, *slot(vcpu, number));
    return true;
}

static bool fake_set(struct vcpu *vcpu, unsigned number, const uint8_t *in)
{
    *slot(vcpu, number) = le_load(in, registers[number].bits / 8);
    return true;
}

static void fake_pc_set(struct vcpu *vcpu, uint64_t pc)
{
    *slot(vcpu, 1) = pc;
}

static struct translation fake_translate(struct vcpu *vcpu, gva_t va, enum walk_access access)
{
    (void)vcpu;
    (void)access;
    return (struct translation){va.a >= 0x1000 && va.a < 0x2000, gpa(va.a), 7, 12, world->let_in};
}

static const struct cpu_ops fake_ops = {.name = "fake",
                                        .gdb_arch = "test:fake",
                                        .registers = fake_registers,
                                        .register_get = fake_get,
                                        .register_set = fake_set,
                                        .pc_set = fake_pc_set,
                                        .translate = fake_translate};

static void target_pause(struct debug_target *target)
{
    (void)target;
    world->stopped = true;
}

static void target_resume(struct debug_target *target, const enum debug_action *actions)
{
    (void)target;
    memcpy(world->actions, actions, sizeof(world->actions));
    world->stopped = false;
}

static void target_changed(struct debug_target *target)
{
    (void)target;
    world->changes++;
}

static bool target_is_stopped(struct debug_target *target)
{
    (void)target;
    return world->stopped;
}

static void stub_send(void *opaque, const char *bytes, size_t len)
{
    (void)opaque;
    if (world->sent_len + len < sizeof(world->sent)) {
        memcpy(world->sent + world->sent_len, bytes, len);
        world->sent_len += len;
    }
    world->sent[world->sent_len] = 0;
}

static void command(void *opaque, const char *text, void (*print)(void *print_opaque, const char *text),
                    void *print_opaque)
{
    (void)opaque;
    print(print_opaque, text);
}

static void world_make(void)
{
    world = calloc(1, sizeof(*world));
    for (int i = 0; i < 2; i++) {
        world->cpus[i].vcpu.ops = &fake_ops;
        world->vcpus[i] = &world->cpus[i].vcpu;
    }
    world->mem.ram = ram_create();
    struct ram_block *block = ram_block_create(world->mem.ram, "ram", 4096, NULL);
    CHECK(ram_map(world->mem.ram, block, 0, gpa(0x1000), 4096, RAM_MAPPED, &world->ram_id));
    world->target = (struct debug_target){.vcpus = world->vcpus,
                                          .count = 2,
                                          .mem = &world->mem,
                                          .points = &world->points,
                                          .pause = target_pause,
                                          .resume = target_resume,
                                          .points_changed = target_changed,
                                          .is_stopped = target_is_stopped};
    world->stub = gdb_stub_create(&(struct gdb_config){&world->target, stub_send, command, NULL});
    gdb_stub_connected(world->stub);
    CHECK(world->stopped);
}

static void world_free(void)
{
    gdb_stub_destroy(world->stub);
    ram_destroy(world->mem.ram);
    free(world);
}

/* Send one packet; the contents of the first packet of the answer, or NULL when there is none. */
static const char *ask(const char *text)
{
    static char answer[65536];
    char packet[1024];
    uint8_t sum = 0;
    for (const char *c = text; *c; c++)
        sum = (uint8_t)(sum + (uint8_t)*c);
    int len = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum);
    world->sent_len = 0;
    world->sent[0] = 0;
    gdb_stub_receive(world->stub, packet, (size_t)len);
    const char *start = strchr(world->sent, '$');
    if (!start)
        return NULL;
    const char *end = strchr(start, '#');
    snprintf(answer, sizeof(answer), "%.*s", (int)(end - start - 1), start + 1);
    return answer;
}

static void framing(void)
{
    struct gdb_reader reader = {0};
    enum gdb_input last = GDB_NOTHING;
    /* '}' escapes: 0x04 ^ 0x20 = '$'. The sum is of the bytes as sent: 0x7d + 0x04 = 0x81. */
    for (const char *c = "+$}\x04#81"; *c; c++)
        last = gdb_reader_take(&reader, *c);
    CHECK_EQ(last, GDB_PACKET);
    CHECK_STR(reader.data, "$");
    for (const char *c = "$x#00"; *c; c++)
        last = gdb_reader_take(&reader, *c);
    CHECK_EQ(last, GDB_BAD);
    CHECK_EQ(gdb_reader_take(&reader, 3), GDB_INTERRUPT);

    gdb_reader_take(&reader, '$');
    for (int i = 0; i < 2 * GDB_PACKET_MAX; i++)
        gdb_reader_take(&reader, 0);
    gdb_reader_take(&reader, '#');
    gdb_reader_take(&reader, '0');
    CHECK_EQ(gdb_reader_take(&reader, '0'), GDB_BAD);
}

static void registers_and_memory(void)
{
    world_make();
    world->cpus[0].a0 = 0x1122334455667788;
    world->cpus[1].pc = 0xabc;
    CHECK_STR(ask("g"), "88776655443322110000000000000000");
    CHECK_STR(ask("Hg2"), "OK");
    CHECK_STR(ask("p1"), "bc0a000000000000");
    CHECK_STR(ask("P2=04030201"), "OK");
    CHECK_EQ(world->cpus[1].csr, 0x01020304);
    CHECK_STR(ask("p9"), "E01");
    CHECK_STR(ask("P2=0403"), "E01");
    CHECK_STR(ask("Hg3"), "E22");

    CHECK_STR(ask("M1ffe,2:aabb"), "OK");
    CHECK_STR(ask("m1ffe,2"), "aabb");
    CHECK_STR(ask("m1ffe,8"), "aabb"); /* to the end of what there is */
    CHECK_STR(ask("m2000,8"), "E14");
    CHECK_STR(ask("M1fff,2:aabb"), "E14");
    CHECK_STR(ask("mffffffffffffffff,8"), "E14");
    CHECK_STR(ask("X1000,2:xy"), "OK");
    CHECK_STR(ask("m1000,2"), "7879");
    CHECK_STR(ask("m1000"), "E22");
    CHECK_STR(ask("m1000,fffffff"), "E22");
    world_free();
}

static void points(void)
{
    world_make();
    CHECK_STR(ask("Z0,1000,4"), "OK");
    CHECK(world->points.any_break && !world->points.any_watch);
    CHECK_STR(ask("Z4,1008,8"), "OK");
    CHECK_EQ(world->points.count, 3);
    CHECK_EQ(world->changes, 3);
    CHECK_STR(ask("z4,1008,8"), "OK");
    CHECK_EQ(world->points.count, 1);
    CHECK_STR(ask("z1,2000,4"), "E28");
    CHECK_STR(ask("Z9,1000,4"), "");
    for (unsigned i = 1; i < DEBUG_POINTS; i++)
        CHECK_STR(ask("Z0,1000,4"), "OK");
    CHECK_STR(ask("Z0,1000,4"), "E28");
    gdb_stub_disconnected(world->stub);
    CHECK_EQ(world->points.count, 0);
    CHECK(!world->stopped);
    world_free();
}

static void running(void)
{
    world_make();
    CHECK_STR(ask("?"), "T05thread:1;");
    CHECK(ask("vCont;s:2;c") == NULL);
    CHECK_EQ(world->actions[0], DEBUG_CONTINUE);
    CHECK_EQ(world->actions[1], DEBUG_STEP);
    CHECK(ask("g") == NULL); /* running: only an interrupt is allowed */
    struct vcpu_exit exit = {.reason = EXIT_DEBUG,
                             .debug = {.address = 0x10, .access = WALK_WRITE, .watchpoint = true}};
    world->sent_len = 0;
    world->cpus[1].a0 = 0x1234;
    world->cpus[1].pc = 0x1000;
    world->target.stopped(world->target.opaque, 1, &exit);
    CHECK(strstr(world->sent, "$T05thread:2;watch:10;00:3412000000000000;01:0010000000000000;#") != NULL);
    CHECK(ask("vCont;c") == NULL);
    world->sent_len = 0;
    gdb_stub_receive(world->stub, "\x03", 1);
    CHECK(strstr(world->sent, "$T02thread:2;00:3412") != NULL);
    CHECK_STR(ask("vCont;x"), "E22");
    CHECK_STR(ask("Hc1"), "OK");
    CHECK(ask("s1230") == NULL);
    CHECK_EQ(world->actions[0], DEBUG_STEP);
    CHECK_EQ(world->actions[1], DEBUG_STAY);
    world_free();
}

static void queries(void)
{
    world_make();
    CHECK_STR(ask("qfThreadInfo"), "m1,2");
    CHECK_STR(ask("T2"), "OK");
    CHECK_STR(ask("T3"), "E22");
    CHECK_STR(ask("qXfer:features:read:target.xml:0,4"), "m<?xm");
    const char *xml = ask("qXfer:features:read:target.xml:0,3fff");
    CHECK(
        strstr(xml,
               "<architecture>test:fake</architecture><osabi>none</osabi><feature name=\"org.test.cpu\">") !=
        NULL);
    CHECK(
        strstr(xml, "<reg name=\"status\" bitsize=\"32\" regnum=\"2\" group=\"csr\"/></feature></target>") !=
        NULL);
    CHECK_STR(ask("qXfer:features:read:target.xml:ffffffffffff,10"), "l");
    CHECK_STR(ask("qXfer:features:read:other.xml:0,10"), "E00");
    CHECK_STR(ask("qRcmd,6869"), "O6869");
    CHECK(strstr(world->sent, "$OK#9a") != NULL);
    CHECK_STR(ask("vMustReplyEmpty"), "");
    CHECK_STR(ask("QStartNoAckMode"), "OK");
    ask("?");
    CHECK_EQ(world->sent[0], '$');
    world_free();
}

/* Whatever comes in, the stub answers or keeps quiet, and lives. */
static void noise(void)
{
    static const char letters[] = "gGpPmMXzZHTcsvqQD?,:;=#$}0123456789abcdefCont";
    world_make();
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t len = test_random() % (sizeof(text) - 1);
        for (size_t j = 0; j < len; j++)
            text[j] = letters[test_random() % (sizeof(letters) - 1)];
        text[len] = 0;
        ask(text);
        if (!world->stopped)
            gdb_stub_receive(world->stub, "\x03", 1);
        gdb_stub_connected(world->stub);
    }
    CHECK_STR(ask("T1"), "OK");
    world_free();
}

/* What system-management mode alone sees is there for a debugger while the vCPU is in it. */
static void guarded_memory(void)
{
    world_make();
    uint32_t value = 0x12345678, read = 0;
    CHECK(debug_memory_write(&world->target, world->vcpus[0], gva(0x1ffc), &value, 4));
    ram_mapping_set_kind(world->mem.ram, world->ram_id, RAM_GUARDED);
    CHECK(!debug_memory_read(&world->target, world->vcpus[0], gva(0x1ffc), &read, 4));
    world->let_in = true;
    CHECK(debug_memory_read(&world->target, world->vcpus[0], gva(0x1ffc), &read, 4));
    CHECK_EQ(read, value);
    value = 0x9abcdef0;
    CHECK(debug_memory_write(&world->target, world->vcpus[0], gva(0x1000), &value, 4));
    CHECK(debug_memory_read(&world->target, world->vcpus[0], gva(0x1000), &read, 4));
    CHECK_EQ(read, value);
    world_free();
}

static const struct test_case cases[] = {
    {"framing", framing},
    {"registers_and_memory", registers_and_memory},
    {"points", points},
    {"running", running},
    {"queries", queries},
    {"noise", noise},
    {"guarded_memory", guarded_memory},
};
TEST_SUITE(gdb_test, "unit", cases);
