"""What the clinic decides for itself: read through `rules` by whoever asks, changed by admins."""

from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.clinic_settings import Chosen, ClinicRules, Feature
from chalicelib.errors import FeatureOff
from chalicelib.models import audit
from chalicelib.models import clinic_settings as storage
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings


def rules() -> ClinicRules:
    """What holds now; a change is everywhere within half a minute."""
    return _over_the_deployments(*storage.find_recent())


def require(feature: Feature, actor: Actor) -> None:
    """Let nobody but staff, who work with it, use what the clinic has switched off. Raises FeatureOff.

    What the deployment lacks, as a push service, is not refused: clients leave it out.
    """
    chosen, _ = storage.find_recent()
    if not actor.roles and not chosen.features.get(feature, True):
        raise FeatureOff


def is_on(feature: Feature, actor: Actor) -> bool:
    """Whether the caller may use what belongs to a feature."""
    try:
        require(feature, actor)
    except FeatureOff:
        return False
    return True


def read() -> ClinicRules:
    """What holds at this moment, with the version that a change has to name."""
    return _over_the_deployments(*storage.find())


def choose(actor: Actor, chosen: Chosen, expected_version: int) -> ClinicRules:
    """Decide anew. Raises StaleVersion."""
    with transaction() as tx:
        storage.put(tx, chosen, expected_version)
        about: dict[str, object] = {
            "minimum_age": chosen.minimum_age,
            "security_questions": chosen.security_questions,
            "features": {str(name): shown for name, shown in chosen.features.items()},
        }
        audit.record(tx, Entry(actor, Action.SETTINGS_EDIT, about=about))
    return read()


def _over_the_deployments(chosen: Chosen, version: int) -> ClinicRules:
    deployed = settings()
    shown = dict.fromkeys(Feature, True) | {Feature.PUSH: bool(deployed.push_applications)}
    return ClinicRules(
        minimum_age=deployed.minimum_age if chosen.minimum_age is None else chosen.minimum_age,
        security_questions=(
            deployed.security_questions if chosen.security_questions is None else chosen.security_questions
        ),
        # What is not there cannot be switched on.
        features={name: is_there and chosen.features.get(name, True) for name, is_there in shown.items()},
        opening_hours=chosen.opening_hours,
        lines=chosen.lines,
        version=version,
    )
