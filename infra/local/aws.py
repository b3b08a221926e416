"""The AWS that the portal runs on locally: moto in this process, made from the deployed template."""

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from chalicelib import settings
from infra.local.environment import environment, forget_stack, without_own_account

if TYPE_CHECKING:
    from infra.local.outgoing import SentEmail, SentPush, SentSms
    from infra.local.resources import Maker
    from infra.local.storage import KeptObjects
    from infra.local.template import Deployed

REGION = "us-east-1"
ACCESS_KEY = "EMBEDDEDAWSACCESSKEY"
SECRET_KEY = "embedded"  # noqa: S105 - moto takes any, and links signed with it open on loopback only.

_BATCH = 25
_PLATFORMS = {"ios": "APNS", "android": "GCM", "fire": "ADM"}


class Aws(Protocol):
    """What runners and tests use of an embedded AWS, whether it is in this process (EmbeddedAws) or in another."""

    @property
    def deployed(self) -> "Deployed": ...
    def client(self, service: str) -> Any: ...
    def sent_emails(self) -> "list[SentEmail]": ...
    def sent_sms(self) -> "list[SentSms]": ...
    def sent_pushes(self) -> "list[SentPush]": ...
    def wipe(self) -> None: ...


class EmbeddedAws:
    """Starts and stops the embedded AWS; a context manager.

    `dynamodb_endpoint` puts the tables on a real engine, everything else stays in moto. `data_folder` keeps objects
    and the root key in files, so that a restart on a real engine loses nothing. Environment variables are set at the
    start and put back at the stop.

    Start it before anything makes a botocore session: moto reaches only those that are made after it is imported.
    One that is started inside another hides it until it stops; two side by side need two processes.
    """

    def __init__(
        self,
        *,
        stack: str = "portal-local",
        email_sender: str = "portal@sample-clinic.example",
        dynamodb_endpoint: str | None = None,
        data_folder: Path | None = None,
        s3_port: int = 0,
    ) -> None:
        self._stack, self._email_sender = stack, email_sender
        self._dynamodb_endpoint, self._data_folder, self._s3_port = dynamodb_endpoint, data_folder, s3_port
        self._stops = ExitStack()
        self._started: tuple[Deployed, Maker, KeptObjects | None] | None = None
        self._variables: dict[str, str] = {}

    def start(self) -> "Deployed":
        """Everything up, tables and all; raises resources.Differs for a table of another shape."""
        from infra.local import moto_process, moto_sns

        with ExitStack() as stops:
            stops.enter_context(environment(_credentials(self._dynamodb_endpoint)))
            stops.enter_context(moto_process.embedded(self._dynamodb_endpoint))
            deployed = self._deploy(stops)
            endpoint = self._serve_objects(stops)
            applications = _push_applications(self.client("sns"), deployed)
            variables = _settings(deployed, endpoint, applications, moto_sns.certificate())
            self._variables = {name: text for name, text in variables.items() if text is not None}
            stops.enter_context(environment(variables))
            stops.callback(forget_stack)
            forget_stack()
            self._stops = stops.pop_all()
        return deployed

    def stop(self) -> None:
        """Ends the server, forgets all that is in memory, and puts the environment back."""
        self._stops.close()
        self._started = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def deployed(self) -> "Deployed":
        """Names, URLs and ARNs by logical id, and the stack's outputs."""
        return self._running()[0]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that the portal reads, of the stack that was started."""
        return dict(self._variables)

    def client(self, service: str) -> Any:
        """A boto3 client for this AWS, for runners and tests."""
        return self._running()[1].client(service)

    def sent_emails(self) -> "list[SentEmail]":
        """The emails that SES took, oldest first."""
        from infra.local import outgoing

        return outgoing.sent_emails()

    def sent_sms(self) -> "list[SentSms]":
        """The text messages that SNS took, oldest first."""
        from infra.local import outgoing

        return outgoing.sent_sms(REGION)

    def sent_pushes(self) -> "list[SentPush]":
        """The pushes that SNS took for devices, oldest first."""
        from infra.local import outgoing

        return outgoing.sent_pushes()

    def wipe(self) -> None:
        """Empties rows, objects, queues and sent mail. Tables, the root key and stream positions stay."""
        from infra.local import outgoing

        deployed, _, kept = self._running()
        self._wipe_tables()
        for bucket in deployed.of_type("AWS::S3::Bucket"):
            self._wipe_objects(bucket.name)
        if kept is not None:
            kept.clear()
        _wipe_queues([queue.name for queue in deployed.of_type("AWS::SQS::Queue")])
        outgoing.forget(REGION)

    def _running(self) -> "tuple[Deployed, Maker, KeptObjects | None]":
        if self._started is None:
            raise RuntimeError("the embedded AWS is not started")
        return self._started

    def _deploy(self, stops: ExitStack) -> "Deployed":
        from infra.local import moto_ses, moto_sns, moto_sqs, outgoing, storage, template
        from infra.local.resources import Maker

        outgoing.install()
        moto_ses.install()
        moto_sns.install()
        moto_sqs.install()
        storage.install()
        stops.enter_context(outgoing.empty_mailbox())
        maker = Maker(REGION)
        parameters = {
            "Stack": self._stack,
            "EmailSender": self._email_sender,
            "DeletionProtection": "false",
            "Origins": ",".join(sorted(settings.read(os.environ).origins)),
        }
        deployed = template.deploy(template.load(), parameters, maker)
        kept = storage.KeptObjects(self._data_folder / "objects") if self._data_folder else None
        self._started = (deployed, maker, kept)
        return deployed

    def _serve_objects(self, stops: ExitStack) -> str:
        from botocore.credentials import Credentials

        from infra.local import storage

        deployed, maker, kept = self._running()
        if self._data_folder is not None and kept is not None:
            for bucket in deployed.of_type("AWS::S3::Bucket"):
                kept.put_back(maker.client("s3"), bucket.name)
            _keep_root_key(maker.client("secretsmanager"), deployed, self._data_folder / "root-key")
        stops.enter_context(storage.keeping(kept))
        return stops.enter_context(
            storage.S3Server(Credentials(ACCESS_KEY, SECRET_KEY), REGION, self._s3_port)
        ).endpoint

    def _wipe_tables(self) -> None:
        names = [table.name for table in self.deployed.of_type("AWS::DynamoDB::Table")]
        if self._dynamodb_endpoint is not None:
            for name in names:
                _delete_rows(self.client("dynamodb"), name)
            return
        from infra.local import moto_dynamodb

        moto_dynamodb.empty(REGION, names)

    def _wipe_objects(self, bucket: str) -> None:
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket(bucket).keys.clear()


def _wipe_queues(names: list[str]) -> None:
    """Without PurgeQueue, which is refused within a minute of the last."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.sqs.models import sqs_backends

    for name in names:
        queue = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].get_queue(name)
        queue._messages = []
        queue._pending_messages = set()
        queue.deleted_messages = set()


def _credentials(dynamodb_endpoint: str | None) -> dict[str, str | None]:
    variables = without_own_account()
    variables |= {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # botocore takes a stream's endpoint from the account in its ARN, which moto does not know.
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": dynamodb_endpoint or f"https://streams.dynamodb.{REGION}.amazonaws.com",
    }
    if dynamodb_endpoint is not None:
        variables["AWS_ENDPOINT_URL_DYNAMODB"] = dynamodb_endpoint
    return variables


def _settings(
    deployed: "Deployed", s3_endpoint: str, applications: dict[str, str], certificate: str
) -> dict[str, str | None]:
    outputs = deployed.outputs
    return {
        "STACK": outputs["Stack"],
        **{f"QUEUE_{topic.upper()}_URL": outputs[f"{topic.capitalize()}QueueUrl"] for topic in settings.QUEUES},
        "RECORDS_BUCKET": outputs["RecordsBucketName"],
        "SEALS_BUCKET": outputs["SealsBucketName"],
        "IMPORTS_BUCKET": outputs["ImportsBucketName"],
        "QUARANTINE_BUCKET": outputs["QuarantineBucketName"],
        "ROOT_KEY_SECRET": outputs["RootKeySecretName"],
        "EMAIL_SENDER": outputs["EmailSender"],
        "EMAIL_CONFIGURATION_SET": outputs["EmailConfigurationSet"],
        "FEEDBACK_TOPIC_ARN": outputs["FeedbackTopicArn"],
        "SNS_SIGNING_CERTIFICATE": certificate,
        **{f"PUSH_{platform.upper()}_ARN": arn for platform, arn in applications.items()},
        # A clinic's system on this machine may be told of events too.
        "WEBHOOK_HOSTS": "127.0.0.1,localhost",
        "S3_PUBLIC_ENDPOINT": s3_endpoint,
        # Without its packages, readings say that they are not available.
        "TEXT_RECOGNITION": os.environ.get("TEXT_RECOGNITION", "local"),
        # So that every way to sign in can be tried here.
        "MFA_BY_MESSAGE": os.environ.get("MFA_BY_MESSAGE", "on"),
    }


def _push_applications(sns: Any, deployed: "Deployed") -> dict[str, str]:
    """A platform application for each platform, by its ARN.

    CloudFormation has no type for them, since they hold the credentials of Apple, Google and Amazon: in AWS an operator
    makes them once, with the same attribute for the events.
    """
    attributes = {"PlatformCredential": "local", "EventDeliveryFailure": deployed.outputs["FeedbackTopicArn"]}
    return {
        name: sns.create_platform_application(
            Name=f"{deployed.stack}-{name}", Platform=platform, Attributes=attributes
        )["PlatformApplicationArn"]
        for name, platform in _PLATFORMS.items()
    }


def _keep_root_key(secrets: Any, deployed: "Deployed", path: Path) -> None:
    """The first start writes the root key to its file; later ones take it from there."""
    from infra.local import storage

    name = deployed.outputs["RootKeySecretName"]
    if path.exists():
        secrets.put_secret_value(SecretId=name, SecretString=path.read_text(encoding="utf-8"))
    else:
        secret: str = secrets.get_secret_value(SecretId=name)["SecretString"]
        storage.write_private(path, secret.encode())


def _delete_rows(dynamodb: Any, table: str) -> None:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk", ConsistentRead=True)
    keys = [item for page in pages for item in page["Items"]]
    for start in range(0, len(keys), _BATCH):
        left: Any = {table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
        while left:
            left = dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
