"""The garbage collector of a service: what it looks through, and how often."""

import gc

_MADE_BEFORE_A_LOOK = 10_000
"""Maps, lists and objects; Python's 700 are two components of a plan, and a large one was a third of its time."""


def spare_what_is_loaded() -> None:
    """Leave everything that is loaded by now out of every look for garbage, and look less often.

    Called once, when all modules are there: nothing of them ever becomes garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE_BEFORE_A_LOOK)
