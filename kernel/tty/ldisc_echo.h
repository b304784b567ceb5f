// Echoes of the line discipline: they go through output processing and out in one piece per batch
// of input.
#pragma once
#include "ldisc.h"

static inline bool ldisc_is_control(u8 c)
{
    return c < ' ' || c == 0x7f;
}
// Brackets of a batch; the echoes in between are collected. Nested calls are not allowed.
void ldisc_echo_begin(struct ldisc *l);
void ldisc_echo_end(struct ldisc *l);
void ldisc_echo_raw(struct ldisc *l, u8 c);  // processed by OPOST, but shown as it is
void ldisc_echo_char(struct ldisc *l, u8 c); // control characters as ^X with ECHOCTL
