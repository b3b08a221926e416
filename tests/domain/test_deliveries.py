"""Where a notice goes, by the rule of its kind, the reader's choice and the addresses that there are."""

from dataclasses import replace

import pytest

from chalicelib.domain.deliveries import Address, Contacts, addresses, following
from chalicelib.domain.notices import RULES, AddressBook, Channel, NoticeKind, Rule

OWN = Address(Channel.EMAIL, "confirmed", "own@example.org")
WAITING = Address(Channel.EMAIL, "pending", "waiting@example.org")
ON_FILE = Address(Channel.EMAIL, "on_file:1", "file@example.org")
PHONE, OTHER_PHONE = (Address(Channel.SMS, f"phone:{n}", f"+1312555014{n}") for n in (1, 2))
TABLET, MOBILE = (Address(Channel.PUSH, f"device:{n}", n) for n in ("tablet", "mobile"))
ALL = Contacts(OWN, WAITING, (ON_FILE,), (PHONE, OTHER_PHONE), (TABLET, MOBILE))

RESULTS = RULES[NoticeKind.NEW_RESULTS]


def test_what_is_chosen_goes_to_every_device_one_mailbox_and_one_phone() -> None:
    assert addresses(ALL, RESULTS, list(Channel)) == [TABLET, MOBILE, OWN, PHONE]
    assert addresses(ALL, RESULTS, [Channel.SMS]) == [PHONE]


def test_without_a_confirmed_mailbox_it_goes_to_the_first_that_the_clinic_has_on_file() -> None:
    assert addresses(Contacts(on_file_emails=(ON_FILE, OWN)), RESULTS, [Channel.EMAIL]) == [ON_FILE]


def test_an_address_that_nobody_confirmed_gets_nothing_but_its_own_confirmation() -> None:
    only = Contacts(pending_email=WAITING)
    own = {kind: rule for kind, rule in RULES.items() if rule.to is not AddressBook.STRANGER}
    told = {kind for kind, rule in own.items() if addresses(only, rule, list(Channel))}
    assert told == {NoticeKind.EMAIL_CONFIRMATION}


def test_who_cannot_be_reached_as_chosen_is_reached_otherwise() -> None:
    assert addresses(Contacts(phones=(PHONE,)), RESULTS, [Channel.PUSH, Channel.EMAIL]) == [PHONE]


def test_who_chose_no_channel_is_not_written_to() -> None:
    assert addresses(ALL, RESULTS, []) == []


def test_what_tells_of_a_stolen_account_goes_to_every_confirmed_address() -> None:
    told = addresses(ALL, RULES[NoticeKind.PASSWORD_CHANGED], [])
    assert told == [TABLET, MOBILE, OWN, ON_FILE, PHONE, OTHER_PHONE]


def test_a_reset_goes_to_one_address_an_email_before_a_phone_and_ones_own_before_the_clinics() -> None:
    rule = RULES[NoticeKind.PASSWORD_RESET]
    assert addresses(ALL, rule, []) == [OWN]
    assert addresses(Contacts(pending_email=WAITING, on_file_emails=(ON_FILE,), phones=(PHONE,)), rule, []) == [ON_FILE]
    assert addresses(Contacts(pending_email=WAITING, phones=(PHONE, OTHER_PHONE)), rule, []) == [PHONE]
    assert addresses(Contacts(pending_email=WAITING, pending_phone=PHONE, devices=(TABLET,)), rule, []) == []


def test_a_username_goes_to_an_email_alone() -> None:
    assert addresses(Contacts(phones=(PHONE,)), RULES[NoticeKind.USERNAME_REMINDER], []) == []


def test_what_is_new_on_file_does_not_recover_an_account() -> None:
    rule = RULES[NoticeKind.PASSWORD_RESET]
    new = Contacts(on_file_emails=(ON_FILE,), phones=(PHONE, OTHER_PHONE), is_on_file_new=True)
    assert addresses(new, rule, []) == []
    assert addresses(replace(new, confirmed_phone=PHONE), rule, []) == [PHONE]
    assert addresses(replace(new, confirmed_email=OWN), rule, []) == [OWN]


def test_a_change_is_told_to_the_address_before_it_first() -> None:
    rule = RULES[NoticeKind.EMAIL_CHANGED]
    former = Address(Channel.EMAIL, "former:chg_1", "before@example.org")
    assert addresses(replace(ALL, former=former), rule, [])[0] == former
    assert former not in addresses(replace(ALL, former=former), RULES[NoticeKind.PASSWORD_CHANGED], [])


def test_after_a_failure_the_next_channel_that_reaches_the_reader_is_tried() -> None:
    assert following(ALL, RESULTS, {Channel.PUSH}) == [OWN]
    assert following(ALL, RESULTS, {Channel.PUSH, Channel.EMAIL}) == [PHONE]
    assert following(ALL, RESULTS, set(Channel)) == []
    assert following(Contacts(phones=(PHONE,)), RESULTS, {Channel.PUSH}) == [PHONE]


@pytest.mark.parametrize("kind", [kind for kind, rule in RULES.items() if rule.to is not AddressBook.PREFERRED])
def test_what_is_for_one_address_or_for_all_has_no_next(kind: NoticeKind) -> None:
    assert following(ALL, RULES[kind], {Channel.EMAIL}) == []


def test_a_reference_that_is_no_longer_theirs_leads_nowhere() -> None:
    assert ALL.resolve("phone:1") == PHONE
    assert Contacts(OWN).resolve("phone:1") is None


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.to is not AddressBook.STRANGER])
def test_only_channels_that_a_rule_names_are_used(rule: Rule) -> None:
    assert {one.channel for one in addresses(ALL, rule, list(Channel))} <= set(rule.channels)
