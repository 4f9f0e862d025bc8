"""What readers raise."""


class ReaderError(Exception):
    """A reader refuses the table."""
