# What a shell's words become: quoting, expansion, redirection, patterns, variables, builtins.
cd /tmp
# quoting and expansion
a='x y'; b="$a z"; echo "$b" $b '$a' \"q\" "a\"b\\c\$d" 'it'\''s'
echo "${a:+set}" "${u:+no}" "${u-def}" "${u:-def}" ${u:=ass} $u "${#a}" "${a%y}" "${a#x }" "${a:-$b}"
f=/a/b/c.tar.gz; echo ${f##*/} ${f%/*} ${f%%.*} ${f#*.} ${f%%/*}e
echo "a
b"
echo a\
b
e=; echo [$e] ["$e"] [${e:-empty}] [${e-notempty}]
set -- 1 "2 3" ''; echo $# "$#"; for i in "$@"; do echo "[$i]"; done; for i in $@; do echo "<$i>"; done; echo "$*"; IFS=,; echo "$*"; IFS=' 	
'; for i; do echo ":$i"; done
shift 2; echo $#; set --; echo $# "$@"x
# command substitution
x=$(printf 'a\nb\n\n'); echo "$x"; echo `echo \`echo nested\``; echo $(echo $(echo deep)) "$(echo "q q")"
# arithmetic
echo $((1+2*3)) $(( (1+2)*3 )) $((7/2)) $((7%3)) $((-3)) $((1<<4|1)) $((5>3&&2<1)) $((!0)) $((0x1f)) $((010)) $((3>2?10:20))
n=4; echo $((n*n)) $((n++ + ++n)) $n; : $((n+=5)); echo $n $((n==11)) $((~n)) $((n^1))
# control flow
if false; then echo no; elif true; then echo elif; else echo no; fi
i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i
for i in a b c d; do case $i in a) continue;; c) break;; esac; echo $i; done
for i in 1 2; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done
case abc in a?d) echo 1;; [!x]b*) echo 2;; *) echo 3;; esac; case "a*" in "a*") echo lit;; esac; case x in (x) echo paren;; esac
case '' in '') echo emptymatch;; esac
true && false || echo andor; ! false && echo not; { echo brace; }; (echo sub; exit 3); echo $?
# functions
g() { echo "$1-$#"; return 4; }; g q w; echo $?; h() ( x=inner; echo $x ); x=outer; h; echo $x
fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(( $1 - 1 ))) )); fi; }; fact 6
loc() { local v=in; v2=glob; echo $v; }; v=out; loc; echo $v $v2
# redirection
echo one >f1; echo two >>f1; cat <f1; cat f1 f1 >f2; wc -l <f2; echo err >&2 2>f3; { echo o; echo e >&2; } >f4 2>&1; cat f4; cat 3<f1 <&3
cat <<A; cat <<-'B'
v=$v $(echo s) \$x `echo t`
A
	tabs $v
	B
exec 4>f5; echo to4 >&4; exec 4>&-; cat f5; >f6; [ -e f6 ] && [ ! -s f6 ] && echo empty; echo x 2>/dev/null >&1
nosuchcmd 2>/dev/null; echo $?; cat /nosuch 2>/dev/null; echo $?
set -C; echo q >f1 2>/dev/null || echo noclobber; echo z >|f1; cat f1; set +C
# globbing
mkdir -p gd; touch gd/a1 gd/a2 gd/b1 gd/.h; cd gd; echo *; echo a* [b]* ?1 .h* nope* "*" \*; echo */; cd ..; echo gd/[!a]*; set -f; echo *; set +f
# variables
A=1 B=2 sh -c 'echo $A$B'; export C=3; sh -c 'echo $C'; unset C; sh -c 'echo [$C]'; readonly R=5; echo $R; D=$A$B; echo [$D]
y=5 eval 'echo $y'; eval "z='a b'"; echo "$z"; echo $?; echo $$ | grep -c .; echo "$0" | grep -c sh
read p q <<X
first second third
X
echo "$p|$q"; printf 'l1\\x\nl2\n' | while read -r l; do echo "($l)"; done; echo 'a:b:c' | { IFS=: read r s; echo $r $s; }
# test
[ a = a ] && [ a != b ] && [ -n a ] && [ -z '' ] && [ 3 -gt 2 ] && [ ! -d f1 ] && [ -f f1 -a -d gd ] && [ x -o '' ] && echo tests; test -r f1 && test -x gd && echo t2
# printf
printf '%s-%5d|%-5s|%x\n' a 42 b 255 c 1 d 16; printf '%c%%\n' zed; printf '\101\t|\n'; printf '%05d %.2s\n' 7 abcdef
# trap
(trap 'echo bye' EXIT; echo in; exit 2); echo $?
sh -c 'trap "echo got; exit 7" TERM; kill -TERM $$; sleep 5'; echo $?; trap 'echo ign' INT; trap | grep -c ign; trap - INT
sh -c 'trap "" TERM; kill -TERM $$; echo survived'
# background
sleep 0 & wait $!; echo $?; (exit 9) & wait $!; echo $?; { sleep 0; echo bg; } & wait; echo done
# set -e, -u
sh -c 'set -e; false; echo no'; echo $?; sh -c 'set -e; if false; then :; fi; false || true; echo yes'; sh -c 'set -u; echo $nope; echo no' 2>/dev/null; echo $? | grep -c '[12]'
sh -c 'set -x; echo tr' 2>&1
# misc
command -v echo | grep -c echo; type cd | grep -c built; umask 022; umask; pwd
cd gd; cd - >/dev/null; pwd; ls gd | wc -l; echo "a b" | tr ' ' '\n' | sort -r | head -n 1; true | false; echo $?; getopts ab: o -b val x; echo $o $OPTARG $OPTIND
: ${novar:?must} 2>/dev/null
echo after
