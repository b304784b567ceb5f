// pwd: the working directory.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    static char buf[4096];
    no_words(argc, argv);
    long r = scarlet_call_get_directory(buf, sizeof(buf));
    if (r < 0)
        die("%s", status_text(r));
    out("%s\n", buf);
    return 0;
}
