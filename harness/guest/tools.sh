# Run with two sets of programs, in a directory of its own: they must say the same.
printf 'b 10 x\na 9 y\nC 9 z\nb 2 w\n' > f; printf 'no newline' > g; printf 'a:3:q\nb:1:p\nc:2:r\n' > h
mkdir -p d/e; echo deep b > d/e/f; echo one > d/f
echo "== grep"
grep -E '(a|b) [0-9]{2}' f; grep -E '^.{5}$' f; grep 'b \([0-9]\)\{1\} ' f; grep -o '[0-9][0-9]*' f; grep -on '[a-z]' h
grep -w b f; grep -x 'a 9 y' f; grep -e a -e C f; grep -rl deep d; grep -rh one d; grep -c . f h; grep -E 'a+|z?' f | grep -c .
grep -i c f; grep -vE '[ab]' f; echo xabcabd | grep -Eo 'a|ab|abc'; grep -F 'a.' f; echo $?; grep -s x /none; echo $?
printf 'ax\naxx\naxxxx\n' | grep -E 'x{2,3}$'; printf 'foo\nfoobar\n' | grep -w foo; grep -n two f g h; echo $?
echo "== sort"
sort -k2n f; sort -t: -k2 h; sort -t: -k2nr h; sort -o f2 f; cat f2; sort -u -k2,2 f | grep -c .; sort -r f; sort g f
echo "== head and tail"
head -2 f; head -n 1 g; echo; head -c 3 f; echo; tail -2 f; tail -n +3 f; tail -c 4 g; echo; tail -n 1 g; echo; tail -c +9 g; echo; head -n 1 f h
echo "== ls"
ls -A d; ls -R d; ls -F; ls -S f g h; ls -d d; ls f nofile 2>/dev/null; ls -a d/e; ls -r
echo "== cp, mkdir, rm"
cp -r d d2; ls d2; cp -a f d2/; ls d2; cp f /none/x 2>/dev/null; echo $?; mkdir -p f 2>/dev/null; echo $?
mkdir -m 700 m; ls -ld m | grep -c '^drwx------'; rm -r m; rm -r . 2>/dev/null; echo $?; rm -r d/; ls d 2>/dev/null; echo $?
echo "== date"
date +%s | grep -c '^[0-9]*$'; date -u +%Y-%m-%d | grep -c '^20..-[01].-[0-3].$'; date -u +%j%%x | grep -c '^[0-3][0-9][0-9]%x$'
