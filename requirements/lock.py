"""Compiles every lock file from the packages' own pyproject.toml, so that a version is decided in one place.

The suite's lock (run.lock) is resolved first and constrains the development lock; both constrain each service's own,
so that an image runs what the tests ran. Every file holds the hashes of all platforms' files and names no index.

    python requirements/lock.py              keep what is locked, add what is new
    python requirements/lock.py --upgrade    take the newest that the pins allow
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"
SERVICES = ["scheduling", "clients", "payments", "notifications"]
SHARED = ["shared/contracts", "shared/chassis"]
SUITE = [*SHARED, *(f"services/{name}" for name in SERVICES), "deploy/sandbox", "deploy/embedded"]
HEADER = "# Compiled by `make lock` from the packages' pyproject.toml; do not edit.\n"


def dependencies(folder: str) -> list[str]:
    """What a package asks of others: everything in its pyproject.toml, extras included, but our own packages."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(one for extra in project.get("optional-dependencies", {}).values() for one in extra),
    ]
    return [one for one in asked if not one.startswith("timeblu-")]


def compile_lock(output: Path, asked: list[str], constraints: list[Path], *, upgrade: bool) -> None:
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "-", "--output-file", str(output), "--quiet",
        "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
        *(f"--constraints={path}" for path in constraints),
        *(["--upgrade"] if upgrade else []),
    ]  # fmt: skip
    subprocess.run(command, input="\n".join(sorted(set(asked))), text=True, check=True, cwd=ROOT)
    text = HEADER + output.read_text()
    if leak := re.search(r"^.*(://|file:|find-links|index-url|/home/|/root/|/opt/).*$", text, re.MULTILINE):
        raise SystemExit(f"{output.relative_to(ROOT)} names a place of this machine or an index: {leak.group()}")
    output.write_text(text)
    print(f"{output.relative_to(ROOT)}: {len(re.findall(r'^[a-z].*==', text, re.MULTILINE))} packages")


def tools(name: str) -> list[str]:
    """The lines of a hand-kept list of tools, without comments."""
    lines = ((HERE / name).read_text()).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def main() -> None:
    upgrade = "--upgrade" in sys.argv[1:]
    run, dev = HERE / "run.lock", HERE / "dev.lock"
    suite = [one for folder in SUITE for one in dependencies(folder)]
    compile_lock(run, suite, [], upgrade=upgrade)
    develop = [one for name in ("build", "test", "browser", "lint") for one in tools(f"{name}.in")]
    compile_lock(dev, [*suite, *develop], [run], upgrade=upgrade)
    compile_lock(HERE / "test.lock", [*tools("build.in"), *tools("test.in")], [dev], upgrade=upgrade)
    compile_lock(HERE / "build.lock", tools("build.in"), [dev], upgrade=upgrade)
    for name in ("bench", "fakes", "node"):
        compile_lock(HERE / f"{name}.lock", tools(f"{name}.in"), [], upgrade=upgrade)
    for name in SERVICES:
        asked = [one for folder in [*SHARED, f"services/{name}"] for one in dependencies(folder)]
        compile_lock(ROOT / "services" / name / "requirements.lock", asked, [dev], upgrade=upgrade)
    compile_lock(ROOT / "deploy/sandbox/requirements.lock", dependencies("deploy/sandbox"), [dev], upgrade=upgrade)


if __name__ == "__main__":
    main()
