/* CPU models: the named ones, what depends on what, and the strings that name a hart's extensions. */
#include "cpu/riscv64/model.h"

#include <stdio.h>
#include <string.h>

#include "softmmu/walkers/riscv.h"

enum extension_flag {
    NAMED,
    HIDDEN,
};

static const struct {
    const char *name;
    enum extension_flag flag;
} extensions[EXT_COUNT] = {
#define EXT(id, name, flags) [EXT_##id] = {name, flags},
#include "cpu/riscv64/extensions.def"
#undef EXT
};

/*
 * What an extension needs: with it the other is switched on, without the other it goes. A part also goes when
 * the whole is switched off by name.
 */
static const struct {
    uint8_t ext, needs;
    bool part;
} dependencies[] = {
    /* clang-format off */
    {EXT_M, EXT_ZMMUL, true},
    {EXT_A, EXT_ZAAMO, true},      {EXT_A, EXT_ZALRSC, true},
    {EXT_F, EXT_ZICSR, false},     {EXT_D, EXT_F, false},
    {EXT_C, EXT_ZCA, true},
    {EXT_ZCD, EXT_ZCA, false},     {EXT_ZCD, EXT_D, false},
    {EXT_ZCB, EXT_ZCA, false},     {EXT_ZCMOP, EXT_ZCA, false},   {EXT_ZCMOP, EXT_ZIMOP, false},
    {EXT_ZFHMIN, EXT_F, false},    {EXT_ZFH, EXT_ZFHMIN, false},  {EXT_ZFA, EXT_F, false},
    {EXT_ZABHA, EXT_ZAAMO, false}, {EXT_ZACAS, EXT_ZAAMO, false}, {EXT_ZAWRS, EXT_ZALRSC, false},
    {EXT_ZICNTR, EXT_ZICSR, false}, {EXT_ZIHPM, EXT_ZICSR, false}, {EXT_SSCOFPMF, EXT_ZIHPM, false},
    {EXT_ZKN, EXT_ZBKB, true},     {EXT_ZKN, EXT_ZBKC, true},     {EXT_ZKN, EXT_ZBKX, true},
    {EXT_ZKN, EXT_ZKND, true},     {EXT_ZKN, EXT_ZKNE, true},     {EXT_ZKN, EXT_ZKNH, true},
    {EXT_ZK, EXT_ZKN, true},       {EXT_ZK, EXT_ZKR, true},       {EXT_ZK, EXT_ZKT, true},
    /* clang-format on */
};

/* Combinations: `result` is there when a and b are, or (either) when one of them is. */
static const struct {
    uint8_t result, a, b;
    bool either;
} combinations[] = {
    /* clang-format off */
    {EXT_ZBB_ZBKB,    EXT_ZBB,    EXT_ZBKB,   true},
    {EXT_ZBC_ZBKC,    EXT_ZBC,    EXT_ZBKC,   true},
    {EXT_ZKND_ZKNE,   EXT_ZKND,   EXT_ZKNE,   true},
    {EXT_ZFHMIN_D,    EXT_ZFHMIN, EXT_D,      false},
    {EXT_ZFA_D,       EXT_ZFA,    EXT_D,      false},
    {EXT_ZFA_ZFH,     EXT_ZFA,    EXT_ZFH,    false},
    {EXT_ZABHA_ZACAS, EXT_ZABHA,  EXT_ZACAS,  false},
    {EXT_ZCD,         EXT_C,      EXT_D,      false}, /* C and D together contain it */
    /* clang-format on */
};

#define BASE "i,m,a,f,d,c,zicsr,zifencei,zicntr,zihpm"
#define PROFILE                                                                                              \
    BASE ",zihintpause,zba,zbb,zbs,zic64b,zicbom,zicbop,zicboz,zfhmin,zkt,ziccif,ziccrse,ziccamoa,zicclsm,"  \
         "za64rs,ssccptr,sstvecd,sstvala,sscounterenw,svpbmt,svinval,sstc,sscofpmf,svnapot,ssu64xl"

/*
 * The profile's options that only make a guest faster are in its models. RVA22S64 itself asks for Svade, with
 * which a page whose accessed or dirty bit software has not set is a fault. Systems written on emulators,
 * xv6 for one, never set them: so the first model, which is the default, has the hart do it (Svadu).
 */
static const struct {
    const char *name, *extensions; /* NULL: all */
} models[] = {
    {"virt", PROFILE ",svadu"},
    {"rva22s64", PROFILE ",svade"},
    {"rv64", BASE ",svadu"},
    {"max", NULL},
};

static void ext_put(struct riscv_model *model, unsigned ext, bool on)
{
    uint64_t bit = (uint64_t)1 << (ext % 64);
    model->ext[ext / 64] = on ? model->ext[ext / 64] | bit : model->ext[ext / 64] & ~bit;
}

static void ext_enable(struct riscv_model *model, unsigned ext)
{
    ext_put(model, ext, true);
    for (unsigned i = 0; i < ARRAY_LEN(dependencies); i++) {
        if (dependencies[i].ext == ext && !riscv_model_has(model, dependencies[i].needs))
            ext_enable(model, dependencies[i].needs);
    }
}

static void ext_disable(struct riscv_model *model, unsigned ext)
{
    ext_put(model, ext, false);
    for (unsigned i = 0; i < ARRAY_LEN(dependencies); i++) {
        if (dependencies[i].needs == ext && riscv_model_has(model, dependencies[i].ext))
            ext_disable(model, dependencies[i].ext);
    }
}

static void ext_remove(struct riscv_model *model, unsigned ext)
{
    ext_disable(model, ext);
    for (unsigned i = 0; i < ARRAY_LEN(dependencies); i++) {
        if (dependencies[i].ext == ext && dependencies[i].part &&
            riscv_model_has(model, dependencies[i].needs))
            ext_remove(model, dependencies[i].needs);
    }
}

/* The extension of this name, or EXT_COUNT. */
static unsigned ext_find(const char *name, size_t len)
{
    for (unsigned ext = 0; ext < EXT_COUNT; ext++) {
        if (extensions[ext].flag != HIDDEN && strlen(extensions[ext].name) == len &&
            strncasecmp(extensions[ext].name, name, len) == 0)
            return ext;
    }
    return EXT_COUNT;
}

/* Edit distance, for suggestions; names are short. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64], lb = (unsigned)strlen(b);
    if (lb >= ARRAY_LEN(row))
        return ~0u;
    for (unsigned j = 0; j <= lb; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < skip ? change : skip;
        }
    }
    return row[lb];
}

/* The name nearest to what was typed. */
static const char *nearest(const char *typed, const char *(*name)(unsigned index))
{
    const char *best = "";
    unsigned least = ~0u;
    for (unsigned i = 0; name(i); i++) {
        unsigned d = distance(typed, name(i));
        if (d < least) {
            least = d;
            best = name(i);
        }
    }
    return best;
}

static bool unknown(struct error *err, const char *what, const char *typed,
                    const char *(*name)(unsigned index))
{
    return error_set(err, ERROR_USAGE, "the riscv64 CPU has no %s \"%s\"; did you mean \"%s\"", what, typed,
                     nearest(typed, name));
}

static void extensions_enable(struct riscv_model *model, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        ext_enable(model, ext_find(list, len));
        list += len + (list[len] == ',');
    }
}

static bool base_set(struct riscv_model *model, const char *name, struct error *err)
{
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        if (strcasecmp(models[i].name, name) != 0)
            continue;
        snprintf(model->name, sizeof(model->name), "%s", models[i].name);
        if (models[i].extensions)
            extensions_enable(model, models[i].extensions);
        for (unsigned ext = 0; !models[i].extensions && ext < EXT_COUNT; ext++) {
            if (extensions[ext].flag != HIDDEN)
                ext_put(model, ext, true);
        }
        return true;
    }
    return unknown(err, "model", name, riscv_model_name);
}

/* One "+ext" or "-ext". */
static bool change(struct riscv_model *model, const char *text, struct error *err)
{
    unsigned ext = ext_find(text + 1, strlen(text + 1));
    if ((text[0] != '+' && text[0] != '-') || !text[1])
        return error_set(err, ERROR_USAGE, "a CPU feature is +NAME or -NAME, not \"%s\"", text);
    if (ext == EXT_COUNT)
        return unknown(err, "extension", text + 1, riscv_extension_name);
    if (text[0] == '+')
        ext_enable(model, ext);
    else
        ext_remove(model, ext);
    if (!riscv_model_has(model, EXT_I) || !riscv_model_has(model, EXT_ZICSR))
        return error_set(err, ERROR_USAGE, "every riscv64 CPU has i and zicsr");
    return true;
}

static void combine(struct riscv_model *model)
{
    ext_put(model, EXT_S, true);
    for (unsigned i = 0; i < ARRAY_LEN(combinations); i++) {
        bool a = riscv_model_has(model, combinations[i].a), b = riscv_model_has(model, combinations[i].b);
        bool there = combinations[i].either ? a || b : a && b;
        if (there || extensions[combinations[i].result].flag == HIDDEN)
            ext_put(model, combinations[i].result, there);
    }
}

bool riscv_model_parse(struct riscv_model *model, const char *text, struct error *err)
{
    *model = (struct riscv_model){.satp_modes = SATP_SV57};
    if (!text || !*text)
        text = models[0].name;
    for (bool first = true; *text; first = false) {
        char item[32];
        size_t len = strcspn(text, ",");
        if (len >= sizeof(item))
            return error_set(err, ERROR_USAGE, "\"%s\" is too long for a CPU model or feature", text);
        snprintf(item, sizeof(item), "%.*s", (int)len, text);
        if (!(first ? base_set(model, item, err) : change(model, item, err)))
            return false;
        text += len + (text[len] == ',');
    }
    combine(model);
    return true;
}

size_t riscv_model_isa(const struct riscv_model *model, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "rv64");
    for (unsigned ext = 0; ext < EXT_COUNT; ext++) {
        if (extensions[ext].flag == HIDDEN || !riscv_model_has(model, (enum riscv_ext)ext))
            continue;
        bool letter = extensions[ext].name[1] == 0;
        size_t room = used < size ? size - used : 0;
        used += (size_t)snprintf(room ? text + used : NULL, room, "%s%s", letter ? "" : "_",
                                 extensions[ext].name);
    }
    return used;
}

size_t riscv_model_isa_list(const struct riscv_model *model, char *list, size_t size)
{
    size_t used = 0;
    for (unsigned ext = 0; ext < EXT_COUNT; ext++) {
        if (extensions[ext].flag == HIDDEN || !riscv_model_has(model, (enum riscv_ext)ext))
            continue;
        size_t room = used < size ? size - used : 0;
        used += (size_t)snprintf(room ? list + used : NULL, room, "%s", extensions[ext].name) + 1;
    }
    return used;
}

const char *riscv_model_name(unsigned index)
{
    return index < ARRAY_LEN(models) ? models[index].name : NULL;
}

const char *riscv_extension_name(unsigned index)
{
    /* Hidden ones come last. */
    bool named = index < EXT_COUNT && extensions[index].flag != HIDDEN;
    return named ? extensions[index].name : NULL;
}
