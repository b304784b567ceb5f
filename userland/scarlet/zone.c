// zone: whether this kernel has zones (address ranges of a task whose calls another ABI serves).
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    say("%s: this kernel has no zones", status_name(-SCARLET_NO_CALL));
    return 1;
}
