"""Data classes that cost their price when they are used instead of at import.

The standard decorator writes and compiles a class's methods when the module is imported, about 0.4 ms a class; the
first screen imports some sixty and makes a dozen of them. This one writes `__init__` at the first instance, and has
the standard one write the rest when something is first compared, hashed, printed or replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

_METHODS = ("__repr__", "__eq__", "__hash__")
_FACTS = ("__match_args__", "__dataclass_fields__", "__dataclass_params__")
_UNSET = object()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:

    def dataclass(*, slots: bool, **options: bool) -> Callable[[type], type]:
        """`dataclasses.dataclass(slots=True, …)` with `frozen` and `kw_only`, for a class that inherits no fields.

        Fields may have a default or a factory; there is no `__post_init__`.
        """
        if not slots or not options.keys() <= {"frozen", "kw_only"}:
            raise TypeError("a late data class has slots, and may be frozen or take keywords only")
        return lambda cls: _slotted(cls, options)

    def replace(instance: Any, /, **changes: Any) -> Any:
        """`dataclasses.replace` of an instance of a late class, in a third of the time. Raises `TypeError`."""
        copy, setters = _copying(type(instance))
        new = copy(instance)
        try:
            for name, value in changes.items():
                setters[name](new, value)
        except KeyError as exc:
            raise TypeError(f"{type(instance).__name__} has no field {exc}") from None
        return new


@cache
def _copying(cls: Any) -> tuple[Callable[[Any], Any], Mapping[str, Callable[[Any, Any], None]]]:
    """What makes a copy of an instance, and what sets a field in it, frozen or not."""
    setters = {name: getattr(cls, name).__set__ for name in vars(cls)["__slots__"]}
    scope = {f"set_{name}": setter for name, setter in setters.items()} | {"cls": cls, "new": object.__new__}
    lines = "".join(f"    set_{name}(to, of.{name})\n" for name in setters)
    exec(f"def copy(of):\n    to = new(cls)\n{lines}    return to", scope)  # noqa: S102
    return scope["copy"], setters


def _slotted(cls: type, options: dict[str, bool]) -> type:
    """The class with slots for its fields, and stand-ins for what is written later."""
    names = tuple(name for name, kind in cls.__annotations__.items() if "ClassVar" not in kind)
    written = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    kept = {name: value for name, value in written.items() if name not in names}
    late = type(cls)(cls.__name__, cls.__bases__, {**kept, "__slots__": names})
    late.__qualname__ = cls.__qualname__

    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        late.__init__ = _init(late, names, written, options)  # type: ignore[misc]
        self.__init__(*args, **kwargs)

    def whole() -> None:
        standard = vars(dataclasses.dataclass(slots=True, **options)(type(cls)(cls.__name__, cls.__bases__, written)))
        for each in (*_METHODS, *_FACTS):
            if each not in kept:
                setattr(late, each, standard[each])

    late.__init__ = first  # type: ignore[misc]
    for name in _METHODS:
        if name not in kept:
            setattr(late, name, _stand_in(late, name, whole))
    for name in _FACTS:
        setattr(late, name, _Fact(late, name, whole))
    if options.get("frozen"):
        late.__setattr__, late.__delattr__ = _refuse_to_set, _refuse_to_delete  # type: ignore[method-assign, assignment]
        late.__getstate__, late.__setstate__ = _state, _restore  # type: ignore[assignment, attr-defined]
    return late


def _init(late: type, names: tuple[str, ...], written: dict[str, Any], options: dict[str, bool]) -> Any:
    """An `__init__` that takes the fields in their order and sets them, frozen or not."""
    scope: dict[str, Any] = {"unset": _UNSET}
    parameters, lines = [], []
    for name in names:
        scope[f"set_{name}"] = getattr(late, name).__set__
        default, value = written.get(name, dataclasses.MISSING), name
        if isinstance(default, dataclasses.Field):
            if default.default_factory is not dataclasses.MISSING:
                scope[f"make_{name}"] = default.default_factory
                value, default = f"make_{name}() if {name} is unset else {name}", _UNSET
            else:
                default = default.default
        scope[f"default_{name}"] = default
        parameters.append(name if default is dataclasses.MISSING else f"{name}=default_{name}")
        lines.append(f"set_{name}(self, {value})")
    star = ", *" if options.get("kw_only") and names else ""
    exec(f"def __init__(self{star}, {', '.join(parameters)}):\n " + "\n ".join(lines), scope)  # noqa: S102
    return scope["__init__"]


def _stand_in(late: type, name: str, whole: Callable[[], None]) -> Callable[..., Any]:
    """A method that has the standard ones written, and then is the one of its name."""

    def used(*args: Any) -> Any:
        whole()
        return getattr(late, name)(*args)

    return used


class _Fact:
    """What the standard decorator says of a class, found out when somebody asks."""

    def __init__(self, late: type, name: str, whole: Callable[[], None]) -> None:
        self._late, self._name, self._whole = late, name, whole

    def __get__(self, instance: object, owner: type) -> Any:
        self._whole()
        return getattr(self._late, self._name)


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
