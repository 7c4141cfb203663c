# What check-tensorboard and check-mlflow share; sourced by them, with $here and $work set.

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 3
}

command -v cargo >/dev/null || fail 'cargo is missing'
(cd "$here" && cargo build --release --quiet) || fail 'the program cannot be built'
target=$(cd "$here" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
program=$target/release/sqlr1-tui

# Prints the python of a virtual environment that has a package.
venv_with() {
    venv=${TMPDIR:-/tmp}/sqlr1-tui-venv-$1
    if ! "$venv/bin/python" -c "import $1" 2>/dev/null; then
        python3 -m venv "$venv" >&2 || fail 'python3 with venv is missing'
        "$venv/bin/pip" install --quiet "$1" >&2 || fail "$1 cannot be installed"
    fi
    echo "$venv/bin/python"
}

# Trains a short run of the demonstration in a folder, kills it after step 7 and takes it up again at 4; further words are flags.
train_killed_and_resumed() {
    folder=$1
    shift
    set -- "$@" --set rollout.num_generations=4 --set rollout.prompts_per_step=2 --set rollout.max_completion_length=24 \
        --set eval.questions=4 --set eval.every=3 --set run.checkpoint_every=4 --set run.keep_checkpoints=0 --headless
    "$program" train --config demo --run-dir "$folder" --max-steps 1000 "$@" >"$work/first.jsonl" 2>"$work/first.log" &
    trainer=$!
    until grep -q '"type":"step","step":7' "$work/first.jsonl"; do
        kill -0 "$trainer" 2>/dev/null || fail "the run ends early: $(cat "$work/first.log")"
        sleep 0.1
    done
    # Time for the exporter to send what is void after the resumption.
    sleep 2
    kill -9 "$trainer"
    wait "$trainer" 2>/dev/null || true
    # Only this checkpoint is left, so that later steps are computed anew.
    for checkpoint in "$folder"/checkpoints/step-*; do
        [ "$(basename "$checkpoint")" = step-00000004 ] || rm -rf "$checkpoint"
    done
    "$program" train --resume --run-dir "$folder" --max-steps 12 "$@" >"$work/second.jsonl" 2>"$work/second.log" ||
        fail "the run cannot be resumed: $(cat "$work/second.log")"
    if grep -i 'does not answer\|refuses\|not everything' "$work/first.log" "$work/second.log"; then
        fail 'the exporter had trouble'
    fi
}
