// The entry point of programs whose main may return.
#include "ulib.h"

int main(int argc, char **argv);
[[noreturn]] void start(int argc, char **argv);

void start(int argc, char **argv)
{
    exit(main(argc, argv));
}
