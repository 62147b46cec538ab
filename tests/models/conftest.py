"""Tiny models gain nothing from threads, and threads that wait for a core cost a lot."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
