// umount [-l] targets: takes mounts away; -l also those in use.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    u32 flags = 0;
    int failed = 0;
    while (next_option(&o, argc, argv, "l", "[-l] targets"))
        flags = SCARLET_UMOUNT_DETACH;
    for (int i = o.i; i < argc; i++) {
        long r = scarlet_call_umount(argv[i], flags);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
