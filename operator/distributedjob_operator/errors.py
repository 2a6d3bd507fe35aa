"""The errors of the operator process."""


class OperatorError(Exception):
    """Ends the process with one clear line."""


class SettingsError(OperatorError):
    """A setting is missing or makes no sense; the message names it."""


class LeaseLost(OperatorError):
    """The Lease that was held is held no longer: stop commanding at once."""
