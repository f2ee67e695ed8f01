"""What NetworkPolicies let through between pods of one namespace; as much of them as ours use."""

from dataclasses import dataclass
from typing import Any

Labels = dict[str, str]


@dataclass(frozen=True)
class Flows:
    """The policies of one namespace."""

    policies: list[dict[str, Any]]

    def allow(self, source: Labels, target: Labels, port: int) -> bool:
        """Whether a connection gets out of one pod and into the other."""
        return self._passes("Egress", source, target, port) and self._passes("Ingress", target, source, port)

    def lets_out(self, source: Labels, port: int) -> bool:
        """Whether a connection to somewhere outside of the cluster gets out."""
        return self._passes("Egress", source, None, port)

    def lets_in(self, target: Labels, port: int, *, namespace: Labels) -> bool:
        """Whether a connection from a pod of another namespace gets in."""
        return self._passes("Ingress", target, None, port, namespace)

    def _passes(
        self, direction: str, pod: Labels, peer: Labels | None, port: int, namespace: Labels | None = None
    ) -> bool:
        concerned = [p["spec"] for p in self.policies if direction in p["spec"]["policyTypes"]]
        concerned = [spec for spec in concerned if _selects(spec["podSelector"], pod)]
        rules = [rule for spec in concerned for rule in spec.get(direction.lower()) or ()]
        key = "to" if direction == "Egress" else "from"
        # Without a policy that concerns the pod, everything passes.
        return not concerned or any(
            _has_port(rule, port) and _has_peer(rule.get(key), peer, namespace) for rule in rules
        )


def _has_port(rule: dict[str, Any], port: int) -> bool:
    return "ports" not in rule or any(p["port"] == port and p.get("protocol", "TCP") == "TCP" for p in rule["ports"])


def _has_peer(peers: list[dict[str, Any]] | None, labels: Labels | None, namespace: Labels | None) -> bool:
    if peers is None:
        return True
    return any(
        _selects(peer["namespaceSelector"], namespace or {})
        if "namespaceSelector" in peer
        else labels is not None and _selects(peer["podSelector"], labels)
        for peer in peers
    )


def _selects(selector: dict[str, Any], labels: Labels) -> bool:
    assert set(selector) <= {"matchLabels"}
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
