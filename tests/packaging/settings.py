"""Whether what a packaging sets in the environment is what the services read."""

from services.executor.settings import ExecutorSettings
from services.gateway.settings import GatewaySettings
from services.planner.settings import PlannerSettings
from services.watcher.observe.settings import ObserveSettings
from services.watcher.record.settings import RecordSettings
from shared.runtime.settings import Settings, described

SETTINGS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "planner": PlannerSettings,
    "record": RecordSettings,
    "executor": ExecutorSettings,
    "observe": ObserveSettings,
}


def misnamed(service: str, given: set[str]) -> set[str]:
    """The variables that no setting reads."""
    known = set()
    for setting in described(SETTINGS[service]):
        known.add(setting["variable"])
        if setting["secret"]:
            known.add(f"{setting['variable']}_FILE")
    return given - known


def missing(service: str, given: set[str]) -> set[str]:
    """The settings without a default that nothing is given for."""
    required = {s["variable"] for s in described(SETTINGS[service]) if s["required"]}
    return {variable for variable in required if not {variable, f"{variable}_FILE"} & given}
