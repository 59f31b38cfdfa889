"""MIDI files built byte by byte, so that each test shows their content."""

from __future__ import annotations

from collections.abc import Iterable

END = b"\xff\x2f\x00"

Timed = tuple[int, bytes]  # (tick, event)


def number(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def on(pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes((0x80 | channel, pitch, 0))


def pedal(value: int, channel: int = 0) -> bytes:
    return bytes((0xB0 | channel, 64, value))


def program(value: int, channel: int = 0) -> bytes:
    return bytes((0xC0 | channel, value))


def meta(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + number(len(data)) + data


def tempo(microseconds: int) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"))


def metre(beats: int, power: int) -> bytes:
    return meta(0x58, bytes((beats, power, 24, 8)))


def named(name: str) -> bytes:
    return meta(0x03, name.encode())


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "big") + data


def raw_track(data: bytes) -> bytes:
    return chunk(b"MTrk", data)


def track(events: Iterable[Timed], end: int | None = None) -> bytes:
    """A track of events in the order of their ticks; it ends at the last of them, or at ``end``."""
    data, now = b"", 0
    for tick, event in sorted(events, key=lambda timed: timed[0]):
        data += number(tick - now) + event
        now = tick
    return raw_track(data + number((end or now) - now) + END)


def midi(*tracks: bytes, format_: int = 1, division: int | bytes = 480, count: int | None = None) -> bytes:
    times = division if isinstance(division, bytes) else division.to_bytes(2, "big")
    promised = len(tracks) if count is None else count
    header = format_.to_bytes(2, "big") + promised.to_bytes(2, "big") + times
    return chunk(b"MThd", header) + b"".join(tracks)


def notes(*rows: tuple[int, int, int]) -> list[Timed]:
    """Note-ons and note-offs of (onset, end, pitch) rows."""
    return [timed for start, end, pitch in rows for timed in ((start, on(pitch)), (end, off(pitch)))]
