"""Settings that depend on each other."""

import pytest

from services.gateway.settings import GatewaySettings
from services.planner.settings import PlannerSettings
from services.watcher.observe.settings import ObserveSettings
from shared.errors import EXIT_MISCONFIGURED
from shared.runtime.settings import Settings, SettingsInvalid, load_settings

REQUIRED = {
    "KUBEMIN_NATS_CREDENTIALS_FILE": "nats.json",
    "KUBEMIN_MONGODB_URI": "mongodb://db/",
    "KUBEMIN_SEALING_MARK_KEY": "0123456789abcdef",
    "KUBEMIN_CLUSTER": "east",
}


@pytest.mark.parametrize(
    ("settings", "given", "sentence"),
    [
        (
            GatewaySettings,
            {"KUBEMIN_ANSWER_TIMEOUT_S": "5"},
            "KUBEMIN_PLAN_CLUSTERS_S must not be more than KUBEMIN_ANSWER_TIMEOUT_S",
        ),
        (
            PlannerSettings,
            {"KUBEMIN_RESEND_FIRST_S": "61"},
            "KUBEMIN_RESEND_FIRST_S must not be more than KUBEMIN_RESEND_MAX_S",
        ),
        (ObserveSettings, {"KUBEMIN_LEASE_RETRY_S": "10"}, "KUBEMIN_LEASE_RETRY_S must be less than"),
        (ObserveSettings, {"KUBEMIN_LEASE_RENEW_DEADLINE_S": "15"}, "KUBEMIN_LEASE_RETRY_S must be less than"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], given: dict[str, str], sentence: str
) -> None:
    for variable, value in {**REQUIRED, **given}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(settings)
    assert str(refused.value).startswith(f"the settings: {sentence}")
    assert refused.value.exit_code == EXIT_MISCONFIGURED
