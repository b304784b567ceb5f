// sources: kernel/lib/hash.c
// Hashes: the published vectors of SipHash-2-4, spread of the fast ones, and chains.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/hash.h>

static void test_siphash(void **state)
{
    (void)state;
    struct siphash_key key;
    u8 bytes[64];

    // From the SipHash paper and its reference code: key 00..0f, messages of n bytes 00, 01, ...
    memcpy(&key, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);
    for (u8 i = 0; i < 64; i++)
        bytes[i] = i;
    assert_true(siphash(&key, bytes, 0) == 0x726fdb47dd0e0e31);
    assert_true(siphash(&key, bytes, 1) == 0x74f839c593dc67fd);
    assert_true(siphash(&key, bytes, 8) == 0x93f5f5799a932462);
    assert_true(siphash(&key, bytes, 15) == 0xa129ca6149be45e5);
    for (size_t n = 0; n < 40; n++) { // alignment does not matter
        u8 shifted[64];
        memcpy(shifted + 3, bytes, n);
        assert_true(siphash(&key, shifted + 3, n) == siphash(&key, bytes, n));
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static unsigned buckets[256];
    char name[32];

    for (int i = 0; i < 25600; i++) {
        size_t n = (size_t)snprintf(name, sizeof(name), "file%d", i);
        buckets[hash_bytes(name, n, 0) >> 56]++;
        char shifted[40];
        memcpy(shifted + i % 8, name, n);
        assert_true(hash_bytes(name, n, 5) == hash_bytes(shifted + i % 8, n, 5));
    }
    for (int i = 0; i < 256; i++)
        assert_in_range(buckets[i], 50, 150);
    assert_true(hash_bytes("a", 1, 0) != hash_bytes("a\0", 2, 0));
    assert_true(hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1));
    memset(buckets, 0, sizeof(buckets));
    for (u64 i = 0; i < 25600; i++)
        buckets[hash_u64(i * 4096) >> 56]++;
    for (int i = 0; i < 256; i++)
        assert_in_range(buckets[i], 50, 150);
}

struct item {
    int id;
    struct hash_node link;
};

static void test_chain(void **state)
{
    (void)state;
    struct hash_head head = {0};
    struct item items[10], *it, *tmp;
    unsigned sum = 0;

    for (int i = 0; i < 10; i++) {
        items[i].id = i;
        hash_node_init(&items[i].link);
        assert_false(hash_linked(&items[i].link));
        hash_add(&head, &items[i].link);
        assert_true(hash_linked(&items[i].link));
    }
    hash_for_each (it, &head, link)
        sum = sum * 10 + (unsigned)it->id;
    assert_int_equal(sum, 1286608618); // 9876543210 modulo 2^32
    hash_del(&items[9].link);
    hash_del(&items[0].link);
    hash_for_each_safe(it, tmp, &head, link) if (it->id % 2) hash_del(&it->link);
    sum = 0;
    hash_for_each (it, &head, link)
        sum = sum * 10 + (unsigned)it->id;
    assert_int_equal(sum, 8642);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_chain),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
