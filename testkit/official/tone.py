"""Audio for the recogniser: tones that an energy gate takes for speech, and silence."""

import array
import math

RATE = 16_000


def tone(milliseconds: int) -> bytes:
    count = RATE * milliseconds // 1000
    return array.array("h", (int(6000 * math.sin(n * 0.2)) for n in range(count))).tobytes()


def silence(milliseconds: int) -> bytes:
    return bytes(2 * (RATE * milliseconds // 1000))


def frames(audio: bytes, milliseconds: int = 100):
    size = 2 * RATE * milliseconds // 1000
    for start in range(0, len(audio), size):
        yield audio[start : start + size]
