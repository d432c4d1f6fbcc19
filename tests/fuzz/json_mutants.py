"""JSON texts edited by hand: a good document with values exchanged, removed and made absurd."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 10**18, 1e308, -1e308, 0.5, "", "x" * 100_000, "../../x",
    "/etc/passwd", "a\0b", "\ud800", "\x1b]0;x\x07", "=1+1", "<script>", "NaN", [], {}, [None],
    [[]], ["x"], {"a": 1}, [1, 2.5, "x", None], "2026-13-45T99:99:99Z",
)  # fmt: skip
BROKEN = ('"', "{", "}", "[", ",", "1e999", "NaN", "9" * 400, "\\u0000", "\\ud800", "\0")


def mutants(document: Any, count: int, seed: int = 1) -> Iterator[str]:
    """Yield ``count`` edited texts of a document; the same ones each time."""
    dice = random.Random(seed)
    for _ in range(count):
        text = json.dumps(_edited(document, dice))
        if dice.random() < 0.08:
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(BROKEN) + text[at + dice.randrange(3) :]
        yield text


def _edited(document: Any, dice: random.Random) -> Any:
    document = copy.deepcopy(document)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        path = dice.choice([path for path in _paths(document) if path])
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        kind = dice.random()
        if kind < 0.15:
            del parent[path[-1]]
        elif kind < 0.2 and isinstance(parent, list):
            parent.extend(copy.deepcopy(parent) * 3)
        elif kind < 0.25 and isinstance(parent, dict):
            parent[dice.choice(("__class__", "x", "input", "kind"))] = dice.choice(ODD)
        else:
            parent[path[-1]] = dice.choice(ODD)
    return document


def _paths(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in items if isinstance(part, dict | list) else ():
        if isinstance(value, dict | list):
            yield from _paths(value, (*path, key))
        else:
            yield (*path, key)
