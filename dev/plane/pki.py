"""The certificates and keys of one control plane, made at run time and kept in its directory.

Elliptic curves throughout, because making RSA keys would take longer than starting the servers.
"""

import base64
import datetime as dt
import ipaddress
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = dt.timedelta(days=30)
_RENEW_BEFORE = dt.timedelta(days=2)
_CLOCK_SKEW = dt.timedelta(hours=1)
# The group that Kubernetes binds to cluster-admin by itself.
_ADMIN_GROUP = "system:masters"


@dataclass(frozen=True)
class Pki:
    """Where the files of a control plane's public key infrastructure lie."""

    directory: Path

    @property
    def ca_certificate(self) -> Path:
        """The certificate that everything else is signed with."""
        return self.directory / "ca.crt"

    @property
    def server_certificate(self) -> Path:
        """The certificate of all servers: API server, controller manager, scheduler and KWOK's kubelet."""
        return self.directory / "server.crt"

    @property
    def server_key(self) -> Path:
        """The key of the server certificate."""
        return self.directory / "server.key"

    @property
    def admin_certificate(self) -> Path:
        """The client certificate of a cluster administrator."""
        return self.directory / "admin.crt"

    @property
    def admin_key(self) -> Path:
        """The key of the administrator's certificate."""
        return self.directory / "admin.key"

    @property
    def service_account_key(self) -> Path:
        """The key that signs service account tokens."""
        return self.directory / "service-account.key"

    @property
    def service_account_public_key(self) -> Path:
        """The key that verifies service account tokens."""
        return self.directory / "service-account.pub"

    def ensure(self, service_address: str) -> None:
        """Make what is not there, or make the certificates anew when they expire soon.

        The service account keys stay for as long as the directory does: tokens in etcd are signed with them.
        """
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.service_account_key.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            self.service_account_public_key.write_bytes(
                key.public_key().public_bytes(
                    serialization.Encoding.PEM,
                    serialization.PublicFormat.SubjectPublicKeyInfo,
                ),
            )
            _write_key(self.service_account_key, key)
        if not self._certificates_last():
            self._issue(service_address)

    def write_kubeconfig(self, path: Path, *, name: str, server: str) -> None:
        """Write a kubeconfig of the administrator, certificates included, for the cluster `name`."""
        user = f"{name}-admin"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": server, "certificate-authority-data": _base64(self.ca_certificate)},
                },
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": _base64(self.admin_certificate),
                        "client-key-data": _base64(self.admin_key),
                    },
                },
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        }
        # JSON is YAML, and Kubernetes reads either.
        _write_private(path, json.dumps(config, indent=2).encode())

    def _certificates_last(self) -> bool:
        files = (self.admin_certificate, self.server_certificate, self.ca_certificate)
        if not all(file.exists() for file in files):
            return False
        ends = (x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc for file in files)
        return min(ends) - _now() > _RENEW_BEFORE

    def _issue(self, service_address: str) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = (
            _builder(_subject("kubemin-dev-ca"), _subject("kubemin-dev-ca"), authority_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        server_names = x509.SubjectAlternativeName(
            [
                x509.DNSName("localhost"),
                x509.DNSName("kubernetes.default.svc"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                x509.IPAddress(ipaddress.ip_address(service_address)),
            ],
        )
        for subject, names, certificate_path, key_path in (
            (_subject("kube-apiserver"), server_names, self.server_certificate, self.server_key),
            (_subject("kubemin-dev-admin", _ADMIN_GROUP), None, self.admin_certificate, self.admin_key),
        ):
            key = ec.generate_private_key(ec.SECP256R1())
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH if names is None else ExtendedKeyUsageOID.SERVER_AUTH]
            builder = (
                _builder(subject, authority.subject, key.public_key())
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            )
            if names is not None:
                builder = builder.add_extension(names, critical=False)
            _write_certificate(certificate_path, builder.sign(authority_key, hashes.SHA256()))
            _write_key(key_path, key)
        _write_certificate(self.ca_certificate, authority)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _CLOCK_SKEW)
        .not_valid_after(_now() + _LIFETIME)
    )


def _subject(common_name: str, organization: str | None = None) -> x509.Name:
    """Return a subject; Kubernetes reads the common name as the user and the organization as the group."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    _write_private(path, pem)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that was readable by its owner alone from the start."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
