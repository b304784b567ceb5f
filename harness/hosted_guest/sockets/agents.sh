# Daemons on local sockets and their clients: agents.sh NAME. The same lines natively.
umask 077
mkdir c
export HOME=$PWD GIT_CONFIG_GLOBAL=/dev/null
gone() { while [ -e "$1" ]; do sleep 0.02; done; echo "socket gone"; }

git_cache() {
    cache() { git credential-cache --socket "$PWD/c/s" "$@"; echo "status $?"; }
    ask='protocol=https\nhost=host.example\n'
    printf "${ask}username=me\npassword=word\n\n" | cache --timeout 600 store
    stat -c '%F %a' c/s
    printf "$ask\n" | cache get
    printf "$ask\n" | cache erase
    printf "$ask\n" | cache get
    cache exit
    gone c/s
}

ssh_agent() {
    eval "$(ssh-agent -a "$PWD/c/agent")" >/dev/null
    ssh-add -l
    echo "status $?"
    for i in 1 2 3; do
        ssh-keygen -q -t ed25519 -N '' -C "key $i" -f key$i
        ssh-add -q key$i
    done
    ssh-add -l | cut -d ' ' -f 1,3-
    echo text >text
    ssh-keygen -q -Y sign -f key2.pub -n file text 2>/dev/null
    ssh-keygen -Y check-novalidate -n file -s text.sig <text | cut -d ' ' -f 1-6
    ssh-add -q -d key2.pub
    ssh-add -l | cut -d ' ' -f 1,3-
    ssh-agent -k >/dev/null
    gone c/agent
}

gpg_agent() {
    export GNUPGHOME=$PWD/c
    gpg="gpg -q --batch --pinentry-mode loopback --passphrase word"
    echo secret | $gpg -c | $gpg -d
    $gpg --quick-gen-key nobody@host.example ed25519 sign never 2>/dev/null
    echo text | $gpg --sign | $gpg --verify 2>&1 | grep -o 'Good signature.*'
    gpg-connect-agent 'getinfo version' 'keyinfo --list' /bye | cut -d ' ' -f 1-2 | tail -1
    socket=$(gpgconf --list-dirs agent-socket)
    gpgconf --kill gpg-agent
    gone "$socket"
}

tmux_() {
    unset TMUX
    export TERM=xterm
    t="tmux -S c/t"
    $t -f /dev/null new-session -d -x 60 -y 10 'echo in tmux; exec cat'
    $t display-message -p '#{session_windows} #{window_width}x#{window_height}'
    $t send-keys typed Enter
    until [ "$($t capture-pane -p | grep -c typed)" = 2 ]; do sleep 0.05; done
    $t capture-pane -p | head -3
    $t split-window 'exec sh -c "echo second; exec cat"'
    $t list-panes -F '#{pane_index} #{pane_width}x#{pane_height} #{pane_active}'
    $t set-buffer "from the buffer" \; paste-buffer \; send-keys Enter
    until $t capture-pane -p | grep -q buffer; do sleep 0.05; done
    $t kill-server
    echo "status $?"
}

dbus() {
    cat >bus.conf <<END
<busconfig><type>session</type><listen>unix:path=$PWD/c/bus</listen>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
    dbus-daemon --config-file bus.conf --fork --print-pid >pid
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$PWD/c/bus
    call() { dbus-send --print-reply=literal --dest=org.freedesktop.DBus / "org.freedesktop.DBus.$@"; }
    call ListNames | tr -s ' ' '\n' | grep -c .
    call NameHasOwner string:org.freedesktop.DBus
    call GetConnectionUnixUser string:org.freedesktop.DBus
    call NoSuchCall 2>&1 | cut -d ' ' -f 1-2
    kill "$(cat pid)"
    gone c/bus
}

"$1"
