"""Data classes that cost their price when they are used instead of at import.

The standard decorator writes and compiles a class's methods when the module is imported, about 0.4 ms a class; the
first screen imports some sixty and makes a dozen of them. This one has the standard one write what makes an instance
at the first instance, and what compares and prints when something is first compared, hashed or printed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

_MAKING = (
    *("__init__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"),
    *("__match_args__", "__dataclass_fields__", "__dataclass_params__"),
)
_LATER = ("__repr__", "__eq__", "__hash__")

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
    written = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    kept = {name: value for name, value in written.items() if name not in names}
    late = type(cls)(cls.__name__, cls.__bases__, {**kept, "__slots__": names})
    late.__qualname__ = cls.__qualname__

    def standard(**but: bool) -> dict[str, Any]:
        # The decorator writes into the class that it is given: each time it is another one.
        fresh = type(cls)(cls.__name__, cls.__bases__, dict(written))
        return dict(vars(dataclasses.dataclass(slots=True, **{**options, **but})(fresh)))

    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        made = standard(repr=False, eq=False)
        for name in _MAKING:
            if name in made:
                setattr(late, name, made[name])
        self.__init__(*args, **kwargs)

    def whole(name: str) -> Callable[..., Any]:
        def used(*args: Any) -> Any:
            made = standard()
            for each in _LATER:
                if each not in kept:
                    setattr(late, each, made.get(each, getattr(object, each)))
            return getattr(late, name)(*args)

        return used

    late.__init__ = first  # type: ignore[misc]
    for name in _LATER:
        if name not in kept:
            setattr(late, name, whole(name))
    return late
