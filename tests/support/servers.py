"""Ways of running a server for the tests: a container, a private instance of what is installed, or one that others run.

A private instance has its own port, data and cookie, listens on 127.0.0.1 alone and never touches a server that the
machine runs for itself. Every way can be described in a line of JSON and attached to by another test process.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import docker
import docker.errors
import psutil
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

# How long an engine may take for one answer: starting and stopping take their time on a busy machine.
_ENGINE_SECONDS = 300
# A new network interface gets the last of its addresses so late.
_INTERFACE_SECONDS = 3.0


class Unavailable(Exception):
    """This way of running the server does not work here; the message says why in one line."""


class Server(Protocol):
    """A server process that can be ended and started again with its data and its port."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def remove(self) -> None: ...


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now, and that no other test of this or another process is given.

    It is none of those that the system hands out by itself, to what asks for any port or connects to somewhere: what
    this one is for can start, and start again, without meeting a stranger there. Of two processes with one port the
    second would end unnoticed, as the first answers for it.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    every = range(10_000, 65_536)
    ports = [port for port in every if not first <= port <= last] or list(every)
    while True:
        port = secrets.choice(ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _keep(port)
            return port


def _keep(port: int) -> None:
    """Give `port` to nobody else until this process ends. Raises OSError where it is somebody's already."""
    if port in _GIVEN:
        raise OSError(f"port {port} was given before")
    # A byte of the file for each port: such a lock ends with its process, however that ends.
    fcntl.lockf(_given_to_anybody(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    _GIVEN.add(port)


_GIVEN: set[int] = set()


@cache
def _given_to_anybody() -> BinaryIO:
    """Stays open: a process that closes a file loses its locks."""
    return (Path(tempfile.gettempdir()) / f"timeblu-ports-{os.getuid()}").open("ab")


@dataclass(frozen=True, kw_only=True)
class ForeignServer:
    """A server that somebody else runs, told by an address in the environment: it is used, not ruled."""

    name: str

    def start(self) -> None:
        self._refuse()

    def stop(self) -> None:
        self._refuse()

    def kill(self) -> None:
        self._refuse()

    def remove(self) -> None:
        """Nothing of it is ours."""

    def _refuse(self) -> None:
        raise RuntimeError(f"{self.name} was given by its address, so the tests cannot end it; unset the address")


@contextlib.contextmanager
def network(*, changes: bool) -> Iterator[None]:
    """Inside, this test process changes the network interfaces of the machine, as each container that starts or ends does, or else nobody does.

    A browser gives up all requests under way at such a change, be they to the machine itself.
    """
    place = Path(tempfile.gettempdir()) / f"timeblu-network-{os.getuid()}"
    with place.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if changes else fcntl.LOCK_SH)
        if not changes:
            since = time.time() - place.stat().st_mtime
            time.sleep(max(0.0, min(_INTERFACE_SECONDS, _INTERFACE_SECONDS - since)))
        try:
            yield
        finally:
            if changes:
                place.touch()


@dataclass(frozen=True, kw_only=True)
class ContainerServer:
    """A container with fixed ports of 127.0.0.1, so that it comes back at the same address.

    `shutdown` is a command inside it that ends the server cleanly, where a signal to the container takes its time.
    """

    container_id: str
    shutdown: Sequence[str] = ()

    def start(self) -> None:
        with network(changes=True):
            self._container().start()

    def stop(self) -> None:
        with network(changes=True):
            container = self._container()
            if self.shutdown:
                container.exec_run(list(self.shutdown))
            container.stop(timeout=30)

    def kill(self) -> None:
        with network(changes=True), contextlib.suppress(docker.errors.APIError):  # it is not running
            self._container().kill()

    def remove(self) -> None:
        with network(changes=True), contextlib.suppress(docker.errors.NotFound):
            self._container().remove(force=True, v=True)

    def _container(self) -> Any:
        return docker.from_env(timeout=_ENGINE_SECONDS).containers.get(self.container_id)


def run_container(
    image: str,
    *,
    environment: Mapping[str, str],
    ports: Mapping[int, int],
    command: str | None = None,
    shutdown: Sequence[str] = (),
) -> ContainerServer:
    """Starts `image` with `ports` (inside: outside). Raises Unavailable where no engine or no such image can be had."""
    try:
        client = docker.from_env(timeout=_ENGINE_SECONDS)
        client.ping()
    except docker.errors.DockerException as error:
        raise Unavailable("no container engine answers") from error
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        try:
            client.images.pull(image)
        except docker.errors.APIError as error:
            raise Unavailable(f"the image {image} is not here and cannot be pulled") from error
    # The reaper would end the servers with the test process that started them, while others still use them.
    testcontainers_config.ryuk_disabled = True
    container = DockerContainer(image, command=command, env=dict(environment))
    for inside, outside in ports.items():
        container.ports[f"{inside}/tcp"] = ("127.0.0.1", outside)  # type: ignore[assignment]
    try:
        with network(changes=True):
            container.start()
    except docker.errors.APIError as error:
        raise Unavailable(f"a container of {image} does not start: {error.explanation}") from error
    return ContainerServer(container_id=container.get_container_id(), shutdown=shutdown)


@dataclass(frozen=True, kw_only=True)
class PrivateServer:
    """An instance of a program of this machine, in a directory of its own; its process is known by a file of its number.

    `after` are commands to run once it is removed, for what outlives its process.
    """

    directory: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    after: Sequence[Sequence[str]] = ()

    def start(self) -> None:
        with (Path(self.directory) / "output.log").open("ab") as output:
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._pid_file.write_text(str(process.pid))

    def stop(self) -> None:
        self._end(self.stop_signal, patience=60)

    def kill(self) -> None:
        self._end(signal.SIGKILL, patience=30)

    def remove(self) -> None:
        self.kill()
        for command in self.after:
            subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _pid_file(self) -> Path:
        return Path(self.directory) / "server.pid"

    def _end(self, number: int, *, patience: float) -> None:
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            family = [process, *process.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return
        if number == signal.SIGKILL:
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
        else:
            process.send_signal(number)
        deadline = time.monotonic() + patience
        while any(_lives(member) for member in family):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.command[0]} did not end within {patience:g} s of signal {number}")
            time.sleep(0.02)
        self._pid_file.unlink(missing_ok=True)


def _lives(process: psutil.Process) -> bool:
    """Whether it still runs; a child of ours that has ended is collected on the way."""
    try:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def private_directory(name: str, *, owner: str | None = None) -> Iterator[Path]:
    """A new directory to prepare an instance in; it stays unless that fails or is interrupted.

    It lies outside pytest's own, which no other user may enter.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"timeblu-{name}-"))
    try:
        if owner:
            shutil.chown(directory, owner, owner)
        yield directory
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def install(*packages: str) -> None:
    """Installs Debian packages, without starting what they contain. Raises Unavailable where that is not ours to do."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(f"{', '.join(packages)}: not installed, and only root on Debian can install it from here")
    # In runlevel 1 a package's scripts start no service.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise Unavailable(f"{' '.join(command)} failed: {' '.join(last)}")


_WAYS: dict[str, type[ForeignServer] | type[ContainerServer] | type[PrivateServer]] = {
    way.__name__: way for way in (ForeignServer, ContainerServer, PrivateServer)
}


def describe(server: ForeignServer | ContainerServer | PrivateServer) -> str:
    """A line of JSON from which `attach` makes the same server in another process."""
    return json.dumps([type(server).__name__, asdict(server)])


def attach(line: str) -> ForeignServer | ContainerServer | PrivateServer:
    name, fields = json.loads(line)
    return _WAYS[name](**fields)
