// The kernel's own verdicts on a file, for programs of the host. The sources are the kernel's:
// kernel/exec/detect and the probe of each ABI folder, compiled once more; nothing is copied. Pure
// functions of their input, usable from any number of threads.
#pragma once
#include <exec/probe.h>

enum { DETECT_HEAD = 4096 }; // how much of a file's start the kernel looks at

struct detect_score {
    const char *abi;     // name of the ABI, as its folder is called
    const char *module;  // the kernel's name for it on that machine: "linux-riscv64"
    int score;           // 0..100, 0: not this ABI's
    char why[PROBE_WHY]; // the reason in words
};

// How many ABIs this build knows.
unsigned detect_abis(void);

// Asks each ABI about a file. in: head (at most DETECT_HEAD bytes are looked at), size, path,
// machine, and read, without which a verdict may differ from the kernel's. out has room for
// detect_abis() scores, in the order of the ABIs' names. Returns the index of the one that the
// kernel would choose, or -1 if it would refuse the file.
int detect_scores(const struct exec_probe *in, struct detect_score *out);
