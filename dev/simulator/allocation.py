"""Cluster IPs and node ports of Services: handed out once, taken back on deletion."""

import ipaddress
from collections.abc import Iterator

from dev.simulator import kinds
from dev.simulator.errors import FieldError, field_invalid, invalid
from dev.simulator.objects import Object, name_of
from dev.simulator.watches import Change

_NODE_PORTS = range(30000, 32768)


class Allocator:
    """The addresses that are in use."""

    def __init__(self, service_network: str = "10.96.0.0/12") -> None:
        self._network = ipaddress.IPv4Network(service_network)
        self._addresses: set[str] = set()
        self._ports: set[int] = set()
        self._next_address = 1
        self._next_port = 0

    def allocate(self, service: Object) -> None:
        """Give a Service the addresses that its type needs and that it does not have yet, in place."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = next(self._free_addresses())
        spec["clusterIPs"] = [spec["clusterIP"]]
        if spec.get("type") in {"NodePort", "LoadBalancer"}:
            self._give_ports(spec)
        else:
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)

    def check_new(self, service: Object) -> None:
        """Check the addresses that a new Service asks for.

        Raises:
            ApiError: 422, an address is taken or lies outside the range.
        """
        address = service["spec"].get("clusterIP")
        if address in {None, "", "None"}:
            return
        error: FieldError | None = None
        try:
            inside = ipaddress.IPv4Address(address) in self._network
        except ValueError:
            error = field_invalid("spec.clusterIPs[0]", address, "must be a valid IP address")
        else:
            if not inside:
                why = f"failed to allocate IP {address}: the provided IP is not in the valid range"
                error = field_invalid("spec.clusterIPs", [address], why)
            elif address in self._addresses:
                why = f"failed to allocate IP {address}: provided IP is already allocated"
                error = field_invalid("spec.clusterIPs", [address], why)
        if error is not None:
            raise invalid(kinds.SERVICE, name_of(service), [error])

    def _free_addresses(self) -> Iterator[str]:
        while True:
            address = str(self._network[self._next_address])
            self._next_address = self._next_address % (self._network.num_addresses - 2) + 1
            if address not in self._addresses:
                yield address

    def _give_ports(self, spec: Object) -> None:
        for port in spec.get("ports") or ():
            while not port.get("nodePort"):
                candidate = _NODE_PORTS[self._next_port % len(_NODE_PORTS)]
                self._next_port += 1
                if candidate not in self._ports:
                    port["nodePort"] = candidate

    def note(self, change: Change) -> None:
        """Take note of a committed change of a Service."""
        if change.kind is not kinds.SERVICE:
            return
        if change.old is not None:
            self._addresses.discard(change.old["spec"].get("clusterIP", ""))
            self._ports.difference_update(_ports(change.old))
        if change.new is not None:
            address = change.new["spec"].get("clusterIP", "None")
            if address != "None":
                self._addresses.add(address)
            self._ports.update(_ports(change.new))


def _ports(service: Object) -> set[int]:
    return {port["nodePort"] for port in service["spec"].get("ports") or () if "nodePort" in port}
