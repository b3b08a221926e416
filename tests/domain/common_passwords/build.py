"""Builds chalicelib/domain/data/common_passwords.txt.gz: `python tests/domain/common_passwords/build.py DJANGO ZXCVBN`.

The two arguments are wheels from PyPI (`pip download --no-deps Django==5.2 zxcvbn==4.5.0`); they are only read, and
only when the list is built anew. Their licences stand in chalicelib/domain/data/README.md.
"""

import gzip
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from chalicelib.domain.passwords.common import LONGEST_WORD, SHORTEST_WORD
from chalicelib.domain.passwords.folding import fold, is_letter, skeleton

DATA = Path(__file__).parents[3] / "chalicelib/domain/data/common_passwords.txt.gz"
PHRASES = Path(__file__).with_name("phrases.txt")
NAMES_USED = 120

# What people put around one word to make it long: "ilovejessica", "mypasswordissunshine", "iamthedragon".
OPENINGS = (
    *("i love", "i hate", "i miss", "i am", "i am the", "i want", "my", "my name is", "hello", "hello my name is"),
    *("i love my", "me and my", "my little", "my sweet", "my beautiful", "my favorite", "welcome to", "go", "forever"),
    *("password", "my password", "my password is", "the password is", "password is", "this is my", "secret"),
    *("super", "letmein", "let me in", "happy", "best", "the best", "number one", "mr", "mrs", "king", "queen"),
)
THINGS = (
    *("mom", "mother", "dad", "father", "wife", "husband", "family", "baby", "son", "daughter", "sister", "brother"),
    *("dog", "cat", "kitty", "puppy", "horse", "monkey", "dragon", "tiger", "angel", "princess", "prince", "king"),
    *("queen", "god", "jesus", "life", "world", "home", "house", "car", "money", "music", "football", "baseball"),
    *("soccer", "basketball", "hockey", "pizza", "chocolate", "coffee", "cookie", "summer", "winter", "spring"),
    *("autumn", "christmas", "sunshine", "flower", "butterfly", "rainbow", "star", "moon", "heart", "love", "you"),
    *("friend", "friends", "school", "work", "computer", "internet", "email", "account", "password", "passwords"),
    *("secret", "login", "admin", "clinic", "doctor", "hospital", "portal", "health", "america", "texas", "california"),
)
ENDINGS = ("forever", "always", "so much", "baby", "please", "rocks", "sucks", "is the best", "is my password")
YEARS = tuple(str(year) for year in range(1990, 2036))
SEASONS = (
    *("spring", "summer", "autumn", "fall", "winter", "january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december", "welcome", "password", "christmas", "class of"),
)


def phrases() -> list[str]:
    """The phrases of phrases.txt."""
    lines = PHRASES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def made_up(names: Iterable[str]) -> Iterator[str]:
    """What people make of one word to reach a length, and of the names given."""
    for opening, thing in product(OPENINGS, (*THINGS, *names)):
        yield opening + thing
    for thing, ending in product(("i love you", "i hate you", *(f"i love my {thing}" for thing in THINGS)), ENDINGS):
        yield thing + ending
    for season, year in product(SEASONS, YEARS):
        yield season + year


def taken_from(django: Path, zxcvbn: Path) -> tuple[list[str], list[str]]:
    """Common passwords from both wheels, the most frequent first, and the most frequent first names from zxcvbn's."""
    with zipfile.ZipFile(django) as wheel:
        listed = gzip.decompress(wheel.read("django/contrib/auth/common-passwords.txt.gz")).decode().split("\n")
    with zipfile.ZipFile(zxcvbn) as wheel:
        source = wheel.read("zxcvbn/frequency_lists.py").decode()
    lists = {name: words.split(",") for name, words in re.findall(r'"(\w+)": "([^"]+)"', source)}
    names = [name for group in ("female_names", "male_names") for name in lists[group][:NAMES_USED]]
    return listed + lists["passwords"], names


def entries(words: Iterable[str]) -> list[str]:
    """The words as they are shipped: folded, letters and digits only, one for each skeleton, sorted."""
    kept: dict[str, str] = {}
    for word in sorted(words):
        letters = "".join(character for character in fold(word) if is_letter(character))
        if SHORTEST_WORD <= len(letters) <= LONGEST_WORD and letters.isascii():
            kept.setdefault(skeleton(letters), letters)
    return sorted(kept.values())


def main(django: str, zxcvbn: str) -> None:
    """Writes the list; the same input gives the same bytes."""
    taken, names = taken_from(Path(django), Path(zxcvbn))
    lines = entries([*taken, *(word[::-1] for word in taken[:200]), *phrases(), *names, *made_up(names)])
    DATA.write_bytes(gzip.compress("\n".join(lines).encode(), compresslevel=9, mtime=0))
    print(f"{len(lines)} entries, {DATA.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
