# Shuts a program in: the machine's files are read-only, some are hidden, /tmp is empty and its own, and limits hold.
# It is the only process with rights in its new namespaces.
# "$1": the memory of a process in bytes; "$2": its processor time in seconds; then folders to hide; "--"; the program.
set -e
memory=$1
seconds=$2
shift 2
mount -t tmpfs -o size=64m,mode=1777 tmpfs /tmp
[ ! -d /dev/shm ] || mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
while [ "$1" != -- ]; do
    [ ! -d "$1" ] || mount -t tmpfs -o size=1m,mode=755 tmpfs "$1"
    shift
done
shift
awk '{ print $5 }' /proc/self/mountinfo | sort -u | while read -r place; do
    case $place in /tmp | /dev/shm) continue ;; esac
    mount -o remount,bind,ro "$(printf '%b' "$place")" 2>/dev/null || true
done
# The last mount at a place counts.
awk '{ options[$5] = $6 }
    END { for (it in options) if (it != "/tmp" && it != "/dev/shm" && options[it] ~ /(^|,)rw(,|$)/) { print it " cannot be made read-only"; exit 1 } }' \
    /proc/self/mountinfo >&2
cd /tmp
export HOME=/tmp TMPDIR=/tmp
echo ready
# In a session of its own it has no terminal. Whatever becomes of who started it, it ends.
exec setsid timeout -s KILL "$((seconds + 30))" \
    prlimit --as="$memory" --cpu="$seconds" --fsize=67108864 --core=0 --nproc=256 -- \
    setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
