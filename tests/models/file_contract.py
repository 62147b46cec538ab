"""What the files of every model family must do: the same model again, and nothing else than what was saved."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save

from recsys_models import ModelFileError, Recommender, load_model
from recsys_models.fitted import model_files
from recsys_models.fitted.model_files import from_files, to_files
from recsys_models.parameters.parameters import fits, kinds
from tests.models.checkerboard import SIZE, histories
from tests.models.family import Family


def in_one_file(files: Mapping[str, bytes], name: str = "model") -> dict[str, bytes]:
    """What `to_files` wrote, in the format before: all arrays in one file."""
    header = json.loads(files[f"{name}.json"])
    tensors = {key: tensor for file in header.pop("files") for key, tensor in load(files[file]).items()}
    assert not header.pop("same_as")
    weights = save(tensors)
    header |= {"format": 1, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    del header["header_sha256"]
    plain = json.dumps(header, sort_keys=True, separators=(",", ":"))
    header["header_sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    document = json.dumps(header, indent=1, sort_keys=True) + "\n"
    return {f"{name}.json": document.encode(), f"{name}.safetensors": weights}


def before_folding(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as they were before models kept anything for folding in."""
    header, arrays = from_files("model", files)
    header = {k: v for k, v in header.items() if k not in ("format", "files", "same_as", "latest")}
    kept = {key: array for key, array in arrays.items() if "fold." not in key and key != "state.order"}
    return to_files("model", header, kept)


def _own(key: str) -> str:
    return f"model.{key}.safetensors"


def _changed(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "U":
        return np.char.add(array, "'")
    return (np.ascontiguousarray(array).reshape(-1).view(np.uint8) ^ 1).view(array.dtype)


def spoilt(array: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any] | None]:
    """Arrays that a file might hold in the place of this one; None for none at all."""
    found: list[np.ndarray[Any, Any] | None] = [None, array[:-1] if array.ndim else array.reshape(1)]
    found += [np.array(["x"] * 3), np.zeros((2, 2), np.float32), np.empty(0, np.float32)]
    found += [np.zeros((), array.dtype)] * (array.ndim > 0)
    if array.dtype.kind in "if" and array.size:
        found += [np.full_like(array, 2**20), np.full_like(array, -5)]
    if array.dtype.kind == "f":
        found += [np.full_like(array, np.nan), array.astype(np.int32), array.astype(np.float64)]
        found += [np.full_like(array, 3e38), array.astype(np.float16)]
    if array.dtype.kind == "U":
        found += [np.array([text[:-1] for text in array.tolist()], np.str_)]
    return found


class FileContract(Family):
    """The files of a fitted model."""

    def test_saved_and_loaded_it_recommends_the_same(self, fitted: Recommender, tmp_path: Any) -> None:
        fitted.save(tmp_path)
        for loaded in (type(fitted).load(tmp_path), load_model(tmp_path), load_model(fitted.to_files())):
            assert loaded.params() == fitted.params()
            for mine, theirs in zip(
                fitted.recommend([100, 103, 5], 4), loaded.recommend([100, 103, 5], 4), strict=True
            ):
                np.testing.assert_array_equal(mine, theirs)
            assert loaded.to_files() == fitted.to_files()

    def test_every_array_keeps_shape_type_and_values_through_files(self, fitted: Recommender) -> None:
        loaded = load_model(fitted.to_files())
        mine, theirs = ({**model._state(), **model.basis._asdict()} for model in (fitted, loaded))
        assert mine.keys() == theirs.keys()
        for name in mine.keys() - {"seen", "latest"}:
            assert mine[name].shape == theirs[name].shape, name
            assert mine[name].dtype == theirs[name].dtype, name
            np.testing.assert_array_equal(mine[name], theirs[name], name)

    def test_a_loaded_model_is_refitted_like_the_one_that_was_saved(self, fitted: Recommender) -> None:
        loaded = load_model(fitted.to_files())
        again = [model.refit(self.data(), seed=3) for model in (fitted, loaded)]
        assert again[0].incidents == again[1].incidents == []
        assert again[0].to_files() == again[1].to_files()

    @pytest.mark.parametrize("own_file", [1, 1 << 16])
    def test_an_altered_or_truncated_file_is_refused(
        self, fitted: Recommender, own_file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_files, "OWN_FILE_BYTES", own_file)
        files = fitted.to_files()
        for name, content in files.items():
            flipped = bytearray(content)
            flipped[len(content) // 2] ^= 1
            for broken in (bytes(flipped), content[:-5], b""):
                with pytest.raises(ModelFileError, match=re.escape(name)):
                    load_model({**files, name: broken})
            with pytest.raises(ModelFileError, match="expected a file"):
                load_model({key: value for key, value in files.items() if key != name})

    def test_an_array_that_two_versions_have_in_common_is_the_same_file(
        self, fitted: Recommender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_files, "OWN_FILE_BYTES", 1)
        one = fitted.to_files()
        header, arrays = model_files.from_files("model", one)
        filled = {key: array for key, array in arrays.items() if _own(key) in one}
        assert filled.keys() | header["same_as"].keys() >= {
            key for key, array in arrays.items() if array.size
        }
        for kept in filled:
            other = {key: array if key == kept else _changed(array) for key, array in filled.items()}
            files = model_files.to_files("model", {"family": header["family"]}, other)
            assert [key for key in filled if one[_own(key)] == files.get(_own(key))] == [kept]

    def test_files_of_the_format_before_are_read(self, fitted: Recommender) -> None:
        files = fitted.to_files()
        assert load_model(in_one_file(files)).to_files() == files

    def test_a_whole_file_of_wrong_content_is_refused_or_harmless(self, fitted: Recommender) -> None:
        """Each array in turn is left out, cut, of another type, shape or out of bounds; checksums are right."""
        header, arrays = from_files("model", fitted.to_files())
        header = {k: v for k, v in header.items() if k not in ("format", "files", "same_as", "header_sha256")}
        for key, array in arrays.items():
            for broken in spoilt(array):
                others = {k: v for k, v in arrays.items() if k != key}
                files = to_files("model", header, others if broken is None else {**others, key: broken})
                try:
                    with np.errstate(all="ignore"):
                        model = load_model(files)
                except ModelFileError:
                    continue
                with np.errstate(all="ignore"):
                    ids, scores = model.recommend(fitted.user_ids, SIZE)
                    assert ids.shape == scores.shape
                    model.similar_items(fitted.item_ids, 3)
                    model.answer(model.history_of(fitted.item_ids[:2].tolist()), 3)
        for key in ("params", "chosen", "history", "incidents"):
            with pytest.raises(ModelFileError, match="content of a"):
                load_model(to_files("model", {k: v for k, v in header.items() if k != key}, arrays))
        with pytest.raises(ModelFileError, match="content of a"):
            load_model(to_files("model", {**header, "params": {"nonsense": 1}}, arrays))
        for key, value in ((key, value) for key in header for value in (None, -1, "x", [[]], {"x": 1})):
            if key not in ("latest", "threads") or isinstance(value, str | list):
                with pytest.raises(ModelFileError):
                    load_model(to_files("model", {**header, key: value}, arrays))
                    assert value == [[]] and key in ("history", "incidents"), "a list of anything"
                    raise ModelFileError
        for chosen in ({parameter: [[]]} for parameter in header["params"]):
            with pytest.raises(ModelFileError):
                load_model(to_files("model", {**header, "chosen": chosen}, arrays))

    def test_a_file_of_parameters_beyond_a_bound_is_refused_in_words(self, fitted: Recommender) -> None:
        """As one of a release that had no such bound."""
        header, arrays = from_files("model", fitted.to_files())
        header = {k: v for k, v in header.items() if k not in ("format", "files", "same_as", "header_sha256")}
        for key in header["params"]:
            files = to_files("model", {**header, "params": {**header["params"], key: 10**30}}, arrays)
            if fits(10**30, kinds(type(fitted))[key]):
                continue
            words = rf"{fitted.family}: {key}: expected .*found {10**30}; .*another release.*the {fitted.family} model"
            with pytest.raises(ModelFileError, match=words):
                load_model(files)

    def test_a_model_of_a_file_folds_in_as_the_one_in_memory(self, fitted: Recommender) -> None:
        given = histories(self.data())
        expected = fitted.fold_in(given)
        np.testing.assert_array_equal(load_model(fitted.to_files()).fold_in(given), expected)
        older = load_model(before_folding(fitted.to_files()))
        np.testing.assert_allclose(older.fold_in(given), expected, rtol=1e-3, atol=self.old_folds_within)
        assert older.latest is None
