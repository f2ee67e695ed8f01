"""Labels and annotations that we write, and what the observer reads off an object by them."""

LABEL_APP = "app.oam.dev/name"
LABEL_COMPONENT = "app.oam.dev/component"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "kubemin"
LABEL_TRACK = "kubemin.dev/track"
TRACK_STABLE = "stable"

# Of top-level objects only: in a pod template they would restart pods.
ANNOTATION_TENANT = "kubemin.dev/tenant"
ANNOTATION_NAMESPACE = "kubemin.dev/app-namespace"
ANNOTATION_APP = "kubemin.dev/app"
ANNOTATION_APP_UID = "kubemin.dev/app-uid"
ANNOTATION_STEP = "kubemin.dev/step"
ANNOTATION_DIGEST = "kubemin.dev/digest"
ANNOTATION_GENERATION = "kubemin.dev/generation"
ANNOTATION_RULE = "kubemin.dev/completion"
ANNOTATION_KEPT = "kubemin.dev/kept"
"""JSON list of the paths whose live values stay when drift is reverted; see `shared.contracts.fieldpath`."""

BOOKKEEPING = frozenset(
    {
        ANNOTATION_TENANT,
        ANNOTATION_NAMESPACE,
        ANNOTATION_APP,
        ANNOTATION_APP_UID,
        ANNOTATION_STEP,
        ANNOTATION_DIGEST,
        ANNOTATION_GENERATION,
        ANNOTATION_RULE,
        ANNOTATION_KEPT,
    }
)
"""What we note about every object for ourselves: no difference that people look for."""

ANNOTATION_JOB_LIFETIME = "kubemin.dev/ttl-seconds-after-finished"
"""Of a Job: its `ttlSecondsAfterFinished`, taken off so that the platform carries it out once the result is durable."""

ANNOTATION_SHARED_BY = "app.oam.dev/shared-by"
"""Of an object that several applications share: `<namespace>/<name>` of each, the owner first."""

ANNOTATION_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of the whole object, a Secret's values included."""

# Read from documents: durations such as 30s, 10m, 1h30m.
ANNOTATION_QUEUE_TIMEOUT = "kubemin.dev/queue-timeout"
ANNOTATION_START_TIMEOUT = "kubemin.dev/start-timeout"
ANNOTATION_RUN_TIMEOUT = "kubemin.dev/run-timeout"
ANNOTATION_REFERENCE_TIMEOUT = "kubemin.dev/reference-timeout"
"""How long a run waits, before anything is created, for what others make and it refers to."""

# What a document says about the application, for people and for the making of copies; nothing is rendered from it.
ANNOTATION_VERSION = "kubemin.dev/version"
ANNOTATION_ALIAS = "kubemin.dev/alias"
ANNOTATION_PROJECT = "kubemin.dev/project"
ANNOTATION_DESCRIPTION = "kubemin.dev/description"
ANNOTATION_ICON = "kubemin.dev/icon"
ANNOTATION_TEMPLATE = "kubemin.dev/template"
"""`true`: other documents may make copies of the application's components."""
ABOUT = frozenset(
    {
        ANNOTATION_VERSION,
        ANNOTATION_ALIAS,
        ANNOTATION_PROJECT,
        ANNOTATION_DESCRIPTION,
        ANNOTATION_ICON,
        ANNOTATION_TEMPLATE,
    }
)

# The tenant's account that the executor impersonates, and the label that enrols its namespace.
TENANT_SERVICE_ACCOUNT = "kubemin-tenant"
LABEL_TENANT = "kubemin.dev/tenant"


FIELD_MANAGERS = "kubemin:"
"""With what the field manager of every application begins."""
PLATFORM_MANAGER = "kubemin"
"""Signs and gives up objects that belong to other applications, or to none."""


def field_manager(uid: str) -> str:
    """One field manager per application, so that one cannot take over another's object unseen."""
    return f"{FIELD_MANAGERS}{uid}"
