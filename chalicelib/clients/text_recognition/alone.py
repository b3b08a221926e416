"""A process of its own (local.py): a picture comes in, one line of JSON goes out, a list of what Line has."""

import json
import math
import resource
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

_SECONDS, _BYTES = 45, 4 << 30
_INPUT, _OUTPUT = 0, 1
_TALL = 1.5
"""From this many times as high as wide a crop is turned a quarter to the left, as the engine does."""

_SCORE = 0.5
"""Below it, as the engine itself has it, what it takes for a line is none."""

Read = tuple[str, list[float], list[tuple[float, float]]]


def main() -> None:
    """Read what is on the standard input."""
    for what, most in (
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_AS, _BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system of a developer knows each of them.
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    with open(_INPUT, "rb") as given:
        picture = given.read()
    found = lines(picture)
    with open(_OUTPUT, "wb") as output:
        output.write(json.dumps(found).encode())


def is_installed() -> bool:
    """Whether the engine is there, without loading it."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


@lru_cache(maxsize=1)
def engine() -> Any:
    """The engine, on one thread: loading it takes most of a second."""
    from rapidocr import RapidOCR  # noqa: PLC0415  It is large, and not always there.

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    made = RapidOCR(params={**threads, "Global.log_level": "critical"})
    made.return_word_box = True
    return made


def lines(picture: bytes) -> list[Read]:
    """Text, the confidence in each letter, and corners of each line."""
    reader = engine()
    image, record = reader.preprocess_img(reader.load_img(picture))
    try:
        crops, found = reader.detect_and_crop(image, record)
    except Exception:  # noqa: BLE001  It says in no other way that there is no text, and has no public name for it.
        return []
    stands = _stands_upright(crops, reader)
    read = reader.recognize_txt(crops if stands else [crop[::-1, ::-1].copy() for crop in crops])
    return [
        (text, _confidences(text, said.confs), _corners(box.tolist(), stands=stands))
        for text, score, said, box in zip(read.txts, read.scores, read.word_results, found.boxes, strict=True)
        if score >= _SCORE
    ]


def _stands_upright(crops: list[Any], reader: Any) -> bool:
    """Whether the text stands on its feet: the long lines, of which the engine is sure, speak for all."""
    _, said = reader.cls_and_rotate(crops)
    votes = {True: 0.0, False: 0.0}
    for crop, (label, score) in zip(crops, said.cls_res, strict=True):
        votes["180" not in label] += float(score) * crop.shape[1] / crop.shape[0]
    return votes[True] >= votes[False]


def _confidences(text: str, said: list[float]) -> list[float]:
    """One for each letter; what the engine gives otherwise for a line without a letter speaks for nothing."""
    return said if len(said) == len(text) else [0.0] * len(text)


def _corners(box: list[list[float]], *, stands: bool) -> list[tuple[float, float]]:
    """From where the text begins, clockwise: the engine begins at the corner that is the upper left one as it lies."""
    first, second, third, fourth = ((x, y) for x, y in box)
    width = int(max(math.dist(first, second), math.dist(third, fourth)))
    height = int(max(math.dist(first, fourth), math.dist(second, third)))
    turns = (1 if width and height / width >= _TALL else 0) + (0 if stands else 2)
    corners = [first, second, third, fourth]
    return corners[turns:] + corners[:turns]


if __name__ == "__main__":
    main()
