#include <string.h>

#include "debug/gdb_internal.h"

#define REGISTER_BYTES_MAX 64

/* --- registers --- */

static const struct debug_register *register_find(struct vcpu *vcpu, uint64_t number)
{
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count; i++)
        if (registers[i].number == number)
            return &registers[i];
    return NULL;
}

/* The registers of the `g` packet: the general ones up to the first other one, numbered without a gap. It
 * asks for the others one by one. */
static bool in_g_packet(const struct debug_register *reg, size_t position)
{
    return reg->group && strcmp(reg->group, "general") == 0 && reg->number == position;
}

void gdb_general_registers(struct gdb_stub *stub, bool numbered)
{
    struct vcpu *vcpu = gdb_selected(stub);
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count && in_g_packet(&registers[i], i); i++) {
        uint8_t bytes[REGISTER_BYTES_MAX] = {0};
        vcpu->ops->register_get(vcpu, registers[i].number, bytes);
        if (numbered)
            gdb_text_add(&stub->reply, "%02x:", registers[i].number);
        gdb_text_hex(&stub->reply, bytes, registers[i].bits / 8);
        if (numbered)
            gdb_text_add(&stub->reply, ";");
    }
}

void gdb_registers_write(struct gdb_stub *stub, const char *at)
{
    struct vcpu *vcpu = gdb_selected(stub);
    size_t count;
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    for (size_t i = 0; i < count && in_g_packet(&registers[i], i); i++) {
        uint8_t bytes[REGISTER_BYTES_MAX];
        if (!gdb_hex_bytes(&at, bytes, registers[i].bits / 8)) {
            gdb_text_add(&stub->reply, "E01");
            return;
        }
        vcpu->ops->register_set(vcpu, registers[i].number, bytes);
    }
    gdb_text_add(&stub->reply, "OK");
}

void gdb_register_read(struct gdb_stub *stub, const char *at)
{
    uint64_t number;
    uint8_t bytes[REGISTER_BYTES_MAX] = {0};
    struct vcpu *vcpu = gdb_selected(stub);
    const struct debug_register *reg = gdb_hex_number(&at, &number) ? register_find(vcpu, number) : NULL;
    if (!reg || !vcpu->ops->register_get(vcpu, reg->number, bytes))
        gdb_text_add(&stub->reply, "E01");
    else
        gdb_text_hex(&stub->reply, bytes, reg->bits / 8);
}

void gdb_register_write(struct gdb_stub *stub, const char *at)
{
    uint64_t number;
    uint8_t bytes[REGISTER_BYTES_MAX];
    struct vcpu *vcpu = gdb_selected(stub);
    const struct debug_register *reg = gdb_hex_number(&at, &number) ? register_find(vcpu, number) : NULL;
    bool written = reg && *at++ == '=' && gdb_hex_bytes(&at, bytes, reg->bits / 8) &&
                   vcpu->ops->register_set(vcpu, reg->number, bytes);
    gdb_text_add(&stub->reply, written ? "OK" : "E01");
}

/* --- memory --- */

static bool address_and_length(const char **at, uint64_t *address, uint64_t *len)
{
    return gdb_hex_number(at, address) && *(*at)++ == ',' && gdb_hex_number(at, len) &&
           *len <= GDB_PACKET_MAX / 2;
}

void gdb_memory_read(struct gdb_stub *stub, const char *at)
{
    uint64_t address, len;
    static uint8_t bytes[GDB_PACKET_MAX / 2];
    if (!address_and_length(&at, &address, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    /* As much as there is: GDB reads ahead over the end of a stack. */
    while (len && !debug_memory_read(stub->config.target, gdb_selected(stub), gva(address), bytes, len))
        len = len > 8 ? len / 2 : len - 1;
    if (len)
        gdb_text_hex(&stub->reply, bytes, len);
    else
        gdb_text_add(&stub->reply, "E14");
}

void gdb_memory_write(struct gdb_stub *stub, const char *at, bool binary)
{
    uint64_t address, len;
    static uint8_t bytes[GDB_PACKET_MAX / 2];
    bool good = address_and_length(&at, &address, &len) && *at++ == ':';
    if (good && binary) {
        good = stub->reader.data + stub->reader.len == at + len;
        if (good)
            memcpy(bytes, at, len);
    } else if (good) {
        good = gdb_hex_bytes(&at, bytes, len);
    }
    if (!good)
        gdb_text_add(&stub->reply, "E22");
    else if (len && !debug_memory_write(stub->config.target, gdb_selected(stub), gva(address), bytes, len))
        gdb_text_add(&stub->reply, "E14");
    else
        gdb_text_add(&stub->reply, "OK");
}

/* Breakpoints and watchpoints: Zn and zn, n as in GDB's protocol. An access watchpoint is a read and a write
 * one. */
void gdb_point_change(struct gdb_stub *stub, const char *at, bool add)
{
    struct debug_target *target = stub->config.target;
    char type = *at++;
    uint64_t address, len;
    if (*at++ != ',' || !address_and_length(&at, &address, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    if (type < '0' || type > '4')
        return; /* not supported: an empty answer */
    bool (*change)(struct debug_target *, uint64_t, uint64_t, enum walk_access) =
        add ? debug_point_add : debug_point_remove;
    bool done = true;
    if (type == '0' || type == '1')
        done = change(target, address, 1, WALK_FETCH);
    if (type == '2' || type == '4')
        done = change(target, address, len, WALK_WRITE);
    if (type == '3' || type == '4')
        done = change(target, address, len, WALK_READ) && done;
    gdb_text_add(&stub->reply, done ? "OK" : "E28");
}
