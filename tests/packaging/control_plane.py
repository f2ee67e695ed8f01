"""The real control plane as an operator and as an account of the manifests see it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dev.plane.control_plane import ControlPlane
from tests.packaging.rendering import Object, kubectl

AGENT = "kubemin-agent"


class Right(NamedTuple):
    """Something that an account may want to do."""

    verb: str
    resource: str
    """`<group>/<plural>`; only the plural of what is in no group."""
    namespace: str = ""
    name: str = ""


class Operator:
    """kubectl with the administrator's kubeconfig."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl; fails with what it said."""
        done = kubectl("--kubeconfig", str(self._plane.kubeconfig), *arguments, text=text)
        assert done.returncode == 0, done.stderr
        assert "unknown field" not in done.stderr
        return done.stdout

    def apply(self, objects: list[Object], *options: str) -> None:
        """Apply objects on the server, which refuses fields that it does not know."""
        text = yaml.safe_dump_all(objects)
        self.run(
            "apply", "--server-side", "--force-conflicts", "--validate=strict", *options, "--filename=-", text=text
        )

    def delete(self, objects: list[Object]) -> None:
        """Ask for their deletion."""
        text = yaml.safe_dump_all(objects)
        self.run("delete", "--ignore-not-found", "--wait=false", "--filename=-", text=text)

    def differences(self, objects: list[Object]) -> str:
        """What applying them again would change."""
        arguments = ("--kubeconfig", str(self._plane.kubeconfig), "diff", "--server-side", "--force-conflicts")
        done = kubectl(*arguments, "--filename=-", text=yaml.safe_dump_all(objects))
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + done.stderr if done.returncode else ""

    def get(self, *arguments: str) -> Any:
        """Read objects as JSON."""
        return json.loads(self.run("get", "--output=json", *arguments))

    async def allows(self, account: str, right: Right) -> bool:
        """Whether the API server would let an agent's account do something."""
        group, _, plural = right.resource.rpartition("/")
        user = f"system:serviceaccount:{AGENT}:{account}"
        attributes = {"verb": right.verb, "group": group, "resource": plural}
        attributes |= {"namespace": right.namespace, "name": right.name}
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{AGENT}", "system:authenticated"]
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": attributes},
        }
        answer = await self._plane.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    async def kubeconfig_of(self, account: str, path: Path) -> Path:
        """A kubeconfig with nothing but a token of an agent's account, as its pod has it."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        answer = await self._plane.api.create(f"/api/v1/namespaces/{AGENT}/serviceaccounts/{account}/token", request)
        self._write(path, {"token": answer["status"]["token"]})
        return path

    def _write(self, path: Path, user: dict[str, str]) -> None:
        config = yaml.safe_load(self._plane.kubeconfig.read_text())
        config["users"] = [{"name": config["users"][0]["name"], "user": user}]
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
