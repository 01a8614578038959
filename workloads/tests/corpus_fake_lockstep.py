"""A stand-in for the `lockstep` program: `diff` writes a bundle at once, `run` runs the command, `report` prints a path.

What it says is told by the environment: FAKE_STATES, a JSON object {"workload target": what}, where what is a comparison, "exit3", "hang", "fill",
"die" or "nobundle"; FAKE_SLEEP, seconds a diff takes. Every diff is noted in FAKE_LOG.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def options(words):
    """{option: [values]} and the command."""
    at = words.index("--") if "--" in words else len(words)
    out, i = {}, 0
    flags = {"--json", "--quiet"}
    while i < at:
        if words[i] in flags:
            out[words[i]] = []
            i += 1
        else:
            out.setdefault(words[i], []).append(words[i + 1])
            i += 2
    return out, words[at + 1 :]


def note(what):
    with Path(os.environ["FAKE_LOG"]).open("a") as f:
        f.write(json.dumps(what) + "\n")


def diff(words):
    given, command = options(words)
    meta = dict(m.split("=", 1) for m in given["--meta"])
    target = given["--target"][0] if "--target" in given else "cmd"
    note({"key": [meta["workload"], target], "attempt": int(meta["attempt"]), "at": time.monotonic(), "options": given, "command": command})
    what = json.loads(os.environ.get("FAKE_STATES", "{}")).get(f"{meta['workload']} {target}", "same-pass")
    folder = Path(given["--bundle"][0])
    temp = folder.with_name(".tmp-" + folder.name)
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    time.sleep(float(os.environ.get("FAKE_SLEEP", "0")))
    if what == "exit3":
        print("lockstep: the target does not start here", file=sys.stderr)
        return 3
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "fill":
        for i in range(600):
            (temp / f"trace-{i}").write_bytes(b"x" * (1 << 20))
            time.sleep(0.05)
    if what == "hang":
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    if what == "nobundle":
        return 0
    finding = {"schema": "lockstep.finding/1", "rank": 1, "kind": "crash", "summary": "it crashed", "proven": True, "habit": False, "fingerprint": "f1"}
    same = what in ("same-pass", "same-fail")
    data = {k: meta[k] for k in ("run", "workload", "package", "version")}
    data |= {"schema": "lockstep.bundle/1", "target": target, "attempt": int(meta["attempt"]), "comparison": what, "outcome": "pass" if same else "crash"}
    data |= {"harness_error": None, "duration_s": 1.5, "time_ratio": 2.0, "vma_ratio": 1.0, "argv": command}
    habit = {**finding, "rank": 2, "habit": True}
    lines = [habit] if same else [finding, habit]
    (temp / "findings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (temp / "bundle.json").write_text(json.dumps(data))
    temp.rename(folder)
    return 0 if same else 1


def run(words):
    given, command = options(words)
    env = dict(e.split("=", 1) for e in given.get("--env", []))
    try:
        return subprocess.run(command, env={"PATH": os.environ["PATH"], **env}, cwd=given.get("--cwd", ["/"])[0], timeout=float(given["--timeout"][0])).returncode
    except subprocess.TimeoutExpired:
        return 124


def main():
    if sys.argv[1] == "diff":
        return diff(sys.argv[2:])
    if sys.argv[1] == "run":
        return run(sys.argv[2:])
    if sys.argv[1] == "report":
        print("/report/of/" + sys.argv[sys.argv.index("--run") + 1])
        return 0
    return 2


sys.exit(main())
