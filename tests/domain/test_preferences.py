"""The matrix of choices, and quiet hours on the reader's own clock (BK 6, DL 6)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.domain.notices import Channel, NoticeType
from chalicelib.domain.preferences import DEFAULTS, Mistake, Preferences, QuietHours, Row, cells, check, choose

CHICAGO = ZoneInfo("America/Chicago")
DAY_LONG = timedelta(days=1)
FORWARD, BACK = date(2027, 3, 14), date(2027, 11, 7)
"""When the clocks of the United States go from 2:00 to 3:00, and from 2:00 back to 1:00."""

NAMES = (
    "America/Chicago",
    "America/Phoenix",
    "America/Nuuk",
    "America/Havana",
    "America/St_Johns",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Europe/Lisbon",
    "Africa/Casablanca",
    "UTC",
)
START, DAYS = datetime(2010, 1, 1, tzinfo=UTC), 365 * 27
ZONES = st.sampled_from(NAMES).map(ZoneInfo)
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from((0, 1, 15, 30, 45, 59)))
SPANS = st.builds(QuietHours, CLOCKS, CLOCKS).filter(lambda quiet: quiet.starts != quiet.ends)
MOMENTS = st.integers(0, DAYS * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@cache
def changes(zone: ZoneInfo) -> list[datetime]:
    """The days, in UTC, during which the zone's clock is changed."""
    days = (START + timedelta(days=number) for number in range(DAYS))
    return [day for day in days if day.astimezone(zone).utcoffset() != (day + DAY_LONG).astimezone(zone).utcoffset()]


@st.composite
def moments_at_a_change(draw: st.DrawFn) -> tuple[datetime, ZoneInfo]:
    """A moment around a change of a clock, and the clock's zone."""
    zone = draw(st.sampled_from([name for name in NAMES if changes(ZoneInfo(name))]).map(ZoneInfo))
    day = draw(st.sampled_from(changes(zone)))
    return day + timedelta(minutes=draw(st.integers(-24 * 60, 48 * 60))), zone


def quiet(starts: str, ends: str) -> Preferences:
    return Preferences(quiet_hours=QuietHours(time.fromisoformat(starts), time.fromisoformat(ends)))


def at(day: date, clock: str, *, fold: int = 0, zone: ZoneInfo = CHICAGO) -> datetime:
    """When the zone's clock shows a time, in UTC."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=zone).replace(fold=fold).astimezone(UTC)


def shows_quiet(now: datetime, hours: QuietHours, zone: ZoneInfo) -> bool:
    """Whether the clock on the wall says that it is quiet; the rule in its plainest form."""
    clock = now.astimezone(zone).time()
    if hours.starts < hours.ends:
        return hours.starts <= clock < hours.ends
    return clock >= hours.starts or clock < hours.ends


DAY = date(2027, 6, 15)
NEXT = DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (at(DAY, "21:59:59"), None),
        (at(DAY, "22:00"), at(NEXT, "07:00")),
        (at(DAY, "23:59:59"), at(NEXT, "07:00")),
        (at(NEXT, "00:00"), at(NEXT, "07:00")),
        (at(NEXT, "06:59:59"), at(NEXT, "07:00")),
        (at(NEXT, "07:00"), None),
        (at(NEXT, "12:00"), None),
    ],
)
def test_quiet_hours_go_over_midnight(now: datetime, until: datetime | None) -> None:
    assert quiet("22:00", "07:00").quiet_until(now, CHICAGO) == until


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (at(DAY, "12:59:59"), None),
        (at(DAY, "13:00"), at(DAY, "15:00")),
        (at(DAY, "14:59:59"), at(DAY, "15:00")),
        (at(DAY, "15:00"), None),
    ],
)
def test_quiet_hours_may_lie_within_one_day(now: datetime, until: datetime | None) -> None:
    assert quiet("13:00", "15:00").quiet_until(now, CHICAGO) == until


def test_the_readers_own_zone_counts() -> None:
    now = at(DAY, "06:30", zone=ZoneInfo("America/New_York"))
    hours = quiet("22:00", "06:00")
    assert hours.quiet_until(now, ZoneInfo("America/New_York")) is None
    assert hours.quiet_until(now, CHICAGO) == at(DAY, "06:00")
    assert hours.quiet_until(now, ZoneInfo("Asia/Tokyo")) is None


def test_a_night_in_which_the_clock_goes_forward_is_an_hour_shorter() -> None:
    until = quiet("22:00", "07:00").quiet_until(at(FORWARD, "01:30"), CHICAGO)
    assert until == at(FORWARD, "07:00") == datetime(2027, 3, 14, 12, tzinfo=UTC)


def test_a_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    until = quiet("22:00", "07:00").quiet_until(at(BACK, "01:30"), CHICAGO)
    assert until == at(BACK, "07:00") == datetime(2027, 11, 7, 13, tzinfo=UTC)


def test_an_end_that_the_clock_jumps_over_is_the_jump() -> None:
    jump = datetime(2027, 3, 14, 8, tzinfo=UTC)
    hours = quiet("22:00", "02:30")
    assert hours.quiet_until(jump - timedelta(seconds=1), CHICAGO) == jump
    assert hours.quiet_until(jump, CHICAGO) is None


def test_a_start_that_the_clock_jumps_over_is_the_jump() -> None:
    jump = datetime(2027, 3, 14, 8, tzinfo=UTC)
    hours = quiet("02:30", "06:00")
    assert hours.quiet_until(jump - timedelta(seconds=1), CHICAGO) is None
    assert hours.quiet_until(jump, CHICAGO) == at(FORWARD, "06:00")


def test_hours_that_the_clock_jumps_over_as_a_whole_are_never_quiet() -> None:
    hours, start = quiet("02:15", "02:45"), at(FORWARD, "00:00")
    assert [hours.quiet_until(start + timedelta(minutes=minute), CHICAGO) for minute in range(300)] == [None] * 300
    assert hours.quiet_until(at(FORWARD + timedelta(days=1), "02:30"), CHICAGO) is not None


def test_an_end_that_the_clock_shows_twice_is_the_second() -> None:
    """Whoever asked for quiet until half past one is not woken at ten past one."""
    hours, second = quiet("22:00", "01:30"), at(BACK, "01:30", fold=1)
    for now in (at(BACK, "00:30"), at(BACK, "01:10"), at(BACK, "01:40"), at(BACK, "01:10", fold=1)):
        assert hours.quiet_until(now, CHICAGO) == second
    assert hours.quiet_until(second, CHICAGO) is None


def test_a_start_that_the_clock_shows_twice_is_the_first() -> None:
    """It does not become loud again when the clock goes back before it."""
    hours, until = quiet("01:30", "06:00"), at(BACK, "06:00")
    assert hours.quiet_until(at(BACK, "01:29"), CHICAGO) is None
    for now in (at(BACK, "01:30"), at(BACK, "01:10", fold=1), at(BACK, "01:30", fold=1)):
        assert hours.quiet_until(now, CHICAGO) == until


def test_a_clock_that_goes_back_over_midnight_ends_no_quiet_hours() -> None:
    """Newfoundland's went from 0:01 back to 23:01 of the day before."""
    zone, midnight = ZoneInfo("America/St_Johns"), datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert midnight.astimezone(zone).time() == time(0)
    for minutes in (0, 1, 15, 61):
        now = midnight + timedelta(minutes=minutes)
        assert quiet("00:00", "06:00").quiet_until(now, zone) == datetime(2010, 11, 7, 9, 30, tzinfo=UTC)


def test_without_quiet_hours_nothing_waits() -> None:
    assert Preferences().quiet_until(at(DAY, "03:00"), CHICAGO) is None
    assert quiet("22:00", "22:00").quiet_until(at(DAY, "22:00"), CHICAGO) is None


@given(moments_at_a_change(), SPANS)
@example((at(BACK, "01:10", fold=1), CHICAGO), QuietHours(time(1, 30), time(1, 20)))
@example((datetime(2011, 12, 30, 9, tzinfo=UTC), ZoneInfo("Pacific/Apia")), QuietHours(time(22), time(7)))
def test_no_message_is_let_out_while_the_readers_clock_says_quiet(
    when: tuple[datetime, ZoneInfo], hours: QuietHours
) -> None:
    """BK 6: neither at once, nor at the end of the wait, on days on which the clock is changed."""
    now, zone = when
    until = Preferences(quiet_hours=hours).quiet_until(now, zone)
    assert until is not None or not shows_quiet(now, hours, zone)
    if until is not None:
        assert until > now
        assert not shows_quiet(until, hours, zone)
        assert Preferences(quiet_hours=hours).quiet_until(until, zone) is None


@given(MOMENTS, SPANS, ZONES)
def test_away_from_a_change_of_the_clock_it_is_quiet_exactly_when_the_clock_says_so(
    now: datetime, hours: QuietHours, zone: ZoneInfo
) -> None:
    around = [now + timedelta(hours=hour) for hour in range(-50, 51)]
    assume(len({moment.astimezone(zone).utcoffset() for moment in around}) == 1)
    until = Preferences(quiet_hours=hours).quiet_until(now, zone)
    assert (until is not None) == shows_quiet(now, hours, zone)
    if until is not None:
        assert until.astimezone(zone).time() == hours.ends
        assert until - now < timedelta(days=1)


@given(MOMENTS, st.tuples(st.integers(0, 23), st.integers(1, 12)), ZONES)
def test_nobody_waits_much_longer_than_their_quiet_hours(now: datetime, span: tuple[int, int], zone: ZoneInfo) -> None:
    """At most by the length of a change of the clock at each end (Samoa left out a whole day in 2011)."""
    start, length = span
    hours = QuietHours(time(start), time((start + length) % 24))
    until = Preferences(quiet_hours=hours).quiet_until(now, zone)
    assert until is None or until - now <= timedelta(hours=length + 2)


@given(moments_at_a_change(), SPANS)
def test_a_wait_never_ends_earlier_for_who_comes_later(when: tuple[datetime, ZoneInfo], hours: QuietHours) -> None:
    chosen = Preferences(quiet_hours=hours)
    day, zone = when
    moments = [day + timedelta(minutes=20 * step) for step in range(150)]
    released = [chosen.quiet_until(moment, zone) or moment for moment in moments]
    assert all(earlier <= later for earlier, later in pairwise(released))


def test_a_reader_who_chose_nothing_has_the_defaults() -> None:
    chosen = Preferences()
    for kind, lead in cells():
        assert set(chosen.channels(kind, lead)) == DEFAULTS[kind]
    assert chosen.channels(NoticeType.SECURITY) == [Channel.PUSH, Channel.EMAIL, Channel.SMS]


def test_every_type_of_notice_is_in_the_matrix_once() -> None:
    rows = Preferences().rows()
    assert len({row.cell for row in rows}) == len(rows)
    assert {row.kind for row in rows} == set(NoticeType) == set(DEFAULTS)
    assert list(check(rows)) == []


@given(st.sets(st.sampled_from(list(Channel))))
def test_a_choice_is_kept_as_it_was_made(channels: set[Channel]) -> None:
    chosen = choose([Row(NoticeType.RESULTS, None, frozenset(channels))], None)
    assert set(chosen.channels(NoticeType.RESULTS)) == channels


@given(st.sets(st.sampled_from(list(Channel))))
def test_security_notices_cannot_be_switched_off(channels: set[Channel]) -> None:
    """DL 6: not by a choice that is refused, and not by one that got into storage."""
    row = Row(NoticeType.SECURITY, None, frozenset(channels))
    expected = [] if channels == set(Channel) else [(0, Mistake.LOCKED)]
    assert list(check([row])) == expected
    for stored in (choose([row], None), Preferences({row.cell: row.channels})):
        assert set(stored.channels(NoticeType.SECURITY)) == set(Channel)


def test_rows_that_are_none_of_the_matrix_or_come_twice_are_found_by_their_place() -> None:
    results = Row(NoticeType.RESULTS, None, frozenset())
    rows = [results, Row(NoticeType.RESULTS, "P1D", frozenset()), results]
    assert list(check(rows)) == [(1, Mistake.UNKNOWN), (2, Mistake.TWICE)]
