"""What a link in an email opens: a page that acts only when its form is posted, for people and mail scanners alike."""

from collections.abc import Callable
from datetime import date

import pytest
from chalice.app import BadRequestError, Chalice, ChaliceUnhandledError
from pydantic import ValidationError

from chalicelib import words
from chalicelib.domain.links import LASTS, LinkEnd, LinkPurpose
from chalicelib.handlers import edge
from chalicelib.handlers.pages.registry import PAGES
from chalicelib.models import accounts
from chalicelib.models.transaction import transaction
from chalicelib.schemas.pages import LinkForm
from chalicelib.services.rendering import templates
from chalicelib.settings import settings
from infra.local.gateway import HttpRequest, portal_gateway
from tests.support.forged import altered
from tests.support.html import Page
from tests.support.links import FORM, NEW_PASSWORD, OF_ACCOUNTS, account_id_of, path_of, post
from tests.support.portal import Answer, Person, Portal
from tests.support.setting import setting

BORN = "1961-04-12"
VERIFY, DISOWN = LinkPurpose.VERIFY_EMAIL, LinkPurpose.DISOWN_EMAIL
RESET, STOP = LinkPurpose.RESET_PASSWORD, LinkPurpose.STOP_MESSAGES
TYPED: dict[LinkPurpose, dict[str, str]] = {
    VERIFY: {"date_of_birth": BORN},
    DISOWN: {},
    RESET: {"date_of_birth": BORN, "new_password": NEW_PASSWORD},
    STOP: {"date_of_birth": BORN},
    LinkPurpose.REOPEN_ACCOUNT: {"date_of_birth": BORN},
    LinkPurpose.UNDO_CHANGE: {"date_of_birth": BORN},
}
ASKING = [purpose for purpose in OF_ACCOUNTS if "date_of_birth" in TYPED[purpose]]


def _link(portal: Portal, purpose: LinkPurpose) -> tuple[Person, str]:
    person = portal.register()
    return person, path_of(portal, person, purpose)


def _state(portal: Portal, person: Person) -> list[str]:
    """All that is stored of an account and its links, but for how often somebody tried."""
    rows = [row for area in ("accounts", "audit", "outbox") for row in portal.rows(area)]
    stored = [sorted((name, repr(value)) for name, value in row.items() if name != "tries") for row in rows]
    return sorted(text for text in map(repr, stored) if account_id_of(person) in text)


def _is_verified(person: Person) -> bool:
    verified: bool = person.get("/v1/me").json["email_verified"]
    return verified


def _act(portal: Portal, purpose: LinkPurpose, link: str) -> Answer:
    """Everything right, the security question too."""
    answer = post(portal, link, **TYPED[purpose])
    while "security_answer" in (fields := Page(answer.text).fields):
        sealed = fields["sealed"]["value"] or ""
        answer = post(portal, link, sealed=sealed, security_answer=_answer_to(portal, answer))
    return answer


def _answer_to(portal: Portal, asked: Answer) -> str:
    label = Page(asked.text).one("label").text
    given = {one["question_id"]: one["answer"] for one in portal.security_answers()}
    texts = {one["question_id"]: one["text"] for one in portal.call("GET", "/v1/security-questions").json["items"]}
    (answer,) = [answer for question, answer in given.items() if texts[question] == label]
    return answer


# --- the mechanism ----------------------------------------------------------------------------------------------------


def test_every_purpose_has_its_page_with_its_templates_and_words() -> None:
    assert set(PAGES) == set(LASTS) == set(LinkPurpose)
    for purpose in LinkPurpose:
        assert {f"pages/{purpose}/form.html", f"pages/{purpose}/done.html"} <= set(templates().list_templates())
        for language in words.languages():
            assert words.say(f"page.{purpose}.next_step", language)


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_opening_a_link_any_number_of_times_changes_nothing(portal: Portal, purpose: LinkPurpose) -> None:
    person, link = _link(portal, purpose)
    before = _state(portal, person)
    answers = [portal.call(method, link) for method in ("GET", "HEAD") * 5]
    assert {answer.status for answer in answers} == {200}
    assert _state(portal, person) == before
    assert _act(portal, purpose, link).status == 200
    assert _state(portal, person) != before


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_each_purpose_shows_a_page_of_its_own(portal: Portal, purpose: LinkPurpose) -> None:
    _, link = _link(portal, purpose)
    page = Page(portal.call("GET", link).text)
    assert page.heading == words.say(f"page.{purpose}.title", "en")
    assert ("date_of_birth" in page.fields) == (purpose in ASKING)
    assert Page(_act(portal, purpose, link).text).heading == words.say(f"page.{purpose}.done.title", "en")


@pytest.mark.parametrize("purpose", ASKING)
def test_nothing_happens_without_the_birth_date(portal: Portal, purpose: LinkPurpose) -> None:
    person, link = _link(portal, purpose)
    before = _state(portal, person)
    for born in ("", "1961-04-13", "soon"):
        answer = post(portal, link, **{**TYPED[purpose], "date_of_birth": born})
        page = Page(answer.text)
        assert answer.status == 422
        assert "date of birth" in page.described("date_of_birth") or "this date" in page.described("date_of_birth")
        assert page.fields["date_of_birth"]["value" if born else "name"] == (born or "date_of_birth")
    assert _state(portal, person) == before
    assert _act(portal, purpose, link).status == 200


def test_an_account_without_a_patient_is_not_asked_for_a_birth_date(portal: Portal) -> None:
    person, link = _link(portal, VERIFY)
    _change_account(portal, person, "REMOVE patient_id")
    page = Page(portal.call("GET", link).text)
    assert page.fields == {}
    assert post(portal, link).status == 200
    assert _is_verified(person)


def _change_account(
    portal: Portal, person: Person, change: str, values: dict[str, dict[str, str]] | None = None
) -> None:
    """As a later part of the portal will change accounts: caregivers who are no patients, emails entered anew."""
    portal.aws.client("dynamodb").update_item(
        TableName=settings().table("accounts"),
        Key={"pk": {"S": account_id_of(person)}, "sk": {"S": "principal"}},
        UpdateExpression=change,
        **({"ExpressionAttributeValues": values} if values else {}),
    )


def test_head_answers_as_get_does_without_a_body(portal: Portal) -> None:
    _, link = _link(portal, VERIFY)
    for path in (link, "/l/unknown", "/l", "/l/x/y"):
        get, head = portal.call("GET", path), portal.call("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert {**head.headers, "x-request-id": []} == {**get.headers, "x-request-id": []}


def test_what_mail_programs_add_to_a_link_does_no_harm(portal: Portal) -> None:
    _, link = _link(portal, VERIFY)
    assert portal.call("GET", f"{link}?utm_source=mail&utm_source=again&fbclid=1").status == 200


# --- birth dates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["1961-04-12", "12 de abril de 1961"])
def test_a_birth_date_may_be_typed_as_people_write_it(portal: Portal, typed: str) -> None:
    person, link = _link(portal, VERIFY)
    assert post(portal, link, date_of_birth=typed).status == 200
    assert _is_verified(person)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1950-3-31", date(1950, 3, 31)),
        ("1950.03.31", date(1950, 3, 31)),
        ("3/31/1950", date(1950, 3, 31)),
        ("31/3/1950", date(1950, 3, 31)),
        ("03-04-1950", date(1950, 3, 4)),
        ("the 3rd of March, 1950", date(1950, 3, 3)),
        ("1 de enero del 1950", date(1950, 1, 1)),
        ("MARZO 31 1950", date(1950, 3, 31)),
        ("", None),
        ("   ", None),
    ],
)
def test_a_birth_date_is_read(typed: str, meant: date | None) -> None:
    assert LinkForm.model_validate({"date_of_birth": typed}).date_of_birth == meant


@pytest.mark.parametrize(
    "typed", ["31/31/1950", "1950-02-30", "3/31/50", "1950", "March 1950", "31 32 33", "x" * 41, "²/3/1950"]
)
def test_what_is_no_birth_date_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        LinkForm.model_validate({"date_of_birth": typed})


@pytest.mark.parametrize("typed", ["1961-13-12", "1961-04-13", '"><script>alert(1)'])
def test_another_or_an_unreadable_date_shows_the_form_again_and_says_why(portal: Portal, typed: str) -> None:
    person, link = _link(portal, VERIFY)
    answer = post(portal, link, date_of_birth=typed)
    page = Page(answer.text)
    field = page.fields["date_of_birth"]
    assert answer.status == 422
    assert not _is_verified(person)
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "date_of_birth-wrong date_of_birth-hint")
    assert (
        field.get(
            "autofocus",
        )
        is None
    )
    assert "autofocus" in field.attributes
    assert field["value"] == typed
    (summary,) = [element for element in page.all("div") if element.get("role") == "alert"]
    assert page.by_id("date_of_birth-wrong").text in summary.text
    assert "#date_of_birth" in [link["href"] for link in page.all("a")]
    assert page.one("title").text.startswith("Please check:")
    assert page.all("script") == []


def test_the_fifth_wrong_date_closes_the_link_and_the_page_says_so(portal: Portal) -> None:
    person, link = _link(portal, VERIFY)
    answers = [post(portal, link, date_of_birth="1961-04-13") for _ in range(5)]
    assert [answer.status for answer in answers] == [422] * 5
    assert [Page(answer.text).heading for answer in answers][3:] == [
        "Confirm your email address",
        "This link is closed",
    ]
    assert post(portal, link, date_of_birth=BORN).status == 410
    assert not _is_verified(person)


# --- links that are over ----------------------------------------------------------------------------------------------


def _use(portal: Portal, purpose: LinkPurpose, link: str) -> None:
    assert _act(portal, purpose, link).status == 200


def _expire(portal: Portal, purpose: LinkPurpose, _link: str) -> None:
    portal.advance(seconds=LASTS[purpose].total_seconds())


def _try(portal: Portal, purpose: LinkPurpose, link: str) -> None:
    for _ in range(5):
        assert post(portal, link, **{**TYPED[purpose], "date_of_birth": "1961-04-13"}).status == 422


@pytest.mark.parametrize(
    ("purpose", "end", "reach", "heading"),
    [
        (VERIFY, LinkEnd.USED, _use, "All is well. Your email address is confirmed."),
        (VERIFY, LinkEnd.EXPIRED, _expire, "This link is too old"),
        (VERIFY, LinkEnd.TRIED, _try, "This link is closed"),
        (DISOWN, LinkEnd.USED, _use, "Your address is off that account"),
        (DISOWN, LinkEnd.EXPIRED, _expire, "This link is too old"),
        (RESET, LinkEnd.USED, _use, "Your new password is saved"),
        (RESET, LinkEnd.EXPIRED, _expire, "This link is too old"),
        (STOP, LinkEnd.EXPIRED, _expire, "This link is too old"),
        (STOP, LinkEnd.TRIED, _try, "This link is closed"),
    ],
)
def test_a_link_that_is_over_says_so_and_names_the_next_step(
    portal: Portal, purpose: LinkPurpose, end: LinkEnd, reach: Callable[[Portal, LinkPurpose, str], None], heading: str
) -> None:
    _, link = _link(portal, purpose)
    reach(portal, purpose, link)
    portal.drain()
    before = portal.count("audit"), portal.count("outbox")
    answers = [portal.call("GET", link), post(portal, link, **TYPED[purpose])]
    for answer in answers:
        page = Page(answer.text)
        own = f"page.{purpose}.{end}.cure"
        step = words.say(own if own in words.catalogue("en") else f"page.{purpose}.next_step", "en")
        assert (answer.status, page.heading) == (410, heading)
        assert step in " ".join(answer.text.split()).replace("&#39;", "'")
        assert "http://127.0.0.1:8000" in [link["href"] for link in page.all("a")]
    assert portal.call("HEAD", link).status == 410
    assert (portal.count("audit"), portal.count("outbox")) == before


def test_a_newer_reset_ends_the_older_link(portal: Portal) -> None:
    person, older = _link(portal, RESET)
    newer = path_of(portal, person, RESET)
    assert portal.call("GET", older).status == 410
    assert Page(portal.call("GET", older).text).heading == "This link does not work any more"
    assert _act(portal, RESET, newer).status == 200


def test_an_unknown_link_is_not_found_whatever_is_sent_to_it(portal: Portal) -> None:
    _, link = _link(portal, VERIFY)
    for unknown in ("/l/x", link[:-1], altered(link), f"/l/{'x' * 3000}"):
        assert [portal.call(method, unknown).status for method in ("GET", "HEAD")] == [404, 404]
        answer = post(portal, unknown, date_of_birth=BORN)
        assert (answer.status, Page(answer.text).heading) == (404, "We do not know this link")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/l", "/l/", "/l/x/y"])
def test_around_the_links_there_are_pages_too(portal: Portal, method: str, path: str) -> None:
    answer = portal.call(method, path)
    assert (answer.status, answer.header("content-type")) == (404, "text/html; charset=utf-8")
    assert Page(answer.text).heading == "We do not know this link"
    assert str(answer.header("x-request-id")) in answer.text
    assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_link_takes_no_other_method_and_says_so_on_a_page(portal: Portal, method: str) -> None:
    _, link = _link(portal, VERIFY)
    answer = portal.call(method, link)
    assert (answer.status, answer.header("content-type")) == (405, "text/html; charset=utf-8")
    assert answer.header("allow") == "GET, HEAD, OPTIONS, POST"


def test_the_form_takes_a_form_only(portal: Portal) -> None:
    _, link = _link(portal, VERIFY)
    for raw, sent, status in (
        (b"{}", "application/json", 415),
        (b"\xff=\xfe", FORM["Content-Type"], 422),
        (b"a&b", FORM["Content-Type"], 400),
        (b"no_such_field=1", FORM["Content-Type"], 422),
        (b"date_of_birth=" + b"1" * 300_000, FORM["Content-Type"], 413),
    ):
        answer = portal.call("POST", link, raw=raw, headers={"Content-Type": sent})
        assert (answer.status, answer.header("content-type")) == (status, "text/html; charset=utf-8")


@pytest.mark.parametrize(("fault", "status"), [(BadRequestError("x"), 400), (ChaliceUnhandledError("x"), 500)])
def test_what_the_framework_itself_answers_to_a_link_is_a_page(portal: Portal, fault: Exception, status: int) -> None:
    def fail(token: str) -> None:
        raise fault

    made = Chalice(app_name="test-of-pages")
    made.log.disabled = True
    made.register_middleware(edge.middleware, "http")
    made.route("/l/{token}")(fail)
    answer = portal_gateway(made).handle(HttpRequest("GET", "/l/x"))
    assert (answer.status, answer.header("content-type")) == (status, "text/html; charset=utf-8")
    assert len(Page(answer.body.decode()).all("h1")) == 1


# --- what a page is made of -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_a_page_has_labelled_fields_and_no_script_cookie_or_anything_from_elsewhere(
    portal: Portal, purpose: LinkPurpose
) -> None:
    _, link = _link(portal, purpose)
    answer = portal.call("GET", link)
    page = Page(answer.text)
    assert [label["for"] for label in page.all("label")] == list(page.fields)
    assert page.one("form").attributes == {"method": "post", "novalidate": None}
    assert page.one("html")["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("button")) == 1
    assert not {element.tag for element in page.elements} & {"script", "img", "link", "iframe", "object"}
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert "url(" not in answer.text
    assert "set-cookie" not in answer.headers
    assert "script-src" not in (answer.header("content-security-policy") or "")
    assert answer.header("cache-control") == "no-store"


def test_the_fields_tell_a_browser_what_they_are_for(portal: Portal) -> None:
    _, link = _link(portal, RESET)
    fields = Page(portal.call("GET", link).text).fields
    born, password = fields["date_of_birth"], fields["new_password"]
    assert (born["type"], born["autocomplete"]) == ("text", "bday")
    assert (password["type"], password["autocomplete"]) == ("password", "new-password")


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_a_page_names_nobody(portal: Portal, purpose: LinkPurpose) -> None:
    person, link = _link(portal, purpose)
    patient = person.patient
    wrong = post(portal, link, **{**TYPED[purpose], **({"date_of_birth": "1961-04-13"} if purpose in ASKING else {})})
    for answer in (portal.call("GET", link), wrong, _act(portal, purpose, link)):
        for known in (patient.first_name, patient.last_name, patient.clinic_number, patient.email, person.username):
            assert known not in answer.text


# --- languages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_a_page_speaks_the_browsers_language_and_else_the_accounts(portal: Portal, purpose: LinkPurpose) -> None:
    person, link = _link(portal, purpose)
    for account, accepted, shown in (
        ("en", None, "en"),
        ("en", "es-MX", "es"),
        ("es", None, "es"),
        ("es", "en-US,en;q=0.9", "en"),
        ("es", "fr", "es"),
    ):
        _speak(person, account)
        answer = portal.call("GET", link, headers={"Accept-Language": accepted} if accepted else {})
        page = Page(answer.text)
        assert (answer.header("content-language"), page.one("html")["lang"]) == (shown, shown)
        assert page.heading == words.say(f"page.{purpose}.title", shown)


def _speak(person: Person, language: str) -> None:
    """Of an account that is closed as well, whose holder cannot sign in to say so."""
    found = accounts.find_account(account_id_of(person))
    assert found is not None
    with transaction() as tx:
        accounts.edit_account(tx, found.pk, expected_version=int(found.version), language=language)


# --- this was not me --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_whoever_has_the_mailbox_takes_the_address_off_the_account(portal: Portal, is_confirmed: bool) -> None:
    person, disown = _link(portal, DISOWN)
    verify = path_of(portal, person, VERIFY)
    if is_confirmed:
        assert post(portal, verify, date_of_birth=BORN).status == 200
    assert post(portal, disown).status == 200
    me = person.get("/v1/me").json
    assert (me["email"], me["email_verified"]) == (None, False)
    assert (portal.call("GET", verify).status, post(portal, verify, date_of_birth=BORN).status) == (410, 410)
    assert Page(portal.call("GET", verify).text).heading != words.say("page.verify_email.used.title", "en")
    assert "account:email:disown" in repr(portal.rows("audit"))


def test_the_accounts_holder_is_told_that_an_address_was_taken_off(portal: Portal) -> None:
    person, disown = _link(portal, DISOWN)
    emails = len(portal.emails(person.patient.email))
    assert post(portal, disown).status == 200
    portal.drain()
    titles = [notice["title"] for notice in person.get("/v1/me/notices").json["items"]]
    assert words.say("notice.email_removed.title", "en") in titles
    assert len(portal.emails(person.patient.email)) == emails


def test_a_link_that_was_sent_before_does_not_confirm_a_disowned_address_that_is_entered_again(portal: Portal) -> None:
    person, disown = _link(portal, DISOWN)
    verify = path_of(portal, person, VERIFY)
    assert post(portal, disown).status == 200
    _change_account(portal, person, "SET pending_email = :email", {":email": {"S": person.patient.email}})
    assert post(portal, verify, date_of_birth=BORN).status == 410
    assert not _is_verified(person)


def test_an_address_that_was_disowned_is_free_for_its_owner(portal: Portal) -> None:
    mailbox = f"shared-{portal.new_patient().resource_id}@example.org"
    stranger = portal.register(email=mailbox)
    disown = path_of(portal, stranger, DISOWN)
    assert post(portal, path_of(portal, stranger, VERIFY), date_of_birth=BORN).status == 200
    assert post(portal, disown).status == 200
    owner = portal.register(email=mailbox)
    verify = path_of(portal, owner, VERIFY)
    assert post(portal, verify, date_of_birth=BORN).status == 200
    assert _is_verified(owner)
    assert portal.call("GET", disown).status == 410


# --- stop these emails ------------------------------------------------------------------------------------------------


def _email_of_results(person: Person) -> dict[str, bool]:
    rows = person.get("/v1/me/notification-preferences").json["rows"]
    (channels,) = [row["channels"] for row in rows if row["notice_type"] == "results"]
    found: dict[str, bool] = channels
    return found


def test_emails_of_one_type_stop_and_nothing_else_does(portal: Portal) -> None:
    person, link = _link(portal, STOP)
    before = _email_of_results(person)
    answer = post(portal, link, date_of_birth=BORN)
    assert (before["email"], answer.status) == (True, 200)
    assert _email_of_results(person) == {**before, "email": False}
    assert "Notifications" in answer.text


def test_a_stop_link_works_once(portal: Portal) -> None:
    person, link = _link(portal, STOP)
    assert [post(portal, link, date_of_birth=BORN).status for _ in range(2)] == [200, 410]
    assert person.get("/v1/me/notification-preferences").header("etag") == '"1"'


# --- a new password ---------------------------------------------------------------------------------------------------


def test_a_new_password_is_set_once_the_security_question_is_answered(portal: Portal) -> None:
    person, link = _link(portal, RESET)
    asked = post(portal, link, **TYPED[RESET])
    page = Page(asked.text)
    assert (asked.status, page.heading) == (200, "One more question")
    assert set(page.fields) == {"sealed", "security_answer"}
    assert NEW_PASSWORD not in asked.text
    assert BORN not in asked.text
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 401
    assert _act(portal, RESET, link).status == 200
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 201
    assert person.get("/v1/me").status == 401


def test_a_first_post_with_the_right_answer_acts_at_once(portal: Portal) -> None:
    person, link = _link(portal, RESET)
    answer = _answer_to(portal, post(portal, link, **TYPED[RESET]))
    assert post(portal, link, **TYPED[RESET], security_answer=answer).status == 200
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 201


def test_without_security_questions_one_form_is_all(portal: Portal) -> None:
    with setting("SECURITY_QUESTIONS", "off"):
        person, link = _link(portal, RESET)
        assert Page(post(portal, link, **TYPED[RESET]).text).heading == "Your new password is saved"
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 201


def test_a_wrong_answer_asks_again_and_the_third_closes_the_link(portal: Portal) -> None:
    person, link = _link(portal, RESET)
    first = post(portal, link, **TYPED[RESET])
    right = _answer_to(portal, first)
    sealed = Page(first.text).fields["sealed"]["value"] or ""
    again = post(portal, link, sealed=sealed, security_answer="no")
    assert again.status == 422
    assert "not the answer" in Page(again.text).described("security_answer")
    blank = post(portal, link, sealed=sealed, security_answer=" ")
    assert (blank.status, "enter your answer" in Page(blank.text).described("security_answer")) == (422, True)
    assert [post(portal, link, sealed=sealed, security_answer="no").status for _ in range(2)] == [422, 422]
    assert post(portal, link, sealed=sealed, security_answer=right).status == 410
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 401


def test_what_is_sealed_works_on_its_own_link_only(portal: Portal) -> None:
    (person, link), (_, other) = _link(portal, RESET), _link(portal, RESET)
    first = post(portal, link, **TYPED[RESET])
    sealed = Page(first.text).fields["sealed"]["value"] or ""
    for target, sent in ((other, sealed), (link, sealed[:-2] + "AA"), (link, "x"), (link, sealed + "=")):
        assert post(portal, target, sealed=sent, security_answer=_answer_to(portal, first)).status == 400
    assert portal.sign_in(person.username, NEW_PASSWORD).status == 401


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("", "enter a new password"),
        ("too short", "at least 15 characters"),
        ("Ingrid Solberg 1961", "your name"),
        ("x" * 5000, "too long"),
    ],
)
def test_what_is_wrong_with_a_password_is_said_beside_it(portal: Portal, password: str, told: str) -> None:
    person, link = _link(portal, RESET)
    answer = post(portal, link, date_of_birth=BORN, new_password=password)
    page = Page(answer.text)
    assert answer.status == 422
    assert told in page.described("new_password")
    assert page.fields["new_password"].get("value") is None
    assert page.fields["date_of_birth"]["value"] == BORN
    assert portal.sign_in(person.username).status == 201


def test_all_that_is_missing_is_said_at_once_and_the_first_field_has_the_focus(portal: Portal) -> None:
    _, link = _link(portal, RESET)
    page = Page(post(portal, link).text)
    assert [name for name, field in page.fields.items() if field.get("aria-invalid")] == [
        "date_of_birth",
        "new_password",
    ]
    assert [name for name, field in page.fields.items() if "autofocus" in field.attributes] == ["date_of_birth"]


def test_the_rules_are_told_before_anything_is_typed_and_the_spaces_of_a_password_count(portal: Portal) -> None:
    person, link = _link(portal, RESET)
    assert "15 characters or more" in Page(portal.call("GET", link).text).described("new_password")
    spaced = f"  {NEW_PASSWORD}  "
    answer = _answer_to(portal, post(portal, link, date_of_birth=BORN, new_password=spaced))
    assert post(portal, link, date_of_birth=BORN, new_password=spaced, security_answer=answer).status == 200
    assert portal.sign_in(person.username, spaced).status == 201
