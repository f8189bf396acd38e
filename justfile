# The commands of a working day. `just` lists them.

_default:
    @just --list

# Check formatting, lints and comments
check:
    cargo fmt --all --check
    python3 tests/words.py
    cargo clippy --all-targets --locked -- -D warnings

# Run the tests: all, or those whose names contain a word
test *filter:
    cargo test --release --locked {{ filter }}

# Write the snapshots that differ, and show which ones do
snap *filter:
    INSTA_UPDATE=always cargo test {{ filter }}
    git diff --stat -- '*.snap'

# Fuzz each target for some minutes: all of them, or one such as fuzz_csv
fuzz minutes target='fuzz_':
    HEADWATER_FUZZ_MINUTES={{ minutes }} cargo test --lib {{ target }} -- --test-threads 1

# Measure whole commands: pipeline, increment, audit or unchanged
bench name *args:
    python3 benches/{{ name }}/run.py {{ args }}

# Measure inner loops: all of benches/micro, or those with a name
micro *filter:
    cargo bench --locked --bench micro -- {{ filter }}

# Run the sessions of the book and the README, and check the pages
book *args:
    cargo build --release --locked
    python3 tests/book/run.py "${CARGO_TARGET_DIR:-target}/release/headwater" {{ args }}

# Read the book in a browser; needs mdbook
read:
    mdbook serve --open

# Run everything that a commit must pass
ci:
    .ci/run
