"""Tiny models gain nothing from threads, and threads that wait for a core cost a lot."""

import pytest
import torch
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("models", settings(), deadline=None)
settings.load_profile("models")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
