"""Arrow's file systems, which open files natively: an asset's code may not make one, libraries may."""

from __future__ import annotations

from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.guarded_threads import guard_at_work

WRAPPER_FILES.add(__file__)


class _Guarded(type):
    """A class that stands for a native one, whose instances are those of the native class."""

    native: type
    called: str

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        cls.consult()
        return cls.native(*arguments, **options)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.native)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.native)

    def consult(cls) -> None:
        """Ask the guard whether the running code may have such a file system."""
        if (guard := guard_at_work()) is not None:
            with guard.paused():
                guard.check_made(cls.called)


def guarded_file_system(native: Any, called: str) -> type:
    """A class that asks before it makes a file system of a native class.

    Args:
        native: the class of Arrow.
        called: its public name, for messages.
    """
    inside: dict[str, Any] = {"native": native, "called": called, "__doc__": native.__doc__}
    guarded = _Guarded(native.__name__, (native,), inside)

    def from_uri(uri: Any) -> Any:
        guarded.consult()
        return native.from_uri(uri)  # pyright: ignore[reportAttributeAccessIssue]

    if hasattr(native, "from_uri"):
        guarded.from_uri = staticmethod(from_uri)
    return guarded
