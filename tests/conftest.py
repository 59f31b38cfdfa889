"""Settings of every test."""

from hypothesis import settings

# A busy machine is no fault of the code: nothing here is timed.
settings.register_profile("etude", deadline=None)
settings.load_profile("etude")
