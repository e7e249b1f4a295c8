# List the recipes.
help:
    @just --list --unsorted

# The checks that must pass before a commit, fastest first.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo deny check bans licenses sources
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo test

# All tests, or those whose name contains FILTER.
test FILTER="":
    cargo test {{ FILTER }}

# A search on a shipped task with simulated models, without a key or network.
demo TASK="ticket-routing" STRATEGY="auto":
    cargo run --release -- run tasks/{{ TASK }} --strategy {{ STRATEGY }}

# One of the benchmarks in benches/.
bench NAME="journal":
    cargo bench --bench {{ NAME }}

# The pictures of the pages in docs/view/, made anew (needs chromium and node).
screenshots:
    #!/usr/bin/env bash
    set -euo pipefail
    npm ci --prefix tests/browser
    cargo build --release
    bin="$PWD/target/release/promptsearch" shots="$PWD/docs/view" script="$PWD/tests/browser/shots.mjs" tasks="$PWD/tasks"
    folder="$(mktemp -d)"
    trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
    cd "$folder"
    "$bin" run "$tasks/ticket-routing" --name tickets --max-calls 3000 --quiet >/dev/null
    "$bin" run "$tasks/ticket-routing" --name tickets-2 --strategy best-of-n --max-calls 3000 --quiet >/dev/null
    "$bin" view tickets --json >one & "$bin" view --all --json >all &
    until [ -s one ] && [ -s all ]; do sleep 0.1; done
    url() { sed 's/.*"url":"\([^"]*\)".*/\1/' "$1"; }
    node "$script" "$(url one)" "$shots" "$(url all)"

# Open the library's documentation in a browser.
docs:
    cargo doc --no-deps --open

# Review changed snapshots (needs cargo-insta).
snapshots:
    cargo insta review

# Asks models through a LiteLLM proxy with mock responses (needs Python and its package registry).
litellm:
    tests/gateways/litellm.sh

# Asks the model of a llama.cpp server that runs, or starts, at URL.
llamacpp URL="http://127.0.0.1:8080":
    tests/gateways/llamacpp.sh {{ URL }}

# All checks of CI.
ci:
    .ci/run

# Fuzzes all readers, or one: SECONDS each (needs cargo-fuzz and a nightly compiler).
fuzz SECONDS="30" TARGET="":
    #!/usr/bin/env bash
    set -euo pipefail
    memory=/dev/shm
    [ -d "$memory" ] && export TMPDIR="$memory"
    targets="{{ TARGET }}"
    for target in ${targets:-$(cargo +nightly fuzz list)}; do
        echo "$target"
        cargo +nightly fuzz run --sanitizer none "$target" -- -max_total_time={{ SECONDS }} -max_len=4096 -timeout=10
    done
