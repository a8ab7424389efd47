"""The fixtures that any package's tests may ask for; loaded once by the conftest.py at the root."""

import contextlib
import fcntl
import functools
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from chassis.store import Store
from support.backing import Backing, Broker, Postgres, Schema, obtain_broker, obtain_postgres, remove_described
from support.processes import Processes

_STATE = pytest.StashKey[Path]()
_FAILED = pytest.StashKey[bool]()
_OBTAINED = pytest.StashKey[list[Broker | Postgres]]()
_BROKER, _POSTGRES = "rabbitmq.json", "postgres.json"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_OBTAINED] = []
    # With xdist the controller makes one place for all workers, and clears it away when they have ended, however.
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[_STATE] = Path(worker["servers"])


def pytest_sessionstart(session: pytest.Session) -> None:
    # SIGTERM ends a run as Ctrl-C does, so that no server of it stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if _STATE not in session.config.stash:
        base: Path = session.config._tmp_path_factory.mktemp("servers")  # type: ignore[attr-defined]
        session.config.stash[_STATE] = base


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    node.workerinput["servers"] = str(node.config.stash[_STATE])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if _STATE in config.stash and not hasattr(config, "workerinput"):
        for name in (_BROKER, _POSTGRES):
            remove_described(config.stash[_STATE] / name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    # A test that failed may have left a server ended: neither its fixtures nor the next test are to suffer for it.
    for obtained in item.config.stash[_OBTAINED]:
        # One that does not come back is told by who needs it next.
        with contextlib.suppress(Exception):
            obtained.mend()
    return report


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time, so that two workers do not both start a server."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _noted(config: pytest.Config, obtained: Backing) -> Backing:
    """What is seen to after each test."""
    config.stash[_OBTAINED].append(obtained)
    return obtained


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Broker:
    """A real RabbitMQ, shared by the whole run; take a fresh virtual host of it by `broker_url`."""
    place = pytestconfig.stash[_STATE]
    with _alone(place):
        return _noted(pytestconfig, obtain_broker(place / _BROKER))


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """A real PostgreSQL, shared by the whole run; take a fresh database of it by `postgres_url`."""
    place = pytestconfig.stash[_STATE]
    with _alone(place):
        obtained = _noted(pytestconfig, obtain_postgres(place / _POSTGRES, hasty=True))
    yield obtained
    obtained.leave()


@pytest.fixture(scope="session")
def own_broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A RabbitMQ that no other test process uses, so that a test may end it."""
    state = tmp_path_factory.mktemp("own-broker") / _BROKER
    yield _noted(pytestconfig, obtain_broker(state, own=True))
    remove_described(state)


@pytest.fixture(scope="session")
def own_postgres(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that no other test process uses, so that a test may end it."""
    state = tmp_path_factory.mktemp("own-postgres") / _POSTGRES
    yield _noted(pytestconfig, obtain_postgres(state, own=True, hasty=True))
    remove_described(state)


@pytest.fixture
def broker_url(broker: Broker) -> Iterator[str]:
    """A virtual host that only this test uses."""
    yield broker.vhost()
    broker.drop_vhosts()


@pytest.fixture(scope="session")
def schema() -> Schema:
    """The tables that a test's store has from its beginning. A package whose tests want some gives its own: they are copied, which takes
    a tenth of the time of making them."""
    return ()


@pytest.fixture
def postgres_url(postgres: Postgres, schema: Schema) -> Iterator[str]:
    """A database that only this test uses, owned by a role without further rights."""
    yield postgres.database(schema)
    postgres.drop_databases()


@pytest.fixture
def sqlite_url(tmp_path: Path, schema: Schema) -> str:
    """A SQLite file that only this test uses."""
    file = tmp_path / "store.sqlite3"
    if schema:
        file.write_bytes(_sqlite_file(schema))
    return f"sqlite:///{file}"


@functools.cache
def _sqlite_file(schema: Schema) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "made.sqlite3")
        with contextlib.closing(Store(f"sqlite:///{file}")) as store:
            store.migrate(*schema)
        return file.read_bytes()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Each of the two stores in turn, for what must hold on both."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Processes]:
    """Starts roles as real processes; ends them after the test, and prints the ends of their logs when it failed."""
    directory = tmp_path / "logs"
    directory.mkdir()
    started = Processes(directory=directory)
    yield started
    started.end()
    if request.node.stash.get(_FAILED, False):
        print(started.report())
