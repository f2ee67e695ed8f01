"""`hostalias`: lines of the pods' hosts file."""

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.podpatch import merged_pod
from shared.jobtypes.pods import HostAlias, rendered_host_aliases


class HostAliasParameters(Parameters):
    """Lines of the pods' hosts file.

    Unlike in KubeVela, where it is a conflict, an address that is there already gets the further names.
    """

    hostAliases: list[HostAlias]
    """The lines."""


def apply(_context: RenderContext, parameters: HostAliasParameters, rendering: Rendering) -> Rendering:
    """Add the lines, one for each address."""
    return merged_pod(rendering, {"hostAliases": rendered_host_aliases(parameters.hostAliases)}, "hostAliases")


HOSTALIAS = Trait(
    name="hostalias",
    title="Lines of the pods' hosts file",
    parameters=HostAliasParameters,
    apply=apply,
    examples=({"hostAliases": [{"ip": "10.0.0.10", "hostnames": ["ledger.example"]}]},),
)
