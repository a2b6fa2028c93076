#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/gdb_internal.h"

/* Types that registers have and that GDB wants defined, in each feature that uses them. */
static const struct {
    const char *name, *definition;
} register_types[] = {
    {"vec128", "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
               "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
               "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
               "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
               "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
               "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
               "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
               "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
               "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
               "<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>"},
};

static void types_define(FILE *out, const struct debug_register *registers, size_t count, const char *feature)
{
    for (size_t type = 0; type < ARRAY_LEN(register_types); type++) {
        bool used = false;
        for (size_t i = 0; i < count; i++)
            used |= registers[i].type && strcmp(registers[i].type, register_types[type].name) == 0 &&
                    strcmp(registers[i].feature, feature) == 0;
        if (used)
            fputs(register_types[type].definition, out);
    }
}

/* The target description: each feature with its registers, in the order of the core's table. It is a bare
 * machine: for some systems GDB steps with breakpoints of its own, which takes three times as many packets.
 */
char *gdb_description_make(struct vcpu *vcpu)
{
    char *text = NULL;
    size_t size, count;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    const struct debug_register *registers = vcpu->ops->registers(vcpu, &count);
    fprintf(out,
            "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
            "<architecture>%s</architecture><osabi>none</osabi>",
            vcpu->ops->gdb_arch);
    const char *feature = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct debug_register *reg = &registers[i];
        if (!feature || strcmp(feature, reg->feature) != 0) {
            fprintf(out, "%s<feature name=\"%s\">", feature ? "</feature>" : "", reg->feature);
            feature = reg->feature;
            types_define(out, registers, count, feature);
        }
        fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" regnum=\"%u\"", reg->name, reg->bits, reg->number);
        if (reg->type)
            fprintf(out, " type=\"%s\"", reg->type);
        if (reg->group)
            fprintf(out, " group=\"%s\"", reg->group);
        fputs("/>", out);
    }
    fprintf(out, "%s</target>", feature ? "</feature>" : "");
    fclose(out);
    return text;
}

void gdb_description_read(struct gdb_stub *stub, const char *at)
{
    uint64_t offset, len;
    if (strncmp(at, "target.xml:", 11) != 0) {
        gdb_text_add(&stub->reply, "E00");
        return;
    }
    at += 11;
    if (!gdb_hex_number(&at, &offset) || *at++ != ',' || !gdb_hex_number(&at, &len)) {
        gdb_text_add(&stub->reply, "E22");
        return;
    }
    size_t total = strlen(stub->description);
    offset = offset < total ? offset : total;
    /* Half a packet at most, as every byte may have to be escaped. */
    len = len < GDB_PACKET_MAX / 2 ? len : GDB_PACKET_MAX / 2;
    len = len < total - offset ? len : total - offset;
    gdb_text_add(&stub->reply, offset + len < total ? "m" : "l");
    gdb_text_binary(&stub->reply, stub->description + offset, len);
}
