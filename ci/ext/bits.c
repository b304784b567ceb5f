/* Bit counting and byte swapping that compilers call by name when the machine has no instruction
 * for them (rv64imac without Zbb). Owns nothing; plain functions of their arguments. */

int __clzdi2(unsigned long a);
int __ctzdi2(unsigned long a);
unsigned int __bswapsi2(unsigned int a);
unsigned long __bswapdi2(unsigned long a);

/* Leading zero bits of a, which is not 0. */
int __clzdi2(unsigned long a)
{
    int n = 63;

    for (int shift = 32; shift; shift /= 2) {
        if (a >> shift) {
            a >>= shift;
            n -= shift;
        }
    }
    return n;
}

/* Trailing zero bits of a, which is not 0. */
int __ctzdi2(unsigned long a)
{
    return 63 - __clzdi2(a & -a);
}

unsigned int __bswapsi2(unsigned int a)
{
    return a >> 24 | (a >> 8 & 0xff00) | (a << 8 & 0xff0000) | a << 24;
}

unsigned long __bswapdi2(unsigned long a)
{
    return (unsigned long)__bswapsi2((unsigned int)a) << 32 | __bswapsi2((unsigned int)(a >> 32));
}
