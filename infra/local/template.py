"""Reads the deployed CloudFormation template and makes its resources by ordinary API calls.

moto's own CloudFormation leaves out half of what the template says and reaches no other endpoint. Here every resource
goes through boto3, so whatever endpoint is configured for a service gets the same resource as AWS would.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from infra.local.resources import CREATORS, Created, Maker

DATA_TEMPLATE = Path(__file__).resolve().parents[1] / "data.yaml"

# Left out knowingly: moto checks no policy of a queue, topic or bucket, raises no alarm, and the local scanner
# (scanner.py) is GuardDuty and EventBridge in one.
NOT_EMULATED = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::Events::Rule",
        "AWS::GuardDuty::MalwareProtectionPlan",
        "AWS::IAM::Role",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)

_PLACEHOLDER = re.compile(r"\$\{(!?)([A-Za-z0-9:.]+)\}")


class TemplateError(Exception):
    """The template says something that this reader does not know."""


@dataclass(frozen=True)
class Template:
    """A CloudFormation template with its intrinsic functions in the long form."""

    parameters: Mapping[str, Mapping[str, Any]]
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Deployed:
    """What a template became: its resources by logical id, and its outputs."""

    stack: str
    resources: Mapping[str, Created]
    outputs: Mapping[str, str]

    def named(self, part: str) -> Created:
        """The resource whose physical name is the stack's prefix and `part`: `named("email")` is the queue.

        Raises KeyError where there is none.
        """
        wanted = f"{self.stack}-{part}"
        for resource in self.resources.values():
            if resource.name == wanted:
                return resource
        raise KeyError(wanted)

    def of_type(self, type_name: str) -> list[Created]:
        """All resources of one CloudFormation type, in the template's order."""
        return [resource for resource in self.resources.values() if resource.type == type_name]


def load(path: Path = DATA_TEMPLATE) -> Template:
    """Reads a template file; raises TemplateError for a section that would be left unread."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = {"AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs"}
    if unknown := set(document) - known:
        raise TemplateError(f"sections that this reader does not know: {', '.join(sorted(unknown))}")
    return Template(document.get("Parameters", {}), document["Resources"], document.get("Outputs", {}))


def deploy(template: Template, parameters: Mapping[str, str], maker: Maker) -> Deployed:
    """Makes every resource of the template that is not there yet, and resolves the outputs.

    Raises TemplateError for a type, property, function or parameter that this reader does not know, and
    resources.Differs where a table is there already with other keys or indexes.
    """
    return _Deployment(template, parameters, maker).run()


@dataclass
class _Deployment:
    template: Template
    given: Mapping[str, str]
    maker: Maker
    made: dict[str, Created] = field(default_factory=dict)
    under_way: list[str] = field(default_factory=list)

    def run(self) -> Deployed:
        self.parameters = self._parameters()
        for logical_id, resource in self.template.resources.items():
            if resource["Type"] not in NOT_EMULATED:
                self._make(logical_id)
        ordered = {name: self.made[name] for name in self.template.resources if name in self.made}
        outputs = {name: str(self._resolve(output["Value"])) for name, output in self.template.outputs.items()}
        return Deployed(self.parameters["Stack"], MappingProxyType(ordered), MappingProxyType(outputs))

    def _parameters(self) -> dict[str, str]:
        if unknown := set(self.given) - set(self.template.parameters):
            raise TemplateError(f"no such parameters: {', '.join(sorted(unknown))}")
        values = {name: str(rule["Default"]) for name, rule in self.template.parameters.items() if "Default" in rule}
        values.update(self.given)
        for name, rule in self.template.parameters.items():
            _check_parameter(name, rule, values.get(name))
        return values

    def _make(self, logical_id: str) -> Created:
        if logical_id in self.made:
            return self.made[logical_id]
        if logical_id in self.under_way:
            raise TemplateError(f"a circle of resources: {' -> '.join([*self.under_way, logical_id])}")
        resource = self.template.resources[logical_id]
        creator = CREATORS.get(resource["Type"])
        if creator is None:
            raise TemplateError(f"{logical_id}: no reader for the type {resource['Type']}")
        declared = resource.get("Properties", {})
        if unread := set(declared) - creator.reads - creator.leaves:
            raise TemplateError(f"{logical_id}: {resource['Type']} has properties unread: {', '.join(sorted(unread))}")
        self.under_way.append(logical_id)
        properties = self._resolve({name: declared[name] for name in declared if name in creator.reads})
        self.under_way.pop()
        self.made[logical_id] = creator.create(self.maker, properties)
        return self.made[logical_id]

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(part) for part in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {name: self._resolve(part) for name, part in value.items()}

    def _call(self, name: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda path: self._get_att(*path),
            "Fn::Sub": self._sub,
        }
        if name not in functions:
            raise TemplateError(f"no reader for the function {name}")
        return functions[name](argument)

    def _ref(self, name: str) -> Any:
        if name in self.parameters:
            is_list = self.template.parameters[name]["Type"] == "CommaDelimitedList"
            return self.parameters[name].split(",") if is_list else self.parameters[name]
        if name in self.maker.pseudo_parameters:
            return self.maker.pseudo_parameters[name]
        if name not in self.template.resources:
            raise TemplateError(f"Ref to {name}, which is not in the template")
        return self._make(name).ref

    def _get_att(self, logical_id: str, attribute: str) -> str:
        if logical_id not in self.template.resources:
            raise TemplateError(f"Fn::GetAtt of {logical_id}, which is not in the template")
        attributes = self._make(logical_id).attributes
        if attribute not in attributes:
            raise TemplateError(f"Fn::GetAtt: {logical_id} has no {attribute}")
        return attributes[attribute]

    def _sub(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            logical_id, dot, attribute = name.partition(".")
            return self._get_att(logical_id, attribute) if dot else self._ref(name)

        return _PLACEHOLDER.sub(replace, text)


def _check_parameter(name: str, rule: Mapping[str, Any], value: str | None) -> None:
    if value is None:
        raise TemplateError(f"the parameter {name} is missing")
    allowed = rule.get("AllowedValues")
    if allowed is not None and value not in allowed:
        raise TemplateError(f"the parameter {name} is none of {', '.join(allowed)}")
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        raise TemplateError(f"the parameter {name} does not match {rule['AllowedPattern']}")
