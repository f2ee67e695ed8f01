"""Who may use the installation and where it delivers to: tenants, their namespaces and tokens, and the clusters."""

from collections.abc import Iterable, Sequence

from shared.contracts.identity import ClusterName, Tenant
from shared.contracts.registry import ClusterRecord, TenantRecord, TokenRecord
from shared.errors import Rejected
from shared.store.database import Database, Document, Index
from shared.store.versions import check, fields_of, stamp

TENANTS = "tenants"
NAMESPACES = "namespaces"
TOKENS = "tokens"
CLUSTERS = "clusters"
INDEXES = (
    Index(NAMESPACES, (("tenant", 1),)),
    # A revoked token's name may be given again.
    Index(TOKENS, (("tenant", 1), ("name", 1)), unique=True, partial={"revoked": False}),
)


class NameTaken(Rejected):
    """There is one of that name already."""

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        self.name = name
        super().__init__(f"there is already a {what} {name!r}", reason="NameTaken")


class NamespaceTaken(Rejected):
    """The namespace belongs to another tenant."""

    def __init__(self, namespace: str, tenant: str) -> None:
        self.namespace = namespace
        self.tenant = tenant
        super().__init__(f"namespace {namespace!r} belongs to tenant {tenant!r}", reason="NamespaceTaken")


class UnknownName(Rejected):
    """There is none of that name."""

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        self.name = name
        super().__init__(f"there is no {what} {name!r}", reason="UnknownName")


class KeyChanged(Rejected):
    """Somebody else has replaced the cluster's sealing key meanwhile."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        super().__init__(f"the sealing key of cluster {cluster!r} was replaced meanwhile", reason="KeyChanged")


class Registry:
    """The registry's collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_tenant(self, name: str, namespaces: Sequence[str]) -> None:
        """Create a tenant, or give an existing one further namespaces.

        Raises NamespaceTaken where one of them belongs to another tenant; nothing is changed then.
        """
        for namespace in namespaces:
            owner = await self.tenant_of(namespace)
            if owner is not None and owner != name:
                raise NamespaceTaken(namespace, owner)
        await self._database.insert(TENANTS, {"_id": name})
        for namespace in namespaces:
            inserted = await self._database.insert(NAMESPACES, {"_id": namespace, "tenant": name})
            winner = name if inserted else await self.tenant_of(namespace)
            if winner != name:
                raise NamespaceTaken(namespace, str(winner))

    async def tenants(self) -> list[TenantRecord]:
        """Return every tenant, by name."""
        names = [document["_id"] for document in await self._database.find(TENANTS, {}, sort=(("_id", 1),))]
        return [TenantRecord(name=name, namespaces=tuple(await self.namespaces_of(Tenant(name)))) for name in names]

    async def tenant_of(self, namespace: str) -> Tenant | None:
        """Return the tenant that the namespace belongs to."""
        document = await self._database.find_one(NAMESPACES, {"_id": namespace})
        return None if document is None else Tenant(document["tenant"])

    async def namespaces_of(self, tenant: Tenant) -> list[str]:
        """Return the tenant's namespaces, by name."""
        found = await self._database.find(NAMESPACES, {"tenant": tenant}, sort=(("_id", 1),))
        return [document["_id"] for document in found]

    async def add_token(self, token: TokenRecord) -> None:
        """Add a token of an existing tenant.

        Raises UnknownName for the tenant, NameTaken where the tenant has a token of that name which is not revoked.
        """
        if await self._database.find_one(TENANTS, {"_id": token.tenant}) is None:
            raise UnknownName("tenant", token.tenant)
        document = token.model_dump(mode="python", exclude={"digest"})
        if not await self._database.insert(
            TOKENS, {"_id": token.digest, **document, **stamp(token), "role": token.role.value}
        ):
            raise NameTaken("token", token.name)

    async def token(self, digest: str) -> TokenRecord | None:
        """Return the token of that digest, also when it is revoked or has expired."""
        document = await self._database.find_one(TOKENS, {"_id": digest})
        return None if document is None else _token(document)

    async def tokens(self, tenant: str | None = None) -> list[TokenRecord]:
        """Return the tokens of one tenant or of all, by tenant and name."""
        guard = {} if tenant is None else {"tenant": tenant}
        found = await self._database.find(TOKENS, guard, sort=(("tenant", 1), ("name", 1), ("_id", 1)))
        return [_token(document) for document in found]

    async def revoke_token(self, tenant: str, name: str) -> None:
        """Take a token's rights away for good; raises UnknownName where there is none that has any."""
        guard = {"tenant": tenant, "name": name, "revoked": False}
        if not await self._database.update_many(TOKENS, guard, {"$set": {"revoked": True}}):
            raise UnknownName("token", name)

    async def add_cluster(self, cluster: ClusterRecord) -> None:
        """Register a cluster; a default one takes that from any other.

        Registering it again with the same key changes its labels, and may make it the default one.
        Raises NameTaken where there is one of that name with another key, which only a rotation replaces.
        """
        document = {"_id": cluster.name, **cluster.model_dump(exclude={"name"}), **stamp(cluster)}
        if not await self._database.insert(CLUSTERS, document):
            changes: Document = {"labels": cluster.labels} | ({"default": True} if cluster.default else {})
            same_key = {"sealing_key": cluster.sealing_key}
            if not await self._database.guarded_update(CLUSTERS, cluster.name, same_key, {"$set": changes}):
                raise NameTaken("cluster", cluster.name)
        if cluster.default:
            others = {"_id": {"$ne": cluster.name}, "default": True}
            await self._database.update_many(CLUSTERS, others, {"$set": {"default": False}})

    async def replace_sealing_key(self, name: str, *, before: str, now: str) -> None:
        """Have values sealed for another key from now on; raises KeyChanged unless `before` is the present one."""
        change = {"$set": {"sealing_key": now}}
        if not await self._database.guarded_update(CLUSTERS, name, {"sealing_key": before}, change):
            raise KeyChanged(name)

    async def remove_cluster(self, name: str) -> None:
        """Take a cluster out of the registry; nothing in it is touched. Raises UnknownName."""
        if not await self._database.delete(CLUSTERS, {"_id": name}):
            raise UnknownName("cluster", name)

    async def clusters(self) -> list[ClusterRecord]:
        """Return every registered cluster, by name."""
        return list(_clusters(await self._database.find(CLUSTERS, {}, sort=(("_id", 1),))))

    async def cluster_names(self) -> list[ClusterName]:
        """Return the name of every registered cluster, in order."""
        return [ClusterName(cluster.name) for cluster in await self.clusters()]


def _token(document: Document) -> TokenRecord:
    # Never leniently: what a newer build says more may be what the token must not do.
    check(TOKENS, document)
    return TokenRecord(digest=document["_id"], **fields_of(TokenRecord, document))


def _clusters(documents: Iterable[Document]) -> Iterable[ClusterRecord]:
    for document in documents:
        yield ClusterRecord(name=document["_id"], **fields_of(ClusterRecord, document))
