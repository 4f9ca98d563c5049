"""Calls that do not fit and attributes that cannot be set, said with what to write instead."""

from __future__ import annotations

import difflib
import functools
import inspect
import numbers
import os
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, cast

from gridgen.errors import CallError, GridgenError

__all__ = ["Fixed", "Rooted", "explained"]

T = TypeVar("T", bound=Callable[..., Any])

_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text"),
    "str | os.PathLike[str]": ((str, os.PathLike), "the name of a file or folder"),
    "float": ((numbers.Real, Decimal), "a number"),
}
"""What parameters of some annotations take; those of others are checked where they are used."""

_LEFT_OUT = object()
_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")


def explained(
    examples: Mapping[str, str] | None = None, synonyms: Mapping[str, str] | None = None
) -> Callable[[T], T]:
    """Let a function, or the public methods of a class, say what to write where a call does not fit.

    Parameters
    ----------
    examples : mapping of str to str, optional
        Calls to write, by the name of the function; by default what its signature says.
    synonyms : mapping of str to str, optional
        The parameters that people look for under another name.
    """
    known, others = examples or {}, synonyms or {}

    def decorate(made: T) -> T:
        if not isinstance(made, type):
            return cast("T", _saying(made, made.__name__, known, others))
        for name, method in list(vars(made).items()):
            if name.startswith("_") and name != "__init__":
                continue
            if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
                continue  # what it is could not be seen any more; its twin says it
            if isinstance(method, FunctionType):
                setattr(made, name, _saying(method, made.__name__, known, others))
            elif isinstance(method, classmethod):
                setattr(made, name, classmethod(_saying(method.__func__, made.__name__, known, others)))
        return made

    return decorate


def _saying(function: Any, owner: str, examples: Mapping[str, str], synonyms: Mapping[str, str]) -> Any:
    signature = inspect.signature(function)
    name = function.__name__
    written = owner if name == "__init__" else name
    example = examples.get(written) or _call(written, owner, signature)
    checked = {
        parameter.name: (at, *_KINDS[kind], optional)
        for at, parameter in enumerate(signature.parameters.values())
        for kind, optional in [_kind(parameter)]
        if kind in _KINDS
    }

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            for parameter, (at, kind, meant, optional) in checked.items():
                given = args[at] if at < len(args) else kwargs.get(parameter, _LEFT_OUT)
                if (
                    given is not _LEFT_OUT
                    and not isinstance(given, kind)
                    and not (optional and given is None)
                ):
                    # what was given may be a key, so it is not shown
                    msg = f"{written}() takes {meant} for {parameter}=, not {_typed(given)}; write {example}"
                    raise CallError(msg)
                if isinstance(given, (str, os.PathLike)) and "\0" in str(given):
                    msg = f"{written}() takes {meant} for {parameter}=, and no character U+0000; write {example}"
                    raise CallError(msg)
            return function(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if isinstance(error, CallError) or trace is None or trace.tb_next is not None:
                raise
            msg = f"{_said(str(error), signature, synonyms)}; write {example}"
        finally:
            # one of them may be a key, and no frame that raises may hold it
            del args, kwargs
            given = None
        raise CallError(msg)

    return call


def _kind(parameter: inspect.Parameter) -> tuple[str, bool]:
    """Return the annotation of a parameter, and whether it may be None."""
    said = str(parameter.annotation)
    return said.removesuffix(" | None"), said.endswith(" | None")


def _typed(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _call(written: str, owner: str, signature: inspect.Signature) -> str:
    """Return a call as its signature says it."""
    parameters = list(signature.parameters.values())
    is_method = bool(parameters) and parameters[0].name in {"self", "cls"}
    receiver = owner.lower() if is_method and parameters[0].name == "self" else "gridgen"
    if is_method and parameters[0].name == "cls":
        receiver = f"gridgen.{owner}"
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in parameters[is_method:]]
    shown = inspect.Signature([each for each in bare if each.name != "clock"])
    return f"{'gridgen' if written == owner else receiver}.{written}{shown}"


def _said(why: str, signature: inspect.Signature, synonyms: Mapping[str, str]) -> str:
    """Return what Python says, with the nearest parameter to one that there is not."""
    why = why.replace(".__init__()", "()")
    found = _UNEXPECTED.search(why)
    if found is None:
        return why
    known = [name for name in signature.parameters if name not in {"self", "cls"}]
    meant = synonyms.get(found[1])
    near = [meant] if meant in known else difflib.get_close_matches(found[1], known, n=1)
    return f"{why} (did you mean {near[0]!r}?)" if near else why


class Rooted:
    """Holds what is of one process alone, so it is neither pickled nor copied; who tries is told what to send.

    ``_SEND`` says what it holds and what to send instead, as the sentence goes on that begins with its name.
    """

    _SEND: ClassVar[str]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        msg = f"a {type(self).__name__} {self._SEND}"
        raise TypeError(msg)

    def __copy__(self) -> NoReturn:
        self.__reduce_ex__(0)

    def __deepcopy__(self, _known: object) -> NoReturn:
        self.__reduce_ex__(0)


class Fixed:
    """Takes no attribute that it does not have, and none anew that is settled when it is made.

    A slip of the pen, or a change that nothing would follow, is an error and not silence.

    Attributes
    ----------
    ONCE : collection of str
        What is set when it is made.
    INSTEAD : mapping of str to str
        What to do in place of setting something.
    CHECKED : mapping of str to callable
        What may be set at any time; each returns the value as it is kept, or raises.
    """

    ONCE: ClassVar[Collection[str]] = ()
    INSTEAD: ClassVar[Mapping[str, str]] = {}
    CHECKED: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    if not TYPE_CHECKING:  # a checker knows by itself what is not there

        def __setattr__(self, name: str, value: Any) -> None:
            if name in self.CHECKED:
                value = self.CHECKED[name](value)
            elif not name.startswith("_") and (name not in self.ONCE or name in vars(self)):
                msg = f"{self._unsettable(name)}. Nothing has changed."
                del value
                raise GridgenError(msg)
            super().__setattr__(name, value)

    def _unsettable(self, name: str) -> str:
        what = type(self).__name__
        if name in self.INSTEAD:
            return f"the {name} of a {what} cannot be set: {self.INSTEAD[name]}"
        if hasattr(type(self), name):
            return f"{what}.{name} is not to be set"
        near = difflib.get_close_matches(name, self.CHECKED, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        may = ", ".join(self.CHECKED)
        return f"a {what} has no {name!r}{hint}; {f'what may be set is {may}' if may else 'nothing of it may be set'}"
