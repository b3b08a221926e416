"""Comparing times: what interleaved tries of two kinds say of which kind a try was."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.sizes import is_full


@dataclass(frozen=True)
class Compared:
    """How far two kinds of tries are apart: the medians in seconds, and the area under the ROC curve."""

    count: int
    medians: tuple[float, float]
    curve: float

    @property
    def apart(self) -> float:
        return abs(self.medians[0] / self.medians[1] - 1)

    @property
    def bands(self) -> tuple[float, float]:
        """How far medians and curve may be from equal; a small run has too few tries for the narrow bands."""
        return (0.05, 0.05) if is_full() else (0.3, 0.35)

    @property
    def asked(self) -> str:
        widest, band = self.bands
        return f"{widest:.0%} apart, AUC 0.5 ± {band}"

    @property
    def measured(self) -> str:
        milliseconds = " and ".join(f"{median * 1000:.1f} ms" for median in self.medians)
        return f"{milliseconds}: {self.apart:.1%} apart, AUC {self.curve:.3f}"

    @property
    def holds(self) -> bool:
        widest, band = self.bands
        return self.apart <= widest and abs(self.curve - 0.5) <= band


def compare(some: Sequence[float], others: Sequence[float]) -> Compared:
    """The comparison of two kinds of tries, by the seconds that each took."""
    return Compared(len(some), (statistics.median(some), statistics.median(others)), area_under_curve(some, others))


def area_under_curve(some: Sequence[float], others: Sequence[float]) -> float:
    """How often one of `some` took longer than one of `others`: 0.5 where the time tells nothing."""
    ordered = sorted(others)
    wins = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in some) / 2
    return wins / len(some) / len(ordered)
