"""`python -m services.executor`."""

from services.executor.app import NAME, run
from services.executor.settings import ExecutorSettings
from shared.runtime.service import main

if __name__ == "__main__":
    main(NAME, ExecutorSettings, run)
