#!/usr/bin/env bash
# Asks a model that llama.cpp's own server holds: while it loads, a check, answers, a small search with
# its interruption, and a row that is too long for its context.
#
# usage: tests/gateways/llamacpp.sh [URL]     the server may still be starting; PROMPTSEARCH names another binary
set -euo pipefail
cd "$(dirname "$0")/../.."
url=${1:-http://127.0.0.1:8080}
[ -n "${PROMPTSEARCH:-}" ] || cargo build --quiet --release
promptsearch=${PROMPTSEARCH:-$PWD/target/release/promptsearch}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_STATE_HOME=$work/state

# A task with this text before each sum.
task() {
    mkdir -p "$1"
    for row in $(seq 12); do
        echo "{\"input\": \"$2$row + $row\", \"answer\": $((row + row))}"
    done >"$1/rows.jsonl"
    cat >"$1/task.toml" <<TOML
name = "sums"
[data]
file = "rows.jsonl"
[prompt]
system = "Calculate. End with the number."
user = "{{ input }}"
search = ["system"]
[models]
task = { model = "local/any", max_output_tokens = 40 }
mutator = { model = "local/any", max_output_tokens = 200 }
[[score]]
kind = "number"
[providers.local]
kind = "openai"
base_url = "$url/v1"
free = true
concurrency = 4
loading = "5m"
patience = "20s"
TOML
}

# Runs it, and checks that its exit code is one of these and that it shows these words.
expect() {
    local codes=$1 words=$2
    shift 2
    local said status=0
    said=$("$promptsearch" "$@" 2>&1) || status=$?
    if ! [[ " $codes " == *" $status "* ]] || ! grep -qi -- "$words" <<<"$said"; then
        echo "FAILED: promptsearch $* ended with $status, not with one of $codes, or did not say '$words':"
        echo "$said"
        exit 1
    fi
    echo "ok: promptsearch $* → $status, '$words'"
    shown=$said
}

task sums ""
task long "$(printf 'and then 1 more, %.0s' $(seq 20000))"
# A small model may not follow the form of a reply, which is a fault that the check must show.
expect "0 4" "tokens/s" doctor sums
echo "$shown"
expect 0 "over 6 rows" eval sums
# Killed half-way, it goes on where it was.
"$promptsearch" run sums --strategy random --max-calls 40 --name small --quiet >first.log 2>&1 &
run=$!
for _ in $(seq 600); do
    [ "$(grep -c '"answered"' results/small/events.jsonl 2>/dev/null || true)" -ge 8 ] 2>/dev/null && break
    sleep 0.2
done
kill -9 $run 2>/dev/null || true
wait $run 2>/dev/null || true
expect "0 4" "calls" resume small
expect 4 "context" eval long
echo "all as expected"
