# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Common parts of the beds. Sourced by them, never run by itself.
#
# A bed is a directory DIR with everything one private daemon needs:
#   DIR/bed      says that the directory is ours to remove; holds the process id
#   DIR/log      what the daemon has to say
#   DIR/libvirt-sock and further sockets

# Where Debian keeps libvirtd; not on an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
program=${0##*/}

die() {
    echo "$program: $*" >&2
    exit 1
}

# 77 is what Automake, Meson and others take for "skipped".
skip() {
    echo "SKIP: $program: $*" >&2
    exit 77
}

wrong_usage() {
    usage >&2
    exit 2
}

need_command() { # COMMAND PACKAGE
    command -v "$1" >/dev/null ||
        skip "$1 is not installed (Debian package $2; scripts/install-deps check installs it)"
}

# What every daemon needs of the machine.
need_libvirt() {
    need_command libvirtd libvirt-daemon
    need_command virsh libvirt-clients
    getent passwd "$(id -u)" >/dev/null ||
        skip "libvirt works for users with a name only, and user $(id -u) is not in /etc/passwd"
}

# Sets DIR. It ends up in URIs, XML, a libvirtd.conf and lines for `eval`, each with
# its own way to quote: so it has no character that needs quoting in any of them.
set_dir() { # DIR
    [ -n "$1" ] || die "the directory's name is empty; give the path of a directory to create"
    DIR=$(realpath -m -- "$1")
    case $DIR in
    *[!A-Za-z0-9/._+-]*) die "directory '$DIR' has a character other than A-Z a-z 0-9 / . _ + -; choose another name" ;;
    esac
}

# Sets DIR to a name short enough for a bed's sockets.
set_bed_dir() { # DIR
    set_dir "$1"
    # sun_path holds 107 characters and a zero; this is the longest socket name.
    local longest=107 socket=/libvirt-admin-sock
    [ $((${#DIR} + ${#socket})) -le $longest ] ||
        die "directory '$DIR' has ${#DIR} characters; at most $((longest - ${#socket})) leave room for a socket's name"
}

# Takes DIR, which must be absent or empty, so that stop never removes what is
# not the bed's.
claim_bed_dir() {
    mkdir -p -- "$DIR" || die "cannot create directory '$DIR'"
    [ -z "$(ls -A -- "$DIR")" ] ||
        die "directory '$DIR' is not empty; give a new or empty one, or run '$program stop $DIR' if it is an old bed"
    # noclobber makes this the point where only one of two at once wins.
    (set -o noclobber && : >"$DIR/bed") 2>/dev/null || die "directory '$DIR' cannot be written or was taken by another bed just now"
}

# An ended process stays listed as a zombie where nobody waits for it. Reading the
# file by lines would fetch it several times over, each time as it is then.
is_running() { # PID
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # PID (NAME) STATE ..., and a name can have parentheses too
    [[ ${stat##*) } != [ZX]* ]] && return
    # The first thread has ended; until the last one has, the descriptors stay open.
    local threads=("/proc/$1/task"/*)
    [ ${#threads[@]} -gt 1 ]
}

# Process ids are used again: only one that has our DIR in its arguments is ours.
is_our_daemon() { # PID
    is_running "$1" && tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qxF -e "$DIR" -e "$DIR/libvirtd.conf"
}

children_of() { # PID
    cat "/proc/$1/task/$1/children" 2>/dev/null || :
}

# The TCP port that a process of ours listens on, or nothing. Letting the kernel
# choose the port and looking afterwards leaves no gap in which another process
# could take it.
listening_port() { # PID
    local sockets address state inode
    sockets=$(readlink "/proc/$1/fd/"* 2>/dev/null) || :
    while read -r _ address _ state _ _ _ _ _ inode _; do
        if [ "$state" = 0A ] && [[ $sockets == *"socket:[$inode]"* ]]; then
            echo $((16#${address#*:}))
            return
        fi
    done < <(cat "/proc/$1/net/tcp")
}

# The daemon does not ask whether its clients are there: one that has an event loop and
# does not turn it for 30 seconds, because it waits for a guest, would be cut off.
write_libvirtd_conf() { # PORT (0: any free one) [none|sasl [tcp|tls [KEEPALIVE]]]
    local auth=${2:-none} transport=${3:-tcp} keepalive=${4:--1}
    cat >"$DIR/libvirtd.conf" <<END
listen_tls = $([ "$transport" = tls ] && echo 1 || echo 0)
listen_tcp = $([ "$transport" = tcp ] && echo 1 || echo 0)
listen_addr = "127.0.0.1"
${transport}_port = "$1"
auth_$transport = "$auth"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_dir = "$DIR"
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
keepalive_interval = $keepalive
keepalive_count = 2
log_outputs = "2:file:$DIR/log"
END
}

# Runs a command with a clean environment: sanitizers preloaded for the tests,
# LIBVIRT_DEBUG and suchlike are not meant for the daemon. It gets its own session,
# so that Ctrl-C in a terminal reaches the test only, which then stops the bed.
detached() { # COMMAND ARG...
    exec setsid env -i PATH="$PATH" LC_ALL=C HOME="$DIR" XDG_RUNTIME_DIR="$DIR" XDG_CONFIG_HOME="$DIR" \
        XDG_CACHE_HOME="$DIR" XDG_DATA_HOME="$DIR" "$@" </dev/null >>"$DIR/log" 2>&1
}

# Waits until COMMAND succeeds. Ends with the log's last lines when PID has ended
# or after SECONDS.
wait_for() { # PID SECONDS WHAT COMMAND ARG...
    local pid=$1 deadline=$((SECONDS + $2)) seconds=$2 what=$3 status=0
    shift 3
    until "$@"; do
        if ! is_running "$pid"; then
            wait "$pid" || status=$?
            if [ $status = 77 ]; then
                grep -h '^SKIP:' "$DIR/log" >&2 || :
                exit 77
            fi
            tail -n 20 "$DIR/log" >&2
            die "process $pid ended with status $status before $what"
        fi
        if [ $SECONDS -ge $deadline ]; then
            tail -n 20 "$DIR/log" "$DIR/answer" >&2 || :
            die "waited $seconds seconds in vain for this: $what"
        fi
        sleep 0.02
    done
}

answers() { # URI
    [ -S "$DIR/libvirt-sock" ] && timeout 60 virsh -q -c "$1" uri >"$DIR/answer" 2>&1
}

need_bed() {
    [ -f "$DIR/bed" ] || die "directory '$DIR' is no bed (it has no file 'bed'); give a directory that '$program start' was given"
}

# Kills the daemon, which has no time to say good-bye to its clients, and waits until it
# is gone: until then it may answer, and do what it was asked to.
kill_bed() {
    local pid
    pid=$(cat "$DIR/bed")
    if is_our_daemon "$pid"; then
        kill_daemon "$pid" # each bed's own
    fi
}

# Ends the process that start began, waits until it is gone, removes DIR.
stop_bed() {
    local pid
    [ -e "$DIR" ] || return 0
    need_bed
    pid=$(cat "$DIR/bed")
    if [ -n "$pid" ] && is_our_daemon "$pid"; then
        end_daemon "$pid" # each bed's own
    fi
    if [ -e "$DIR/holder" ]; then
        pid=$(cat "$DIR/holder")
        if is_our_daemon "$pid"; then kill -KILL "$pid" || :; fi
        gone_within "$pid" 60 || die "process $pid did not end within 60 seconds of SIGKILL"
    fi
    rm -rf --one-file-system -- "$DIR"
}

# True when the process has ended within SECONDS.
gone_within() { # PID SECONDS
    local deadline=$((SECONDS + $2))
    while is_running "$1"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.02
    done
}

# What all beds have in common of their command line.
main() { # COMMAND DIR [OPTION...]
    [ $# -ge 2 ] || wrong_usage
    local command=$1
    set_bed_dir "$2"
    shift 2
    case $command in
    start)
        begin "$@"
        ;;
    run)
        begin "$@"
        # A caller that dies, however it does, closes its end of our input.
        trap stop_bed EXIT
        while read -r _; do :; done
        ;;
    restart) # where a bed can
        [ $# -eq 0 ] && declare -F begin_again >/dev/null || wrong_usage
        need_bed
        begin_again
        ;;
    kill)
        [ $# -eq 0 ] || wrong_usage
        need_bed
        kill_bed
        ;;
    stop)
        [ $# -eq 0 ] || wrong_usage
        stop_bed
        ;;
    *)
        wrong_usage
        ;;
    esac
}
