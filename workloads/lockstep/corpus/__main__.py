"""`lockstep corpus`: many packages, natively and on targets; what regressed, once, without noise."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from lockstep.base.errors import BROKE, FOUND, OK, LockstepError, UsageError
from lockstep.corpus import add, compare, envs, locks, plan, run, summary
from lockstep.corpus.manifest import STRAINS, Workload, load_corpus, shipped_folder, user_folder
from lockstep.corpus.progress import to_stderr
from lockstep.corpus.tomlfile import parse_size

DEFAULT_TARGETS = ("native", "runsc")
EPILOG = """\
examples:
  lockstep corpus run --report                      everything, natively and on runsc, and the page that shows it
  lockstep corpus run --filter 'tag=nightly' --filter '!prophet' --shard 1/4
  lockstep corpus list --filter strain=J            which workloads make code at run time
  lockstep corpus add requests==2.32.3              a workload of any package
  lockstep corpus try numpy                         one driver, natively, as it would run

A run that was killed is gone on with by the same command. Results: LOCKSTEP_HOME/runs; environments: LOCKSTEP_CACHE/envs.

exit status: 0 all as native, 1 something differs or fails, 2 wrong use or bad input, 3 the harness broke (and nothing differs)"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="lockstep corpus", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run_options(sub.add_parser("run", help="run workloads on targets and compare them with native"))
    list_options(sub.add_parser("list", help="the workloads there are"))
    add_options(sub.add_parser("add", help="make a workload of any package from the index"))
    report_options(sub.add_parser("report", help="HTML of a run (lockstep report)"))
    try_options(sub.add_parser("try", help="run drivers natively, once, and show how that went"))
    lock_options(sub.add_parser("lock", help="resolve the requirements of a lock file anew"))
    env_options(sub.add_parser("env", help="build environments, or list them"))
    return p


def common(p: argparse.ArgumentParser, *, chooses: bool = False) -> None:
    p.add_argument("--dir", action="append", default=[], metavar="DIR", help="a corpus folder beside the shipped one and LOCKSTEP_HOME/workloads")
    p.add_argument("-q", "--quiet", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--no-color", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true", help="one JSON object a line")
    if chooses:
        p.add_argument("--filter", action="append", default=[], metavar="PATTERN", help="name or package with * and ?, tag=, strain=, lock=; ! in front excludes; repeatable")
        p.add_argument("names", nargs="*", metavar="NAME", help="the same as --filter NAME")


def pip_option(p: argparse.ArgumentParser) -> None:
    p.add_argument("--pip-option", action="append", default=[], metavar="WORD", help="a word for pip install, as in --pip-option=--no-index; repeatable")


def run_options(p: argparse.ArgumentParser) -> None:
    common(p, chooses=True)
    p.add_argument("--target", action="append", default=[], metavar="T", help=f"repeatable (default: {' '.join(DEFAULT_TARGETS)})")
    p.add_argument("--target-cmd", metavar="'PREFIX ARG...'", help="words that go before the command, instead of described targets")
    p.add_argument("--target-opt", action="append", default=[], metavar="K=V")
    p.add_argument("--runs", type=positive, default=3, metavar="N", help="native runs of each comparison (3)")
    p.add_argument("--target-runs", type=positive, default=2, metavar="N", help="runs on the target (2)")
    p.add_argument("--proofs", type=int, metavar="N", help="how many candidates are tried, as in diff")
    p.add_argument("--timeout", type=seconds, metavar="S", help="of each run, instead of the manifests' limits")
    p.add_argument("--memory", type=size, metavar="SIZE", help="of each run, instead of the manifests' limits")
    p.add_argument("--jobs", type=positive, default=0, metavar="N", help="comparisons side by side, by CPUs they keep busy (default: this machine's)")
    p.add_argument("--shard", default="1/1", metavar="I/N", help="part I of N of the workloads")
    group = p.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="go on with the unfinished run of this command; a mistake if there is none")
    group.add_argument("--fresh", action="store_true", help="begin a new run even if one is unfinished")
    p.add_argument("-o", dest="run", metavar="RUN", help="the run's name (default: its time)")
    p.add_argument("--report", action="store_true", help="write the HTML report at the end; its path is the last line")
    pip_option(p)


def list_options(p: argparse.ArgumentParser) -> None:
    common(p, chooses=True)


def add_options(p: argparse.ArgumentParser) -> None:
    common(p)
    p.add_argument("packages", nargs="*", metavar="NAME[==VERSION]")
    p.add_argument("-r", dest="requirements", action="append", default=[], metavar="FILE", help="the packages of a requirements file, in one environment")
    p.add_argument("--replace", action="store_true", help="make workloads that exist anew")
    pip_option(p)


def report_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("words", nargs=argparse.REMAINDER, help="as for lockstep report")


def try_options(p: argparse.ArgumentParser) -> None:
    common(p, chooses=True)
    pip_option(p)


def lock_options(p: argparse.ArgumentParser) -> None:
    common(p)
    p.add_argument("locks", nargs="*", metavar="LOCK", help="names of lock files (default: all of the shipped corpus)")
    pip_option(p)


def env_options(p: argparse.ArgumentParser) -> None:
    common(p)
    p.add_argument("locks", nargs="*", metavar="LOCK", help="names or paths of lock files; none: list what is built")
    pip_option(p)


def positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to 1024")
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 seconds, at most a day")
    return value


def size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from e


def chosen(a: argparse.Namespace) -> list[Workload]:
    return plan.choose(load_corpus(a.dir).workloads(), [*a.filter, *a.names])


# ---- commands ----


def run_command(a: argparse.Namespace) -> int:
    part = plan.Shard.parse(a.shard)
    workloads = plan.shard(chosen(a), part)
    if not workloads:
        raise UsageError(f"--shard {part}: no workload is in this part; there are fewer workloads than parts")
    targets = tuple(dict.fromkeys(a.target)) or (("cmd",) if a.target_cmd else DEFAULT_TARGETS)
    for target in targets:
        if "/" in target or target.startswith("."):
            raise UsageError(f"--target {target}: give a target's name; a folder of descriptions goes into LOCKSTEP_TARGETS")
    effort = compare.Effort(a.runs, a.target_runs, a.timeout, a.memory, a.proofs, tuple(a.target_opt), a.target_cmd)
    options = run.Options(
        targets=targets,
        effort=effort,
        part=part,
        jobs=a.jobs,
        name=a.run,
        fresh=a.fresh,
        resume=a.resume,
        whole=not a.filter and not a.names and part.n == 1,
        pip_options=tuple(a.pip_option),
    )
    session = run.open_session(plan.jobs(workloads, targets), options, to_stderr(quiet=a.quiet))
    try:
        results = run.execute(session)
    finally:
        session.run.release()
    show_results(a, results, session.run.name)
    status = summary.exit_status(results)
    if a.report:
        made = report_run(session.run.name)
        status = status if made == OK else BROKE
    return status


def show_results(a: argparse.Namespace, results: summary.Results, name: str) -> None:
    if a.json:
        for item in [*run.results_json(results), summary.json_line(results, name)]:
            print(json.dumps(item))
        return
    for line in summary.lines(results, name):
        print(line)
    sys.stdout.flush()


def report_run(name: str) -> int:
    """The report's own last line is the path of its page."""
    sys.stdout.flush()
    done = subprocess.run([compare.lockstep_exe(), "report", "--run", name], stdin=subprocess.DEVNULL, timeout=1800, check=False)
    return done.returncode


def list_command(a: argparse.Namespace) -> int:
    for w in chosen(a):
        if a.json:
            print(json.dumps(list_item(w)))
        else:
            print(f"{w.name:16} {w.package + ' ' + w.version:24} {w.strains:6} {w.summary}")
    if not a.json and not a.quiet:
        print("strains: " + ", ".join(f"{k} {v}" for k, v in STRAINS.items()), file=sys.stderr)
    return OK


def list_item(w: Workload) -> dict[str, object]:
    limits = w.limits
    return {
        "schema": "lockstep.workload/1",
        "name": w.name,
        "package": w.package,
        "version": w.version,
        "summary": w.summary,
        "lock": w.lock,
        "strains": list(w.strains),
        "tags": list(w.tags),
        "limits": {"time_s": limits.time_s, "memory": limits.memory, "disk": limits.disk, "cpus": limits.cpus, "pids": limits.pids},
        "manifest": str(w.file),
    }


def add_command(a: argparse.Namespace) -> int:
    if len(a.dir) > 1:
        raise UsageError("--dir: one folder for what is added")
    if not a.packages and not a.requirements:
        raise UsageError("add: name a package, or a file with -r")
    folder = Path(a.dir[0]).absolute() if a.dir else user_folder()
    adder = add.Adder(folder, a.replace, tuple(a.pip_option))
    groups = [([w], w.name) for w in (add.parse_requirement(p, "add") for p in a.packages)]
    groups += [(add.read_requirements(Path(r)), lock_name(Path(r))) for r in a.requirements]
    worst = OK
    for wanted, lock in groups:
        say(a, f"resolving {', '.join(w.text for w in wanted)}")
        names = adder.add(wanted, lock)
        for name in names:
            w = add.corpus_of(folder).workload(name)
            say(a, f"wrote {w.file} and {w.driver}")
            worst = max(worst, try_one(a, w))
    return worst


def lock_name(file: Path) -> str:
    stem = "".join(c if c.isalnum() else "-" for c in file.stem.lower()).strip("-")
    return f"from-{stem or 'requirements'}"


def say(a: argparse.Namespace, text: str) -> None:
    if not a.quiet:
        print(text, file=sys.stderr, flush=True)


def try_command(a: argparse.Namespace) -> int:
    return max((try_one(a, w) for w in chosen(a)), default=OK)


def try_one(a: argparse.Namespace, w: Workload) -> int:
    python = envs.ensure(w.lock_file, options=a.pip_option)
    with tempfile.TemporaryDirectory() as folder:
        tried = add.try_native(w, python, Path(folder) / "stderr")
    how = "did not end in time" if tried.status is None else f"exit status {tried.status}"
    if a.json:
        item = {"schema": "lockstep.corpus-try/1", "workload": w.name, "exit": tried.status, "seconds": round(tried.seconds, 3), "last_line": tried.last_line}
        print(json.dumps(item))
    else:
        print(f"{w.name} {w.version} natively: {how} in {tried.seconds:.1f} s" + (f": {tried.last_line}" if tried.status != 0 else ""))
        if a.verbose:
            sys.stdout.write(tried.stdout.decode(errors="replace"))
    sys.stdout.flush()
    return OK if tried.status == 0 else FOUND


def lock_command(a: argparse.Namespace) -> int:
    corpus = load_corpus(a.dir)
    by_lock: dict[str, list[Workload]] = {}
    for w in corpus.workloads():
        by_lock.setdefault(w.lock, []).append(w)
    shipped = shipped_folder()
    names = a.locks or sorted({w.lock for w in corpus.workloads() if w.corpus == shipped})
    for name in names:
        if name not in by_lock:
            raise UsageError(f"{name}: no workload has that lock; there are {', '.join(sorted(by_lock))}")
        file = by_lock[name][0].lock_file
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        requirements = sorted({r for w in by_lock[name] for r in w.requirements})
        lock = locks.make(file, requirements, envs.pip_command(envs.find_python(version)), version, a.pip_option)
        say(a, f"{file}: {len(lock.pins)} packages")
    return OK


def env_command(a: argparse.Namespace) -> int:
    if not a.locks:
        for folder, text in envs.installed():
            print(json.dumps({"schema": "lockstep.env/1", "folder": str(folder), "what": text}) if a.json else f"{folder}  {text}")
        return OK
    for name in a.locks:
        path = Path(name) if os.sep in name else lock_path(name, a)
        python = envs.ensure(path, options=a.pip_option)
        if not a.quiet:
            print(python)
    return OK


def lock_path(name: str, a: argparse.Namespace) -> Path:
    for folder in reversed(load_corpus(a.dir).folders):
        file = folder / "locks" / f"{name}.lock"
        if file.exists():
            return file
    raise UsageError(f"{name}: no such lock file; give a path, or a name out of a folder locks/")


def report_command(a: argparse.Namespace) -> int:
    os.execv(compare.lockstep_exe(), [compare.lockstep_exe(), "report", *a.words])


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run_command,
    "list": list_command,
    "add": add_command,
    "report": report_command,
    "try": try_command,
    "lock": lock_command,
    "env": env_command,
}


def main(argv: Sequence[str]) -> int:
    words = list(argv)
    if words[:1] == ["report"]:
        return report_command(argparse.Namespace(words=words[1:]))
    a = parser().parse_args(words)
    try:
        return COMMANDS[a.command](a)
    except LockstepError as e:
        print(f"lockstep: {e}", file=sys.stderr)
        return e.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKE
    except OSError as e:
        print(f"lockstep: {e.filename or ''}: {e.strerror}", file=sys.stderr)
        return BROKE
    except KeyboardInterrupt:
        print("lockstep: interrupted; the same command goes on from here", file=sys.stderr)
        return BROKE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
