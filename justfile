# `just` lists what there is.
default:
    @just --list

# Exactly what CI runs.
ci:
    .ci/run

# Format, lints, licences, direction of dependencies.
check:
    scripts/check

# Every test there is.
test:
    scripts/test

# The whole sign-on workflow against a server of its own.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# A server for development, with the inbox.
serve data="data":
    cargo run --release -- serve --data {{data}} --inbox

# Accept the snapshots that the tests now produce; read the diff before committing it.
snap:
    INSTA_UPDATE=always cargo test --release --workspace

# Write docs/openapi.json anew; read the diff before committing it.
openapi:
    cargo run --release -- openapi > target/openapi.json
    mv target/openapi.json docs/openapi.json

# The main job under load: 100,000 users; 1, 16 and 64 connections; 60 s each.
bench *arguments:
    cargo build --release
    cargo run --release -p stepgate-bench -- {{arguments}}

# Whether typed names can be told apart: 500 of users, 500 of nobody. The machine must be quiet.
names *arguments:
    cargo build --release
    cargo run --release -p stepgate-bench -- names {{arguments}}

# The crash test for longer, for example `just crash 1000 7`.
crash rounds="1000" seed="1":
    STEPGATE_CRASH_ROUNDS={{rounds}} STEPGATE_CRASH_SEED={{seed}} \
        cargo test --release -p stepgate --test it crash -- --nocapture

# Fuzz one target (docs/fuzzing.md), for example `just fuzz phone`. Needs nightly Rust and cargo-fuzz.
fuzz target seconds="600":
    mkdir -p target/fuzz/{{target}}
    cargo +nightly fuzz run --features libfuzzer --sanitizer none {{target}} target/fuzz/{{target}} \
        fuzz/corpus/{{target}} -- -max_total_time={{seconds}} -timeout=5
