import pytest

from tests.packaging.rendering import Manifests


@pytest.fixture(scope="session")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    return Manifests.prepared(tmp_path_factory.mktemp("packaging"))
