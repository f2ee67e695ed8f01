"""`python -m services.gateway`."""

from services.gateway.app import run
from services.gateway.settings import GatewaySettings
from shared.runtime.service import main

if __name__ == "__main__":
    main("gateway", GatewaySettings, run)
