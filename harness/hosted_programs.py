"""What this machine's own programs are made to do, natively and on the hosted kernel: for tests and for make bench-hosted."""

from __future__ import annotations

PROGRAMS = {
    "bash": ["bash", "-c", "for i in {1..5}; do echo $((i*i)); done | sort -rn; declare -A a=([x]=1); echo ${a[x]}; ls -l /usr/bin | head -3"],
    "python3": ["/usr/bin/python3", "-c", "import threading, json, subprocess, hashlib\n"
                "r = []\nts = [threading.Thread(target=r.append, args=(i,)) for i in range(8)]\n"
                "[t.start() for t in ts]; [t.join() for t in ts]\n"
                "print(sorted(r), json.dumps({'a': 6 * 7}), subprocess.check_output(['echo', 'child']))\n"
                "print(hashlib.sha256(open('/usr/bin/python3', 'rb').read()).hexdigest())"],
    "perl": ["perl", "-e", "pipe(A, B); if (!fork) { syswrite B, 'hello'; exit 3 } sysread A, $x, 5; wait; "
             "print $x, ' ', $? >> 8, ' ', join(',', map { $_ ** 2 } 1 .. 9), qq(\\n)"],
    "git": ["sh", "-c", "cd /tmp && rm -rf scarlet-repo && mkdir scarlet-repo && cd scarlet-repo && export GIT_AUTHOR_DATE='1 Jan 2024 00:00 +0000' "
            "GIT_COMMITTER_DATE='1 Jan 2024 00:00 +0000' GIT_CONFIG_GLOBAL=/dev/null && git init -q -b main . && echo text >file && git add . && "
            "git -c user.name=n -c user.email=e commit -q -m first && git log --stat --format=%H; git status; git gc -q; git fsck; "
            "cd /tmp; rm -rf scarlet-repo"],
    "gcc": ["sh", "-c", "d=/tmp/scarlet-gcc; rm -rf $d; mkdir $d; cd $d; printf '#include <stdio.h>\\nint main(void){printf(\"%d\\\\n\",6*7);return 3;}\\n' >a.c; "
            "gcc -O2 -S -o - a.c | md5sum; gcc -O2 -o a a.c && ./a; echo $?; rm -rf $d"],
    "coreutils": ["sh", "-c", "cd /usr/bin; ls | head -200 | sort -R --random-source=/etc/passwd | md5sum; stat -c '%s %a %F' ls cp; "
                  "find . -name 'l*' -type f | sort | xargs md5sum | tail -3; du -s /usr/include | cut -f2; cp ls /tmp/ls.$$; cmp ls /tmp/ls.$$; rm /tmp/ls.$$"],
}
