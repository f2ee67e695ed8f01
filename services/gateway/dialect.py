"""The handlers of KubeMin-Cli's routes: requests in its words, carried out as any other.

An application's id is its uid, a task is a run. The order of its components is its one workflow, whose id is the same.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.gateway.domain import tasks
from services.gateway.domain.access import Principal
from services.gateway.domain.documents import body_of
from services.gateway.domain.preconditions import Precondition
from services.gateway.domain.records import Cancel
from services.gateway.domain.refusals import NoSuchId, NotFound
from services.gateway.handlers import Accepted, Changes
from services.gateway.queries import Queries
from shared.contracts import dialect as answers
from shared.contracts.api import REASON_CHARACTERS
from shared.contracts.desired import PagePosition, StoredApplication
from shared.contracts.identity import AppUid, RunId
from shared.contracts.phases import RunPhase
from shared.contracts.plan import Finding
from shared.contracts.views import RunView
from shared.dialect import (
    Edited,
    PathMap,
    Versioned,
    repeated_version,
    steps_of,
    told_components,
    with_version,
    with_workflow,
)
from shared.dialect import workflow_name as name_of
from shared.dialect.findings import Code
from shared.planning import Application, DocumentRejected, Limits, masked_document

_VOLUME = "PersistentVolumeClaim"


class DialectRequests:
    """Everything that KubeMin-Cli's clients ask for besides applying a document."""

    def __init__(self, *, changes: Changes, queries: Queries, limits: Limits) -> None:
        self._changes = changes
        self._queries = queries
        self._limits = limits

    async def attempt(self, principal: Principal, raw: bytes) -> answers.TryResult:
        """Say whether a document would be accepted; with `app_id` whether its workflow would be by that application.

        Raises DocumentUnreadable and NamespaceForbidden, and NotFound for the application.
        """
        body = await asyncio.to_thread(body_of, raw, self._limits)
        app_id = body.get("app_id")
        if isinstance(app_id, str) and app_id:
            return await self.attempt_workflow(principal, AppUid(app_id), raw)
        try:
            plan = await self._changes.plan(principal, raw, Precondition())
        except DocumentRejected as error:
            return _refused(error)
        return answers.TryResult(valid=True, warnings=plan.warnings)

    async def attempt_workflow(self, principal: Principal, uid: AppUid, raw: bytes) -> answers.TryResult:
        """Say whether an application would take a workflow; raises DocumentUnreadable and NotFound."""
        body = await asyncio.to_thread(body_of, raw, self._limits)
        await self._changes.owned(principal, uid)
        try:
            plan = await self._changes.check_edit(principal, uid, lambda document: with_workflow(document, body))
        except DocumentRejected as error:
            return _refused(error)
        return answers.TryResult(valid=True, warnings=plan.warnings)

    async def templates(self, principal: Principal, *, after: PagePosition | None, limit: int) -> answers.TemplateList:
        """Return a page of the applications that may be cloned."""
        found, token = await self._queries.chosen(principal, tasks.is_template, after=after, limit=limit)
        applications = tuple(tasks.application(one, workflow_id="") for one in found)
        return answers.TemplateList(applications=applications, continue_=token)

    async def components(self, principal: Principal, uid: AppUid) -> answers.ComponentList:
        """Return an application's components as maps of the dialect; raises NotFound."""
        stored = await self._changes.owned(principal, uid)
        told = await asyncio.to_thread(_told, stored.record.document)
        times = {"create_time": stored.record.created_at.isoformat(), "update_time": stored.updated_at.isoformat()}
        return answers.ComponentList(
            components=tuple({"id": f"{uid}/{one['name']}", "app_id": uid, **one, **times} for one in told)
        )

    async def workflows(self, principal: Principal, uid: AppUid) -> answers.WorkflowList:
        """Return an application's one workflow; raises NotFound."""
        stored = await self._changes.owned(principal, uid)
        summary = await self._queries.summary(stored)
        phase = RunPhase.ACCEPTED if stored.unobserved or summary.run is None else summary.run.phase
        steps = await asyncio.to_thread(_steps, stored.record.document)
        name, status = name_of(stored.record.app.name), tasks.RUN_STATUS[phase]
        workflow = answers.Workflow(id=uid, name=name, status=status, steps=steps)
        return answers.WorkflowList(workflows=(workflow,))

    async def put_workflow(
        self, principal: Principal, uid: AppUid, raw: bytes, *, request: str
    ) -> answers.WorkflowChanged:
        """Give an application's components another order, and deliver it; raises NotFound and DocumentRejected."""
        body = await asyncio.to_thread(body_of, raw, self._limits)
        stored = await self._changes.owned(principal, uid)
        _check_workflow(stored, body, required=False)
        accepted = await self._changes.edit(
            principal, uid, lambda document: with_workflow(document, body), request=request
        )
        return answers.WorkflowChanged(workflow_id=uid, task_id=_task(accepted), warnings=accepted.warnings)

    async def execute(self, principal: Principal, uid: AppUid, raw: bytes, *, request: str) -> answers.TaskStarted:
        """Deliver an application as it is stored: a run that goes on, or has succeeded, is that run."""
        body = await asyncio.to_thread(body_of, raw, self._limits)
        stored = await self._changes.owned(principal, uid)
        _check_workflow(stored, body, required=True)
        accepted = await self._changes.edit(principal, uid, _as_it_is, request=request)
        return answers.TaskStarted(task_id=_task(accepted))

    async def cancel(self, principal: Principal, uid: AppUid, raw: bytes, *, request: str) -> answers.TaskCancelled:
        """End a run, or tell how it has ended; raises NotFound, and RunNotCurrent for one that is not the newest."""
        body = await asyncio.to_thread(body_of, raw, self._limits)
        app = (await self._changes.owned(principal, uid)).record.app
        task_id = _text(body, "task_id")
        reason, user = _optional_text(body, "reason"), _optional_text(body, "user")
        run = await self._run(principal, RunId(task_id))
        if run.uid != uid:
            raise NoSuchId("task", task_id)
        if run.phase.terminal:
            return answers.TaskCancelled(task_id=run.run, status=tasks.RUN_STATUS[run.phase])
        wanted = Cancel(run=run.run, reason=reason, on_behalf_of=user)
        await self._changes.cancel(principal, app.namespace, app.name, wanted, Precondition(), request=request)
        return answers.TaskCancelled(task_id=run.run, status=answers.TaskStatus.CANCELLED)

    async def status(self, principal: Principal, task_id: str) -> answers.TaskView:
        """Return where a run stands; raises NotFound."""
        return tasks.task(await self._run(principal, RunId(task_id)))

    async def version(self, principal: Principal, uid: AppUid, raw: bytes, *, request: str) -> answers.VersionResult:
        """Change components of an application, and deliver it; raises NotFound and DocumentRejected."""
        body = await asyncio.to_thread(body_of, raw, self._limits)
        made: list[Versioned] = []

        def edit(document: dict[str, Any]) -> Edited:
            made.append(with_version(document, body, limits=self._limits))
            return made[-1]

        accepted = await self._changes.edit(principal, uid, edit, request=request)
        # A request that was carried out before its answer was lost makes nothing again.
        result = made[-1] if made else repeated_version(accepted.stored.record.document, body)
        return answers.VersionResult(
            app_id=uid,
            version=result.version,
            previous_version=result.previous,
            strategy=result.strategy,
            task_id=_task(accepted),
            updated_components=result.updated,
            added_components=result.added,
            removed_components=result.removed,
            warnings=accepted.warnings,
        )

    async def delete(self, principal: Principal, uid: AppUid, *, request: str) -> answers.ResourcesDeleted:
        """Delete an application with all that is its own, except volumes; raises NotFound."""
        stored = await self._changes.owned(principal, uid)
        app = stored.record.app
        view = await self._queries.application(principal, app.namespace, app.name)
        keys = dict.fromkeys(one.key for step in view.steps for one in step.objects if one.key.kind != _VOLUME)
        accepted = await self._changes.delete(principal, app.namespace, app.name, Precondition(), request=request)
        return answers.ResourcesDeleted(
            app_id=uid, task_id=_task(accepted), deleted_resources=tuple(f"{key.kind}/{key.name}" for key in keys)
        )

    async def _run(self, principal: Principal, run: RunId) -> RunView:
        try:
            return await self._queries.run(principal, run)
        except NotFound as error:
            raise NoSuchId("task", run) from error


def _told(document: dict[str, Any]) -> list[dict[str, Any]]:
    return told_components(Application.model_validate(masked_document(document, [])))


def _steps(document: dict[str, Any]) -> tuple[answers.WorkflowStep, ...]:
    return steps_of(Application.model_validate(document))


def _as_it_is(document: dict[str, Any]) -> Edited:
    return Edited(document=document, paths=PathMap({}))


def _task(accepted: Accepted) -> RunId:
    return accepted.stored.record.run


def _check_workflow(stored: StoredApplication, body: dict[str, Any], *, required: bool) -> None:
    workflow = _text(body, "workflow_id") if required or body.get("workflow_id") else stored.record.uid
    if workflow != stored.record.uid:
        raise NoSuchId("workflow", workflow)


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if isinstance(value, str) and value:
        return value
    missing = value is None or value == ""
    code, message = (Code.MISSING_REQUIRED_FIELD, "is required") if missing else ("WrongType", "must be a text")
    raise DocumentRejected([Finding(path=key, code=code, message=message)])


def _optional_text(body: dict[str, Any], key: str) -> str:
    text = _text(body, key) if body.get(key) else ""
    if len(text) <= REASON_CHARACTERS:
        return text
    message = f"has {len(text)} characters, {REASON_CHARACTERS} are allowed"
    raise DocumentRejected([Finding(path=key, code="TooLong", message=message)])


def _refused(error: DocumentRejected) -> answers.TryResult:
    return answers.TryResult(valid=False, errors=tuple(_errors(error.findings)), warnings=error.warnings)


def _errors(findings: Sequence[Finding]) -> list[answers.FieldError]:
    return [
        answers.FieldError(field=one.path, code=one.code, message=f"{one.message}. {one.remedy}".removesuffix(". "))
        for one in findings
    ]
