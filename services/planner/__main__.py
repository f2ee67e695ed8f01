"""`python -m services.planner`."""

from services.planner.app import run
from services.planner.settings import PlannerSettings
from shared.runtime.service import main

if __name__ == "__main__":
    main("planner", PlannerSettings, run)
