// What an xv6 program on x86-64 means by registers that its revision may not have set: there is one
// revision, and it sets them.
#include "../xv6.h"

bool xv6_means_lazy(void)
{
    return true;
}
