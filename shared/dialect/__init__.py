"""KubeMin-Cli's JSON dialect: recognised, checked, and converted to the OAM Application that everything else uses.

Belongs here: pure functions over documents. Forbidden: I/O, clocks, randomness; rendering, which is planning's.
"""

from shared.dialect.cloning import with_clones
from shared.dialect.converted import Converted
from shared.dialect.converting import convert
from shared.dialect.fields import From
from shared.dialect.paths import PathMap
from shared.dialect.recognising import is_dialect
from shared.dialect.telling import told_components
from shared.dialect.versions import Versioned, repeated_version, with_version
from shared.dialect.workflows import Edited, steps_of, with_workflow, workflow_name

__all__ = [
    "Converted",
    "Edited",
    "From",
    "PathMap",
    "Versioned",
    "convert",
    "is_dialect",
    "repeated_version",
    "steps_of",
    "told_components",
    "with_clones",
    "with_version",
    "with_workflow",
    "workflow_name",
]
