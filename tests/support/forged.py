"""Tokens and cursors that nobody gave out."""


def altered(token: str, at: int = -3) -> str:
    """A token with another character in one place: not among the last two, which may hold bits that no byte needs."""
    at %= len(token)
    return token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :]
