// Choosing among the ABIs that take a file. Freestanding: also compiled into the offline probe.
#include <exec/probe.h>

bool probe_better(struct probe_verdict a, struct probe_verdict b)
{
    return a.score > b.score || (a.score == b.score && a.score > 0 && a.order < b.order);
}
