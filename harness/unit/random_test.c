// sources: kernel/lib/random.c harness/unit/host/kpage.c
// ChaCha20 against the vectors of RFC 8439.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/random.h>

static void test_block_function(void **state) // section 2.3.2
{
    (void)state;
    static const u8 want[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
    };
    static const u8 nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
    u8 key[32], out[64];
    struct chacha c;

    for (u8 i = 0; i < 32; i++)
        key[i] = i;
    chacha_init(&c, key, nonce, 1);
    chacha_block(&c, out);
    assert_memory_equal(out, want, 64);
    assert_int_equal(c.state[12], 2);
}

static void test_zero_key(void **state) // appendix A.1, vectors 1 and 2
{
    (void)state;
    static const u8 first[8] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
    static const u8 second[8] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a};
    static const u8 key[32], nonce[12];
    u8 out[64];
    struct chacha c;

    chacha_init(&c, key, nonce, 0);
    chacha_block(&c, out);
    assert_memory_equal(out, first, 8);
    chacha_block(&c, out);
    assert_memory_equal(out, second, 8);
}

static void test_xorshift(void **state)
{
    (void)state;
    u64 s = 1, seen = 0;

    for (int i = 0; i < 1000; i++)
        seen |= xorshift64(&s);
    assert_true(seen == UINT64_MAX && s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_function),
        cmocka_unit_test(test_zero_key),
        cmocka_unit_test(test_xorshift),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
