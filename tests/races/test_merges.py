"""Merges under race: of those that exclude each other one is made, and whoever registers meanwhile is of one file."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from chalicelib import clock
from chalicelib.domain.merges import UNDO_WITHIN
from chalicelib.models import accounts, merges
from chalicelib.models import patients as storage
from chalicelib.models.patients import Patient as Row
from chalicelib.services import purges
from tests.support import fhir, leaving
from tests.support.crowd import at_once
from tests.support.faults import before, overtaken_by
from tests.support.links import account_id_of
from tests.support.merging import body, merged, send, undo
from tests.support.portal import Answer, Portal
from tests.support.setting import setting

pytestmark = pytest.mark.race
_MANY = 12
_ROUNDS = 4


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """Three of the four hashes of an account would only keep the racers from meeting."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


def row(patient_id: str) -> Row:
    found = storage.find(patient_id)
    assert found is not None
    return found


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def race(portal: Portal, merges: list[tuple[str, fhir.Json]]) -> list[Answer]:
    """Merges into some patients, all at once."""
    return at_once(len(merges), lambda at: send(portal, *merges[at]))


def refused_as_such(answers: list[Answer]) -> bool:
    """Whether whoever lost was told to look again, or who was merged meanwhile."""
    lost = [answer.json for answer in answers if answer.status != 201]
    codes = {one["errors"][0]["code"] if one.get("errors") else one["code"] for one in lost}
    return codes <= {"merge_outdated", "patient_merged", "duplicate_has_merges"}


def together(*acts: Callable[[], Answer]) -> list[Answer]:
    """Different things, all at once."""
    return at_once(len(acts), lambda at: acts[at]())


def test_of_many_who_merge_the_same_two_at_once_one_does(portal: Portal) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    asked = body(portal, kept, other)
    answers = at_once(_MANY, lambda _: send(portal, kept, asked))
    assert statuses(answers)[201] == 1
    assert refused_as_such(answers)
    assert row(kept).joined_ids == (other,)


def test_of_two_who_merge_each_into_the_other_one_does(portal: Portal) -> None:
    for _ in range(_ROUNDS):
        pair = portal.new_patient().patient_id, portal.new_patient().patient_id
        bodies = [body(portal, *pair), body(portal, *reversed(pair))]
        answers = race(portal, list(zip(pair, bodies, strict=True)))
        assert statuses(answers)[201] == 1
        assert refused_as_such(answers)
        rows = [row(one) for one in pair]
        assert sorted(bool(one.merged_into) for one in rows) == [False, True]
        assert sorted(len(one.joined_ids) for one in rows) == [0, 1]


def test_of_those_who_merge_one_into_several_one_does(portal: Portal) -> None:
    other, *into = (portal.new_patient().patient_id for _ in range(6))
    bodies = [body(portal, one, other) for one in into]
    answers = race(portal, list(zip(into, bodies, strict=True)))
    assert statuses(answers)[201] == 1
    assert refused_as_such(answers)
    assert [one for one in into if row(one).joined_ids] == [row(other).merged_into]


def test_no_chain_comes_about(portal: Portal) -> None:
    for _ in range(_ROUNDS):
        first, second, third = (portal.new_patient().patient_id for _ in range(3))
        steps = [(second, first), (third, second)]
        bodies = [body(portal, *step) for step in steps]
        answers = race(portal, [(kept, asked) for (kept, _), asked in zip(steps, bodies, strict=True)])
        assert statuses(answers)[201] == 1
        assert refused_as_such(answers)
        assert not (row(second).merged_into and row(second).joined_ids)


def test_of_many_who_undo_a_merge_at_once_one_does(portal: Portal) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    merge_id = merged(portal, kept, other)
    answers = at_once(_MANY, lambda _: undo(portal, kept, merge_id))
    assert statuses(answers) == {200: 1, 409: _MANY - 1}
    assert not row(kept).joined_ids
    assert row(other).merged_into is None


def test_who_registers_for_either_while_they_are_merged_is_of_who_remains_or_nobody(portal: Portal) -> None:
    for _ in range(_ROUNDS):
        kept, other = portal.new_patient(), portal.new_patient()
        begun = [
            portal.start_registration(one, portal.issue_code(one).json["activation_code"]).json for one in (kept, other)
        ]
        asked = body(portal, kept.patient_id, other.patient_id)

        mine, theirs, merge = together(
            partial(portal.finish_registration, begun[0]),
            partial(portal.finish_registration, begun[1]),
            partial(send, portal, kept.patient_id, asked),
        )
        is_merged = row(other.patient_id).merged_into is not None
        assert is_merged == (merge.status == 201), merge.text
        # Whoever came first won: an account that was there is seen by the preview, and one that comes is refused.
        assert merge.status == 201 or 201 in {mine.status, theirs.status}
        assert not (is_merged and theirs.status == 201)
        joined = {other.patient_id} if is_merged else None
        if mine.status == 201:
            account = accounts.find_account(mine.json["account"]["account_id"])
            assert account is not None
            assert (account.patient_id, account.joined_patients) == (kept.patient_id, joined)


def test_an_import_and_a_merge_of_its_patient_both_come_to_pass(portal: Portal) -> None:
    for number in range(_ROUNDS):
        kept, other = portal.new_patient(), portal.new_patient()
        patient = {"resourceType": "Patient", "id": other.resource_id, "name": [{"family": f"Changed{number}"}]}
        bundle = fhir.bundle(patient, *(fhir.lab(f"Patient/{other.resource_id}") for _ in range(20)))
        asked, token = body(portal, kept.patient_id, other.patient_id), portal.client_token()
        done, merge = together(
            partial(portal.import_fhir, bundle, token=token), partial(send, portal, kept.patient_id, asked)
        )
        assert (done.status, done.json["created"], done.json["updated"]) == (200, 20, 1)
        assert merge.status in {201, 409}
        after = row(other.patient_id)
        assert (after.merged_into == kept.patient_id) == (merge.status == 201)
        assert after.display_name == f"Changed{number}"


def _purge_rows(portal: Portal, account_id: str) -> list[str]:
    rows = [row for row in portal.rows("outbox") if row["topic"]["S"] == "purges"]
    return [row["pk"]["S"] for row in rows if row["account_id"]["S"] == account_id]


def _places(*patient_ids: str) -> list[str | None]:
    return [accounts.find_patient_account_id(one) for one in patient_ids]


def test_a_merge_is_undone_or_the_account_that_it_closed_is_removed(portal: Portal) -> None:
    """At the very moment at which the one may no more and the other may."""
    for _ in range(_ROUNDS):
        kept, other = portal.register(), portal.register()
        pair = kept.patient.patient_id, other.patient.patient_id
        closed, stays = account_id_of(kept), account_id_of(other)
        merge_id = merged(portal, *pair, keep_account_id=stays)
        (row_id,) = _purge_rows(portal, closed)
        found = merges.find(pair[0], merge_id)
        assert found is not None
        ends = clock.read_stamp(found.merged_at) + UNDO_WITHIN

        def act(number: int, row_id: str = row_id, kept_id: str = pair[0], merge_id: str = merge_id) -> int:
            if number == 0:
                portal.advance(seconds=0.05)
                return 0
            if number < 3:
                purges.work(row_id)
                return 0
            return undo(portal, kept_id, merge_id).status

        with clock.frozen(ends - timedelta(milliseconds=40)):
            answers = at_once(6, act)
            for _ in range(3):
                portal.advance(minutes=5)
                purges.work(row_id)
        after = accounts.find_account(closed)
        if 200 in answers:
            assert after is not None
            assert [after.disabled, after.closed_by_merge, after.purge_began_at] == [False, None, None]
            assert _places(*pair) == [closed, stays]
        else:
            assert after is None
            assert _places(*pair) == [stays, None]


@pytest.mark.parametrize("first", ["undo", "purge"])
def test_undoing_a_merge_just_before_the_other_writes_leaves_no_account_half_removed(
    portal: Portal, first: str
) -> None:
    """The one whose account was closed had closed it before, so that either may be done at the same time."""
    kept, other = portal.register(), portal.register()
    pair = kept.patient.patient_id, other.patient.patient_id
    gone, stays = account_id_of(kept), account_id_of(other)
    leaving.closed(kept)
    (row_id,) = _purge_rows(portal, gone)
    portal.advance(days=10)
    merge_id = merged(portal, *pair, keep_account_id=stays)
    portal.advance(days=20, seconds=1)
    answers: list[int] = []

    def part() -> None:
        answers.append(undo(portal, pair[0], merge_id).status)

    one, another = (part, partial(purges.work, row_id)) if first == "undo" else (partial(purges.work, row_id), part)
    with overtaken_by(one):
        another()
    for _ in range(2):
        portal.advance(minutes=5)
        purges.work(row_id)
    if answers != [200]:
        assert answers == [409]
        part()
    assert answers[-1] == 200
    assert accounts.find_account(gone) is None
    assert _places(*pair) == [None, stays]


def test_the_last_step_of_a_removal_sees_that_the_patient_is_back(portal: Portal) -> None:
    """The merge is undone after the removal has read whose the patient is, and before it writes."""
    kept, other = portal.register(), portal.register()
    pair = kept.patient.patient_id, other.patient.patient_id
    gone, stays = account_id_of(kept), account_id_of(other)
    leaving.closed(kept)
    (row_id,) = _purge_rows(portal, gone)
    portal.advance(days=10)
    merge_id = merged(portal, *pair, keep_account_id=stays)
    portal.advance(days=20, seconds=1)
    answers: list[int] = []
    begun: list[bool] = []

    def part(request: fhir.Json) -> None:
        removed = [item["Delete"]["Key"] for item in request["TransactItems"] if "Delete" in item]
        if {"pk": {"S": gone}, "sk": {"S": "principal"}} in removed and not begun:
            begun.append(True)
            answers.append(undo(portal, pair[0], merge_id).status)

    with before("TransactWriteItems", part):
        purges.work(row_id)
    assert answers == [200]
    assert _places(*pair) == [gone, stays]
    portal.advance(minutes=5)
    purges.work(row_id)
    assert accounts.find_account(gone) is None
    assert _places(*pair) == [None, stays]
