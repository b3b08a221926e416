from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.records import dates
from chalicelib.domain.records.dates import NoSuchDate

CHICAGO = "America/Chicago"
instants = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  Naive bounds are what hypothesis asks for.
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2020", "2020"),
        ("2020-02", "2020-02"),
        ("2020-02-29", "2020-02-29"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("2020-01-01T10:00:00-06:00", "2020-01-01T16:00:00Z"),
        ("2020-01-01T00:30:00+01:00", "2019-12-31T23:30:00Z"),
        ("2021-11-10T16:48:57.246958-08:00", "2021-11-11T00:48:57.246Z"),
        ("2020-01-01T10:00:00.5Z", "2020-01-01T10:00:00.5Z"),
        ("2020-01-01T10:00Z", "2020-01-01T10:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
    ],
)
def test_a_date_stays_as_sent_and_a_time_is_given_in_utc(sent: str, shown: str) -> None:
    assert dates.normal(sent) == shown


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("2020-01-01T10:00:00", "needs its zone"),
        ("2019-02-29", "no such date"),
        ("2020-13", "no such date"),
        ("0000", "no such date"),
        ("2020-01-01T24:00:00Z", "no such date"),
        ("2020-01-01T23:59:61Z", "no such date"),
        ("0001-01-01T00:00:00+14:00", "no such date"),
        ("2020-01-01T10:00:00+25:00", "was expected"),
        ("2020-1-1", "was expected"),
        ("01/02/2020", "was expected"),
        ("2020-01-01 10:00:00Z", "was expected"),
        ("٢٠٢٠", "was expected"),
        ("2020-01-01\n", "was expected"),
        ("", "was expected"),
    ],
)
def test_what_is_no_date_is_refused(sent: str, reason: str) -> None:
    with pytest.raises(NoSuchDate, match=reason):
        dates.normal(sent)
    with pytest.raises(NoSuchDate, match=reason):
        dates.order_key(sent, CHICAGO)


@given(instants, instants, offsets, offsets)
def test_the_order_of_keys_is_the_order_of_time(
    one: datetime, other: datetime, here: timezone, there: timezone
) -> None:
    one, other = (at.replace(microsecond=at.microsecond // 1000 * 1000) for at in (one, other))
    key, other_key = (
        dates.order_key(at.astimezone(zone).isoformat(timespec="milliseconds"), CHICAGO)
        for at, zone in ((one, here), (other, there))
    )
    assert (key < other_key, key == other_key) == (one < other, one == other)


@given(instants, offsets)
def test_a_time_as_shown_is_ordered_as_the_time_sent(at: datetime, zone: timezone) -> None:
    sent = at.astimezone(zone).isoformat()
    assert dates.order_key(dates.normal(sent), CHICAGO) == dates.order_key(sent, CHICAGO)
    assert dates.normal(dates.normal(sent)) == dates.normal(sent)


def test_a_date_is_the_start_of_its_day_in_the_zone_of_the_clinic() -> None:
    assert dates.order_key("2024-07-01", CHICAGO) == "2024-07-01T05:00:00.000Z"
    assert dates.order_key("2024-01", CHICAGO) == "2024-01-01T06:00:00.000Z"
    assert dates.order_key("2024", "UTC") == "2024-01-01T00:00:00.000Z"
    assert dates.order_key("2024-07-01", CHICAGO) < dates.order_key("2024-07-01T00:00:00.001-05:00", CHICAGO)


@pytest.mark.parametrize(
    ("resource", "occurred", "recorded"),
    [
        ({"resourceType": "Observation", "effectiveDateTime": "2020", "issued": "2021-01-01"}, "2020", "2021-01-01"),
        ({"resourceType": "Observation", "effectivePeriod": {"end": "2020-02"}}, "2020-02", None),
        ({"resourceType": "Observation", "effectiveTiming": {"event": ["2020-03"]}}, "2020-03", None),
        ({"resourceType": "Goal", "meta": {"lastUpdated": "2020-01-01T01:00:00+01:00"}}, None, "2020-01-01T00:00:00Z"),
        ({"resourceType": "Condition", "onsetString": "as a child", "recordedDate": "2020"}, "2020", "2020"),
        ({"resourceType": "Condition", "onsetPeriod": {"start": "2019"}, "recordedDate": "2020"}, "2019", "2020"),
        ({"resourceType": "Goal"}, None, None),
        ({"resourceType": "ServiceRequest", "authoredOn": "2020", "occurrenceDateTime": "2021"}, "2020", "2020"),
        ({"resourceType": "DocumentReference", "context": {"period": {"start": "2018"}}}, "2018", None),
        ({"resourceType": "DocumentReference", "content": [{}, {"attachment": {"creation": "2017"}}]}, "2017", None),
        ({"resourceType": "Encounter", "period": {"start": "2020-01-01T00:00:00-06:00"}}, "2020-01-01T06:00:00Z", None),
    ],
)  # fmt: skip
def test_when_a_record_happened_and_was_written_down(
    resource: dict[str, object], occurred: str | None, recorded: str | None
) -> None:
    assert (dates.occurred_at(resource), dates.recorded_at(resource)) == (occurred, recorded)
