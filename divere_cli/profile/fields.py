"""The kinds of values in a preset: each can read, describe and publish itself.

Each kind has three methods side by side, so that they agree: ``read`` (strict, reports to a
:class:`Place`), ``schema`` (JSON Schema) and ``words`` (for messages and the documentation). The
keys are in :mod:`divere_cli.profile.schema`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from divere_cli.profile.diagnostics import Place
from divere_cli.profile.strict_json import Json

KEY = "divere key"
# Editors read this key to find the schema of a file.
SCHEMA_KEY = "$schema"


class Kind(Protocol):
    """A kind of value."""

    def read(self, value: Json, at: Place) -> Any:
        """Return the value with the type of its field, or None after reporting a problem."""

    def schema(self) -> dict[str, Json]:
        """Return its JSON Schema (draft 2020-12)."""

    def words(self) -> str:
        """Return the allowed values in words."""


@dataclass(frozen=True, slots=True)
class Key:
    """The description of a field: its kind, meaning, unit, and the meaning of its absence."""

    kind: Kind
    text: str
    unit: str = ""
    absent: str = ""
    required: bool = False


def key(kind: Kind, text: str, *, unit: str = "", absent: str = "") -> Any:
    """Declare an optional key; a JSON null is the same as its absence.

    Parameters
    ----------
    kind : Kind
        Kind of its value.
    text : str
        The meaning of the key.
    unit : str, default ''
        Unit of the value.
    absent : str, default ''
        What its absence means.
    """
    declaration = Key(kind, text, unit, absent)
    return dataclasses.field(default=None, metadata={KEY: declaration})


def required(kind: Kind, text: str, *, unit: str = "") -> Any:
    """Declare a key that must be present.

    Parameters
    ----------
    kind : Kind
        Kind of its value.
    text : str
        The meaning of the key.
    unit : str, default ''
        Unit of the value.
    """
    return dataclasses.field(metadata={KEY: Key(kind, text, unit, required=True)})


def keys(cls: type) -> dict[str, Key]:
    """Return the JSON keys of a schema class, in order; fields without a kind are not JSON.

    Parameters
    ----------
    cls : type
        The class.
    """
    return {f.name: f.metadata[KEY] for f in dataclasses.fields(cls) if KEY in f.metadata}


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number in a closed range; a bool is not accepted.

    A value that exceeds the range by ``slack`` or less is a rounding error, and is clipped.
    """

    low: float
    high: float
    slack: float = 0.0

    def read(self, value: Json, at: Place) -> float | None:
        number = None if isinstance(value, bool) or not isinstance(value, int | float) else value
        if number is not None and self.low - self.slack <= number <= self.high + self.slack:
            return float(min(max(number, self.low), self.high))
        at.refuse(value, self.words())
        return None

    def schema(self) -> dict[str, Json]:
        low, high = self.low - self.slack, self.high + self.slack
        return {"type": "number", "minimum": low, "maximum": high}

    def words(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""

    longest: int = 1000

    def read(self, value: Json, at: Place) -> str | None:
        if isinstance(value, str) and len(value) <= self.longest:
            return value
        at.refuse(value, self.words())
        return None

    def schema(self) -> dict[str, Json]:
        return {"type": "string", "maxLength": self.longest}

    def words(self) -> str:
        return f"a text of at most {self.longest} characters"


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, value: Json, at: Place) -> bool | None:
        if isinstance(value, bool):
            return value
        at.refuse(value, self.words())
        return None

    def schema(self) -> dict[str, Json]:
        return {"type": "boolean"}

    def words(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, or one of a few whole numbers."""

    values: tuple[str, ...] | tuple[int, ...]

    def read(self, value: Json, at: Place) -> str | int | None:
        if not isinstance(value, bool):
            for allowed in self.values:
                if value == allowed:
                    return allowed
        at.refuse(value, self.words())
        return None

    def schema(self) -> dict[str, Json]:
        return {"enum": list(self.values)}

    def words(self) -> str:
        return "one of " + ", ".join(str(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value, written by other programs and ignored."""

    def read(self, value: Json, at: Place) -> None:
        return None

    def schema(self) -> dict[str, Json]:
        return {}

    def words(self) -> str:
        return "anything"


@dataclass(frozen=True, slots=True)
class KindOf(Anything):
    """An object that others keep, of which its ``kind`` is read; that word alone is one, too."""

    def read(self, value: Json, at: Place) -> str | None:  # type: ignore[override]
        named = ("schema", "kind")  # an analysis has both: a frame's kind is no kind of preset
        name = (
            next((value[n] for n in named if n in value), None)
            if isinstance(value, dict)
            else value
        )
        return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one kind; ``counts`` are the lengths allowed: (least, most), and 0 if ``empty``."""

    kind: Kind
    least: int
    most: int
    wording: str
    empty: bool = False

    def read(self, value: Json, at: Place) -> tuple[Any, ...] | None:
        if not isinstance(value, list) or not self._fits(len(value)):
            at.refuse(value, self.words())
            return None
        items = tuple(self.kind.read(item, at.item(i)) for i, item in enumerate(value))
        return None if any(item is None for item in items) else items

    def _fits(self, count: int) -> bool:
        return self.least <= count <= self.most or (self.empty and count == 0)

    def schema(self) -> dict[str, Json]:
        array: dict[str, Json] = {
            "type": "array",
            "items": self.kind.schema(),
            "minItems": self.least,
            "maxItems": self.most,
        }
        if not self.empty:
            return array
        return {"anyOf": [{"type": "array", "maxItems": 0}, array]}

    def words(self) -> str:
        return self.wording


@dataclass(frozen=True, slots=True)
class Object:
    """An object whose keys are those of a schema class. Unknown keys are warnings."""

    cls: type
    NULL: ClassVar[dict[str, Json]] = {"type": "null"}

    def read(self, value: Json, at: Place) -> Any:
        if not isinstance(value, dict):
            at.refuse(value, self.words())
            return None
        declared = keys(self.cls)
        at.unknown(
            [name for name in value if name not in declared and name != SCHEMA_KEY], declared
        )
        members: dict[str, Any] = {}
        for name, entry in declared.items():
            member = value.get(name)
            if member is not None:
                members[name] = entry.kind.read(member, at.key(name))
            elif entry.required:
                at.key(name).problem(f"is missing; needed: {entry.kind.words()}")
                members[name] = None
        broken = any(entry.required and members[name] is None for name, entry in declared.items())
        return None if broken else self.cls(**members)

    def schema(self) -> dict[str, Json]:
        return {"$ref": f"#/$defs/{self.cls.__name__}"}

    def definition(self) -> dict[str, Json]:
        """Return the definition that ``schema`` refers to."""
        declared = keys(self.cls)
        needed: list[Json] = [name for name, entry in declared.items() if entry.required]
        properties: dict[str, Json] = {n: self._property(entry) for n, entry in declared.items()}
        schema: dict[str, Json] = {"type": "object", "properties": properties}
        if needed:
            schema["required"] = needed
        return schema

    def definitions(self) -> dict[str, Json]:
        """Return the definitions of this class and of all classes in its keys."""
        by_name: dict[str, Json] = {self.cls.__name__: self.definition()}
        for entry in keys(self.cls).values():
            kind = entry.kind.kind if isinstance(entry.kind, Items) else entry.kind
            if isinstance(kind, Object):
                by_name |= kind.definitions()
        return by_name

    def _property(self, entry: Key) -> dict[str, Json]:
        schema = entry.kind.schema()
        if schema and not entry.required:
            schema = {"anyOf": [self.NULL, schema]}
        unit = f" Unit: {entry.unit}." if entry.unit else ""
        absent = f" When absent: {entry.absent}." if entry.absent else ""
        return {"description": f"{entry.text}.{unit}{absent}", **schema}

    def words(self) -> str:
        names = list(keys(self.cls))
        return "an object with " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
