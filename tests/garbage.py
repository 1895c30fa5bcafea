"""What only the garbage collector would free: it runs seldom, and until then a process holds that memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[list[object]]:
    """In the end the list has every object that what was done within left in a cycle."""
    gc.collect()
    gc.disable()
    left: list[object] = []
    try:
        yield left
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
