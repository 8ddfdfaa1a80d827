"""socialtriage: a communications officer's desk for the messages of a council's social accounts."""

__version__ = "0.1.0"
