# The commands of a working day. `just` lists them.

_default:
    @just --list

# Type-check everything, with tests and lints
check:
    cargo fmt --all --check
    cargo clippy --all-targets --locked -- -D warnings

# Run the tests: all, or those whose names contain a word
test *filter:
    cargo test --release --locked {{ filter }}

# Accept what people read as it is now, and look at the difference
snap *filter:
    INSTA_UPDATE=always cargo test {{ filter }}
    git diff --stat -- '*.snap'

# Measure one of benches/: pipeline, increment, audit or unchanged
bench name *args:
    python3 benches/{{ name }}/run.py {{ args }}

# Run the sessions of the book and the README, and check the pages
book *args:
    cargo build --release --locked
    python3 tests/book/run.py "${CARGO_TARGET_DIR:-target}/release/headwater" {{ args }}

# Read the book in a browser; needs mdbook
read:
    mdbook serve --open

# Everything that a commit must pass
ci:
    .ci/run
