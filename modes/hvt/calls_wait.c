/* The hypercalls that may wait, for the console or for frames and time; and the one that ends the guest. */
#include "base/bits.h"
#include "host/clock.h"
#include "modes/hvt/board.h"

/* --- the console --- */

static bool console_has_room(void *opaque)
{
    struct hvt_board *board = opaque;
    return !__atomic_load_n(&board->console_full, __ATOMIC_SEQ_CST);
}

/* How much the console took of it. */
static size_t console_write(struct hvt_board *board, const uint8_t *bytes, size_t len)
{
    host_mutex_lock(&board->run->machine.lock);
    size_t done = char_write(board->console, bytes, len);
    __atomic_store_n(&board->console_full, done < len, __ATOMIC_SEQ_CST);
    host_mutex_unlock(&board->run->machine.lock);
    return done;
}

/* Writing is best effort: what is left when the machine is told to stop meanwhile is lost. */
void hvt_call_puts(struct hvt_board *board, uint64_t address)
{
    const uint8_t *arg = hvt_guest_read(board, address, HVT_PUTS_SIZE);
    uint64_t len = arg ? le64_load(arg + HVT_PUTS_LEN) : 0;
    const uint8_t *bytes = len ? hvt_guest_read(board, le64_load(arg + HVT_PUTS_DATA), len) : NULL;
    while (bytes && len) {
        size_t done = console_write(board, bytes, len);
        bytes += done;
        len -= done;
        if (len && !vcpu_wait(board->run->vcpus[0], UINT64_MAX, console_has_room, board))
            return;
    }
}

/* --- poll --- */

static uint64_t ready_get(const struct hvt_board *board)
{
    return __atomic_load_n(&board->ready, __ATOMIC_SEQ_CST);
}

static bool frames_wait(void *opaque)
{
    return ready_get(opaque) != 0;
}

static uint64_t later(uint64_t now, uint64_t ns)
{
    return ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
}

/* Where time is counted it passes at once; the rest of the world gets its turn. */
static void counted_wait(struct hvt_board *board, uint64_t timeout)
{
    struct machine *machine = &board->run->machine;
    host_loop_run(machine->loop, false);
    if (!frames_wait(board))
        clock_advance(machine->clock, later(clock_now(machine->clock), timeout));
}

/* A machine that is told to stop (by a debugger) ends the wait early, which a guest takes for a time-out that
 * came early. */
void hvt_call_poll(struct hvt_board *board, uint64_t address)
{
    uint8_t *arg = hvt_guest_write(board, address, HVT_POLL_SIZE);
    if (!arg)
        return;
    uint64_t timeout = le64_load(arg + HVT_POLL_TIMEOUT);
    if (board->config->deterministic)
        counted_wait(board, timeout);
    else if (timeout)
        vcpu_wait(board->run->vcpus[0], later(host_clock_ns(), timeout), frames_wait, board);
    uint64_t ready = ready_get(board);
    arg =
        hvt_guest_write(board, address, HVT_POLL_SIZE); /* anew: others may have looked at memory meanwhile */
    le64_store(arg + HVT_POLL_READY, ready);
    le32_store(arg + HVT_POLL_RET, (uint32_t)__builtin_popcountll(ready));
}

/* --- halt --- */

/* On the loop's thread, so that the vCPU can be made to stand still for a core dump. */
static void halt_finish(void *opaque)
{
    struct hvt_board *board = opaque;
    const char *folder = board->config->hvt_dumpcore;
    struct error err;
    machine_pause(board->run);
    if (folder && board->status == HVT_STATUS_ABORT && !hvt_dump_write(board, folder, &err))
        log_warn("%s", err.text);
    machine_end(board->run, board->status);
}

void hvt_call_halt(struct hvt_board *board, uint64_t address)
{
    const uint8_t *arg = hvt_guest_read(board, address, HVT_HALT_SIZE);
    struct vcpu *vcpu = board->run->vcpus[0];
    if (!arg)
        return;
    board->cookie = le64_load(arg + HVT_HALT_COOKIE);
    board->status = (int)(le32_load(arg + HVT_HALT_STATUS) & 0xff); /* what a process can end with */
    if (board->cookie && !hvt_guest_read(board, board->cookie, HVT_COOKIE_SIZE))
        return;
    board->halted = true;
    __atomic_store_n(&vcpu->stop, 1, __ATOMIC_RELEASE);
    vcpu_kick(vcpu);
    host_loop_post(board->run->machine.loop, halt_finish, board);
}
