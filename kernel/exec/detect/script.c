// The first line of a "#!" script. Freestanding: also compiled into the offline probe. Behaviour as
// in execve(2): one argument, blanks trimmed, at most 255 characters.
#include <exec/probe.h>

static bool blank(u8 c)
{
    return c == ' ' || c == '\t';
}

int script_parse(const u8 *head, usize len, struct script_line *out)
{
    if (len < 2 || head[0] != '#' || head[1] != '!')
        return 0;
    *out = (struct script_line){0};
    usize end = 2;
    while (end < len && end < 256 && head[end] != '\n' && head[end] != 0)
        end++;
    bool complete = end < len && end < 256;
    usize i = 2;
    while (i < end && blank(head[i]))
        i++;
    usize n = 0;
    while (i < end && !blank(head[i]))
        out->interpreter[n++] = (char)head[i++];
    if (n == 0)
        return -1;
    if (!complete && i == end && end < len) // the name itself was cut
        return -1;
    while (i < end && blank(head[i]))
        i++;
    while (end > i && blank(head[end - 1]))
        end--;
    for (n = 0; i < end; n++)
        out->argument[n] = (char)head[i++];
    out->has_argument = n > 0;
    return 1;
}
