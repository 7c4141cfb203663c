"""Compares what another program read of a run with the run's own metrics.

usage: compare_exports.py tensorboard|mlflow METRICS_JSONL RUN_DB PLACE
"""

import collections
import json
import math
import sqlite3
import sys


def expected(path):
    """{(name, step): value} of a file that `export RUN metrics --format jsonl` wrote."""
    values = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            step = row.pop("step")
            values.update({(name, step): math.nan if value is None else value for name, value in row.items()})
    return values


def times(run_db):
    """{(kind, step): time} of the newest event of a kind."""
    with sqlite3.connect(f"file:{run_db}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT type, step, time FROM events WHERE type IN ('step', 'eval') ORDER BY seq")
        return {(kind, step): time for kind, step, time in rows}


def read_tensorboard(folder):
    """[(name, step, value, time)] by TensorBoard's own reader, as it is in the file and as TensorBoard would show it."""
    from tensorboard.backend.event_processing import event_accumulator, event_file_loader

    accumulator = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.SCALARS: 0})
    accumulator.Reload()
    shown = [
        (tag, event.step, event.value, event.wall_time)
        for tag in accumulator.Tags()["scalars"]
        for event in accumulator.Scalars(tag)
    ]
    import glob
    import os

    raw = collections.Counter()
    for path in glob.glob(os.path.join(folder, "*tfevents*")):
        for event in event_file_loader.EventFileLoader(path).Load():
            raw.update((value.tag, event.step) for value in event.summary.value)
    twice = [key for key, count in raw.items() if count > 1]
    assert not twice, f"in the files more than once: {twice[:5]}"
    assert len(raw) == len(shown), f"{len(raw)} values in the files, {len(shown)} shown"
    return shown


def read_mlflow(uri):
    """The same by MLflow's own client, of the only run of the only experiment that has one."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    [experiment] = [found for found in client.search_experiments() if found.name != "Default"]
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED", run.info.status
    assert run.info.end_time > run.info.start_time
    assert run.data.params["rollout.num_generations"] and run.data.params["grpo.loss_type"], run.data.params
    assert run.data.tags["sqlr1.method"] == "grpo", run.data.tags
    print(f"mlflow: run {run.info.run_name} in {experiment.name}, {len(run.data.params)} parameters, {run.info.status}")
    return [
        (name, point.step, point.value, point.timestamp / 1000)
        for name in run.data.metrics
        for point in client.get_metric_history(run.info.run_id, name)
    ]


def main():
    what, metrics, run_db, place = sys.argv[1:]
    wanted, when = expected(metrics), times(run_db)
    if what == "mlflow":
        allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. /")
        rename = lambda name: "".join(c if c in allowed else "_" for c in name)
        wanted = {(rename(name), step): value for (name, step), value in wanted.items()}
    found = (read_mlflow if what == "mlflow" else read_tensorboard)(place)
    assert len(found) == len({(name, step) for name, step, _, _ in found}), "a value is there more than once"
    missing = wanted.keys() - {(name, step) for name, step, _, _ in found}
    assert not missing, f"missing: {sorted(missing)[:5]}"
    tolerance = 1e-6 if what == "tensorboard" else 0.0
    for name, step, value, time in found:
        want = wanted[name, step]
        same = math.isnan(value) if math.isnan(want) else math.isclose(value, want, rel_tol=tolerance, abs_tol=tolerance)
        assert same, f"{name} at step {step} is {value}, not {want}"
        event = when["eval" if name.startswith("eval_") else "step", step]
        assert abs(time - event) < 0.01, f"{name} at step {step} has the time {time}, not {event}"
    names = {name for name, _ in wanted}
    print(f"{what}: {len(found)} values of {len(names)} metrics, each once, as they were measured")


if __name__ == "__main__":
    main()
