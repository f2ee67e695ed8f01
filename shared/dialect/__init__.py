"""KubeMin-Cli's JSON dialect: recognised, checked, and converted to the OAM Application that everything else uses.

Belongs here: pure functions over documents. Forbidden: I/O, clocks, randomness; rendering, which is planning's.
"""

from shared.dialect.cloning import with_clones
from shared.dialect.converted import Converted
from shared.dialect.converting import convert
from shared.dialect.fields import From
from shared.dialect.paths import PathMap
from shared.dialect.recognising import is_dialect

__all__ = ["Converted", "From", "PathMap", "convert", "is_dialect", "with_clones"]
