// Private to exec.c (commands and pipelines) and tree.c (what is made of them).
#pragma once
#include "sh.h"

struct opened { // handles that redirections opened
    int *h, n;
};
// Applies redirections to a copy of *from. opened (zeroed): handles to close afterwards. False: an
// error was said.
bool redirect(const struct redirect *r, const struct io *from, struct io *to,
              struct opened *opened);
void close_opened(struct opened *opened);
int run_simple(struct node *n, struct io *outer);
struct job *start_pipe(struct node *n, struct io *io);
void start_background(struct node *n, struct io *io);
long fork_shell(int group); // as clone: 0 in the copy
