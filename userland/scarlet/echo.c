// echo [-n] words: the words with blanks between them.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    bool newline = true;
    int i = 1;
    if (i < argc && strcmp(argv[i], "-n") == 0) {
        newline = false;
        i++;
    }
    for (int first = i; i < argc; i++)
        out("%s%s", i > first ? " " : "", argv[i]);
    out("%s", newline ? "\n" : "");
    return 0;
}
