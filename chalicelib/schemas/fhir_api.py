"""What the FHIR API is asked: queries as FHIR writes them, with every parameter as often as it is sent."""

from typing import Any

from pydantic import ConfigDict, Field, RootModel

from chalicelib.domain.fhir_api.served import EVERYTHING, SERVED, ParamKind

_FORMAT = {"type": "string", "description": "`json`, which every answer is."}
_PAGE = {"type": "string", "description": "Where a page begins: it stands in the `next` link of the page before."}
_COUNT = {"type": "integer", "minimum": 1, "description": "How many resources a page holds at most, up to 100."}
_INCLUDE = {"type": "string", "description": "What to bring along, such as `MedicationRequest:medication`."}
_KINDS = {
    ParamKind.TOKEN: "`code` or `system|code`",
    ParamKind.DATE: "a date or a time, after eq, ne, gt, lt, ge, le, sa or eb",
    ParamKind.REFERENCE: "an id, or `Type/id`",
    ParamKind.STRING: "how a word begins",
}


def _of_search(schema: dict[str, Any]) -> None:
    types: dict[str, list[str]] = {}
    kinds: dict[str, ParamKind] = {}
    for served in SERVED.values():
        for param in served.params.values():
            types.setdefault(param.name, []).append(served.type)
            kinds[param.name] = param.kind
    told = {
        name: {"type": "string", "description": f"{_KINDS[kinds[name]].capitalize()}. Of {_listed(of)}."}
        for name, of in types.items()
    }
    _tell(schema, {**told, "_include": _INCLUDE, "_count": _COUNT, "_page": _PAGE, "_format": _FORMAT})


def _listed(types: list[str]) -> str:
    return "every type" if len(types) == len(SERVED) else ", ".join(types)


def _of_everything(schema: dict[str, Any]) -> None:
    told = {
        "_since": "Only what the portal has stored since this time.",
        "start": "Only what happened from this day on.",
        "end": "Only what happened up to this day.",
        "_type": "Only resources of these types, parted by commas.",
    }
    params = {name: {"type": "string", "description": told[name]} for name in EVERYTHING.params}
    _tell(schema, {**params, "_count": _COUNT, "_page": _PAGE, "_format": _FORMAT})


def _of_one(schema: dict[str, Any]) -> None:
    _tell(schema, {"_format": _FORMAT})


def _tell(schema: dict[str, Any], properties: dict[str, Any]) -> None:
    schema.clear()
    schema |= {"type": "object", "properties": {name: dict(told) for name, told in properties.items()}}


class OneQuery(RootModel[dict[str, list[str]]]):
    """How one resource is answered."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_of_one)

    root: dict[str, list[str]] = Field(default_factory=dict)


class SearchQuery(RootModel[dict[str, list[str]]]):
    """What is searched for; a parameter may stand more than once."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_of_search)

    root: dict[str, list[str]] = Field(default_factory=dict)


class EverythingQuery(RootModel[dict[str, list[str]]]):
    """How much of everything."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_of_everything)

    root: dict[str, list[str]] = Field(default_factory=dict)
