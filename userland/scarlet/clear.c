// clear: an empty terminal.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    out("\033[H\033[2J\033[3J");
    return 0;
}
