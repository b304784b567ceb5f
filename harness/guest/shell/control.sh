# Control: arithmetic, splitting, here-documents, functions, loops, traps, options, errors.
cd /tmp
# arithmetic and laziness
x=0; echo $((x+=3)) $x $((x--)) $((--x)) $((x<<=4)) $x
echo $((1 ? 2 : 3 ? 4 : 5)) $((10 - 3 - 2)) $((2*3%4)) $((-7/2)) $((-7%3)) $((1==1)) $((5&6|1^3))
# IFS
IFS=:; v=a:b::c; set -- $v; echo $# "$3" "$4"; IFS=' :'; v='a : b'; set -- $v; echo $#; IFS=; v='a b'; set -- $v; echo $# "$*"; unset IFS
set -- a b; IFS=-; echo "$*" $*; unset IFS; echo "x${*}y"
echo 'p:q:' | { IFS=: read a b; echo "[$a][$b]"; }; echo '  lead  trail  ' | { read a; echo "[$a]"; }; echo 'a\ b c' | { read x y; echo "[$x][$y]"; }
printf 'no newline' | { read x; echo "$? $x"; }; echo 1 2 3 | { read a b c d; echo "$c|$d|"; }
# here-documents
cat <<A <<B; cat <<'C'
first
A
second $((1+1))
B
$raw `raw`
C
while read l; do echo "<$l>"; done <<E
one
two $v
E
f() { cat <<X
in function $1
X
}; f arg
# pipes in conditions
if echo abc | grep b >/dev/null; then echo found; fi; ! echo abc | grep z >/dev/null && echo none
echo a | { cat; echo b; } | while read q; do echo "$q$q"; done | sort -r
seq() { i=$1; while [ $i -le $2 ]; do echo $i; i=$((i+1)); done; }; seq 1 5 | tail -n 2; s=0; for i in $(seq 1 10); do s=$((s+i)); done; echo $s
# nested quoting
echo "$(echo "a $(echo "b c") d")" "`echo \"x y\"`" ${u:-"q  q"} "${u:-'s'}" "${u:-a"b"c}"; a="*"; echo "$a" '*' \*; echo "a'b" 'a"b'
e='echo "q r"'; eval $e; eval "$e"; z='$y'; y=5; echo $z; eval echo $z
# assignments and commands
a=1 b=$a; echo $a$b; a=5 true; echo $a; f2() { :; }; x=$(exit 3); echo $?; x=`false` || echo sub-failed; unset nope; echo ${nope+set}${a+set}
# functions and returns
r() { for i in 1 2 3; do [ $i = 2 ] && return $i; done; }; r; echo $?; rec() { [ $1 = 0 ] || { printf %s $1; rec $(($1-1)); }; }; rec 5; echo
out() { echo o; echo e >&2; }; out 2>/dev/null; out 2>&1 >/dev/null; n() { echo $#; }; n "" 'a b' c
unset -f n; n 2>/dev/null; echo $?; command echo cmd; g() { cd /; }; g; pwd; cd /tmp
# case
for w in foo.c bar.h '' 'a b' '[x]' 5; do case $w in *.c|*.h) echo src;; '') echo none;; *' '*) echo space;; \[*) echo bracket;; [0-9]) echo digit;; esac; done
# until, break out of nested, continue in while
k=0; while :; do k=$((k+1)); while :; do [ $k -gt 3 ] && break 2; break; done; [ $k = 2 ] && continue; echo k$k; done
# files
: > e1; echo hi > e2; [ -s e1 ] || echo e1-empty; cat < e2 > e3; [ "$(cat e2)" = "$(cat e3)" ] && echo same; rm -f e1 e2 e3; ls e1 2>/dev/null || echo gone
exec 5>e5; echo five >&5; exec 5>&-; read l < e5; echo $l; exec 6<e5; read m <&6; exec 6<&-; echo $m; { echo a; echo b >&2; } 2>e6; cat e6; rm e5 e6
(cd /; echo sub > /tmp/e7); pwd; cat e7; echo x >> e7; wc -l < e7; echo "a b" > "sp ace"; cat sp*; rm "sp ace" e7
# traps
sh -c 'trap "echo one" EXIT; trap "echo two" EXIT; trap; trap - EXIT; trap "exit 4" EXIT; exit 1'; echo $?; sh -c 'f() { trap "echo t; exit 3" TERM; }; f; kill $$; echo after' ; echo $?
sh -c 'trap "echo hup" HUP; kill -HUP $$; echo next; (echo in sub)'; sh -c 'trap "" INT; kill -INT $$; echo alive'; sh -c '( exit 5 ) & wait $!; echo $?; wait; echo $?'
sh -c 'sleep 30 & trap "kill $!; echo cleaned" EXIT; exit 0'; sh -c 'trap "echo w" TERM; (sleep 1; kill -TERM $$) & sleep 30 & p=$!; wait $p; echo $?; kill $p'
# -e -u -x -f
sh -c 'set -e; f() { false; echo no; }; f; echo never'; echo $?; sh -ec 'false || :; ! true; echo on; (exit 2); echo no'; echo $?; sh -c 'set -eu; : ${a:=1}; echo $a; [ -n "$a" ] && echo ok; false'; echo $?
sh -fc 'echo *.zz?*'; sh -c 'set -x; a=1; echo $a' 2>&1; set -- -a 1 -bc -d; while getopts a:bcd o; do echo "$o$OPTARG"; done; echo $OPTIND
# errors
sh -c 'if' 2>/dev/null; echo $? | grep -c '[12]'; sh -c 'echo (' 2>/dev/null || echo syntax; sh -c 'exit 300'; echo $?; sh -c '/etc' 2>/dev/null; echo $?; sh nofile 2>/dev/null; echo $? | grep -c '[12]'
sh -c 'echo before
fi' 2>/dev/null

echo "== complaints follow redirections, expansions read what the command reads"
nosuch 2>/dev/null; echo $?
cd /none 2>/dev/null || echo no
{ nosuch; cd /none; } 2>/dev/null; echo q
(nosuch; x=$(nosuch2); echo "[$x]") 2>/dev/null
{ y=$(cat); } <<E
body
E
echo $y
for i in $(cat); do echo "<$i>"; done <<E
p q
E
f() { nosuch; }; f 2>/dev/null; echo f$?
{ nosuch; } 2>&1 | wc -l
(exec 2>err; nosuch; cd /none; x=$(nosuch); wc -l < err)
echo $((x = 4, x * 2)) $(((1, 2) + 1)) $x
