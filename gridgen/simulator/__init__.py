"""A faithful and merciless twin of the APIMart video API, for tests, demos and teaching.

`Simulator` is the whole of it in one object; ``python -m gridgen.simulator`` serves it
to clients in any language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen.simulator.faults import Fault
    from gridgen.simulator.in_process import Simulator
    from gridgen.simulator.profiles import Profile

__all__ = ["Fault", "Profile", "Simulator"]

_HOMES = {"Fault": "faults", "Profile": "profiles", "Simulator": "in_process"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
