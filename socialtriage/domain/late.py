"""Data classes that cost their price at the first instance instead of at import.

The standard decorator writes and compiles a class's methods when the module is imported, about 0.4 ms a class; the
first screen imports some sixty and makes a dozen of them. This one keeps everything else as the standard one has it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

_GENERATED = (
    *("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"),
    *("__match_args__", "__dataclass_fields__", "__dataclass_params__"),
)

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, slots: bool, **options: bool) -> Callable[[type], type]:
        """`dataclasses.dataclass(slots=True, …)` for a class that inherits no fields.

        `dataclasses.fields` knows it after the first instance only; `dataclasses.replace` needs an instance anyway.
        """
        if not slots:
            raise TypeError("a late data class has slots")
        return lambda cls: _slotted(cls, options)


def _slotted(cls: type, options: dict[str, bool]) -> type:
    """The class with slots for its fields, and a first `__init__` that fetches what the standard decorator makes."""
    names = tuple(name for name, kind in cls.__annotations__.items() if "ClassVar" not in kind)
    kept = {name: value for name, value in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    late = type(cls)(cls.__name__, cls.__bases__, {**kept, "__slots__": names})
    late.__qualname__ = cls.__qualname__

    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        made = vars(dataclasses.dataclass(slots=True, **options)(cls))
        for name in _GENERATED:
            if name in made:
                setattr(late, name, made[name])
        self.__init__(*args, **kwargs)

    late.__init__ = first  # type: ignore[misc]
    return late
