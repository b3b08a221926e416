"""The life of sessions against a model of it: after any history, exactly the tokens that should work do (SE 1-3)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib import clock
from tests.support import sizes
from tests.support.portal import Person, Portal
from tests.support.sign_in import is_signed_in, refresh
from tests.support.times import NOON

PASSWORDS = ("seven green teapots sing", "eleven blue kettles hum")
ACCESS, IN_ALL, GRACE = timedelta(minutes=15), timedelta(days=30), timedelta(seconds=10)


@dataclass
class Modelled:
    """A session as the promises describe it; the last of `refresh_tokens` is the unspent one."""

    opened_at: datetime
    access_tokens: list[tuple[str, datetime]]
    refresh_tokens: list[str]
    rotated_at: datetime | None = None
    ended: bool = False
    known: set[str] = field(default_factory=set)

    def is_over(self) -> bool:
        return self.ended or clock.now() >= self.opened_at + IN_ALL

    def working(self) -> set[str]:
        """The present access token and the one before, each until its own end."""
        if self.is_over():
            return set()
        return {token for token, ends in self.access_tokens[-2:] if clock.now() < ends}


class SessionLife(RuleBasedStateMachine):
    """One account's sessions; times pass in steps that cross every limit."""

    portal: Portal
    person: Person

    def __init__(self) -> None:
        super().__init__()
        self._stops = ExitStack()
        self._stops.enter_context(clock.frozen(NOON + timedelta(days=400 * next(_LIVES))))
        self.password = 0
        self.sessions: list[Modelled] = []
        self.portal, self.person = _SETTING["portal"], _SETTING["portal"].register(password=PASSWORDS[0])
        self._opened(self.person.session)

    def teardown(self) -> None:
        self._stops.close()

    def _opened(self, session: dict[str, str]) -> None:
        ends = clock.now() + ACCESS
        self.sessions.append(Modelled(clock.now(), [(session["access_token"], ends)], [session["refresh_token"]]))

    def _open(self) -> list[Modelled]:
        return [session for session in self.sessions if not session.is_over()]

    @rule()
    def sign_in(self) -> None:
        answer = self.portal.sign_in(self.person.username, PASSWORDS[self.password])
        assert answer.status == 201
        self._opened(answer.json)

    @rule(data=st.data())
    def refresh(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        answer = refresh(self.portal, session.refresh_tokens[-1])
        if session.is_over():
            assert answer.status == 401
            return
        self._rotated(session, answer.json)

    def _rotated(self, session: Modelled, tokens: dict[str, str]) -> None:
        session.rotated_at = clock.now()
        session.refresh_tokens.append(tokens["refresh_token"])
        ends = min(clock.now() + ACCESS, session.opened_at + IN_ALL)
        session.access_tokens.append((tokens["access_token"], ends))

    @rule(data=st.data(), back=st.integers(1, 3))
    def replay_a_spent_token(self, data: st.DataObject, back: int) -> None:
        session = data.draw(st.sampled_from(self.sessions))
        if len(session.refresh_tokens) <= back:
            return
        answer = refresh(self.portal, session.refresh_tokens[-1 - back])
        forgiven = back == 1 and session.rotated_at is not None and clock.now() <= session.rotated_at + GRACE
        if forgiven and not session.is_over():
            assert answer.json["refresh_token"] == session.refresh_tokens[-1]
            assert answer.json["access_token"] == session.access_tokens[-1][0]
            return
        assert answer.status == 401
        session.ended = True

    @precondition(lambda self: any(session.working() for session in self.sessions))
    @rule(data=st.data())
    def sign_out(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([session for session in self.sessions if session.working()]))
        token = min(session.working())
        assert self.portal.call("DELETE", "/v1/sessions/current", token=token).status == 204
        session.ended = True

    @precondition(lambda self: any(session.working() for session in self.sessions))
    @rule(data=st.data())
    def sign_out_everywhere_else(self, data: st.DataObject) -> None:
        kept = data.draw(st.sampled_from([session for session in self.sessions if session.working()]))
        assert self.portal.call("DELETE", "/v1/sessions/others", token=min(kept.working())).status == 204
        for session in self.sessions:
            session.ended = session.ended or session is not kept

    @precondition(lambda self: any(session.working() for session in self.sessions))
    @rule(data=st.data())
    def change_the_password(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([session for session in self.sessions if session.working()]))
        body = {"current_password": PASSWORDS[self.password], "new_password": PASSWORDS[1 - self.password]}
        answer = self.portal.call("PUT", "/v1/me/password", body, token=min(session.working()))
        assert answer.status == 200
        self.password = 1 - self.password
        for one in self.sessions:
            one.ended = True
        self._opened(answer.json)

    @rule(step=st.sampled_from([timedelta(seconds=6), timedelta(minutes=7), timedelta(minutes=15), timedelta(days=14)]))
    def time_passes(self, step: timedelta) -> None:
        clock.advance(step)

    @invariant()
    def exactly_the_tokens_that_should_work_do(self) -> None:
        for session in self.sessions:
            for token, _ in session.access_tokens[-3:]:
                assert is_signed_in(self.portal, token) is (token in session.working())

    @invariant()
    def the_list_shows_the_open_sessions(self) -> None:
        caller = next((token for session in self.sessions for token in session.working()), None)
        if caller is not None:
            listed = self.portal.call("GET", "/v1/sessions?limit=100", token=caller).json["items"]
            assert len(listed) == len(self._open())


_SETTING: dict[str, Portal] = {}
_LIVES = iter(range(1, 10_000))


@pytest.fixture
def portal_of_the_machine(portal: Portal) -> Iterator[None]:
    _SETTING["portal"] = portal
    yield
    _SETTING.clear()


@pytest.mark.promise
@pytest.mark.usefixtures("portal_of_the_machine")
def test_after_any_history_exactly_the_tokens_that_should_work_do() -> None:
    """SE 1, SE 2, SE 3."""
    examples = 60 if sizes.is_full() else 8
    run_state_machine_as_test(
        SessionLife,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
