"""Encodings: music to tokens and back."""

from etude.data.encodings.base import Decoded, Encoding
from etude.data.encodings.grid import GridEncoding

__all__ = ["Decoded", "Encoding", "GridEncoding"]
