// Start-up of the room.
#pragma once
void ipc_init(void); // boot, after memory; before the first task
