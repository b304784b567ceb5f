// clear: an empty terminal.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    no_words(argc, argv);
    out("\033[H\033[2J\033[3J");
    return 0;
}
