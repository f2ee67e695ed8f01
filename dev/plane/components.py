"""The command line of each program of the control plane; every flag that is not self-evident says why it is there."""

from dataclasses import dataclass
from pathlib import Path

from dev.plane.pki import Pki

LOOPBACK = "127.0.0.1"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
"""The first address of the range, which Kubernetes gives to the service `kubernetes`."""
_POD_RANGE = "10.244.0.0/16"


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one control plane."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controller_manager: int
    scheduler: int
    kwok: int


@dataclass(frozen=True)
class Layout:
    """Where the programs and the files of one control plane lie, and its ports."""

    binaries: Path
    directory: Path
    ports: Ports

    @property
    def pki(self) -> Pki:
        """The certificates and keys."""
        return Pki(self.directory / "pki")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, which our own components use as well."""
        return self.directory / "kubeconfig"

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{LOOPBACK}:{self.ports.apiserver}"


def etcd(layout: Layout) -> list[str]:
    """etcd, a cluster of one."""
    client = f"http://{LOOPBACK}:{layout.ports.etcd}"
    peer = f"http://{LOOPBACK}:{layout.ports.etcd_peer}"
    return [
        str(layout.binaries / "etcd"),
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # Survives the end of the process, not that of the machine; without it a slow disk decides how fast tests are.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(layout: Layout) -> list[str]:
    """kube-apiserver with RBAC and the admission plugins that are on by default, ServiceAccount among them."""
    pki = layout.pki
    return [
        str(layout.binaries / "kube-apiserver"),
        f"--etcd-servers=http://{LOOPBACK}:{layout.ports.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={layout.ports.apiserver}",
        f"--tls-cert-file={pki.server_certificate}",
        f"--tls-private-key-file={pki.server_key}",
        f"--client-ca-file={pki.ca_certificate}",
        f"--service-account-key-file={pki.service_account_public_key}",
        f"--service-account-signing-key-file={pki.service_account_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--allow-privileged=true",
        # Loopback is no legal endpoint address, and nothing in here connects to the service `kubernetes`.
        "--endpoint-reconciler-type=none",
        # For logs: KWOK plays the kubelets, all on one address.
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """kube-controller-manager with all of its default controllers."""
    pki = layout.pki
    return [
        str(layout.binaries / "kube-controller-manager"),
        f"--kubeconfig={layout.kubeconfig}",
        *_serving(layout, layout.ports.controller_manager),
        f"--service-account-private-key-file={pki.service_account_key}",
        f"--root-ca-file={pki.ca_certificate}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        # With the default of 20 requests a second it brings up only 4 Deployments a second.
        "--kube-api-qps=400",
        "--kube-api-burst=600",
    ]


def scheduler(layout: Layout) -> list[str]:
    """kube-scheduler with the default profile."""
    return [
        str(layout.binaries / "kube-scheduler"),
        f"--kubeconfig={layout.kubeconfig}",
        *_serving(layout, layout.ports.scheduler),
        "--leader-elect=false",
        "--kube-api-qps=400",
        "--kube-api-burst=600",
    ]


def kwok(layout: Layout, configs: list[Path]) -> list[str]:
    """KWOK, which plays the kubelets of all nodes as its stages say."""
    pki = layout.pki
    return [
        str(layout.binaries / "kwok"),
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes=true",
        # Without leases nodes send no heartbeats, go NotReady after 50 s and flap.
        "--node-lease-duration-seconds=40",
        f"--cidr={_POD_RANGE}",
        f"--node-ip={LOOPBACK}",
        f"--node-port={layout.ports.kwok}",
        f"--server-address={LOOPBACK}:{layout.ports.kwok}",
        f"--tls-cert-file={pki.server_certificate}",
        f"--tls-private-key-file={pki.server_key}",
        *(f"--config={config}" for config in configs),
    ]


def _serving(layout: Layout, port: int) -> list[str]:
    """Serve health checks under our certificate; without one each start would make an RSA key."""
    return [
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={layout.pki.server_certificate}",
        f"--tls-private-key-file={layout.pki.server_key}",
    ]
