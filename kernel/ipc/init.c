// Start-up of the room: what must exist before the first call.
#include <ipc/futex.h>
#include <ipc/init.h>
#include <ipc/poll_set.h>

void ipc_init(void)
{
    futex_init();
    poll_set_init();
}
