/*
 * The operations on encodings of any format, from which the functions of cpu/fp/fp.h are made. Private to
 * cpu/fp/.
 */
#pragma once

#include "cpu/fp/number.h"

u128 fp_add(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, bool subtract);
u128 fp_mul(struct fp_env *env, const struct fp_format *format, u128 a, u128 b);
u128 fp_div(struct fp_env *env, const struct fp_format *format, u128 a, u128 b);
u128 fp_rem(struct fp_env *env, const struct fp_format *format, u128 a, u128 b);
u128 fp_sqrt(struct fp_env *env, const struct fp_format *format, u128 a);
u128 fp_fma(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, u128 c, unsigned negate);
u128 fp_scalb(struct fp_env *env, const struct fp_format *format, u128 a, int32_t n);
u128 fp_round_int(struct fp_env *env, const struct fp_format *format, u128 a, enum fp_round round,
                  bool inexact);
u128 fp_convert(struct fp_env *env, const struct fp_format *from, const struct fp_format *to, u128 a);
uint64_t fp_to_int(struct fp_env *env, const struct fp_format *format, u128 a, struct fp_int kind,
                   enum fp_round round);
u128 fp_from_int(struct fp_env *env, const struct fp_format *format, uint64_t v, struct fp_int kind);
enum fp_relation fp_compare(struct fp_env *env, const struct fp_format *format, u128 a, u128 b,
                            bool signaling);
u128 fp_minmax(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, enum fp_minmax kind,
               bool max);
unsigned fp_class(const struct fp_format *format, u128 a);

static inline enum fp_round fp_env_round(const struct fp_env *env)
{
    return (enum fp_round)env->round;
}
