// Handlers of clang's undefined-behaviour checks in debug builds: one line that starts with
// "UBSAN:" and names file and line, then a panic. Owns nothing. The names and argument lists are
// the compiler's; both the plain and the _abort form of each exist.
#include "ubsan.h"
#include <sync/log.h>

[[noreturn, gnu::cold]] static void report(const struct ubsan_place *p, const char *what,
                                           const char *detail)
{
    klog(LOG_CRIT, "UBSAN: %s%s%s in %s:%u:%u", what, detail ? " " : "", detail ? detail : "",
         p->file ? p->file : "?", p->line, p->column);
    panic("UBSAN: %s in %s:%u", what, p->file ? p->file : "?", p->line);
}

// An operand as the compiler passes it: small ones by value.
static i64 operand(const struct ubsan_type *t, u64 v)
{
    u32 bits = 1u << (t->info >> 1);
    if (t->kind != 0 || bits > 64)
        return (i64)v;
    if (bits == 64)
        return (i64)v;
    return t->info & 1 ? (i64)(v << (64 - bits)) >> (64 - bits) : (i64)(v & ((1ul << bits) - 1));
}

[[noreturn]] void __ubsan_handle_add_overflow(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_add_overflow(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "addition overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_add_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_add_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "addition overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_sub_overflow(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_sub_overflow(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "subtraction overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_sub_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_sub_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "subtraction overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_mul_overflow(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_mul_overflow(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "multiplication overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_mul_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_mul_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "multiplication overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_divrem_overflow(const struct ubsan_overflow *d, u64 a, u64 b);
void __ubsan_handle_divrem_overflow(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "division overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_divrem_overflow_abort(const struct ubsan_overflow *d, u64 a,
                                                       u64 b);
void __ubsan_handle_divrem_overflow_abort(const struct ubsan_overflow *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: operands %ld and %ld", (long)operand(d->type, a),
         (long)operand(d->type, b));
    report(&d->place, "division overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_negate_overflow(const struct ubsan_overflow *d, u64 a);
void __ubsan_handle_negate_overflow(const struct ubsan_overflow *d, u64 a)
{
    (void)a;
    report(&d->place, "negation overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_negate_overflow_abort(const struct ubsan_overflow *d, u64 a);
void __ubsan_handle_negate_overflow_abort(const struct ubsan_overflow *d, u64 a)
{
    (void)a;
    report(&d->place, "negation overflows", d->type->name);
}

[[noreturn]] void __ubsan_handle_shift_out_of_bounds(const struct ubsan_shift *d, u64 a, u64 b);
void __ubsan_handle_shift_out_of_bounds(const struct ubsan_shift *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: %ld shifted by %ld", (long)operand(d->left, a),
         (long)operand(d->right, b));
    report(&d->place, "shift out of bounds", d->left->name);
}

[[noreturn]] void __ubsan_handle_shift_out_of_bounds_abort(const struct ubsan_shift *d, u64 a,
                                                           u64 b);
void __ubsan_handle_shift_out_of_bounds_abort(const struct ubsan_shift *d, u64 a, u64 b)
{
    klog(LOG_CRIT, "UBSAN: %ld shifted by %ld", (long)operand(d->left, a),
         (long)operand(d->right, b));
    report(&d->place, "shift out of bounds", d->left->name);
}

[[noreturn]] void __ubsan_handle_out_of_bounds(const struct ubsan_bounds *d, u64 index);
void __ubsan_handle_out_of_bounds(const struct ubsan_bounds *d, u64 index)
{
    klog(LOG_CRIT, "UBSAN: index %ld", (long)operand(d->index, index));
    report(&d->place, "index out of bounds of", d->array->name);
}

[[noreturn]] void __ubsan_handle_out_of_bounds_abort(const struct ubsan_bounds *d, u64 index);
void __ubsan_handle_out_of_bounds_abort(const struct ubsan_bounds *d, u64 index)
{
    klog(LOG_CRIT, "UBSAN: index %ld", (long)operand(d->index, index));
    report(&d->place, "index out of bounds of", d->array->name);
}

[[noreturn]] void __ubsan_handle_type_mismatch_v1(const struct ubsan_mismatch *d, u64 ptr);
void __ubsan_handle_type_mismatch_v1(const struct ubsan_mismatch *d, u64 ptr)
{
    klog(LOG_CRIT, "UBSAN: address %016lx, alignment %u", (unsigned long)ptr, 1u << d->log_align);
    report(&d->place, ptr ? "misaligned or too small object" : "null pointer used as",
           d->type->name);
}

[[noreturn]] void __ubsan_handle_type_mismatch_v1_abort(const struct ubsan_mismatch *d, u64 ptr);
void __ubsan_handle_type_mismatch_v1_abort(const struct ubsan_mismatch *d, u64 ptr)
{
    klog(LOG_CRIT, "UBSAN: address %016lx, alignment %u", (unsigned long)ptr, 1u << d->log_align);
    report(&d->place, ptr ? "misaligned or too small object" : "null pointer used as",
           d->type->name);
}

[[noreturn]] void __ubsan_handle_load_invalid_value(const struct ubsan_value *d, u64 v);
void __ubsan_handle_load_invalid_value(const struct ubsan_value *d, u64 v)
{
    klog(LOG_CRIT, "UBSAN: value %lu", (unsigned long)v);
    report(&d->place, "invalid value loaded for", d->type->name);
}

[[noreturn]] void __ubsan_handle_load_invalid_value_abort(const struct ubsan_value *d, u64 v);
void __ubsan_handle_load_invalid_value_abort(const struct ubsan_value *d, u64 v)
{
    klog(LOG_CRIT, "UBSAN: value %lu", (unsigned long)v);
    report(&d->place, "invalid value loaded for", d->type->name);
}

[[noreturn]] void __ubsan_handle_vla_bound_not_positive(const struct ubsan_value *d, u64 v);
void __ubsan_handle_vla_bound_not_positive(const struct ubsan_value *d, u64 v)
{
    (void)v;
    report(&d->place, "array bound not positive", d->type->name);
}

[[noreturn]] void __ubsan_handle_vla_bound_not_positive_abort(const struct ubsan_value *d, u64 v);
void __ubsan_handle_vla_bound_not_positive_abort(const struct ubsan_value *d, u64 v)
{
    (void)v;
    report(&d->place, "array bound not positive", d->type->name);
}

[[noreturn]] void __ubsan_handle_implicit_conversion(const struct ubsan_conversion *d, u64 a,
                                                     u64 b);
void __ubsan_handle_implicit_conversion(const struct ubsan_conversion *d, u64 a, u64 b)
{
    (void)a;
    (void)b;
    report(&d->place, "conversion changes the value of", d->from->name);
}

[[noreturn]] void __ubsan_handle_implicit_conversion_abort(const struct ubsan_conversion *d, u64 a,
                                                           u64 b);
void __ubsan_handle_implicit_conversion_abort(const struct ubsan_conversion *d, u64 a, u64 b)
{
    (void)a;
    (void)b;
    report(&d->place, "conversion changes the value of", d->from->name);
}

[[noreturn]] void __ubsan_handle_float_cast_overflow(const struct ubsan_conversion *d, u64 a);
void __ubsan_handle_float_cast_overflow(const struct ubsan_conversion *d, u64 a)
{
    (void)a;
    report(&d->place, "conversion from floating point overflows", NULL);
}

[[noreturn]] void __ubsan_handle_float_cast_overflow_abort(const struct ubsan_conversion *d, u64 a);
void __ubsan_handle_float_cast_overflow_abort(const struct ubsan_conversion *d, u64 a)
{
    (void)a;
    report(&d->place, "conversion from floating point overflows", NULL);
}

[[noreturn]] void __ubsan_handle_alignment_assumption(const struct ubsan_value *d, u64 ptr,
                                                      u64 align, u64 offset);
void __ubsan_handle_alignment_assumption(const struct ubsan_value *d, u64 ptr, u64 align,
                                         u64 offset)
{
    (void)align;
    (void)offset;
    klog(LOG_CRIT, "UBSAN: address %016lx", (unsigned long)ptr);
    report(&d->place, "alignment assumption is wrong for", d->type->name);
}

[[noreturn]] void __ubsan_handle_alignment_assumption_abort(const struct ubsan_value *d, u64 ptr,
                                                            u64 align, u64 offset);
void __ubsan_handle_alignment_assumption_abort(const struct ubsan_value *d, u64 ptr, u64 align,
                                               u64 offset)
{
    (void)align;
    (void)offset;
    klog(LOG_CRIT, "UBSAN: address %016lx", (unsigned long)ptr);
    report(&d->place, "alignment assumption is wrong for", d->type->name);
}

[[noreturn]] void __ubsan_handle_pointer_overflow(const struct ubsan_site *d, u64 base, u64 result);
void __ubsan_handle_pointer_overflow(const struct ubsan_site *d, u64 base, u64 result)
{
    klog(LOG_CRIT, "UBSAN: base %016lx, result %016lx", (unsigned long)base, (unsigned long)result);
    report(&d->place, "pointer arithmetic overflows", NULL);
}

[[noreturn]] void __ubsan_handle_pointer_overflow_abort(const struct ubsan_site *d, u64 base,
                                                        u64 result);
void __ubsan_handle_pointer_overflow_abort(const struct ubsan_site *d, u64 base, u64 result)
{
    klog(LOG_CRIT, "UBSAN: base %016lx, result %016lx", (unsigned long)base, (unsigned long)result);
    report(&d->place, "pointer arithmetic overflows", NULL);
}

[[noreturn]] void __ubsan_handle_nonnull_arg(const struct ubsan_nonnull_arg *d);
void __ubsan_handle_nonnull_arg(const struct ubsan_nonnull_arg *d)
{
    report(&d->place, "null passed for an argument that must not be null", NULL);
}

[[noreturn]] void __ubsan_handle_nonnull_arg_abort(const struct ubsan_nonnull_arg *d);
void __ubsan_handle_nonnull_arg_abort(const struct ubsan_nonnull_arg *d)
{
    report(&d->place, "null passed for an argument that must not be null", NULL);
}

[[noreturn]] void __ubsan_handle_nullability_arg(const struct ubsan_nonnull_arg *d);
void __ubsan_handle_nullability_arg(const struct ubsan_nonnull_arg *d)
{
    report(&d->place, "null passed for an argument that must not be null", NULL);
}

[[noreturn]] void __ubsan_handle_nullability_arg_abort(const struct ubsan_nonnull_arg *d);
void __ubsan_handle_nullability_arg_abort(const struct ubsan_nonnull_arg *d)
{
    report(&d->place, "null passed for an argument that must not be null", NULL);
}

[[noreturn]] void __ubsan_handle_nonnull_return_v1(const struct ubsan_site *d,
                                                   const struct ubsan_place *p);
void __ubsan_handle_nonnull_return_v1(const struct ubsan_site *d, const struct ubsan_place *p)
{
    (void)d;
    report(p, "null returned where it must not be", NULL);
}

[[noreturn]] void __ubsan_handle_nonnull_return_v1_abort(const struct ubsan_site *d,
                                                         const struct ubsan_place *p);
void __ubsan_handle_nonnull_return_v1_abort(const struct ubsan_site *d, const struct ubsan_place *p)
{
    (void)d;
    report(p, "null returned where it must not be", NULL);
}

[[noreturn]] void __ubsan_handle_nullability_return_v1(const struct ubsan_site *d,
                                                       const struct ubsan_place *p);
void __ubsan_handle_nullability_return_v1(const struct ubsan_site *d, const struct ubsan_place *p)
{
    (void)d;
    report(p, "null returned where it must not be", NULL);
}

[[noreturn]] void __ubsan_handle_nullability_return_v1_abort(const struct ubsan_site *d,
                                                             const struct ubsan_place *p);
void __ubsan_handle_nullability_return_v1_abort(const struct ubsan_site *d,
                                                const struct ubsan_place *p)
{
    (void)d;
    report(p, "null returned where it must not be", NULL);
}

[[noreturn]] void __ubsan_handle_invalid_builtin(const struct ubsan_site *d);
void __ubsan_handle_invalid_builtin(const struct ubsan_site *d)
{
    report(&d->place, "zero passed to a builtin that does not take it", NULL);
}

[[noreturn]] void __ubsan_handle_invalid_builtin_abort(const struct ubsan_site *d);
void __ubsan_handle_invalid_builtin_abort(const struct ubsan_site *d)
{
    report(&d->place, "zero passed to a builtin that does not take it", NULL);
}

[[noreturn]] void __ubsan_handle_function_type_mismatch(const struct ubsan_value *d, u64 fn);
void __ubsan_handle_function_type_mismatch(const struct ubsan_value *d, u64 fn)
{
    klog(LOG_CRIT, "UBSAN: function at %016lx", (unsigned long)fn);
    report(&d->place, "call through a pointer of another type:", d->type->name);
}

[[noreturn]] void __ubsan_handle_function_type_mismatch_abort(const struct ubsan_value *d, u64 fn);
void __ubsan_handle_function_type_mismatch_abort(const struct ubsan_value *d, u64 fn)
{
    klog(LOG_CRIT, "UBSAN: function at %016lx", (unsigned long)fn);
    report(&d->place, "call through a pointer of another type:", d->type->name);
}

[[noreturn]] void __ubsan_handle_builtin_unreachable(const struct ubsan_site *d);
void __ubsan_handle_builtin_unreachable(const struct ubsan_site *d)
{
    report(&d->place, "unreachable code was reached", NULL);
}

[[noreturn]] void __ubsan_handle_missing_return(const struct ubsan_site *d);
void __ubsan_handle_missing_return(const struct ubsan_site *d)
{
    report(&d->place, "function ends without a value", NULL);
}
