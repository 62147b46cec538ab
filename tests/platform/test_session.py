"""What commands share: what a command loads is set apart from collections of garbage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from recsys_assets.cli.session import set_apart

FREEZE, UNFREEZE = gc.freeze, gc.unfreeze
"""The real ones, which do nothing while tests run: see tests/conftest.py."""


@pytest.fixture(autouse=True)
def as_outside_of_tests() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gc, "freeze", FREEZE)
        patched.setattr(gc, "unfreeze", UNFREEZE)
        UNFREEZE()
        yield
    gc.collect()
    FREEZE()


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_loaded_is_left_alone_and_what_comes_later_is_collected() -> None:
    with set_apart() as loaded:
        assert not gc.isenabled()
        module = weakref.ref(Ring())
        loaded()
        assert gc.isenabled()
        later = weakref.ref(Ring())
        gc.collect()
        assert module() is not None and later() is None
    gc.collect()
    assert module() is None, "a process that goes on gets the memory back"


@pytest.mark.parametrize("collects", [True, False])
def test_a_start_that_fails_leaves_collections_as_they_were(collects: bool) -> None:
    if not collects:
        gc.disable()
    try:
        with pytest.raises(OSError), set_apart():
            raise OSError("no home")
        assert gc.isenabled() == collects
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()
