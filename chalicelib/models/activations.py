"""Activation codes, in the accounts table."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib import clock
from chalicelib.errors import ActivationCodeChanged, Conflict, IdentityNotConfirmed
from chalicelib.models.accounts import AccountsTable, PatientAccount
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.transaction import Precedence, Transaction

ACTIVATION_TRIES = 5
"""Wrong tries after which a code is dead."""


class Activation(AccountsTable, discriminator="activation"):
    """The activation code that a patient may use now; partition key `patient#<patient id>`.

    The code itself is derived; `contact` is the reference of the address on file that it was sent to, if it was.
    """

    activation_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()
    contact = UnicodeAttribute(null=True)
    issued_at = UnicodeAttribute(null=True)
    tries = NumberAttribute(default=0)
    used_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()


def key(patient_id: str) -> Key:
    """Where a patient's present activation code is."""
    return f"patient#{patient_id}", "activation"


def account_key(patient_id: str) -> Key:
    """Where a patient's account is noted."""
    return f"patient#{patient_id}", "account"


def find(patient_id: str) -> tuple[Activation | None, PatientAccount | None]:
    """The present activation code of a patient, and their account, if any."""
    rows = AccountsTable.find_all([key(patient_id), account_key(patient_id)])
    activation, account = rows.get(key(patient_id)), rows.get(account_key(patient_id))
    return (activation if isinstance(activation, Activation) else None), (
        account if isinstance(account, PatientAccount) else None
    )


def nobodys(patient_id: str) -> Activation:
    """What stands for the code of somebody who has none, so that the same calls are made for them."""
    return Activation(*key(patient_id), activation_id="none", patient_id=patient_id, expires_at="")


def replace(tx: Transaction, activation: Activation, *, replaces: Activation | None) -> None:
    """A new activation code; the one before it is dead."""
    missing = Activation.pk.does_not_exist()
    condition = (
        (Activation.activation_id == replaces.activation_id) & Activation.used_at.does_not_exist()
        if replaces
        else missing
    )
    tx.put(activation, condition=condition, error=ActivationCodeChanged())


def revoke(tx: Transaction, activation: Activation) -> None:
    """Let a code be worth nothing, and what was begun with it too."""
    condition = (Activation.activation_id == activation.activation_id) & Activation.used_at.does_not_exist()
    tx.delete(activation, condition=condition, error=ActivationCodeChanged())


def remove_used(tx: Transaction, activation: Activation) -> None:
    """Take a code away whose account is no more. Raises Conflict where there is another by now."""
    tx.delete(activation, condition=Activation.activation_id == activation.activation_id, error=Conflict())


def take_try(activation: Activation) -> bool:
    """Reserve one of the tries before the code is looked at, so that parallel guesses cannot outrun the count.

    False where none is left.
    """
    try:
        activation.update(
            [Activation.tries.add(1)],
            condition=(Activation.activation_id == activation.activation_id)
            & (Activation.tries < ACTIVATION_TRIES)
            & Activation.used_at.does_not_exist(),
        )
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True


def give_back_try(activation: Activation) -> None:
    """The try was right: it does not count. A code that has been replaced meanwhile has lost no try."""
    try:
        activation.update([Activation.tries.add(-1)], condition=Activation.activation_id == activation.activation_id)
    except UpdateError as refused:
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise


def use(tx: Transaction, patient_id: str, activation_id: str) -> None:
    """Spend the code that proved the identity, if it is still that code, unused and alive."""
    row = Activation(*key(patient_id))
    alive = (
        (Activation.activation_id == activation_id)
        & Activation.used_at.does_not_exist()
        & (Activation.expires_at > clock.stamp(clock.now()))
    )
    tx.update(
        row,
        [Activation.used_at.set(clock.stamp(clock.now()))],
        condition=alive,
        error=IdentityNotConfirmed(),
        precedence=Precedence.STATE,
    )
