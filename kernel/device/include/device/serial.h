// Serial ports: the seam between UART drivers and the terminal layer.
#pragma once
#include <lib/list.h>
#include <lib/types.h>

struct serial_port {
    struct list link; // all ports
    u32 index;        // ttyS number
    bool is_console;  // named by stdout-path
    bool plain;       // no person at the other end: lines pass as they are, without echo
    // --- the driver's ---
    // Takes up to n bytes for transmission without waiting; returns how many it took. Any context.
    usize (*write)(struct serial_port *p, const u8 *data, usize n);
    usize (*write_room)(struct serial_port *p);
    usize (*pending)(struct serial_port *p); // bytes not sent yet
    void (*write_sync)(struct serial_port *p, const char *s,
                       usize n);            // busy-waiting; kernel log. Any context
    void (*discard)(struct serial_port *p); // drops what was not sent
    void (*set_break)(struct serial_port *p, bool on);
    // Line settings; what cannot be had is ignored. bits 5..8, parity 0 none 1 odd 2 even,
    // stop 1..2.
    void (*configure)(struct serial_port *p, u32 baud, u32 bits, u32 parity, u32 stop);
    // The window that the port is shown in; NULL or false: not known.
    bool (*size)(struct serial_port *p, u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel);
    // --- the terminal layer's; NULL until attached. Interrupts off ---
    // Bytes came in; flags: SERIAL_* of the last byte only (bytes with trouble come singly).
    void (*received)(struct serial_port *p, const u8 *data, usize n, u32 flags);
    void (*writable)(struct serial_port *p); // room again after write took less than all
    void (*resized)(struct serial_port *p);  // size says something new. Thread context
    void *attached;
};
enum { SERIAL_BREAK = 1, SERIAL_PARITY = 2, SERIAL_FRAMING = 4, SERIAL_OVERRUN = 8 };

void serial_register(struct serial_port *p); // gives it an index. Boot
extern struct list serial_ports;             // constant after device_init
