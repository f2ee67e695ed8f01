"""KubeMin-Cli's routes as data.

The paths are that project's. An application that is called `components`, `workflows`, `workflow` or `resources`, in a
namespace that looks like an id, is not found at its own path.
"""

from dataclasses import replace
from http import HTTPStatus

from services.gateway.domain.access import Permission
from services.gateway.web.dialect_bodies import CancelBody, ExecuteBody, VersionBody, WorkflowBody
from services.gateway.web.operation import CONTINUE, KEY, LIMIT, Operation, Parameter
from shared.contracts import dialect

ID = Parameter("id", "Id of the application: its `uid`.", "path", pattern="^[0-9a-z]{24,32}$", routed=True)
_ID = replace(ID, routed=False)
"""Where `<namespace>/<name>` cannot be meant: whatever it is, it is an id."""
_TASK = Parameter("task", "Id of the task: of a run.", "path")
_DOCUMENT_PROBLEMS = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_CHANGE_PROBLEMS = (*_DOCUMENT_PROBLEMS, HTTPStatus.CONFLICT)

DIALECT_OPERATIONS = (
    Operation(
        "tryApplication",
        "POST",
        "/api/v1/applications/try",
        "Check a document, or with `app_id` a workflow for that application; nothing is stored",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "Whether it would be accepted, and all that is wrong.", dialect.TryResult),),
        document=True,
        problems=_DOCUMENT_PROBLEMS,
        pure=True,
        of_dialect=True,
    ),
    Operation(
        "listTemplates",
        "GET",
        "/api/v1/applications/templates",
        "List applications that may be cloned",
        Permission.READ,
        ((HTTPStatus.OK, "A page; it may be short although more follows.", dialect.TemplateList),),
        (LIMIT, CONTINUE),
        of_dialect=True,
    ),
    Operation(
        "getComponents",
        "GET",
        "/api/v1/applications/{id}/components",
        "Read an application's components as maps of the dialect",
        Permission.READ,
        ((HTTPStatus.OK, "The components; secret values are masked.", dialect.ComponentList),),
        (ID,),
        problems=(HTTPStatus.NOT_FOUND,),
        of_dialect=True,
    ),
    Operation(
        "getWorkflows",
        "GET",
        "/api/v1/applications/{id}/workflows",
        "Read the order of an application's components",
        Permission.READ,
        ((HTTPStatus.OK, "Its one workflow.", dialect.WorkflowList),),
        (ID,),
        problems=(HTTPStatus.NOT_FOUND,),
        of_dialect=True,
    ),
    Operation(
        "putWorkflow",
        "PUT",
        "/api/v1/applications/{id}/workflow",
        "Give an application's components another order, and deliver it",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "Accepted, or found unchanged.", dialect.WorkflowChanged),),
        (_ID, KEY),
        body=WorkflowBody,
        problems=_CHANGE_PROBLEMS,
        of_dialect=True,
    ),
    Operation(
        "tryWorkflow",
        "POST",
        "/api/v1/applications/{id}/workflow/try",
        "Check a workflow for an application; nothing is stored",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "Whether it would be accepted, and all that is wrong.", dialect.TryResult),),
        (_ID,),
        body=WorkflowBody,
        problems=_DOCUMENT_PROBLEMS,
        pure=True,
        of_dialect=True,
    ),
    Operation(
        "executeWorkflow",
        "POST",
        "/api/v1/applications/{id}/workflow/exec",
        "Deliver an application as it is stored; one that is delivered already is not delivered again",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "The run.", dialect.TaskStarted),),
        (_ID, KEY),
        body=ExecuteBody,
        problems=_CHANGE_PROBLEMS,
        of_dialect=True,
    ),
    Operation(
        "cancelTask",
        "POST",
        "/api/v1/applications/{id}/workflow/cancel",
        "End a run, or tell how it has ended",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "It ends, or has ended.", dialect.TaskCancelled),),
        (ID, KEY),
        body=CancelBody,
        problems=_CHANGE_PROBLEMS,
        of_dialect=True,
    ),
    Operation(
        "getTaskStatus",
        "GET",
        "/api/v1/workflow/tasks/{task}/status",
        "Read where a run stands, by component",
        Permission.READ,
        ((HTTPStatus.OK, "The task.", dialect.TaskView),),
        (_TASK,),
        problems=(HTTPStatus.NOT_FOUND,),
        of_dialect=True,
    ),
    Operation(
        "createVersion",
        "POST",
        "/api/v1/applications/{id}/version",
        "Update, add and remove components of an application, and deliver it",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "Accepted, or found unchanged.", dialect.VersionResult),),
        (_ID, KEY),
        body=VersionBody,
        problems=_CHANGE_PROBLEMS,
        of_dialect=True,
    ),
    Operation(
        "deleteResources",
        "DELETE",
        "/api/v1/applications/{id}/resources",
        "Delete an application: everything that is its own, except volumes",
        Permission.DEPLOY,
        ((HTTPStatus.OK, "Accepted, or already going on.", dialect.ResourcesDeleted),),
        (ID, KEY),
        problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        of_dialect=True,
    ),
)
