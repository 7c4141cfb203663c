"""What the steps of the GPU plan (docs/gpu.md) have in common: arguments, the kit's places, commands with a clock, results as JSON."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import sysconfig
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where the packed pieces lie in the repository: ignored by git, named in the device tool's `carry`.
PARCEL = ROOT / ".gpu"
# Where they are unpacked; outside the repository, whose copy is replaced with each call.
KIT = pathlib.Path(os.environ.get("SQLR1_GPU_KIT", "/tmp/sqlr1-gpu"))
# A call of the device tool ends after ten minutes; what it writes is fetched after that.
SECONDS = 540


def cuda_home():
    """A folder with the headers that kernels are compiled with, burn's products among them; CUDA_PATH first."""
    homes = [os.environ.get("CUDA_PATH"), *sorted(map(str, pathlib.Path("/usr/local").glob("cuda*")))]
    needed = ["include/cuda_runtime.h", "include/cuda_fp16.h", "include/crt/mma.h"]
    return next((home for home in homes if home and all((pathlib.Path(home) / file).exists() for file in needed)), None)


def cuda_libraries():
    """Folders with NVRTC: where the loader does not look by itself, in PyTorch's packages among others."""
    packages = pathlib.Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    found = [*packages.glob("**/libnvrtc.so.1?"), *pathlib.Path("/usr/local").glob("cuda*/**/libnvrtc.so.1?")]
    return [str(folder) for folder in dict.fromkeys(library.parent for library in found)]


def cuda_environment():
    """What every command gets, so that NVRTC and headers are found and the driver keeps what it compiles."""
    home, libraries = cuda_home(), [*filter(None, [os.environ.get("LD_LIBRARY_PATH")]), *cuda_libraries()]
    found = {"CUDA_PATH": home, "LD_LIBRARY_PATH": ":".join(libraries)}
    return {"CUDA_CACHE_MAXSIZE": str(4 << 30), **{name: value for name, value in found.items() if value}}


class Step:
    """One step of the plan: parses arguments, runs commands within its time, writes NAME.json after every result."""

    def __init__(self, name, doc, arguments=lambda parser: None):
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--device", default="cuda", help="cuda, or cpu for a dry run with tiny sizes")
        parser.add_argument("--out", type=pathlib.Path, default=os.environ.get("OUT"), help="where results go [$OUT, else target/gpu]")
        parser.add_argument("--kit", type=pathlib.Path, default=KIT, help=f"where the kit is unpacked [{KIT}]")
        parser.add_argument("--program", type=pathlib.Path, help="the program [that of the kit]")
        parser.add_argument("--seconds", type=float, default=SECONDS, help=f"time for all of it [{SECONDS}]")
        arguments(parser)
        self.args = parser.parse_args()
        self.args.out = pathlib.Path(self.args.out or ROOT / "target/gpu")
        self.args.out.mkdir(parents=True, exist_ok=True)
        self.name, self.began = name, time.monotonic()
        self.dry = self.args.device == "cpu"
        self.result = {"step": name, "ok": False, "dry_run": self.dry, **machine(self.dry), "missing": []}
        self.env = {**os.environ, **({} if self.dry else cuda_environment())}

    @property
    def program(self):
        return self.args.program or self.args.kit / "sqlr1-tui"

    def left(self):
        """Seconds that are left."""
        return max(1.0, self.args.seconds - (time.monotonic() - self.began))

    def need(self, *needed):
        """Ends the step if one of (path or condition, what it is and how to get it) is not there."""
        for there, what in needed:
            if not (there.exists() if isinstance(there, pathlib.Path) else there):
                self.result["missing"].append(what)
        if self.result["missing"]:
            for what in self.result["missing"]:
                print(f"{self.name}: missing: {what}", file=sys.stderr)
            self.write()
            sys.exit(3)

    def need_program(self):
        """The program, and unless this is a dry run a GPU."""
        gpu = self.dry or self.result["device_name"] is not None
        self.need(
            (self.program, f"the program {self.program}: run scripts/gpu/unpack, or name one with --program"),
            (gpu, "an NVIDIA GPU (nvidia-smi tells of none); --device cpu makes a dry run"),
        )

    def run(self, command, env=None, seconds=None, input=None):
        """Runs a command within the time that is left: a record with rc, seconds, and the ends of what it printed."""
        command = [str(word) for word in command]
        print("$", " ".join(command), flush=True)
        began = time.monotonic()
        limit = min(seconds or self.left(), self.left())
        try:
            done = subprocess.run(
                command, cwd=ROOT, env={**self.env, **(env or {})}, input=input, timeout=limit, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            rc, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as late:
            text = lambda part: part.decode(errors="replace") if isinstance(part, bytes) else part or ""
            rc, out, err = 124, text(late.stdout), text(late.stderr)
        except OSError as error:
            rc, out, err = 127, "", str(error)
        if rc != 0:
            print(err[-2000:], file=sys.stderr)
        return {"command": " ".join(command), "rc": rc, "seconds": round(time.monotonic() - began, 2), "out": out, "err": err[-4000:]}

    def json_of(self, command, **options):
        """The object in the last line that a command prints, or what went wrong."""
        done = self.run(command, **options)
        lines = [line for line in done["out"].splitlines() if line.startswith("{")]
        if done["rc"] == 0 and lines:
            return json.loads(lines[-1])
        return {"failed": {name: done[name] for name in ("command", "rc", "seconds", "err")}}

    def write(self):
        """Writes what is known so far, so that a step that is cut off has its first results."""
        self.result["seconds"] = round(time.monotonic() - self.began, 1)
        (self.args.out / f"{self.name}.json").write_text(json.dumps(self.result, indent=1) + "\n")

    def finish(self, ok):
        """Writes the result, prints it, and ends."""
        self.result["ok"] = bool(ok)
        self.write()
        print(json.dumps(self.result))
        sys.exit(0 if ok else 1)


def machine(dry):
    """What it was measured on."""
    gpu = None
    if not dry and shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
        told = subprocess.run(query, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = told.stdout.strip().splitlines() if told.returncode == 0 else []
        gpu = [word.strip() for word in lines[0].split(",")] if lines else None
    name, memory, driver = gpu if gpu and len(gpu) == 3 else (None, None, None)
    if dry:
        name = f"cpu, {platform.machine()}, {os.cpu_count()} threads"
    return {
        "device_name": name,
        "device_memory_mib": int(memory) if memory and memory.isdigit() else None,
        "driver": driver,
        "host": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
