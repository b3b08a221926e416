"""The previews of all messages: none is left out, and each is what the portal would send."""

import re

import pytest

from chalicelib import words
from chalicelib.domain.notices import RULES, Channel, NoticeKind
from infra.local import previews


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_has_a_sample(kind: NoticeKind) -> None:
    assert previews.SAMPLES[kind]


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_kind_is_shown_in_each_of_its_channels_and_in_each_language(kind: NoticeKind) -> None:
    shown = previews.by_kind()[kind]
    wanted = {(channel, language) for channel in RULES[kind].channels for language in words.languages()}
    assert {(preview.channel, preview.language) for preview in shown} == wanted
    assert len(shown) == len(wanted) * len(previews.SAMPLES[kind])
    for preview in shown:
        assert preview.text
        assert (preview.subject is not None, preview.html is not None) == ((preview.channel is Channel.EMAIL,) * 2)


@pytest.mark.parametrize("kind", NoticeKind)
def test_no_placeholder_is_left_in_a_message(kind: NoticeKind) -> None:
    for preview in previews.by_kind()[kind]:
        assert not re.search(r"[{}]|Undefined", f"{preview.subject}{preview.text}")


def test_variants_of_a_kind_differ_and_are_told_apart() -> None:
    for kind, samples in previews.SAMPLES.items():
        emails = [one for one in previews.by_kind()[kind] if (one.channel, one.language) == (Channel.EMAIL, "en")]
        assert len({one.text for one in emails}) == len(emails)
        assert len({sample.note for sample in samples}) == len(samples)
