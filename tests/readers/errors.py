"""What readers raise."""


class ReaderError(Exception):
    """A reader refuses the table."""


class ReaderDiedError(Exception):
    """A reader's process ended before it answered; this says nothing of the table."""
