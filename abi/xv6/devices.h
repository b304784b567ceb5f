// Device files as xv6 numbers them.
#pragma once
#include <object/attr.h>
#include <tty/tty.h>

// Major 1 is the console: the machine's own. Others have no driver; their files keep the numbers
// under a major of their own.
enum : u32 { XV6_CONSOLE = 1, XV6_MAJORS = 10, XV6_DEVICES = 0x786 };

static inline u64 xv6_rdev(i16 major, i16 minor)
{
    if (major == XV6_CONSOLE)
        return dev_make(TTY_MAJOR_AUX, TTY_MINOR_CONSOLE);
    return dev_make(XV6_DEVICES, (u32)(u16)major << 16 | (u16)minor);
}
// May a device file without a driver be opened? xv6 opens what has a place in its table of drivers.
static inline bool xv6_opens(u64 rdev)
{
    return rdev >> 32 == XV6_DEVICES && (rdev >> 16 & 0xffff) < XV6_MAJORS;
}
