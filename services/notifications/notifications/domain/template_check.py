"""What an account's own template may be: a small part of Jinja2, of which every variable exists.

Templates are rendered by workers that all accounts share. So there is nothing in them by which one could keep a worker busy or fill its
memory: no assignment, no arithmetic that multiplies, no loop but one over what a message lists, no call but of our own parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifications.domain import samples
from notifications.domain.kinds import Channel, Kind
from notifications.domain.templates import PARTS, Source, Variables, render_email, render_sms
from notifications.domain.wording import Wording

VARIABLES = tuple(field.name for field in fields(Variables))
LISTS = ("occurrences", "links", "payments")
FILTERS = ("upper", "lower", "capitalize", "title", "trim", "length", "first", "last", "default")
LONGEST = {"subject": 500, "text": 20_000, "html": 60_000}
LONGEST_SMS = 1600
"""Characters that Twilio takes at once (its error 21617)."""
_MOST_NODES, _DEEPEST = 2000, 40
_TOO_DEEP = "Too deeply nested."
_HARMLESS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not,
    nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Concat, nodes.Keyword,
)  # fmt: skip


def faults(kind: Kind, channel: Channel, source: Source, wording: Wording) -> dict[str, list[str]]:
    """What is wrong with a template, by its field; empty where it can be used."""
    texts = _texts(channel, source)
    found = {field: wrong for field, text in texts.items() if (wrong := list(_faults(field, text)))}
    return found or _render(kind, channel, source, wording)


def _texts(channel: Channel, source: Source) -> Mapping[str, str]:
    if channel is Channel.SMS:
        return {"text": source.sms}
    return {"subject": source.subject, "text": source.text, "html": source.html}


def _faults(field: str, text: str) -> Iterator[str]:
    if not text.strip():
        yield "This is empty."
        return
    if len(text) > LONGEST[field]:
        yield f"Longer than {LONGEST[field]} characters."
        return
    try:
        tree = ImmutableSandboxedEnvironment().parse(text)
    except TemplateError as error:
        yield f"Not a template: {error}"
        return
    except RecursionError:
        yield _TOO_DEEP
        return
    known = frozenset(VARIABLES) | ({"parts"} if field == "html" else set())
    for count, fault in enumerate(_walk(tree, known)):
        if fault is not None:
            yield fault
            return
        if count > _MOST_NODES:
            yield "This template is too large."
            return


def _walk(node: nodes.Node, known: frozenset[str], *, in_loop: bool = False, depth: int = 0) -> Iterator[str | None]:
    """None for each part that is harmless, a sentence for one that is not: nobody goes on after that."""
    yield _TOO_DEEP if depth > _DEEPEST else _fault(node, known, in_loop=in_loop)
    inner: Iterable[nodes.Node] = node.iter_child_nodes()
    match node:
        case nodes.For():
            yield from _walk(node.iter, known, in_loop=in_loop, depth=depth + 1)
            known, in_loop = known | {target.name for target in _targets(node.target)} | {"loop"}, True
            inner = (*node.body, *node.else_, *([node.test] if node.test else []))
        case nodes.Call():
            inner = (*node.args, *node.kwargs)  # what is called was judged with it
        case nodes.Getattr():
            inner = ()
    for each in inner:
        yield from _walk(each, known, in_loop=in_loop, depth=depth + 1)


def _fault(node: nodes.Node, known: frozenset[str], *, in_loop: bool) -> str | None:
    match node:
        case nodes.Name():
            if node.ctx != "load":
                return f"`{node.name}` cannot be given a value."
            if node.name == "parts":
                return "`parts` is used as `parts.button(url, label)` and its like."
            return (
                None
                if node.name in known
                else f"There is no variable `{node.name}`; there are: {', '.join(VARIABLES)}."
            )
        case nodes.Filter():
            if node.name not in FILTERS:
                return f"There is no filter `{node.name}`; there are: {', '.join(FILTERS)}."
            return None
        case nodes.For():
            if in_loop or not (isinstance(node.iter, nodes.Name) and node.iter.name in LISTS):
                return f"A loop goes over {', '.join(LISTS)}, and is in no other loop."
            if not all(isinstance(target, nodes.Name) for target in _targets(node.target)) or node.recursive:
                return "A loop gives names to what it goes over, such as `{% for date, amount, url in payments %}`."
            shadowed = {target.name for target in _targets(node.target)} & {*LISTS, "parts", "loop"}
            return f"`{min(shadowed)}` is something else already." if shadowed else None
        case nodes.Call():
            callee = node.node
            ours = (
                isinstance(callee, nodes.Getattr)
                and isinstance(callee.node, nodes.Name)
                and callee.node.name == "parts"
            )
            if not ours or "parts" not in known or node.dyn_args or node.dyn_kwargs:
                return "Only our parts can be called, in `html`: " + ", ".join(f"parts.{name}" for name in PARTS) + "."
            assert isinstance(callee, nodes.Getattr)
            return None if callee.attr in PARTS else f"There is no part `{callee.attr}`; there are: {', '.join(PARTS)}."
        case nodes.Getattr():
            loop = isinstance(node.node, nodes.Name) and node.node.name == "loop" and in_loop
            return None if loop and node.attr in ("first", "last", "index") else f"`.{node.attr}` does not exist."
        case _:
            return None if isinstance(node, _HARMLESS) else f"`{type(node).__name__}` cannot be used in a template."


def _targets(target: nodes.Node) -> list[nodes.Name]:
    """The names that a loop gives; whether they are names is judged elsewhere."""
    return list(target.items) if isinstance(target, nodes.Tuple) else [target]  # type: ignore[arg-type,list-item]


def _render(kind: Kind, channel: Channel, source: Source, wording: Wording) -> dict[str, list[str]]:
    """What only rendering shows, by every sort of message of this kind."""
    for variables in samples.all_of(kind, wording):
        try:
            if channel is Channel.SMS:
                if len(render_sms(source, variables)) > LONGEST_SMS:
                    return {"text": [f"Rendered, it is longer than {LONGEST_SMS} characters."]}
            elif not render_email(source, variables, wording.language).subject:
                return {"subject": ["Rendered, it is empty where the session lacks what it tells."]}
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            return {"text" if channel is Channel.SMS else "_schema": [f"It cannot be rendered: {error}"]}
    return {}
