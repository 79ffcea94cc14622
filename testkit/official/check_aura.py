"""Deepgram's own client against its scripted voices, Aura and Flux: URL and key are the arguments."""

import sys

from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from deepgram.speak.v1.types.speak_v1text import SpeakV1Text
from deepgram.speak.v2.types.speak_v2speak import SpeakV2Speak
from websockets.exceptions import InvalidStatus

AURA = dict(model="aura-2-thalia-en", encoding="linear16", sample_rate=16_000)
FLUX = dict(model="flux-alexis-en", encoding="linear16", sample_rate=16_000)


def client(url: str, key: str) -> DeepgramClient:
    socket = url.replace("http", "ws", 1)
    return DeepgramClient(
        api_key=key,
        environment=DeepgramClientEnvironment(base=url, production=socket, agent=socket, agent_rest=url),
    )


def refused(connect) -> int:
    try:
        with connect:
            raise AssertionError("accepted")
    except ApiError as error:
        return error.status_code
    except InvalidStatus as error:
        return error.response.status_code


def until(messages, kind: str) -> bytes:
    """The sound up to a message of this kind."""
    sound = b""
    for message in messages:
        if isinstance(message, bytes):
            sound += message
        elif message.type == kind:
            return sound
    raise AssertionError(f"no {kind}")


def aura(url: str, key: str) -> None:
    assert refused(client(url, "wrong").speak.v1.connect(**AURA)) == 401
    assert refused(client(url, key).speak.v1.connect(**{**AURA, "model": "flux-kit-en"})) == 400
    with client(url, key).speak.v1.connect(**AURA) as live:
        messages = iter(live)
        assert next(messages).type == "Metadata"
        live.send_text(SpeakV1Text(text="Good morning."))
        live.send_flush()
        sound = until(messages, "Flushed")
        assert len(sound) == len("Good morning.") * 960 * 2, len(sound)
        live.send_text(SpeakV1Text(text="A long sentence that nobody wants to hear to its end."))
        live.send_flush()
        live.send_clear()
        until(messages, "Cleared")
        live.send_close()
        assert not [one for one in messages if isinstance(one, bytes)], "sound after the end"


def flux(url: str, key: str) -> None:
    assert refused(client(url, key).speak.v2.connect(**{**FLUX, "model": "aura-2-thalia-en"})) == 400
    with client(url, key).speak.v2.connect(**FLUX) as live:
        messages = iter(live)
        assert next(messages).type == "Connected"
        live.send_speak(SpeakV2Speak(text="Good morning. "))
        live.send_flush()
        assert len(until(messages, "SpeechMetadata")) == len("Good morning. ") * 960 * 2
        live.send_speak(SpeakV2Speak(text="A long sentence that nobody wants to hear to its end. "))
        live.send_interrupt()
        until(messages, "SpeechInterrupted")
        live.send_close()
        until(messages, "SessionMetadata")


def main() -> None:
    url, key = sys.argv[1:]
    aura(url, key)
    flux(url, key)
    print("aura and flux voices: spoken and interrupted")


main()
