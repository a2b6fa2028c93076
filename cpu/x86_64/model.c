#include "cpu/x86_64/model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Models in order: each has what those before it have. */
enum first_model {
    FIRST_BASE,
    FIRST_V2,
    FIRST_V3,
    FIRST_MAX,
    FIRST_EXTRA,
    FIRST_NONE,
};

static const struct {
    const char *name;
    enum first_model rank;
} models[] = {
    {"x86-64-v3", FIRST_V3}, /* the default */
    {"x86-64", FIRST_BASE},  {"qemu64", FIRST_BASE}, {"x86-64-v2", FIRST_V2},
    {"max", FIRST_MAX},      {"host", FIRST_MAX},
};

enum { EAX, EBX, ECX, EDX };

static const struct {
    const char *name;
    enum first_model first;
    enum x86_feature needs;
    struct x86_feature_place place;
} features[] = {
#define FEAT(id, text, leaf, subleaf, reg, bit, first_model, need)                                           \
    {text, FIRST_##first_model, FEAT_##need, {leaf, subleaf, reg, bit}},
#include "cpu/x86_64/features.def"
#undef FEAT
};

const char *x86_model_name(unsigned index)
{
    return index < ARRAY_LEN(models) ? models[index].name : NULL;
}

const char *x86_feature_name(unsigned index)
{
    return index < ARRAY_LEN(features) ? features[index].name : NULL;
}

static void feature_put(struct x86_model *model, enum x86_feature feature, bool on)
{
    uint64_t bit = (uint64_t)1 << (feature % 64);
    model->features[feature / 64] = (model->features[feature / 64] & ~bit) | (on ? bit : 0);
}

static void feature_enable(struct x86_model *model, enum x86_feature feature)
{
    while (!x86_model_has(model, feature)) {
        feature_put(model, feature, true);
        feature = features[feature].needs;
    }
}

static void feature_disable(struct x86_model *model, enum x86_feature feature)
{
    feature_put(model, feature, false);
    for (unsigned n = 1; n < FEAT_COUNT; n++) {
        if (features[n].needs == feature && x86_model_has(model, n))
            feature_disable(model, n);
    }
}

void x86_model_limit(struct x86_model *model,
                     bool (*has)(void *opaque, enum x86_feature feature, const struct x86_feature_place *place),
                     void *opaque)
{
    for (unsigned n = 1; n < FEAT_COUNT; n++) {
        if (x86_model_has(model, n) && !has(opaque, n, &features[n].place))
            feature_disable(model, n);
    }
}

/* How many letters two names differ by, roughly: those of one that the other lacks, in order. */
static unsigned distance(const char *a, const char *b)
{
    unsigned missing = 0;
    for (; *a; a++) {
        const char *at = strchr(b, *a);
        if (at)
            b = at + 1;
        else
            missing++;
    }
    return missing * 2 + (unsigned)strlen(b);
}

static bool unknown(struct error *err, const char *what, const char *typed,
                    const char *(*name)(unsigned index))
{
    const char *best = "";
    unsigned least = ~0u;
    for (unsigned n = 0; name(n); n++) {
        unsigned d = distance(typed, name(n)) + distance(name(n), typed);
        if (d < least) {
            least = d;
            best = name(n);
        }
    }
    return error_set(err, ERROR_USAGE, "the x86_64 CPU has no %s \"%s\"; did you mean \"%s\"?", what, typed,
                     best);
}

static bool base_set(struct x86_model *model, const char *name, struct error *err)
{
    for (unsigned n = 0; n < ARRAY_LEN(models); n++) {
        if (strcasecmp(models[n].name, name) != 0)
            continue;
        snprintf(model->name, sizeof(model->name), "%s", models[n].name);
        for (unsigned f = 0; f < FEAT_COUNT; f++) {
            if (features[f].first <= models[n].rank)
                feature_enable(model, f);
        }
        return true;
    }
    return unknown(err, "model", name, x86_model_name);
}

/* One "+feature" or "-feature". Underscores are as good as hyphens and dots. */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        bool separators = strchr("-_.", *a) && strchr("-_.", *b);
        if (!separators && strncasecmp(a, b, 1) != 0)
            return false;
    }
    return *a == *b;
}

static bool change(struct x86_model *model, const char *text, struct error *err)
{
    if (*text != '+' && *text != '-')
        return error_set(err, ERROR_USAGE, "in a CPU model, write +%s or -%s", text, text);
    for (unsigned n = 1; n < FEAT_COUNT; n++) {
        if (!same_name(features[n].name, text + 1))
            continue;
        if (*text == '-')
            feature_disable(model, n);
        else if (features[n].first == FIRST_NONE)
            return error_set(err, ERROR_USAGE, "the x86_64 CPU's \"%s\" is not built yet", text + 1);
        else
            feature_enable(model, n);
        return true;
    }
    return unknown(err, "feature", text + 1, x86_feature_name);
}

bool x86_model_parse(struct x86_model *model, const char *text, struct error *err)
{
    char copy[256], *rest = copy;
    if (!text || !*text)
        text = models[0].name;
    if (strlen(text) >= sizeof(copy))
        return error_set(err, ERROR_USAGE, "a CPU model of %zu characters is too long", strlen(text));
    strcpy(copy, text);
    *model = (struct x86_model){.physical_bits = X86_PHYSICAL_BITS};
    const char *item = strsep(&rest, ",");
    if (!base_set(model, *item == '+' || *item == '-' ? models[0].name : item, err))
        return false;
    if ((*item == '+' || *item == '-') && !change(model, item, err))
        return false;
    while ((item = strsep(&rest, ","))) {
        if (*item && !change(model, item, err))
            return false;
    }
    return true;
}
