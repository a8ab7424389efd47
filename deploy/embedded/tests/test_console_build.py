"""`console/build` builds once for each state of the sources, whole or not at all, with whichever Node there is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[3]
NPM = """#!/usr/bin/env bash
# Stands for npm: notes what it is asked, installs nothing, builds a page of what the sources say.
echo "$1" >>"$NOTES"
case $1 in
  ci) rm -rf node_modules; mkdir node_modules; if [ -n "${NPM_FAILS-}" ]; then echo "npm error code $NPM_FAILS" >&2; exit 1; fi ;;
  run)
    mkdir -p "$OUT_DIR/assets"; cp src/page "$OUT_DIR/assets/page"
    mkdir -p src/api/generated; date +%N >src/api/generated/types
    while [ -e hold ]; do : >holding; sleep 0.02; done
    grep -qv broken src/page || { echo "src/page: it is broken" >&2; exit 2; }
    cp index.html "$OUT_DIR/index.html" ;;
esac
"""


@dataclass(kw_only=True)
class Checkout:
    """A tree with a small console in it, and a stand-in for Node and npm."""

    root: Path
    more: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def console(self) -> Path:
        return self.root / "console"

    @property
    def asked(self) -> list[str]:
        """What npm was asked to do."""
        notes = self.root / "notes"
        return notes.read_text().split() if notes.exists() else []

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "NOTES": str(self.root / "notes"), **self.more}
        process = subprocess.Popen(
            [self.console / "build", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def build(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and all that was said."""
        process = self.begin(*arguments)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def command(self, name: str, script: str, directory: str = "bin") -> None:
        path = self.root / directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def say(self, text: str) -> None:
        """Change the sources."""
        (self.console / "src/page").write_text(text)

    @property
    def page(self) -> str:
        """What is served."""
        return (self.console / "dist/assets/page").read_text()

    def left_over(self) -> list[str]:
        return [path.name for path in (self.console / ".build").iterdir() if path.name != "lock"]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(root=tmp_path / "a checkout")
    (made.console / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "index.html"):
        (made.console / name).write_text(name)
    made.say("one")
    shutil.copy(ROOT / "console/build", made.console / "build")
    (made.root / "requirements").mkdir()
    for name in ("node", "node.lock"):
        shutil.copy(ROOT / "requirements" / name, made.root / "requirements" / name)
    made.command("node", "#!/bin/sh\necho v22.12.0\n")
    made.command("npm", NPM)
    yield made
    for process in made.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE)


def test_what_is_built_already_is_not_built_again(checkout: Checkout) -> None:
    assert checkout.build("--check")[0] == 1
    assert checkout.asked == []
    assert checkout.build() == (
        0,
        "console: installing what package-lock.json names (once)\nconsole: building\nconsole: built\n",
    )
    assert (checkout.page, checkout.asked) == ("one", ["ci", "run"])
    assert checkout.build() == (0, "")
    assert checkout.build("--check") == (0, "")
    assert (checkout.asked, checkout.left_over()) == (["ci", "run"], [])


@pytest.mark.parametrize(
    "name", ["package.json", "index.html", "src/page", "vite.config.ts", "openapi/clients.json", "public/icon.svg"]
)
def test_a_change_of_anything_that_it_is_made_of_builds_it_anew(checkout: Checkout, name: str) -> None:
    checkout.build()
    (checkout.console / name).parent.mkdir(exist_ok=True)
    (checkout.console / name).write_text("another")
    assert checkout.build("--check")[0] == 1
    assert checkout.build()[0] == 0
    assert checkout.asked == ["ci", "run", "run"]


def test_packages_are_installed_anew_where_other_ones_are_named(checkout: Checkout) -> None:
    checkout.build()
    (checkout.console / "package-lock.json").write_text("others")
    assert checkout.build()[0] == 0
    assert checkout.asked == ["ci", "run", "ci", "run"]


def test_a_build_that_fails_leaves_the_page_that_was_there(checkout: Checkout) -> None:
    checkout.build()
    checkout.say("broken")
    code, said = checkout.build()
    assert (code, said.splitlines()[-2:]) == (1, ["src/page: it is broken", "console: not built"])
    assert (checkout.page, checkout.left_over()) == ("one", [])
    checkout.say("mended")
    assert checkout.build()[0] == 0
    assert checkout.page == "mended"


@pytest.mark.parametrize("code", ["EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT"])
def test_a_registry_that_cannot_be_reached_is_said_in_one_clear_line(checkout: Checkout, code: str) -> None:
    checkout.more["NPM_FAILS"] = code
    failed, said = checkout.build()
    assert (failed, said.splitlines()[-1]) == (
        1,
        "console: not built, the npm registry cannot be reached; `make console` tries again",
    )
    assert not (checkout.console / "dist").exists()
    # What was begun to be installed is not taken for whole.
    del checkout.more["NPM_FAILS"]
    assert checkout.build()[0] == 0
    assert checkout.asked == ["ci", "ci", "run"]


def test_packages_that_cannot_be_installed_are_not_the_registrys_fault(checkout: Checkout) -> None:
    checkout.more["NPM_FAILS"] = "EUSAGE"
    assert checkout.build()[1].splitlines()[-1] == "console: not built, its packages cannot be installed"


@pytest.mark.skipif(shutil.which("flock") is None, reason="without flock builds are not kept apart")
def test_two_builds_at_once_are_one(checkout: Checkout) -> None:
    hold = checkout.console / "hold"
    hold.touch()
    first = checkout.begin()
    wait_until(lambda: (checkout.console / "holding").exists(), what="the first build")
    second = checkout.begin()
    assert not (checkout.console / "dist").exists()  # half a page is no page
    hold.unlink()
    assert [process.wait(timeout=PATIENCE) for process in (first, second)] == [0, 0]
    assert (checkout.asked, checkout.page) == (["ci", "run"], "one")


def test_a_build_that_is_ended_leaves_nothing_and_holds_up_nobody(checkout: Checkout) -> None:
    hold = checkout.console / "hold"
    hold.touch()
    ended = checkout.begin()
    wait_until(lambda: (checkout.console / "holding").exists(), what="the build")
    os.killpg(ended.pid, signal.SIGTERM)
    assert ended.wait(timeout=PATIENCE) != 0
    assert (checkout.left_over(), (checkout.console / "dist").exists()) == ([], False)
    hold.unlink()
    assert checkout.build()[0] == 0


def test_what_a_killed_build_left_is_cleared_away_by_the_next(checkout: Checkout) -> None:
    hold = checkout.console / "hold"
    hold.touch()
    killed = checkout.begin()
    wait_until(lambda: (checkout.console / "holding").exists(), what="the build")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(timeout=PATIENCE)
    assert len(checkout.left_over()) == 1
    hold.unlink()
    assert checkout.build()[0] == 0
    assert (checkout.left_over(), checkout.page) == ([], "one")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.1", "v21.7.0", "v22.11.0"])
def test_an_old_node_is_replaced_by_one_from_the_package_index_once(checkout: Checkout, version: str) -> None:
    checkout.command("node", f"#!/bin/sh\necho {version}\n")
    checkout.command("npm", "#!/bin/sh\nexit 9\n")
    checkout.command("its-npm", NPM)
    checkout.command("venv", _VENV, directory="requirements")
    assert checkout.build()[0] == 0
    checkout.say("two")
    code, said = checkout.build()
    assert (code, checkout.page) == (0, "two")
    assert "installing requirements/node.lock" not in said
    assert (checkout.root / "installed").read_text().split() == ["once"]


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v24.1.0"])
def test_a_node_that_is_new_enough_is_taken_as_it_is(checkout: Checkout, version: str) -> None:
    checkout.command("node", f"#!/bin/sh\necho {version}\n")
    assert checkout.build()[0] == 0


def test_no_node_and_no_package_index_is_said_and_builds_nothing(checkout: Checkout) -> None:
    checkout.command("node", "#!/bin/sh\nexit 127\n")
    checkout.command("venv", _VENV.replace("touch", "exit 1; touch"), directory="requirements")
    code, said = checkout.build()
    assert code == 1
    assert said.splitlines()[-2:] == [
        "Node cannot be installed: the Python package index cannot be reached, or has none for this machine",
        "console: not built, there is no Node to build it with",
    ]


# An environment whose pip gives it an npm.
_VENV = """#!/usr/bin/env bash
mkdir -p "$1/bin"
cat >"$1/bin/python" <<'PYTHON'
#!/usr/bin/env bash
touch "$(dirname "$0")/node"
echo once >>"$(dirname "$NOTES")/installed"
cp "$(dirname "$NOTES")/bin/its-npm" "$(dirname "$0")/npm"
PYTHON
chmod +x "$1/bin/python"
"""
