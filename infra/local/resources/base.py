"""What one resource is, and what makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import boto3

Properties = Mapping[str, Any]


class Differs(Exception):
    """A table exists already, with other keys or indexes than the template's."""


@dataclass(frozen=True)
class Created:
    """One resource: `ref` and `attributes` are what Ref and Fn::GetAtt give, `name` what people call it."""

    type: str
    name: str
    ref: str
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass
class Maker:
    """The clients of one region, made when first asked for."""

    region: str
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of the service, on whatever endpoint the environment names."""
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name=self.region)
        return self.clients[service]

    @cached_property
    def pseudo_parameters(self) -> Mapping[str, str]:
        """CloudFormation's own parameters, for this account and region."""
        return {
            "AWS::AccountId": self.client("sts").get_caller_identity()["Account"],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True)
class Creator:
    """How one type is made; a property is either read or left out knowingly."""

    create: Callable[[Maker, Properties], Created]
    reads: frozenset[str]
    leaves: frozenset[str] = frozenset()


def truth(value: Any) -> bool:
    """CloudFormation takes the strings of a parameter for booleans."""
    return value is True or str(value).lower() == "true"
