// Credentials: immutable once published, shared by reference.
#pragma once
#include <sync/atomic.h>

enum capability { // numbers as in capabilities(7) of Linux
    CAP_CHOWN = 0,
    CAP_DAC_OVERRIDE = 1,
    CAP_DAC_READ_SEARCH = 2,
    CAP_FOWNER = 3,
    CAP_FSETID = 4,
    CAP_KILL = 5,
    CAP_SETGID = 6,
    CAP_SETUID = 7,
    CAP_SETPCAP = 8,
    CAP_LINUX_IMMUTABLE = 9,
    CAP_NET_BIND_SERVICE = 10,
    CAP_NET_ADMIN = 12,
    CAP_NET_RAW = 13,
    CAP_IPC_LOCK = 14,
    CAP_IPC_OWNER = 15,
    CAP_SYS_MODULE = 16,
    CAP_SYS_RAWIO = 17,
    CAP_SYS_CHROOT = 18,
    CAP_SYS_PTRACE = 19,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_BOOT = 22,
    CAP_SYS_NICE = 23,
    CAP_SYS_RESOURCE = 24,
    CAP_SYS_TIME = 25,
    CAP_SYS_TTY_CONFIG = 26,
    CAP_MKNOD = 27,
    CAP_LEASE = 28,
    CAP_SETFCAP = 31,
    CAP_SYSLOG = 34,
    CAP_LAST = 40,
};
enum { // of cred.securebits; capabilities(7)
    SECURE_NO_SETUID_FIXUP = 4,
    SECURE_KEEP_CAPS = 16
};
struct cred {
    refcount_t refs;
    u32 uid, euid, suid, fsuid;
    u32 gid, egid, sgid, fsgid;
    u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
    u32 securebits;
    bool no_new_privs;
    u32 ngroups;
    u32 *groups;          // sorted
    struct cred *retired; // next in task.retired_creds
};
extern struct cred root_cred; // all capabilities; of the first task and kernel threads

[[nodiscard]] struct cred *
cred_copy(const struct cred *c); // a private copy to modify; NULL: no memory
[[nodiscard]] int cred_set_groups(struct cred *c, const u32 *groups, u32 n);
void cred_get(struct cred *c);
void cred_put(struct cred *c);
bool cred_in_group(const struct cred *c, u32 gid); // fsgid or supplementary
static inline bool cred_capable(const struct cred *c, enum capability cap)
{
    return c->cap_effective >> cap & 1;
}
// May the current task send t events (kill(2))? May it look at what t has (ptrace(2), "access mode
// checking"; for names in /proc by its fsuid)?
struct task;
bool task_may_signal(struct task *t);
bool task_may_inspect(struct task *t, bool by_fsuid);
// The current task's credentials: valid during the call being served, no reference taken. Kernel
// threads: root_cred.
struct cred *current_cred(void);
static inline bool capable(enum capability cap)
{
    return cred_capable(current_cred(), cap);
}
// A counted reference to any task's credentials.
struct cred *task_cred_get(struct task *t);
// Replaces the current task's credentials (consumes the reference).
void task_set_cred(struct cred *c);
