"""The command line of every service: `python -m <service> api|relay|consume|jobs|work|migrate|inbox`; any number of each may run."""

from __future__ import annotations

import argparse
import json
import sys
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from environs import Env
from peewee import PeeweeException

from chassis import inbox, telemetry
from chassis.problems import Problem
from chassis.service import Service, migrate
from chassis.settings import ServiceSettings, WrongSettings, read_settings
from chassis.store import StoreDown

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of one service's own: what it does in a line, what does it and returns the exit status, and what it is told."""

    text: str
    run: Callable[[Service, argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def main(
    name: str,
    read: Callable[[Env], S],
    build: Callable[[S], Service],
    *,
    commands: Mapping[str, Command] | None = None,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run the command that `arguments` (the process's own by default) name, then exit.

    `commands` are the service's own, by their names.
    """
    sys.exit(_main(name, read, build, commands or {}, arguments))


def _main(
    name: str,
    read: Callable[[Env], S],
    build: Callable[[S], Service],
    commands: Mapping[str, Command],
    arguments: Sequence[str] | None,
) -> int:
    parsed = _parser(name, commands).parse_args(arguments)
    try:
        settings = read_settings(read)
    except WrongSettings as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    # The pinned time zone data, whose version /meta tells, and not whatever the machine has.
    zoneinfo.reset_tzpath(to=())
    telemetry.configure_logging(settings.log_level, process=f"{name} {parsed.command}")
    telemetry.configure_tracing(name, settings.otlp_endpoint)
    try:
        return _run(build(settings), parsed, commands)
    except StoreDown as error:
        print(f"{name}: the store cannot be reached: {_first_line(error)}", file=sys.stderr)
    except PeeweeException as error:
        print(f"{name}: the store refuses this: {_first_line(error)}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {settings.http_host}:{settings.http_port}: {error.strerror or error}", file=sys.stderr)
    except Problem as problem:
        print(f"{name}: {problem.detail}", file=sys.stderr)
    return 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _run(service: Service, parsed: argparse.Namespace, commands: Mapping[str, Command]) -> int:
    from chassis import processes

    match parsed.command:
        case "api":
            processes.run_api(service)
        case "relay":
            processes.run_relay(service)
        case "consume":
            processes.run_consume(service)
        case "jobs":
            processes.run_jobs(service)
        case "work":
            if parsed.channel not in service.workers():
                print(f"{service.name}: there is nothing to send on the channel {parsed.channel}", file=sys.stderr)
                return 2
            processes.run_work(service, parsed.channel, parsed.concurrency)
        case "migrate":
            applied = migrate(service)
            print("\n".join(applied) or "up to date")
        case "inbox":
            _inbox(service, parsed)
        case own:
            return commands[own].run(service, parsed)
    return 0


def _inbox(service: Service, parsed: argparse.Namespace) -> None:
    match parsed.action:
        case "list":
            for found in inbox.entries(service.store, status=parsed.status, after=None, limit=parsed.limit):
                _print({name: value for name, value in asdict(found).items() if name != "body"})
        case "show":
            _print(asdict(inbox.entry(service.store, parsed.event_id)))
        case "retry":
            _print(asdict(inbox.run_again(service, parsed.event_id)))
        case "discard":
            _print(asdict(inbox.discard(service.store, parsed.event_id)))
    service.wakeups.close()


def _print(entry: dict[str, Any]) -> None:
    print(
        json.dumps({name: value for name, value in entry.items() if value is not None}, default=str, ensure_ascii=False)
    )


def _parser(name: str, own: Mapping[str, Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}", description=f"The {name} service; settings come from the environment."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("api", help="serve HTTP")
    commands.add_parser("relay", help="publish the outbox to the broker")
    commands.add_parser("consume", help="handle events, and retry those that are kept")
    commands.add_parser("jobs", help="do what falls due by the clock")
    work = commands.add_parser("work", help="send what is due on one channel (notifications)")
    work.add_argument("--channel", choices=["email", "sms"], required=True)
    work.add_argument("--concurrency", type=int, default=8, choices=range(1, 65), metavar="1-64")
    commands.add_parser("migrate", help="bring the store's tables up to date")
    kept = commands.add_parser("inbox", help="events that are kept: list, show, retry, discard")
    actions = kept.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="a JSON line each")
    listing.add_argument("--status", choices=[s.value for s in inbox.InboxStatus if s is not inbox.InboxStatus.DONE])
    listing.add_argument("--limit", type=int, default=200)
    for action, text in {
        "show": "one with its body",
        "retry": "run it again now",
        "discard": "give it up for good",
    }.items():
        actions.add_parser(action, help=text).add_argument("event_id")
    for name_, command in own.items():
        command.arguments(commands.add_parser(name_, help=command.text))
    return parser
