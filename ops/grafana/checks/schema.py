"""Compares data with the classes of Grafana's foundation SDK, which are generated from Grafana's schemas.

The SDK's own `from_json` takes whatever it is given: an unknown key is dropped, a wrong type is kept. So two things
are checked here. Each value must have the type that its class declares; and what comes back from the class as JSON must
still hold every key that went in.
"""

import enum
import json
import types
import typing
from collections.abc import Iterator

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

register_default_plugins()


def faults(data: object, model: type, ignored: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong with `data` as a `model`, a sentence each. Keys in `ignored` may be unknown to the model."""
    try:
        read = model.from_json(data)
        written = json.loads(json.dumps(read, cls=JSONEncoder))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f" cannot be read as {model.__name__}: {error!r}"]
    return [*_lost(data, written, "", ignored), *_wrong(read, type(read), "")]


def _lost(given: object, written: object, path: str, ignored: frozenset[str]) -> Iterator[str]:
    """Keys that the model does not know: it did not write them again."""
    if isinstance(given, dict) and isinstance(written, dict):
        for key, value in given.items():
            if key in written:
                yield from _lost(value, written[key], f"{path}.{key}", ignored)
            elif value is not None and key not in ignored:
                yield f"{path}.{key} is not known to Grafana"
    elif isinstance(given, list) and isinstance(written, list):
        for i, (one, other) in enumerate(zip(given, written, strict=False)):
            yield from _lost(one, other, f"{path}[{i}]", ignored)


def _wrong(value: object, declared: object, path: str) -> Iterator[str]:
    """What of `value`, and of all that is in it, is not as its class declares it."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in (typing.Union, types.UnionType):
        yield from _wrong_for_all(value, arguments, path)
    elif origin is list and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _wrong(item, arguments[0], f"{path}[{i}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _wrong(item, arguments[1], f"{path}.{key}")
    elif _is_model(declared) and isinstance(value, dict):
        # Some classes keep what is below them as it was given.
        yield from (f"{path}{fault}" for fault in faults(value, declared))
    elif not _fits(value, declared):
        yield f"{path} is {value!r}, not {_words(declared)}"
    elif _is_model(type(value)):
        for name, inner in typing.get_type_hints(type(value)).items():
            yield from _wrong(getattr(value, name, None), inner, f"{path}.{name.removesuffix('_val')}")


def _wrong_for_all(value: object, options: tuple[object, ...], path: str) -> Iterator[str]:
    """What is wrong with a value that may be one of several: nothing, if one of them suits it."""
    left = [one for one in options if one is not types.NoneType]
    if value is None and len(left) < len(options):
        return
    # Of classes, the one that it was read as.
    left = [one for one in left if _is_model(one) and isinstance(value, one)] or left
    found = [list(_wrong(value, one, path)) for one in left]
    if all(found):
        yield from found[0] if len(found) == 1 else [f"{path} is {value!r}, not {' or '.join(map(_words, left))}"]


def _is_model(declared: object) -> bool:
    return isinstance(declared, type) and hasattr(declared, "from_json")


def _fits(value: object, declared: object) -> bool:
    if declared in (typing.Any, object):
        return True
    if typing.get_origin(declared) is typing.Literal:
        return value in typing.get_args(declared)
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        return value in [one.value for one in declared]
    if declared in (int, float):
        # To Python, True is a number.
        return isinstance(value, (int, declared)) and not isinstance(value, bool)
    return isinstance(value, typing.get_origin(declared) or declared)


def _words(declared: object) -> str:
    if typing.get_origin(declared) is typing.Literal:
        return f"one of {', '.join(map(repr, typing.get_args(declared)))}"
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        return f"one of {', '.join(repr(one.value) for one in declared)}"
    return getattr(declared, "__name__", str(declared))
