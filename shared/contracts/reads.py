"""Asking the executor of a cluster for objects that live there: request and reply, nothing is stored or written.

The gateway asks on `kubemin.rpc.<cluster>.objects`. What belongs to the cluster itself is left out of an answer, and
the values of Secrets leave it sealed for where they are going.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace
from shared.contracts.model import Contract
from shared.contracts.plan import Manifest

OBJECTS = "objects"
"""The method on the bus."""
OBJECTS_LIMIT = 100
"""Objects, and questions for them, in one answer of a cluster."""
OBJECTS_LIMIT_BYTES = 1024 * 1024
"""Of one answer, its values sealed: the record that keeps it has to fit into a message."""
ADDRESSES_LIMIT = 10
"""Web addresses that the objects of one application are fetched from."""


class ObjectQuery(Contract):
    """Objects of one kind in one namespace: one by its name, or all that have some labels."""

    job_type: str
    """Of the component that they are for: an admin grants kinds by it."""
    resource: str = Field(min_length=1)
    """Kind in the plural and in lower case, as the API server serves it."""
    group: str = ""
    """Empty: the core group."""
    namespace: Namespace
    name: str = ""
    """Empty: those that have the labels."""
    selector: str = ""
    """`key=value` with commas, as Kubernetes writes it; empty: all."""


class Recipient(Contract):
    """A place that values of Secrets are sealed for."""

    cluster: ClusterName
    namespace: str = ""
    """Into which a policy puts every object; empty: the application's."""
    sealing_key: str
    """base64 of the cluster's public key."""


class ReadObjects(Contract):
    """Read these objects as the tenant's account; nothing is changed. Answered by ObjectsRead or ObjectsNotRead."""

    type: Literal["ReadObjects"] = "ReadObjects"
    app: AppRef
    uid: AppUid
    cluster: ClusterName
    """Where they live."""
    queries: tuple[ObjectQuery, ...] = Field(max_length=OBJECTS_LIMIT)
    recipients: tuple[Recipient, ...] = Field(min_length=1)
    within_s: float = Field(gt=0, le=60)
    """After so many seconds nobody waits for the answer any more."""


class QueryAnswer(Contract):
    """What one question found, or why it is refused."""

    objects: tuple[Manifest, ...] = ()
    """By name; a selector may find none."""
    code: str = ""
    """Machine-readable, CamelCase; empty: it is not refused."""
    message: str = ""


class ObjectsRead(Contract):
    """What was found."""

    type: Literal["ObjectsRead"] = "ObjectsRead"
    answers: tuple[QueryAnswer, ...]
    """One for each question, in their order."""


class ObjectsNotRead(Contract):
    """The cluster could not be asked at this moment."""

    type: Literal["ObjectsNotRead"] = "ObjectsNotRead"
    message: str
    retry_after_s: float | None = None


ReadAnswer = Annotated[ObjectsRead | ObjectsNotRead, Field(discriminator="type")]

READ_REQUEST: TypeAdapter[ReadObjects] = TypeAdapter(ReadObjects)
READ_ANSWER: TypeAdapter[ReadAnswer] = TypeAdapter(ReadAnswer)
