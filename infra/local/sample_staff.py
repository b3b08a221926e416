"""The sample clinic's staff, one for each role: they set up their accounts by the services that their links lead to."""

import secrets

from infra.local.seeded import SeededStaff

PRACTITIONER = "okonkwo"
"""Who the sample clinician is in the sample records."""


def join_all(client_id: str) -> tuple[SeededStaff, ...]:
    """Invite and set up a member of each role; `client_id` is the system that sent the records."""
    from chalicelib.domain.fhir.identity import identity_key
    from chalicelib.domain.staff import Role
    from chalicelib.services.resource_keys import resource_id

    practitioner_id = resource_id(identity_key(client_id, "Practitioner", PRACTITIONER), "dir")
    return tuple(_join(role, practitioner_id if role is Role.CLINICIAN else None) for role in Role)


def _join(role: str, practitioner_id: str | None) -> SeededStaff:
    from pyotp import TOTP

    from chalicelib import clock, ids
    from chalicelib.auth import totp
    from chalicelib.domain.staff import Role
    from chalicelib.models import accounts
    from chalicelib.services import staff
    from chalicelib.services.staff import Choice, NewMember

    name = role.replace("_", ".")
    if accounts.find_account_id(f"{name}.sample") is not None:
        # Tables that survived the file which says their passwords.
        name += f".{secrets.token_hex(2)}"
    chosen = Choice(f"{name}.sample", f"{secrets.token_hex(5)} kettle", ids.new_id("fac"))
    email = f"{name}@sample-clinic.example"
    link = staff.invite_by_hand(NewMember(f"Sample {name}", email, [Role(role)], practitioner_id, "en"))
    secret = totp.secret(chosen.factor_id)
    # The code of the step before, so that whoever signs in at once with the present one is not refused.
    code = TOTP(secret).at(clock.now(), counter_offset=-1)
    staff.join(link.rpartition("/")[2], chosen, code)
    return SeededStaff(chosen.username, chosen.password, secret, (str(role),))
