"""Types of parameter fields that several entries share."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from shared.contracts import formats


@dataclass(frozen=True)
class Deprecated:
    """Marks a parameter, as in `Annotated[int | None, Deprecated("ports")]`: documents that use it are warned."""

    successor: str
    """What to use instead."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say so in the schema too."""
        return {**handler(core_schema), "deprecated": True}


@dataclass(frozen=True)
class NoEffect:
    """Marks a parameter that KubeVela takes and nothing comes of: documents that use it are warned."""

    why: str
    """After `has no effect: `."""


PortNumber = Annotated[int, Field(ge=1, le=65535)]
"""A port, as Kubernetes takes it."""

Quantity = Annotated[str, formats.QUANTITY]
"""A Kubernetes resource quantity such as `500m` or `2Gi`."""

Size = Annotated[str, formats.SIZE]
"""A size such as `8Gi`, in the narrower spelling of volumes and of the resource trait's memory.

KubeVela takes `8K` as well, which Kubernetes does not know.
"""

PullPolicy = Literal["Always", "Never", "IfNotPresent"]

Protocol = Literal["TCP", "UDP", "SCTP"]

NonEmpty = Annotated[str, Field(min_length=1)]

DataKey = Annotated[str, formats.DATA_KEY]
"""A key of a ConfigMap's or Secret's data."""

Data = dict[DataKey, str]

ObjectName = Annotated[str, formats.OBJECT_NAME]
"""Of an object that is made, or that Kubernetes checks a reference to."""

LabelName = Annotated[str, formats.LABEL]
VolumeName = LabelName
VolumeNamePart = Annotated[str, formats.VOLUME_NAME_PART]
"""What is put after a word and a dash."""
ContainerName = LabelName
ServiceName = LabelName
VariableName = Annotated[str, formats.VARIABLE]
PodField = Annotated[str, formats.POD_FIELD]
PortName = Annotated[str, formats.PORT_NAME]
SubPath = Annotated[str, formats.SUB_PATH]
FilePath = Annotated[str, formats.FILE_PATH]
NodePath = Annotated[str, formats.NODE_PATH]
IpAddress = Annotated[str, formats.ADDRESS]
HostName = Annotated[str, formats.SUBDOMAIN]
HeaderName = Annotated[str, formats.HEADER]
SegmentName = Annotated[str, formats.PATH_SEGMENT]
"""Of an object of the kinds that take more than a DNS name, such as a Role."""
VariablePrefix = Annotated[str, formats.VARIABLE_PREFIX]
IngressHost = Annotated[str, formats.HOST]
CertificateHost = Annotated[str, formats.CERTIFICATE_HOST]
NumberOrPercentage = Annotated[str, formats.NUMBER_OR_PERCENTAGE]
ResourceName = Annotated[str, formats.RESOURCE]
Schedule = Annotated[str, formats.SCHEDULE]

LabelKey = Annotated[str, formats.LABEL_KEY]
LabelValue = Annotated[str, formats.LABEL_VALUE]
Labels = dict[LabelKey, LabelValue]
AnnotationKey = Annotated[str, formats.ANNOTATION_KEY]
Annotations = dict[AnnotationKey, str]

_INT32 = 2**31 - 1
Count = Annotated[int, Field(ge=0, le=_INT32)]
"""A whole number, as Kubernetes keeps it."""
Positive = Annotated[int, Field(ge=1, le=_INT32)]
OwnerId = Annotated[int, Field(ge=0, le=_INT32)]
"""Number of a user or group."""
FileMode = Annotated[int, Field(ge=0, le=0o777)]
"""Permission bits."""
AccessMode = Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]


def _pod_alone(modes: list[AccessMode]) -> list[AccessMode]:
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        raise PydanticCustomError("two_forms", "beside ReadWriteOncePod there can be no other mode")
    return modes


AccessModes = Annotated[list[AccessMode], Field(min_length=1), AfterValidator(_pod_alone)]
"""How many nodes and pods may use a volume."""
StorageClass = Annotated[str, formats.OBJECT_NAME] | Literal[""]
