// tally [-q] FILE [NUMBER]...: runs a tally program, the made-up format of the tests of runtimes.
// The file begins with "TLY1" and a newline; then words of one character: a digit pushes itself, $
// the next NUMBER (one digit), + * - take two and push one, . prints the top. -q leaves out the
// first line, which names the interpreter's ABI and the file.
#include "any.h"

static long stack[32];
static int depth;

[[noreturn]] static void stop(const char *why)
{
    put("tally: ");
    put(why);
    put("\n");
    leave(1);
}

static void push(long v)
{
    if (depth == 32)
        stop("stack full");
    stack[depth++] = v;
}

static long pop(void)
{
    if (!depth)
        stop("stack empty");
    return stack[--depth];
}

static void put_number(long v)
{
    char text[24], *p = text + sizeof(text) - 1;
    u64 u = v < 0 ? -(u64)v : (u64)v;
    *p = 0;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    put(p);
    put("\n");
}

static void run(u64 argc, char **argv)
{
    static char text[4096];
    char **end = argv + argc, **arg = argv + 1;
    bool quiet = arg < end && arg[0][0] == '-' && arg[0][1] == 'q';
    arg += quiet;
    if (arg == end)
        stop("which file?");
    long n = read_file(open_file(*arg, false), text, sizeof(text));
    if (n < 5 || text[0] != 'T' || text[1] != 'L' || text[2] != 'Y' || text[3] != '1')
        stop("not a tally program");
    if (!quiet) {
        put(ABI_WORD " tally ");
        put(*arg);
        put("\n");
    }
    arg++;
    for (long i = 5; i < n; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') {
            push(c - '0');
        } else if (c == '$') {
            if (arg == end)
                stop("too few numbers");
            push(**arg++ - '0');
        } else if (c == '+' || c == '*' || c == '-') {
            long b = pop(), a = pop();
            push(c == '+' ? a + b : c == '*' ? a * b : a - b);
        } else if (c == '.') {
            put_number(pop());
        } else if (c != ' ' && c != '\n') {
            stop("unknown word");
        }
    }
    leave(0);
}
