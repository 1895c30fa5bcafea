"""What went wrong with the local stack, for the person who asked for it."""


class LocalStackError(Exception):
    """One sentence: what happened, why, and what to try."""
