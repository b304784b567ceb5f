// Private to start-up.
#pragma once
#include <lib/types.h>

#define SCARLET_VERSION "0.1.0"

enum { STATUS_USAGE = 210 }; // of the machine, when what it was asked for cannot be

struct boot_options {
    char init[128]; // init=: the first program; empty: /init and the usual places
    char trace[32]; // trace=: name of the tasks whose calls go to the log, or "all"
};
extern struct boot_options options;
// Reads the command line. Words nobody knows are left alone (they may be the first program's).
void options_parse(const char *line);

// Runs the program that the device tree names, if it names one: then it does not return.
void program_run_chosen(void);

struct view;
// Makes the root file system from the boot image, or from the directory that /chosen
// scarlet,host-root names of the system underneath, under a layer that is thrown away. An error is
// the reason why there is none.
[[nodiscard]] int root_mount(struct view **out);
// The directory of the system underneath that the root is a layer over; NULL: a boot image's root.
const char *root_host_directory(void);
// Mounts what /chosen scarlet,binds asks for (bind.c).
void bind_chosen(void);
// What a name of the system underneath is called here, if the root or a bind shows it and nothing
// that was mounted later covers it. False: it is not to be seen, or the name is too long.
[[nodiscard]] bool bind_seen_name(const char *name, char *out, usize cap);
// Opens the channels that the first program is given (channels.c).
struct task;
void channels_open(struct task *t);
// In a root of several systems that is a layer over a host's directory, /data/config becomes a
// tmpfs: that layer is an overlay, which cannot be the upper layer of the systems' views. After
// everything else is mounted.
void root_mount_changes(void);
