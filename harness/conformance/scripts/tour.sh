#!/bin/sh
# A tour of what a shell and its tools ask of a kernel, in one script: it builds a small project,
# indexes it, archives it, changes it, compares it, runs servers and workers over pipes and fifos,
# and cleans up. Every line of its output must be the same on every kernel.

umask 022
export LC_ALL=C TZ=UTC
base=$PWD/tour
fails=0

section() {
    echo
    echo "== $* =="
}

expect() {
    # expect NAME WANT GOT
    if [ "$2" = "$3" ]; then
        echo "ok   $1"
    else
        echo "FAIL $1: wanted '$2', got '$3'"
        fails=$((fails + 1))
    fi
}

section "layout"
mkdir -p "$base/src/lib" "$base/doc" "$base/out"
cd "$base" || exit 1
for part in main parse emit; do
    cat > "src/$part.txt" <<EOF
module $part
uses $(case $part in main) echo parse emit ;; parse) echo lib/text ;; emit) echo lib/text lib/num ;; esac)
size $(( ${#part} * 100 ))
EOF
done
for part in text num; do
    printf 'module lib/%s\nuses\nsize %d\n' "$part" $(( ${#part} * 10 )) > "src/lib/$part.txt"
done
find . -type f | sort
find . -type d | sort
wc -l src/*.txt src/lib/*.txt
du -s src/lib | cut -f2

section "index"
grep -h '^module' src/*.txt src/lib/*.txt | cut -d' ' -f2 | sort > out/modules
cat out/modules
awk '/^module/ { m = $2 } /^uses/ { for (i = 2; i <= NF; i++) print m, $i }' src/*.txt src/lib/*.txt | sort > out/edges
while read -r from to; do
    printf '%-8s -> %s\n' "$from" "$to"
done < out/edges
total=$(cat src/*.txt src/lib/*.txt | awk '/^size/ { s += $2 } END { print s }')
expect total 1370 "$total"
expect modules 5 "$(wc -l < out/modules)"

section "order"
# A topological order with plain tools: take away, round by round, what depends on nothing left.
cp out/modules out/left
cp out/edges out/needs
round=0
while [ -s out/left ]; do
    round=$((round + 1))
    cut -d' ' -f1 out/needs | sort -u > out/blocked
    awk 'NR == FNR { b[$1]; next } !($1 in b)' out/blocked out/left > out/ready
    [ -s out/blocked ] || cp out/left out/ready
    if [ ! -s out/ready ]; then
        echo "cycle"
        break
    fi
    echo "round $round: $(tr '\n' ' ' < out/ready)"
    grep -vxFf out/ready out/left > out/next
    mv out/next out/left
    awk 'NR == FNR { done[$1]; next } !($2 in done)' out/ready out/needs > out/next
    mv out/next out/needs
done
expect rounds 3 $round

section "archives"
tar cf out/src.tar src
tar tf out/src.tar | sort
mkdir out/again
tar xf out/src.tar -C out/again
diff -r src out/again/src && echo "tar round trip"
gzip -c out/src.tar > out/src.tar.gz
gunzip -c out/src.tar.gz | cmp - out/src.tar && echo "gzip round trip"
bzip2 -c out/src.tar | bunzip2 -c | cmp - out/src.tar && echo "bzip2 round trip"
find src | sort | cpio -o -H newc 2> /dev/null > out/src.cpio
mkdir out/third
(cd out/third && cpio -id < ../src.cpio 2> /dev/null)
diff -r src out/third/src && echo "cpio round trip"
(cd src && find . -type f | sort | xargs sha256sum) > out/sums
(cd out/third/src && sha256sum -c ../../sums)

section "change"
cp -a src out/old
sed -i 's/^size 400$/size 450/' src/main.txt
printf 'module trace\nuses lib/text\nsize 5\n' > src/trace.txt
rm src/lib/num.txt
diff -r -q out/old src | sort
diff -u -L old -L new out/old/main.txt src/main.txt
diff -U 1 -L a/main.txt -L b/main.txt out/old/main.txt src/main.txt > out/main.patch
(cd out/old && patch -p1 < ../main.patch)
cmp out/old/main.txt src/main.txt && echo patched
mv src/trace.txt src/lib/trace.txt
ls src src/lib

section "links and modes"
ln src/main.txt out/hard
ln -s ../src/main.txt out/soft
stat -c '%h %F' src/main.txt out/hard out/soft
readlink out/soft
echo "# appended" >> out/soft
tail -n 1 out/hard
[ out/hard -ef out/soft ] && echo "same file"
rm src/main.txt
cat out/soft 2> /dev/null || echo dangling
mv out/hard src/main.txt
tail -n 1 out/soft
chmod 640 src/main.txt
stat -c '%a %A' src/main.txt
chmod u+x,o+r src/main.txt
stat -c '%a %A' src/main.txt
touch -d '2021-03-04 05:06:07' src/main.txt
stat -c %y src/main.txt
ls -l src/main.txt

section "processes"
for n in 3 1 2; do
    (
        i=0
        while [ $i -lt $((n * 20)) ]; do
            i=$((i + 1))
        done
        exit $n
    ) &
    eval "pid$n=$!"
done
for n in 1 2 3; do
    eval "wait \$pid$n"
    echo "worker $n left with $?"
done
sh -c 'kill -TERM $$'
echo "killed: $?"
(trap 'echo "caught"; exit 4' USR1; kill -USR1 "$(exec sh -c 'echo $PPID')"; echo "not reached")
echo "trapped: $?"
count=0
trap 'count=$((count + 1))' USR2
i=0
while [ $i -lt 10 ]; do
    kill -USR2 $$
    i=$((i + 1))
done
trap - USR2
expect signals 10 $count
timeout 0.2 sleep 5 2> /dev/null
echo "timeout: $?"
x=outer
(x=inner; export x; sh -c 'echo "child sees $x"')
echo "parent keeps $x"

section "pipes"
seq 1 20000 | grep 7 | sed 's/7/<7>/g' | awk 'END { print NR, $0 }'
yes "$(seq -s' ' 1 20)" | head -n 2000 | md5sum
seq 1 1000 | sort -r | head -n 500 | sort -n | tail -n 1
echo "a:b:c" | tr : '\n' | while read -r f; do printf '[%s]' "$f"; done
echo
(echo out; echo err >&2) 2>&1 > /dev/null | sed 's/^/only /'
false | true
echo "status $?"
set -o pipefail
false | true
echo "pipefail $?"
set +o pipefail
head -c 300000 /dev/zero | tee out/zeros | wc -c
wc -c < out/zeros

section "server"
# A server on two fifos: squares what it is asked, until it is told to stop.
mkfifo out/ask out/answer
(
    exec 3< out/ask 4> out/answer
    while read -r word value <&3; do
        case $word in
        square) echo "$value squared is $((value * value))" >&4 ;;
        length) echo "'$value' has ${#value} letters" >&4 ;;
        stop) echo "stopping" >&4 && break ;;
        *) echo "what is $word?" >&4 ;;
        esac
    done
) &
server=$!
exec 5> out/ask 6< out/answer
for request in 'square 12' 'length pneumatic' 'juggle 3' 'square 111' stop; do
    echo "$request" >&5
    read -r reply <&6
    echo "$request: $reply"
done
exec 5>&- 6<&-
wait $server
echo "server left with $?"

section "workers"
# Four workers share one queue; taking a job is a rename, which only one of them can win.
mkdir out/queue out/taken out/results
i=1
while [ $i -le 40 ]; do
    echo $((i * i)) > "out/queue/job$i"
    i=$((i + 1))
done
for worker in a b c d; do
    (
        for job in out/queue/*; do
            name=${job##*/}
            mv "$job" "out/taken/$name.$worker" 2> /dev/null || continue
            read -r value < "out/taken/$name.$worker"
            echo $((value + 1)) > "out/results/$name"
        done
    ) &
done
wait
expect queue 0 "$(ls out/queue | wc -l)"
expect taken 40 "$(ls out/taken | wc -l)"
expect results 22180 "$(cat out/results/* | awk '{ s += $1 } END { print s }')"

section "rotation"
# A log that is rotated under its writer: the writer keeps the old file until it opens the new one.
exec 8>> out/log
for n in 1 2 3; do
    echo "entry $n" >&8
done
mv out/log out/log.1
echo "entry 4" >&8
exec 8>> out/log
echo "entry 5" >&8
exec 8>&-
head out/log.1 out/log
gzip out/log.1
zcat out/log.1.gz | wc -l

section "numbers"
gcd() {
    if [ "$2" -eq 0 ]; then
        echo "$1"
    else
        gcd "$2" $(($1 % $2))
    fi
}
expect gcd 21 "$(gcd 1071 462)"
collatz=27
steps=0
while [ $collatz -ne 1 ]; do
    if [ $((collatz & 1)) -eq 0 ]; then
        collatz=$((collatz / 2))
    else
        collatz=$((3 * collatz + 1))
    fi
    steps=$((steps + 1))
done
expect collatz 111 $steps
primes=$(seq 2 100 | while read -r n; do factor "$n"; done | awk 'NF == 2 { print $2 }' | xargs)
echo "$primes"
awk 'BEGIN { for (k = 0; k < 200; k++) s += (k % 2 ? -1 : 1) / (2 * k + 1); printf "%.6f\n", 4 * s }'
printf '%x %o %5d|%-5d|%05d\n' 255 8 42 42 42
echo $((0x7fffffffffffffff + 1)) $((1 << 62)) $((-17 / 5)) $((-17 % 5))

section "text"
cat > out/poem <<'EOF'
a kernel is a quiet room
where many doors stand open
each program brings a different tune
and none of them is broken
EOF
rev out/poem
tac out/poem | head -n 1
nl out/poem | tail -n 1
tr -cs 'a-z' '\n' < out/poem | sort | uniq -c | sort -k1,1nr -k2 | head -n 4
sed -n 's/\(.*\) \(.*\)$/\2 \1/p' out/poem
cut -d' ' -f2- out/poem | fold -w 12 -s | cat -A
od -c out/poem | head -n 2
hexdump -C out/poem | tail -n 2
paste -d'|' out/modules out/poem
grep -n -o '[a-z]*o[a-z]*' out/poem | head -n 5
expr "$(wc -c < out/poem)" + 0

section "edges"
cat nothing-here 2>&1
mkdir src 2>&1
rmdir src 2>&1
ls -d /nonexistent 2>&1
echo x 2>&1 > /nonexistent/file
./out/poem 2>&1
echo "status $?"
: > out/empty
wc -c < out/empty
exec 7> out/seven
echo kept >&7
rm out/seven
echo still >&7
exec 7>&-
ls out/seven 2>&1

section "clean"
cd ..
rm -rf tour
ls -d tour 2> /dev/null || echo gone
echo "failures: $fails"
exit $fails
