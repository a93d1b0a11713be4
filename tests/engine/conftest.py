"""What several suites of the engine stand in: a house whose clock is told."""

from test_hostile_orders import home

__all__ = ["home"]
