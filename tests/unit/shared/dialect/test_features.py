"""Every line of the dialect alone: accepted with exactly these warnings, and rendered."""

import pytest

from tests.support import dialect, dialect_features
from tests.support.dialect_features import FEATURES, Feature


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_line_is_accepted_and_rendered(feature: Feature) -> None:
    document = dialect.document(*feature.components, **feature.application)
    assert dialect.warned(document) == feature.warned
    rendered = {(one["kind"], one["metadata"]["name"]): one for one in dialect.objects_of(document)}
    for kind, name, place, value in feature.expected:
        # Claims of a StatefulSet are its controller's, others are only referred to.
        if (kind, name) in rendered:
            assert dialect_features.at(rendered[kind, name], place) == value, (kind, name, place)
