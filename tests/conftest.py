"""Settings of every test."""

from hypothesis import settings

from shared_compositions import shared_compositions

__all__ = ["shared_compositions"]

# A busy machine is no fault of the code: nothing here is timed.
settings.register_profile("etude", deadline=None)
settings.load_profile("etude")
