"""Somebody who is not there: the holder of an account as an actor, for what goes on after their request."""

from chalicelib.domain.access import Actor, ActorKind
from chalicelib.models.accounts import Account


def holder(account: Account) -> Actor:
    """The holder of an account with all that they are, signed in nowhere."""
    return Actor(
        ActorKind.ACCOUNT,
        account.pk,
        patient_id=account.patient_id,
        language=account.language,
        roles=account.staff_roles,
        practitioner_id=account.practitioner_id,
        joined=tuple(sorted(account.joined_patients or ())),
    )
