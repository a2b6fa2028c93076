/*
 * Two networks: a frame that comes in goes back to its sender by the way it came, until one says "quit". With
 * the argument "arp" it asks the first network for 10.0.2.2 instead; with "refusals" it does what must be
 * refused, on networks where nothing comes.
 */
#include "guests/hvt/hvt.h"

MANIFEST(2, NETWORK("net0"), NETWORK("net1"));

#define SECOND 1000000000ull

static uint8_t frame[1514];

static void mac_print(const uint8_t *mac)
{
    for (unsigned i = 0; i < 6; i++) {
        char text[3] = {"0123456789abcdef"[mac[i] >> 4], "0123456789abcdef"[mac[i] & 15], 0};
        print(i ? ":" : "");
        print(text);
    }
}

static int frame_send(uint64_t handle, uint64_t len)
{
    struct call_net call = {handle, frame, len, -1};
    hypercall(CALL_NET_WRITE, &call);
    return call.result;
}

static int frame_receive(uint64_t handle, uint64_t *len)
{
    struct call_net call = {handle, frame, sizeof(frame), -1};
    hypercall(CALL_NET_READ, &call);
    *len = call.len;
    return call.result;
}

static uint64_t poll(uint64_t timeout_ns)
{
    struct call_poll call = {timeout_ns, 0, -1};
    hypercall(CALL_POLL, &call);
    check(call.count == __builtin_popcountll(call.ready), "poll's count");
    return call.ready;
}

static void refusals(void)
{
    uint64_t len;
    check(frame_receive(1, &len) == RESULT_AGAIN, "a read with nothing there");
    check(frame_receive(0, &len) == RESULT_INVALID, "a read of the reserved handle");
    check(frame_receive(7, &len) == RESULT_INVALID, "a read of no device");
    check(frame_send(7, 64) == RESULT_INVALID, "a write to no device");
    check(frame_send(1, 0) == RESULT_INVALID, "a frame of no bytes");
    check(frame_send(1, 100000) == RESULT_INVALID, "a frame of too many bytes");
}

/* Destination and source change places. False: it was the last. */
static bool answer(uint64_t handle, const struct device *net, uint64_t len)
{
    for (unsigned i = 0; i < 6; i++) {
        frame[i] = frame[6 + i];
        frame[6 + i] = net->net.mac[i];
    }
    check(frame_send(handle, len) == RESULT_OK, "a frame is sent");
    return !(len >= 18 && frame[14] == 'q' && frame[15] == 'u' && frame[16] == 'i' && frame[17] == 't');
}

static void echo(const struct boot_info *info)
{
    uint64_t len, ready;
    for (;;) {
        ready = poll(30 * SECOND);
        check(ready, "a frame comes within 30 seconds");
        if (!ready)
            return;
        for (uint64_t handle = 1; handle <= 2; handle++) {
            if (!(ready >> handle & 1))
                continue;
            check(frame_receive(handle, &len) == RESULT_OK, "a frame is there");
            if (!answer(handle, &info->manifest->devices[handle], len))
                return;
        }
    }
}

/* RFC 826: who has 10.0.2.2? tell 10.0.2.15. */
static void ask(const struct device *net)
{
    static const uint8_t request[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const uint8_t ours[] = {10, 0, 2, 15}, theirs[] = {10, 0, 2, 2};
    uint64_t len;
    for (unsigned i = 0; i < 42; i++)
        frame[i] = i < 6 ? 0xff : 0;
    for (unsigned i = 0; i < 6; i++)
        frame[6 + i] = frame[22 + i] = net->net.mac[i];
    for (unsigned i = 0; i < sizeof(request); i++)
        frame[12 + i] = request[i];
    for (unsigned i = 0; i < 4; i++) {
        frame[28 + i] = ours[i];
        frame[38 + i] = theirs[i];
    }
    check(frame_send(1, 42) == RESULT_OK, "the question is sent");
    for (uint64_t end = wall_now() + 20 * SECOND; wall_now() < end; poll(SECOND)) {
        if (frame_receive(1, &len) == RESULT_OK && frame[12] == 8 && frame[13] == 6 && frame[21] == 2) {
            print("10.0.2.2 is at ");
            mac_print(frame + 22);
            print("\n");
            return;
        }
    }
    check(false, "an answer");
}

int guest_main(const struct boot_info *info)
{
    for (unsigned i = 1; i <= 2; i++) {
        const struct device *net = &info->manifest->devices[i];
        check(net->attached, net->name);
        print(net->name);
        print(" ");
        mac_print(net->net.mac);
        print(" ");
        print_number(net->net.mtu);
        print("\n");
    }
    if (text_equal(info->arguments, "arp"))
        ask(&info->manifest->devices[1]);
    else if (text_equal(info->arguments, "refusals"))
        refusals();
    else
        echo(info);
    return check_status();
}
