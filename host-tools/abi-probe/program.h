// A program as the loader would put it together: the file, its interpreter, its libraries from a
// root, what it may open by name.
#pragma once
#include "unit.h"

struct options {
    const char *root;  // "" for the host's own
    const char *cache; // folder or NULL
    const char *const *plugins;
    usize plugin_n; // further files or folders that the program will open
    bool no_libraries;
};

struct member {
    struct unit *u;
    bool own;    // a private copy of a shared unit
    bool opened; // by name, at run time
    u32 by;      // member that needs it
    u64 *funcs;  // bit per function reached
    u64 *groups; // bit per group of slots
    u64 *parent; // per function: member << 32 | function that led there, UINT64_MAX: a root
    u64 *
        imports; // per import: member << 32 | export, UINT64_MAX none, UINT64_MAX - 1 not looked up
    u64 reached;
};
struct missing {
    char *what, *needed_by;
};
// One call that the program can make.
struct use {
    i32 number;
    u32 sites; // in how many places
    u32 member, func;
    u64 site;     // one of them
    u64 members;  // bit per member that makes it (member 63 and above share a bit)
    bool implied; // made by the kernel's own code on behalf of the program
};
struct program {
    const struct options *o;
    VEC(struct member) members;    // [0] is the file
    VEC(struct missing) missing;   // libraries, interpreters
    VEC(struct missing) undefined; // symbols and versions
    VEC(struct use) uses;          // sorted by number; unresolved ones (number -1) one by one
    VEC(char *) opened;            // names that were opened, for the report
    bool open_ended;               // opens what nobody can foresee
    u64 functions, functions_reached, sites;
};

// Puts the program together and follows it. The unit stays the caller's. is_linux: the numbers are
// Linux's, so calls that its kernel makes a program make count too.
void program_follow(struct unit *u, const struct options *o, bool is_linux, struct program *p);
void program_free(struct program *p);

// Private to the parts of program_*.c.
u32 program_add(struct program *p, struct unit *u, u32 by,
                bool opened); // member number; u is taken over, given back if it is there already
bool program_library(struct program *p, const char *name, u32 by, bool opened, bool must);
void program_path(struct program *p, const char *path, u32 by); // file, or folder with libraries
void program_prepare(struct program *p, u32 first);             // analyses members from first on
u64 program_import(struct program *p, u32 member,
                   u32 import); // member << 32 | export, or UINT64_MAX
