"""Where Flux takes charts and manifests from, as KubeVela's addon fluxcd describes it."""

from typing import Literal

from shared.jobtypes.base import Parameters
from shared.jobtypes.fields import NonEmpty


class GitSource(Parameters):
    """A Git repository."""

    branch: NonEmpty
    """Branch to follow."""


class BucketSource(Parameters):
    """A bucket of an object store."""

    bucketName: NonEmpty
    """Name of the bucket."""


class FluxSource(Parameters):
    """Where it comes from."""

    repoType: Literal["helm", "git", "oss", "oci"]
    """A repository of charts, a Git repository, a bucket or a registry."""
    url: NonEmpty
    """Its address."""
    secretRef: NonEmpty | None = None
    """Secret with credentials for it."""
    pullInterval: NonEmpty = "5m"
    """How often it is looked at."""
    git: GitSource | None = None
    """What of a Git repository is taken."""
    oss: BucketSource | None = None
    """What of an object store is taken."""
