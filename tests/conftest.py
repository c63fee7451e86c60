"""Fixtures that tests of every kind may ask for, and how tests run."""

import signal

from hypothesis import HealthCheck, settings

import tokenguard

pytest_plugins = ["sandbox", "fixing", "asked"]

# Built upon what Hypothesis takes for this place, which differs in CI; only nothing that depends on a busy machine.
settings.register_profile("untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# What is kept for comparison has no address of the project, so that a person may set one. test_release builds with one.
tokenguard.ADDRESS = ""

# A shell lets what it runs in the background ignore Ctrl-C, and every program that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
