"""A real RabbitMQ and a real PostgreSQL for the tests, found or started in one order, and never skipped.

1. the addresses in TEST_RABBITMQ_URL and TEST_POSTGRES_URL;
2. containers, when an engine answers and the image is there or can be pulled (RABBITMQ_TAG, POSTGRES_TAG);
3. private instances of the servers installed on this machine;
4. the same after installing them, as root on Debian.

TEST_SERVERS=container or TEST_SERVERS=private asks for one way alone. Each test gets a virtual host and a database of
its own, so that tests share servers and nothing else.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import pika
import pika.exceptions
import psycopg
import requests
from psycopg import sql

from chassis.store import Store
from support.servers import (
    ContainerServer,
    ForeignServer,
    PrivateServer,
    Unavailable,
    attach,
    describe,
    free_port,
    install,
    private_directory,
    run_container,
)
from support.waiting import wait_until

Schema = tuple[Path, ...]
"""The folders of the migrations that make it; none for an empty store."""
AnyServer = ForeignServer | ContainerServer | PrivateServer
_START_DEADLINE = 300.0
_SETTINGS: dict[str, object] = {"max_connections": 300}
_HASTY: dict[str, object] = {"fsync": "off", "full_page_writes": "off"}


@dataclass(kw_only=True)
class _Backing(ABC):
    """A server that a test may end and start again; what it has left ended, `mend` starts."""

    server: AnyServer
    _ended: bool = False

    def stop(self) -> None:
        self._ended = True
        self.server.stop()

    def kill(self) -> None:
        """As a power cut: no goodbye to anybody."""
        self._ended = True
        self.server.kill()

    def start(self) -> None:
        self.server.start()
        self.wait_ready()
        self._ended = False

    def restart(self) -> None:
        self.stop()
        self.start()

    def mend(self) -> None:
        if self._ended:
            self.start()

    @abstractmethod
    def wait_ready(self) -> None:
        """Until it answers."""


@dataclass(kw_only=True)
class Broker(_Backing):
    """A RabbitMQ whose virtual hosts keep tests apart. `url` and `management_url` carry an administrator's name and password."""

    url: str
    management_url: str
    _made: list[str] = field(default_factory=list)

    def vhost(self) -> str:
        """The address of a fresh virtual host."""
        name = f"test-{secrets.token_hex(6)}"
        user = urlsplit(self.url).username or "guest"
        self._manage("PUT", f"vhosts/{name}")
        self._manage("PUT", f"permissions/{name}/{quote(user)}", {"configure": ".*", "write": ".*", "read": ".*"})
        self._made.append(name)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_vhosts(self) -> None:
        """Removes what `vhost` made, with its queues and connections."""
        while self._made:
            self._manage("DELETE", f"vhosts/{self._made.pop()}")

    def depth(self, url: str, queue: str) -> int:
        """How many messages are ready in `queue` of the virtual host at `url`."""
        connection = pika.BlockingConnection(pika.URLParameters(url))
        try:
            return int(connection.channel().queue_declare(queue, passive=True).method.message_count)
        finally:
            connection.close()

    def wait_ready(self) -> None:
        wait_until(
            self._answers,
            deadline=_START_DEADLINE,
            interval=0.2,
            what="RabbitMQ to answer",
            ignoring=(pika.exceptions.AMQPError, requests.RequestException, OSError),
        )

    def _answers(self) -> bool:
        self._manage("GET", "whoami")
        pika.BlockingConnection(pika.URLParameters(f"{self.url}/%2F?socket_timeout=5")).close()
        return True

    def _manage(self, method: str, path: str, body: object = None) -> None:
        answer = requests.request(method, f"{self.management_url}/api/{path}", json=body, timeout=30)
        answer.raise_for_status()


@dataclass(kw_only=True)
class Postgres(_Backing):
    """A PostgreSQL whose databases keep tests apart. `url` carries the administrator's name and password."""

    url: str
    _made: list[str] = field(default_factory=list)
    _role: tuple[str, str] | None = None
    _templates: dict[Schema, str] = field(default_factory=dict)

    def database(self, schema: Schema = ()) -> str:
        """The address of a fresh database with the tables of `schema`, owned by a role that may do nothing else, as in production."""
        if schema and schema not in self._templates:
            template = self._create()
            with closing(Store(self._address(template))) as store:
                store.migrate(*schema)
            self._templates[schema] = template
        self._made.append(self._create(self._templates.get(schema, "template1")))
        return self._address(self._made[-1])

    def drop_databases(self) -> None:
        """Removes what `database` made, whoever is still connected."""
        while self._made:
            self._drop(self._made.pop())

    def leave(self) -> None:
        """Removes what this process still has there."""
        self.drop_databases()
        while self._templates:
            self._drop(self._templates.popitem()[1])
        if self._role:
            self._administer(sql.SQL("DROP ROLE {}").format(sql.Identifier(self._role[0])))
            self._role = None

    def _create(self, template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(6)}"
        if self._role is None:
            self._role = name, secrets.token_hex(8)
            role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            self._administer(role.format(sql.Identifier(name), sql.Literal(self._role[1])))
        database = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        self._administer(database.format(*map(sql.Identifier, (name, self._role[0], template))))
        return name

    def _drop(self, name: str) -> None:
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _address(self, database: str) -> str:
        assert self._role
        parts = urlsplit(self.url)
        return urlunsplit(
            parts._replace(netloc=f"{':'.join(self._role)}@{parts.hostname}:{parts.port}", path=f"/{database}")
        )

    def wait_ready(self) -> None:
        wait_until(
            self._answers,
            deadline=_START_DEADLINE,
            interval=0.1,
            what="PostgreSQL to answer",
            ignoring=(psycopg.OperationalError,),
        )

    def _answers(self) -> bool:
        self._administer(sql.SQL("SELECT 1"))
        return True

    def _administer(self, *statements: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                connection.execute(statement)


Backing = TypeVar("Backing", Broker, Postgres)


def obtain_broker(state: Path, *, own: bool = False) -> Broker:
    """The broker described in the file `state`, or a new one, described there for other test processes.

    `own`: never one that was given by its address, as the test is going to end it.
    """
    if state.exists():
        kept = json.loads(state.read_text())
        broker = Broker(url=kept["url"], management_url=kept["management_url"], server=attach(kept["server"]))
    else:
        broker = _first_that_works(
            "RabbitMQ", _none if own else _given_broker, {"container": _container_broker, "private": _private_broker}
        )
        described = {"url": broker.url, "management_url": broker.management_url, "server": describe(broker.server)}
        state.write_text(json.dumps(described))
    broker.wait_ready()
    return broker


def obtain_postgres(state: Path, *, own: bool = False, hasty: bool = False) -> Postgres:
    """The database server described in the file `state`, or a new one, described there for other test processes. `own` as for a broker.

    `hasty`: it does not wait for the disk. A server that is killed has lost nothing, as the kernel writes on; only a power cut would tell.
    """
    if state.exists():
        kept = json.loads(state.read_text())
        postgres = Postgres(url=kept["url"], server=attach(kept["server"]))
    else:
        postgres = _first_that_works(
            "PostgreSQL",
            _none if own else _given_postgres,
            {"container": partial(_container_postgres, hasty), "private": partial(_private_postgres, hasty)},
        )
        state.write_text(json.dumps({"url": postgres.url, "server": describe(postgres.server)}))
    postgres.wait_ready()
    return postgres


def remove_described(state: Path) -> None:
    """Ends the server described in the file `state` for good, if there is one."""
    if state.exists():
        attach(json.loads(state.read_text())["server"]).remove()
        state.unlink(missing_ok=True)  # another run may have pruned the folder


def _first_that_works(
    name: str, given: Callable[[], Backing | None], ways: dict[str, Callable[[], Backing]]
) -> Backing:
    found = given()
    if found is not None:
        return found
    asked = os.environ.get("TEST_SERVERS")
    reasons = []
    for way, start in ways.items():
        if asked in (None, "", way):
            try:
                return start()
            except Unavailable as reason:
                reasons.append(str(reason))
    raise RuntimeError(f"no {name} for the tests: {'; '.join(reasons) or f'TEST_SERVERS={asked} names no way'}")


def _none() -> None:
    """What is given where nothing may be."""


def _given_broker() -> Broker | None:
    url = os.environ.get("TEST_RABBITMQ_URL")
    if not url:
        return None
    parts = urlsplit(url)
    management = os.environ.get("TEST_RABBITMQ_MANAGEMENT_URL") or (
        f"http://{parts.username or 'guest'}:{parts.password or 'guest'}@{parts.hostname}:15672"
    )
    return Broker(url=url.rstrip("/"), management_url=management, server=ForeignServer(name="RabbitMQ"))


def _given_postgres() -> Postgres | None:
    url = os.environ.get("TEST_POSTGRES_URL")
    return Postgres(url=url, server=ForeignServer(name="PostgreSQL")) if url else None


def _container_broker() -> Broker:
    password, port, management_port = secrets.token_hex(8), free_port(), free_port()
    server = run_container(
        f"rabbitmq:{os.environ.get('RABBITMQ_TAG', '4-management')}",
        environment={"RABBITMQ_DEFAULT_USER": "test", "RABBITMQ_DEFAULT_PASS": password},
        ports={5672: port, 15672: management_port},
        shutdown=["rabbitmqctl", "shutdown", "--timeout", "30"],
    )
    return _local_broker(password, port, management_port, server)


def _container_postgres(hasty: bool) -> Postgres:
    password, port = secrets.token_hex(8), free_port()
    server = run_container(
        f"postgres:{os.environ.get('POSTGRES_TAG', '18')}",
        environment={"POSTGRES_PASSWORD": password},
        ports={5432: port},
        command=" ".join(["postgres", *_options(_SETTINGS | (_HASTY if hasty else {}))]),
    )
    return Postgres(url=f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", server=server)


def _private_broker() -> Broker:
    """An Erlang node of its own name, cookie, name server and directories."""
    program = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # not the wrapper in PATH, which changes user and directory
    if not Path(program).exists():
        install("rabbitmq-server")
    with private_directory("rabbitmq") as directory:
        password, port, management_port = secrets.token_hex(8), free_port(), free_port()
        (directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management_port}\n"
            f"default_user = test\ndefault_pass = {password}\n"
        )
        (directory / "enabled_plugins").write_text("[rabbitmq_management].")
        cookie = directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        environment = {
            "HOME": str(directory),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "no-such-file"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_NODENAME": f"test-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # it may be ended before it has noticed that its node has
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the server, instead of watching over it
        }
        server = PrivateServer(
            directory=str(directory),
            command=[program],
            environment=environment,
            after=[
                ["epmd", "-kill"]
            ],  # Erlang's name server outlives its nodes; this one, at its own port, served ours alone
        )
        server.start()
        return _local_broker(password, port, management_port, server)


def _private_postgres(hasty: bool) -> Postgres:
    """A cluster of its own; as root it belongs to the user `postgres`, because the server refuses to be root."""
    programs = _postgres_programs()
    if not programs:
        install("postgresql")
        programs = _postgres_programs()
    root = os.geteuid() == 0
    with private_directory("postgres", owner="postgres" if root else None) as directory:
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if root else []
        password, port, data = secrets.token_hex(8), free_port(), directory / "data"
        secret = directory / "password"
        secret.write_text(password)
        made = subprocess.run(
            [
                *become,
                f"{programs}/initdb",
                "-D",
                str(data),
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                "--no-sync",
            ],
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise Unavailable(f"initdb failed: {made.stderr.strip()}")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            **_SETTINGS,
            **(_HASTY if hasty else {}),
        }
        server = PrivateServer(
            directory=str(directory),
            command=[*become, f"{programs}/postgres", "-D", str(data), *_options(settings)],
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: connections are ended, data are written
        )
        server.start()
        return Postgres(url=f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", server=server)


def _options(settings: Mapping[str, object]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _postgres_programs() -> str | None:
    """The folder of the newest installed server; Debian keeps it out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return str(found[-1].parent)
    initdb = shutil.which("initdb")
    return str(Path(initdb).parent) if initdb else None


def _local_broker(password: str, port: int, management_port: int, server: AnyServer) -> Broker:
    return Broker(
        url=f"amqp://test:{password}@127.0.0.1:{port}",
        management_url=f"http://test:{password}@127.0.0.1:{management_port}",
        server=server,
    )
