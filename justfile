# List the recipes.
help:
    @just --list --unsorted

# What must pass before a commit, in the order that fails fastest.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo deny check bans licenses sources
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo test

# All tests, or those whose name holds FILTER.
test FILTER="":
    cargo test {{ FILTER }}

# A search on a shipped task, with simulated models: no key, no network.
demo TASK="ticket-routing" STRATEGY="auto":
    cargo run --release -- run tasks/{{ TASK }} --strategy {{ STRATEGY }}

# A benchmark of benches/.
bench NAME="journal":
    cargo bench --bench {{ NAME }}

# The library's pages, in a browser.
docs:
    cargo doc --no-deps --open

# Look at changed snapshots one by one (needs cargo-insta).
snapshots:
    cargo insta review

# All that CI runs.
ci:
    .ci/run
