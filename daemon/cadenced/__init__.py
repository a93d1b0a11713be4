"""cadenced: the follow-up engine a salesperson trusts with their name."""

__version__ = "0.1.0"
