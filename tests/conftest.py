"""Fixtures that tests of every kind may ask for, and how property tests run."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["sandbox", "fixing"]

# Built upon what Hypothesis takes for this place, which differs in CI; only nothing that depends on a busy machine.
settings.register_profile("untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
