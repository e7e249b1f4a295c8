#!/usr/bin/env bash
# Asks models through a LiteLLM proxy with mock responses, a gateway that this project did not write:
# answers, errors of each kind, limits, and a wrong key. Needs Python and its package registry.
#
# usage: tests/gateways/litellm.sh [FOLDER]     FOLDER keeps the proxy for the next time; PROMPTSEARCH names another binary
set -euo pipefail
cd "$(dirname "$0")/../.."
place=$(realpath -m "${1:-target/litellm}")
port=${PORT:-4017}
mkdir -p "$place"
[ -x "$place/v/bin/litellm" ] || {
    python3 -m venv "$place/v"
    "$place/v/bin/pip" install --quiet 'litellm[proxy]'
}
[ -n "${PROMPTSEARCH:-}" ] || cargo build --quiet --release
promptsearch=${PROMPTSEARCH:-$PWD/target/release/promptsearch}

cat >"$place/config.yaml" <<YAML
model_list:
  - { model_name: red, litellm_params: { model: openai/red, api_key: none, mock_response: "The answer is red." } }
  - { model_name: limited, litellm_params: { model: openai/limited, api_key: none, mock_response: litellm.RateLimitError } }
  - { model_name: broken, litellm_params: { model: openai/broken, api_key: none, mock_response: litellm.InternalServerError } }
  - { model_name: full, litellm_params: { model: openai/full, api_key: none, mock_response: litellm.ContextWindowExceededError } }
litellm_settings: { num_retries: 0 }
router_settings: { num_retries: 0, disable_cooldowns: true }
general_settings: { master_key: sk-gateway }
YAML
"$place/v/bin/litellm" --config "$place/config.yaml" --host 127.0.0.1 --port "$port" >"$place/log" 2>&1 &
proxy=$!
work=$(mktemp -d)
trap 'kill $proxy 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
export GATEWAY_KEY=sk-gateway XDG_STATE_HOME=$work/state

# A task with this model; half of its rows are red.
task() {
    mkdir -p "$1"
    for row in $(seq 40); do
        echo "{\"input\": \"Light $row of $1\", \"answer\": \"$([ $((row % 2)) = 0 ] && echo red || echo green)\"}"
    done >"$1/rows.jsonl"
    cat >"$1/task.toml" <<TOML
name = "lights"
[data]
file = "rows.jsonl"
[prompt]
user = "Which colour? {{ input }}"
search = ["user"]
[models]
task = "gateway/$2"
mutator = "gateway/$2"
[[score]]
kind = "label"
labels = ["red", "green"]
[providers.gateway]
kind = "openai"
base_url = "http://127.0.0.1:$port/v1"
api_key = "env:GATEWAY_KEY"
patience = "6s"
free = true
TOML
}

# Runs it, and checks its exit code and what it shows.
expect() {
    local code=$1 words=$2
    shift 2
    local said status=0
    said=$("$promptsearch" "$@" 2>&1) || status=$?
    if [ "$status" != "$code" ] || ! grep -qi -- "$words" <<<"$said"; then
        echo "FAILED: promptsearch $* ended with $status instead of $code, or did not say '$words':"
        echo "$said"
        exit 1
    fi
    echo "ok: promptsearch $* → $code, '$words'"
}

task red red
task limited limited
task broken broken
task full full
task missing missing
for _ in $(seq 120); do
    (echo >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 1
done
expect 0 "50.0 %" eval red
expect 4 "mutator" doctor red
expect 4 "429" eval limited
expect 4 "500" eval broken
expect 4 "context" eval full
expect 4 "missing" eval missing
task refused red
# A proxy without a database says so where a key is not its own.
GATEWAY_KEY=sk-wrong expect 4 "no connected db" eval refused
! grep -rq "sk-gateway" "$work" || { echo "FAILED: the key stands in a file"; exit 1; }
echo "all as expected"
