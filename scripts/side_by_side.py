"""What the scripts that run another program beside ours have in common."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sqlr1-tui"
MODEL = CACHE / "models/SmolLM2-135M-Instruct.Q4_1.gguf"


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(3)


def python_with(packages, folder):
    """A Python that can import `packages` (pip name: module name), installed into a virtual environment if need be."""
    folder = pathlib.Path(folder)
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    imports = "; ".join(f"import importlib.util as u; assert u.find_spec({m!r})" for m in packages.values())
    if subprocess.run([python, "-c", imports], capture_output=True).returncode != 0:
        print(f"installing {', '.join(packages)} into {folder} ...", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def program(given):
    """Our program: the one named, else built from this checkout."""
    if given:
        return pathlib.Path(given).resolve()
    built = subprocess.run(
        ["cargo", "build", "--release", "--message-format", "json-render-diagnostics"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )
    messages = map(json.loads, built.stdout.splitlines())
    found = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "sqlr1-tui"]
    return pathlib.Path(found[-1])


def last_json(command):
    """The JSON object in the last line that `command` prints."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        fail(f"{' '.join(map(str, command))}\nfailed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def spread(values, digits=2):
    """Median, and the least and greatest."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"
