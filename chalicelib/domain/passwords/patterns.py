"""Finds what needs no dictionary: runs along the alphabet or the keyboard, and text that repeats itself."""

from functools import cache

from chalicelib.domain.passwords.folding import Spelling

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFTED = "!@#$%^&*()"
# How people walk over a keyboard when they do not follow a row; the last two are rows of other layouts.
_WALKS = (
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7ki8lo9p0",
    "1qazxsw23edcvfr45tgbnhy67ujm",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qazxswedcvfrtgbnhyujm",
    "zaqxswcdevfrbgtnhymjukilop",
    "qawsedrftgyhujikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1a2s3d4f5g6h7j8k9l",
    "a1s2d3f4g5h6j7k8l9",
    "1z2x3c4v5b6n7m",
    "z1x2c3v4b5n6m7",
    "1qa2ws3ed4rf5tg6yh7uj",
    "12qwaszx34erdfcv56tyghbn78uijknm",
    "qwaszxerdfcvtyghbn",
    "q1a2z3w4s5x6e7d8c9r0",
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertzuiopasdfghjklyxcvbnm",
)
# Each row of keys is shifted to the right, so a key touches two above it and two below it.
_BESIDE = frozenset({(0, 0), (-1, 0), (1, 0), (0, -1), (1, -1), (0, 1), (-1, 1)})
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "1234567890"
_COUNTING = "".join(str(number) for number in range(1, 101))
_INTERLEAVED = ("".join(a + b for a, b in zip(_LETTERS, _DIGITS * 3, strict=False)), "1a2b3c4d5e6f7g8h9i0j")
_SHORTEST_RUN = 4
_SHORTEST_WALK = 6
_SHORTEST_COPY = 4
_LARGEST_STEP = 2


def runs_mask(spelling: Spelling) -> int:
    """The bits of the folded password that lie in runs of four or more characters ("abcd", "8642", "qwer", "1qaz")."""
    text, mask, start = spelling.text, 0, 0
    while start < len(text):
        length = _run_length(text, start)
        if length >= _SHORTEST_RUN:
            mask |= spelling.mask(start, start + length)
        start += length if length >= _SHORTEST_RUN else 1
    return mask


def copies_mask(spelling: Spelling) -> int:
    """The bits that only repeat what stood before: the same character a third time, or four characters again."""
    text, mask, start = spelling.text, 0, 1
    while start < len(text):
        length = _copy_length(text, start)
        if length:
            mask |= spelling.mask(start, start + length)
        start += length or 1
    return mask


def _run_length(text: str, start: int) -> int:
    walk = _walk_length(text, start)
    return max(_line_length(text, start), _step_length(text, start), walk if walk >= _SHORTEST_WALK else 0)


def _line_length(text: str, start: int) -> int:
    """How far the text follows a line that people type: a row of keys, the alphabet, counting; either way round."""
    end = start + _SHORTEST_RUN
    if text[start:end] not in _beginnings():
        return 0
    lines = _lines()
    while end < len(text) and text[start : end + 1] in lines:
        end += 1
    return end - start


def _step_length(text: str, start: int) -> int:
    """How far each character is the same small step from the one before it: "abcd", "2468", "zyxw"."""
    if start + 1 >= len(text):
        return 0
    step = ord(text[start + 1]) - ord(text[start])
    if not 0 < abs(step) <= _LARGEST_STEP:
        return 0
    end = start + 1
    while end < len(text) and ord(text[end]) - ord(text[end - 1]) == step:
        end += 1
    return end - start


def _walk_length(text: str, start: int) -> int:
    """How far each key lies beside the one before it on a keyboard."""
    neighbours, end = _neighbours(), start + 1
    while end < len(text) and text[end - 1 : end + 1] in neighbours:
        end += 1
    return end - start


def _copy_length(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] == text[start - 1]:
        end += 1
    if end - start > 1:
        return end - start
    end = start + _SHORTEST_COPY
    if len(text) < end or text.find(text[start:end], 0, end - 1) < 0:
        return 0
    while end < len(text) and text.find(text[start : end + 1], 0, end) >= 0:
        end += 1
    return end - start


@cache
def _lines() -> str:
    keyboard = "".join(_ROWS)
    lines = (keyboard, "".join(_ROWS[1:]) * 2, *(row * 3 for row in _ROWS), _SHIFTED * 3, *_WALKS, *_INTERLEAVED)
    lines += (_LETTERS * 2, _DIGITS * 30, "0123456789" * 30, "".join(_ROWS[:0:-1]), _COUNTING)
    return "\n".join([*lines, *(line[::-1] for line in lines)])


@cache
def _beginnings() -> frozenset[str]:
    """Every four characters in a row of the lines: most passwords have none of them."""
    lines = _lines()
    return frozenset(lines[start : start + _SHORTEST_RUN] for start in range(len(lines) - _SHORTEST_RUN + 1))


@cache
def _neighbours() -> frozenset[str]:
    keys = {key: (x, y) for y, row in enumerate(_ROWS) for x, key in enumerate(row)}
    return frozenset(
        here + there
        for here, (x, y) in keys.items()
        for there, (other_x, other_y) in keys.items()
        if (other_x - x, other_y - y) in _BESIDE
    )
