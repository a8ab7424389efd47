"""What each Stripe parameter may be, so that a request Stripe would refuse is refused here, in Stripe's words."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe.errors import invalid, missing_param, unknown_params
from sandbox.stripe.forms import Wire

EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


@dataclass(frozen=True, kw_only=True)
class Param(ABC):
    """One parameter. `parse` turns what came over the wire into a value or raises the error Stripe answers."""

    required: bool = False

    @abstractmethod
    def parse(self, value: Wire, name: str) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Text(Param):
    """`unsettable`: an empty value is taken, as a wish to unset."""

    max_length: int = 5000
    unsettable: bool = False

    def parse(self, value: Wire, name: str) -> str:
        if not isinstance(value, str):
            raise invalid("Invalid string: must be a string, not a hash", param=name)
        if not value and not self.unsettable:
            raise invalid(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty "
                "value.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > self.max_length:
            raise invalid(
                f"Invalid string: {value[:12]}...{value[-12:]}; must be at most {self.max_length} characters",
                code="parameter_invalid_string_length" if self.max_length == 255 else "",
                param=name,
            )
        return value


@dataclass(frozen=True, kw_only=True)
class Currency(Text):
    def parse(self, value: Wire, name: str) -> str:
        text = super().parse(value, name).lower()
        if not re.fullmatch("[a-z]{3}", text):
            raise invalid(f"Invalid currency: {text}. Stripe takes three-letter ISO codes.", param=name)
        return text


@dataclass(frozen=True, kw_only=True)
class Email(Text):
    def parse(self, value: Wire, name: str) -> str:
        text = super().parse(value, name)
        if not EMAIL.fullmatch(text):
            raise invalid(f"Invalid email address: {text}", code="email_invalid", param=name)
        return text


@dataclass(frozen=True, kw_only=True)
class Url(Text):
    def parse(self, value: Wire, name: str) -> str:
        text = super().parse(value, name)
        if not text:
            return text
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise invalid("Not a valid URL", code="url_invalid", param=name)
        return text


@dataclass(frozen=True, kw_only=True)
class Integer(Param):
    minimum: int | None = None
    maximum: int = 99_999_999_999

    def parse(self, value: Wire, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,12}", value):
            raise invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        number = int(value)
        if self.minimum is not None and number < self.minimum:
            kind = "non-negative " if self.minimum == 0 else "positive " if self.minimum == 1 else ""
            message = (
                f"Invalid {kind}integer" if kind else f"This value must be greater than or equal to {self.minimum}."
            )
            raise invalid(message, code="parameter_invalid_integer", param=name)
        if number > self.maximum:
            raise invalid(
                f"This value must be less than or equal to {self.maximum}.",
                code="parameter_invalid_integer",
                param=name,
            )
        return number


@dataclass(frozen=True, kw_only=True)
class Boolean(Param):
    def parse(self, value: Wire, name: str) -> bool:
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", param=name)
        return value == "true"


@dataclass(frozen=True, kw_only=True)
class Choice(Param):
    of: tuple[str, ...]

    def parse(self, value: Wire, name: str) -> str:
        if value not in self.of:
            *most, last = self.of
            names = f"{', '.join(most)}{',' if len(most) > 1 else ''} or {last}" if most else last
            one_of = "one of " if most else ""
            raise invalid(f"Invalid {name}: must be {one_of}{names}", param=name)
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Many(Param):
    of: Param
    at_most: int = 100

    def parse(self, value: Wire, name: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
            raise invalid("Invalid array", param=name)
        if len(value) > self.at_most:
            raise invalid(f"Array must have at most {self.at_most} elements", param=name)
        return [self.of.parse(value[key], f"{name}[{key}]") for key in sorted(value, key=int)]


@dataclass(frozen=True, kw_only=True)
class Metadata(Param):
    """Up to 50 keys of 40 characters, values of 500. An empty value unsets its key; an empty whole unsets all (None)."""

    def parse(self, value: Wire, name: str) -> dict[str, str] | None:
        if value == "":
            return None
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise invalid("Invalid metadata: must be a hash of strings", param=name)
        if len(value) > 50:
            raise invalid("You can only have 50 metadata keys", param=name)
        for key, each in value.items():
            if len(key) > 40:
                raise invalid(f"Metadata keys can have up to 40 characters: {key}", param=name)
            if len(each) > 500:
                raise invalid(
                    f"Metadata values can have up to 500 characters, but you passed in a value of {len(each)} "
                    f"characters for '{key}'.",
                    param=f"{name}[{key}]",
                )
        return {key: str(each) for key, each in value.items()}


@dataclass(frozen=True, kw_only=True)
class Anything(Param):
    """What Stripe takes here and the sandbox keeps without looking: names, addresses, evidence."""

    def parse(self, value: Wire, name: str) -> Any:
        if isinstance(value, str):
            return value or None
        return {key: self.parse(each, f"{name}[{key}]") for key, each in value.items()}


@dataclass(frozen=True, kw_only=True)
class Fields(Param):
    """A hash of named parameters; any other name is refused."""

    of: dict[str, Param] = field(default_factory=dict)

    def parse(self, value: Wire, name: str = "") -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=name)

        def full(key: str) -> str:
            return f"{name}[{key}]" if name else key

        if unknown := [full(key) for key in value if key not in self.of]:
            raise unknown_params(unknown)
        for key, param in self.of.items():
            if param.required and key not in value:
                raise missing_param(full(key))
        return {key: self.of[key].parse(each, full(key)) for key, each in value.items()}


@dataclass(frozen=True, kw_only=True)
class Range(Param):
    """`created=1700000000`, or `created[gte]=…` with `gt` `gte` `lt` `lte`."""

    def parse(self, value: Wire, name: str) -> dict[str, int]:
        number = Integer()
        if isinstance(value, str):
            exact = number.parse(value, name)
            return {"gte": exact, "lte": exact}
        return Fields(of={"gt": number, "gte": number, "lt": number, "lte": number}).parse(value, name)


def fields(**of: Param) -> Fields:
    return Fields(of=of)


EXPAND = Many(of=Text(), at_most=20)


def body(**of: Param) -> Fields:
    """The parameters of an endpoint that answers one object."""
    return Fields(of={"expand": EXPAND, **of})


def listing(*, dated: bool = True, **of: Param) -> Fields:
    """The parameters of an endpoint that answers a page of objects; `dated`: it can be filtered by `created`."""
    cursors: dict[str, Param] = {
        "limit": Integer(minimum=1, maximum=100),
        "starting_after": Text(),
        "ending_before": Text(),
    }
    created: dict[str, Param] = {"created": Range()} if dated else {}
    return Fields(of={"expand": EXPAND, **cursors, **created, **of})
