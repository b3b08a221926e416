"""GET /v1/me/home: what waits for everybody in one's care. Counts are derived: what was read is gone at once (BK 8)."""

from datetime import timedelta
from urllib.parse import quote

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.staff import Role
from chalicelib.models import caregivers, outbox
from chalicelib.models.audit import AuditEntry
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings
from tests.support import fhir, merging
from tests.support.aws_calls import recorded
from tests.support.changing import Chart
from tests.support.fhir import Json, care_plan, goal, order
from tests.support.notices import told
from tests.support.people import new_account, new_caregiver, new_staff, token_of
from tests.support.portal import Portal


def day(after: int) -> str:
    today = clock.now().astimezone(settings().clinic_zone).date()
    return (today + timedelta(days=after)).isoformat()


def visit(after: int, title: str) -> Json:
    return fhir.encounter("", status="planned", type=[{"text": title}], period={"start": f"{day(after)}T15:00:00Z"})


def home(portal: Portal, account_id: str, query: str = "") -> Json:
    answer = portal.call("GET", f"/v1/me/home{query}", token=token_of(account_id))
    assert answer.status == 200, answer.text
    found: Json = answer.json
    return found


def account_of(chart: Chart) -> str:
    account_id: str = chart.person.session["account"]["account_id"]
    return account_id


def own(chart: Chart) -> Json:
    (one,) = home(chart.portal, account_of(chart))["items"]
    found: Json = one
    return found


def looks_after(account_id: str, patient_id: str, *scopes: Scope) -> None:
    with transaction() as tx:
        caregivers.put_grant(tx, patient_id, Grant(account_id, frozenset(scopes)))


def test_what_waits_is_counted_out_of_what_is_there(portal: Portal) -> None:
    chart = Chart(
        portal,
        visit(3, "Eye exam"),
        visit(30, "Check-up"),
        order("To be scheduled"),
        order("Soon", occurrenceDateTime=day(10)),
        order("Late", occurrenceDateTime=day(-10)),
        order("Next year", occurrenceDateTime=day(200)),
        order("Done", occurrenceDateTime=day(10), status="completed"),
        goal(day(20)),
        care_plan({"code": {"text": "Foot check"}, "scheduledPeriod": {"start": day(1), "end": day(5)}}),
        fhir.lab(""),
        fhir.lab(""),
        fhir.prescription("", authoredOn=day(0), dispenseRequest={"validityPeriod": {"end": day(5)}}),
    )
    one = own(chart)
    assert (one["patient_id"], one["relation"], one["name"]) == (chart.patient_id, "self", "Ingrid Mae Solberg")
    assert (one["due"], one["upcoming"]["count"], one["upcoming"]["next"]["title"]) == (5, 2, "Eye exam")
    assert (one["new_results"], one["medication_changes"], one["balance"]) == (2, 1, None)


def test_somebody_for_whom_nothing_waits(portal: Portal) -> None:
    one = own(Chart(portal))
    assert (one["due"], one["upcoming"], one["new_results"]) == (0, {"count": 0, "next": None}, 0)


def test_reading_a_notice_lowers_unread_in_the_very_next_answer(portal: Portal) -> None:
    person = portal.register()
    account_id = person.session["account"]["account_id"]
    portal.drain()

    def unread() -> tuple[int, int]:
        answer = home(portal, account_id)
        return answer["items"][0]["unread"], answer["unread"]

    before = unread()
    notices = [told(person), told(person, NoticeKind.NEW_RESULTS)]
    for read, notice_id in enumerate(notices):
        assert unread() == (before[0] + 2 - read, before[1] + 2 - read)
        assert person.call("POST", f"/v1/me/notices/{notice_id}/read").status == 200
        assert unread() == (before[0] + 1 - read, before[1] + 1 - read)


def test_what_is_done_lowers_due_in_the_very_next_answer(portal: Portal) -> None:
    waiting, soon = order("Waits"), order("Soon", occurrenceDateTime=day(5))
    chart = Chart(portal, waiting, soon, planned := visit(2, "Check-up"))
    assert (own(chart)["due"], own(chart)["upcoming"]["count"]) == (2, 1)
    chart.take({**waiting, "status": "completed"})
    assert own(chart)["due"] == 1
    chart.take({**soon, "status": "revoked"}, {**planned, "status": "cancelled"})
    assert (own(chart)["due"], own(chart)["upcoming"]) == (0, {"count": 0, "next": None})


def test_an_order_that_is_scheduled_is_counted_once_and_one_that_moves_far_away_not_at_all(portal: Portal) -> None:
    one = order("Waits")
    chart = Chart(portal, one)
    chart.take({**one, "occurrenceDateTime": day(3)})
    assert own(chart)["due"] == 1
    chart.take({**one, "occurrenceDateTime": day(300)})
    assert own(chart)["due"] == 0


def test_a_notice_about_somebody_counts_for_them_and_not_for_oneself(portal: Portal) -> None:
    child, parent = Chart(portal), Chart(portal)
    looks_after(account_of(parent), child.patient_id, Scope.RESULTS)
    portal.drain()
    before = home(portal, account_of(parent))
    with transaction() as tx:
        outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, patient_id=child.patient_id))
    portal.drain()
    after = home(portal, account_of(parent))
    assert [one["relation"] for one in after["items"]] == ["self", "family"]
    assert [one["unread"] for one in after["items"]] == [before["items"][0]["unread"], 1]
    assert after["unread"] == before["unread"] + 1


def test_a_caregiver_counts_what_their_scopes_open(portal: Portal) -> None:
    resources = [visit(3, "Eye exam"), order("Waits"), fhir.lab(""), fhir.prescription("", authoredOn=day(0))]
    chart = Chart(portal, *resources)

    def counted(*scopes: Scope) -> tuple[int, int, int | None, int | None]:
        (one,) = home(portal, new_caregiver(chart.patient_id, *scopes))["items"]
        assert one["scopes"] == sorted(scopes)
        return one["due"], one["upcoming"]["count"], one["new_results"], one["medication_changes"]

    assert counted(Scope.EVERYTHING) == (1, 1, 1, 1)
    assert counted(Scope.APPOINTMENTS) == (0, 0, None, None)
    assert counted(Scope.RESULTS) == (0, 0, 1, None)
    assert counted(Scope.MEDICATIONS) == (0, 0, None, 1)


def test_what_is_sensitive_is_not_counted_for_those_who_do_not_see_it(portal: Portal) -> None:
    hidden = {"meta": {"security": [{"code": "R"}]}}
    chart = Chart(portal, order("Secret", **hidden), {**visit(2, "Secret"), **hidden}, fhir.lab("", **hidden))
    (one,) = home(portal, new_caregiver(chart.patient_id, Scope.EVERYTHING))["items"]
    assert (one["due"], one["upcoming"]["count"], one["new_results"]) == (0, 0, 0)
    assert (own(chart)["due"], own(chart)["upcoming"]["count"], own(chart)["new_results"]) == (1, 1, 1)


def test_others_see_in_their_history_that_somebody_looked_and_oneself_is_no_look(portal: Portal) -> None:
    chart = Chart(portal)
    account_id = new_caregiver(chart.patient_id, Scope.RESULTS)
    home(portal, account_id)
    home(portal, account_of(chart))
    entries = [row for row in AuditEntry.query(f"patient#{chart.patient_id}") if "home_read_home" in row.about]
    assert [row.actor_id for row in entries] == [account_id]
    token = token_of(account_of(chart))
    shown = portal.call("GET", f"/v1/patients/{chart.patient_id}/access-log", token=token).json["items"]
    assert "Saw on their start page what is new for you." in {one["text"] for one in shown}


def test_who_looks_after_nobody_has_an_empty_page(portal: Portal) -> None:
    assert home(portal, new_account()) == {"items": [], "unread": 0, "next_cursor": None}
    assert home(portal, new_staff(Role.CLINICIAN))["items"] == []


def test_many_people_are_paged_and_nobody_is_left_out(portal: Portal) -> None:
    account_id = new_account()
    patients = {portal.new_patient().patient_id for _ in range(5)}
    for patient_id in patients:
        looks_after(account_id, patient_id, Scope.EVERYTHING)
    seen, cursor = [], ""
    while True:
        page = home(portal, account_id, f"?limit=2{cursor}")
        seen += [one["patient_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={quote(page['next_cursor'])}"
    assert sorted(seen) == sorted(patients)
    assert portal.call("GET", "/v1/me/home?limit=21", token=token_of(account_id)).status == 422


def test_a_patient_into_whom_another_is_merged_counts_both(portal: Portal) -> None:
    chart = Chart(portal, order("Here"))
    there = portal.new_patient(id=(twice := fhir.fresh("p")))
    resources = [{**order("There"), "subject": fhir.about({"id": twice})}, fhir.lab({"id": twice})]
    assert portal.import_fhir(fhir.bundle(*resources)).json["created"] == 2
    merging.merged(portal, chart.patient_id, there.patient_id)
    assert (own(chart)["due"], own(chart)["new_results"]) == (2, 1)


def test_its_cost_does_not_grow_with_the_record(portal: Portal) -> None:
    chart = Chart(portal, order("Waits"), visit(2, "Check-up"), fhir.lab(""), fhir.prescription(""))
    token = token_of(account_of(chart))

    def cost() -> int:
        # What the clinic has decided is read again every half a minute: not while it is counted.
        portal.call("GET", "/v1/me/home", token=token)
        with recorded() as calls:
            assert portal.call("GET", "/v1/me/home", token=token).status == 200
        return len([call for call in calls if call.service == "dynamodb"])

    small = cost()
    chart.take(*(fhir.lab("", effectiveDateTime=f"20{10 + place % 10}-03-04") for place in range(200)))
    chart.take(*(order(f"Old {place}", occurrenceDateTime=f"20{10 + place % 10}-05-05") for place in range(200)))
    assert cost() == small
