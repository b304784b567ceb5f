// Terminal settings, kernel-neutral; the values are Linux's generic ones, so that no ABI has to
// translate the common case.
#pragma once
#include <lib/types.h>

enum { KTERM_NCC = 19 };
struct ktermios {
    u32 iflag, oflag, cflag, lflag;
    u8 line;
    u8 cc[KTERM_NCC];
    u32 ispeed, ospeed; // bits per second
};
enum { // cc[]
    KT_VINTR,
    KT_VQUIT,
    KT_VERASE,
    KT_VKILL,
    KT_VEOF,
    KT_VTIME,
    KT_VMIN,
    KT_VSWTC,
    KT_VSTART,
    KT_VSTOP,
    KT_VSUSP,
    KT_VEOL,
    KT_VREPRINT,
    KT_VDISCARD,
    KT_VWERASE,
    KT_VLNEXT,
    KT_VEOL2,
};
enum { // iflag
    KT_IGNBRK = 1,
    KT_BRKINT = 2,
    KT_IGNPAR = 4,
    KT_PARMRK = 010,
    KT_INPCK = 020,
    KT_ISTRIP = 040,
    KT_INLCR = 0100,
    KT_IGNCR = 0200,
    KT_ICRNL = 0400,
    KT_IUCLC = 01000,
    KT_IXON = 02000,
    KT_IXANY = 04000,
    KT_IXOFF = 010000,
    KT_IMAXBEL = 020000,
    KT_IUTF8 = 040000,
};
enum { // oflag
    KT_OPOST = 1,
    KT_OLCUC = 2,
    KT_ONLCR = 4,
    KT_OCRNL = 010,
    KT_ONOCR = 020,
    KT_ONLRET = 040,
    KT_OFILL = 0100,
    KT_OFDEL = 0200,
    KT_TABDLY = 014000,
    KT_TAB3 = 014000,
};
enum { // cflag
    KT_CBAUD = 010017,
    KT_B9600 = 015,
    KT_B38400 = 017,
    KT_B115200 = 010002,
    KT_BOTHER = 010000,
    KT_CSIZE = 060,
    KT_CS5 = 0,
    KT_CS6 = 020,
    KT_CS7 = 040,
    KT_CS8 = 060,
    KT_CSTOPB = 0100,
    KT_CREAD = 0200,
    KT_PARENB = 0400,
    KT_PARODD = 01000,
    KT_HUPCL = 02000,
    KT_CLOCAL = 04000,
    KT_CIBAUD_SHIFT = 16,
};
enum { // lflag
    KT_ISIG = 1,
    KT_ICANON = 2,
    KT_XCASE = 4,
    KT_ECHO = 010,
    KT_ECHOE = 020,
    KT_ECHOK = 040,
    KT_ECHONL = 0100,
    KT_NOFLSH = 0200,
    KT_TOSTOP = 0400,
    KT_ECHOCTL = 01000,
    KT_ECHOPRT = 02000,
    KT_ECHOKE = 04000,
    KT_FLUSHO = 010000,
    KT_PENDIN = 040000,
    KT_IEXTEN = 0100000,
    KT_EXTPROC = 0200000,
};
struct kwinsize {
    u16 rows, cols, xpixel, ypixel;
};
