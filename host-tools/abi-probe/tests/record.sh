#!/usr/bin/busybox sh
# In the guest: run each line of programs.txt under strace; the logs leave as a base64 text between marks.
PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/root TERM=dumb
export PATH LC_ALL HOME TERM
mkdir -p /tmp/rec /tmp/rec.d && cd /tmp/rec.d || exit 1
mkdir -p dir dir3/x g mnt mnt2; echo a >a; echo a >sedf; echo a >sedg; echo o >own
printf -- '--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n' >p.diff
seq 1 20000 >big; tar -czf in.tgz /etc; mount -t tmpfs none mnt2
printf '#include <stdio.h>\nint main(void) { puts("hi"); }\n' >hello.c
printf 'all: x y\nx y:\n\techo $@\n' >mk.mk
grep -v '^#' /rec/programs.txt | while read -r name command; do
    [ -n "$name" ] || continue
    printf '%s\n' "$command" >/tmp/cmd
    timeout -k 1 100 strace -f -s 8 -o /tmp/rec/$name.strace sh -c "exec $(case $command in *\;) echo "${command%;}\\;" ;; *) cat /tmp/cmd ;; esac)" </dev/null >/tmp/rec/$name.out 2>&1
    echo "status $?" >>/tmp/rec/$name.out
done
cd /tmp/rec && echo RECORDS && tar -czf - . | base64 && echo END
