"""Every operation of the API as data: the router, the access check and the OpenAPI description are made of it."""

from http import HTTPStatus

from services.gateway.domain.access import Permission
from services.gateway.web.dialect_operations import DIALECT_OPERATIONS
from services.gateway.web.operation import CONTINUE, KEY, LIMIT, Operation, Parameter
from shared.contracts import api, catalogue, dialect, views
from shared.contracts.kinds import TypeKind
from shared.contracts.phases import AppPhase

DOCUMENT_TYPES = (
    "application/yaml",
    "application/json",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
    "text/plain",
)
"""Of request bodies; both languages are read whatever the type says."""


_NAMESPACE = Parameter("namespace", "Namespace of the application.", "path")
_APP = Parameter("app", "Name of the application.", "path")
_RUN = Parameter("run", "Id of the run.", "path")
_CLUSTER = Parameter("cluster", "Name of the cluster.", "path")
_IF_MATCH = Parameter(
    "If-Match",
    'Only if the application is at this generation, such as `"3"`.',
    "header",
    pattern=r'^(\*|"[0-9]{1,18}"(, ?"[0-9]{1,18}")*)$',
)
_TYPE = Parameter("type", "Name or alias of the type, also with a pinned version, such as `webservice@v1`.", "path")
_KIND = Parameter("kind", "Only types that stand there in a document.", one_of=tuple(kind.value for kind in TypeKind))
_STRICT = Parameter("strict", "Refuse the document for what is otherwise only warned of.", schema="boolean")
_DRY_RUN = Parameter("dryRun", "Tell what would be done, and do nothing.", schema="boolean")
_SEQUENCE = Parameter("sequence", "Number of the parked message.", "path", "integer")
_GENERATION = Parameter(
    "generation", "The generation whose document is wanted again.", schema="integer", required=True, minimum=1
)
_PLANNED = (HTTPStatus.OK, "With `dryRun=true`: what would be done.", views.PlanView)
_IF_NONE_MATCH = Parameter("If-None-Match", "`*`: only if there is no such application yet.", "header", pattern=r"^\*$")

OWN_OPERATIONS = (
    Operation(
        "applyApplication",
        "POST",
        "/api/v1/applications",
        "Create an application, or give it a new generation",
        Permission.DEPLOY,
        (
            (HTTPStatus.ACCEPTED, "Accepted, or found unchanged.", api.ApplyResult),
            _PLANNED,
        ),
        (
            _DRY_RUN,
            _STRICT,
            _IF_MATCH,
            _IF_NONE_MATCH,
            KEY,
        ),
        document=True,
        in_dialect=dialect.AppliedDocument,
        problems=(
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Operation(
        "convertDocument",
        "POST",
        "/api/v1/convert",
        "Convert a document in KubeMin-Cli's JSON dialect to an OAM Application",
        Permission.READ,
        ((HTTPStatus.OK, "The Application, with secret values as they were sent.", api.Conversion),),
        (_STRICT,),
        document=True,
        problems=(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        pure=True,
    ),
    Operation(
        "listApplications",
        "GET",
        "/api/v1/applications",
        "List applications",
        Permission.READ,
        ((HTTPStatus.OK, "A page.", api.ApplicationPage),),
        (
            Parameter("namespace", "Only this namespace."),
            Parameter(
                "phase",
                "Only this phase, may be repeated; Active and Deleting unless given.",
                values=tuple(phase.value for phase in AppPhase),
            ),
            LIMIT,
            CONTINUE,
        ),
    ),
    Operation(
        "getApplication",
        "GET",
        "/api/v1/applications/{namespace}/{app}",
        "Read an application: newest run, objects, pods, health",
        Permission.READ,
        ((HTTPStatus.OK, "The application; its ETag is the generation.", views.ApplicationView),),
        (_NAMESPACE, _APP),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "deleteApplication",
        "DELETE",
        "/api/v1/applications/{namespace}/{app}",
        "Delete an application: everything that is its own, except volumes",
        Permission.DEPLOY,
        ((HTTPStatus.ACCEPTED, "Accepted, or already going on.", api.ApplyResult),),
        (_NAMESPACE, _APP, _IF_MATCH, KEY),
        problems=(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Operation(
        "listRevisions",
        "GET",
        "/api/v1/applications/{namespace}/{app}/revisions",
        "List the generations that an application can be rolled back to, the newest first",
        Permission.READ,
        ((HTTPStatus.OK, "The present generation and those before it whose documents are kept.", api.RevisionPage),),
        (_NAMESPACE, _APP),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "rollbackApplication",
        "POST",
        "/api/v1/applications/{namespace}/{app}/rollback",
        "Give an application a new generation with the document of an earlier one",
        Permission.DEPLOY,
        ((HTTPStatus.ACCEPTED, "Accepted, or found unchanged.", api.ApplyResult), _PLANNED),
        (_NAMESPACE, _APP, _GENERATION, _DRY_RUN, _IF_MATCH, KEY),
        problems=(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Operation(
        "cancelRun",
        "POST",
        "/api/v1/applications/{namespace}/{app}/cancel",
        "End the run that is under way: nothing more of it is applied, its tasks are deleted, services stay",
        Permission.DEPLOY,
        ((HTTPStatus.ACCEPTED, "Accepted, or asked for already; its run is the one that ends.", api.ApplyResult),),
        (_NAMESPACE, _APP, _IF_MATCH, KEY),
        body=api.CancelRequest,
        body_required=False,
        problems=(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.PRECONDITION_FAILED,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
    ),
    Operation(
        "listRuns",
        "GET",
        "/api/v1/applications/{namespace}/{app}/runs",
        "List an application's runs, the newest first",
        Permission.READ,
        ((HTTPStatus.OK, "The runs.", api.RunPage),),
        (_NAMESPACE, _APP, LIMIT),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "getRun",
        "GET",
        "/api/v1/runs/{run}",
        "Read a run with its steps, objects and pods",
        Permission.READ,
        ((HTTPStatus.OK, "The run.", views.RunView),),
        (_RUN,),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "watchRun",
        "GET",
        "/api/v1/runs/{run}/events",
        "Follow a run: server-sent events `state`, `change`, `progress` and `end`",
        Permission.READ,
        ((HTTPStatus.OK, "The events; their ids resume the stream.", None),),
        (
            _RUN,
            Parameter("Last-Event-ID", "Id of the last event that was received.", "header", "integer"),
            Parameter("lastEventId", "The same, where headers cannot be set.", schema="integer"),
        ),
        problems=(HTTPStatus.NOT_FOUND,),
        events=True,
    ),
    Operation(
        "listClusters",
        "GET",
        "/api/v1/clusters",
        "List the registered clusters and the state of their agents",
        Permission.READ,
        ((HTTPStatus.OK, "The clusters.", api.ClusterPage),),
    ),
    Operation(
        "rotateKey",
        "POST",
        "/api/v1/clusters/{cluster}/rotate-key",
        "Seal secret values for the newest key that the cluster's executor holds",
        Permission.ADMINISTER,
        ((HTTPStatus.OK, "The key that was taken up.", api.KeyRotation),),
        (_CLUSTER, KEY),
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Operation(
        "listTypes",
        "GET",
        "/api/v1/types",
        "List the types of components, traits and policies",
        Permission.READ,
        ((HTTPStatus.OK, "The types, by kind and name.", catalogue.TypePage),),
        (_KIND,),
    ),
    Operation(
        "getType",
        "GET",
        "/api/v1/types/{type}",
        "Read a type: the JSON Schema of its parameters, its kinds, what it waits for",
        Permission.READ,
        ((HTTPStatus.OK, "The type; of several with one name the component, then the trait.", catalogue.TypeView),),
        (_TYPE, _KIND),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "listParked",
        "GET",
        "/api/v1/parked",
        "List messages about the tenant's applications that could not be taken",
        Permission.ADMINISTER,
        ((HTTPStatus.OK, "A page, the oldest first; it may be short although more follows.", api.ParkedPage),),
        (
            Parameter("consumer", "Only those that this consumer set aside."),
            LIMIT,
            CONTINUE,
        ),
    ),
    Operation(
        "getParked",
        "GET",
        "/api/v1/parked/{sequence}",
        "Read a parked message",
        Permission.ADMINISTER,
        ((HTTPStatus.OK, "The message with all that it holds.", api.ParkedView),),
        (_SEQUENCE,),
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Operation(
        "replayParked",
        "POST",
        "/api/v1/parked/{sequence}/replay",
        "Have the consumer of a parked message take it again",
        Permission.ADMINISTER,
        ((HTTPStatus.OK, "What came of it.", api.ReplayResult),),
        (_SEQUENCE, KEY),
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Operation(
        "dropParked",
        "DELETE",
        "/api/v1/parked/{sequence}",
        "Remove a parked message for good",
        Permission.ADMINISTER,
        ((HTTPStatus.OK, "What was removed.", api.ParkedSummary),),
        (_SEQUENCE, KEY),
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Operation(
        "getOpenApi",
        "GET",
        "/openapi.json",
        "Read this description",
        None,
        ((HTTPStatus.OK, "The description.", None),),
    ),
)
OPERATIONS = (*OWN_OPERATIONS, *DIALECT_OPERATIONS)
BY_ID = {operation.id: operation for operation in OPERATIONS}
