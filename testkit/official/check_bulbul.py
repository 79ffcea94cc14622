"""Sarvam's own client against its scripted voices: URL and key are the arguments."""

import base64
import sys

from sarvamai import SarvamAI
from sarvamai.core.api_error import ApiError
from sarvamai.environment import SarvamAIEnvironment
from websockets.exceptions import InvalidStatus


def client(url: str, key: str) -> SarvamAI:
    socket = url.replace("http", "ws", 1)
    environment = SarvamAIEnvironment(base=url, creative=url, production=socket)
    return SarvamAI(api_subscription_key=key, environment=environment)


def main() -> None:
    url, key = sys.argv[1:]
    connect = dict(model="bulbul:v2", send_completion_event="true")
    try:
        with client(url, "wrong").text_to_speech_streaming.connect(**connect):
            raise AssertionError("a wrong key was accepted")
    except ApiError as error:
        assert error.status_code == 403, error
    except InvalidStatus as error:
        assert error.response.status_code == 403, error

    with client(url, key).text_to_speech_streaming.connect(**connect) as live:
        live.configure("hi-IN", speaker="anushka", speech_sample_rate=16_000, output_audio_codec="linear16")
        live.ping()
        live.convert("नमस्ते, आप कैसे हैं?")
        live.flush()
        sound = b""
        while True:
            message = live.recv()
            if message.type == "audio":
                sound += base64.b64decode(message.data.audio)
            else:
                assert message.type == "event" and message.data.event_type == "final", message
                break
        assert len(sound) == len("नमस्ते, आप कैसे हैं?") * 960 * 2, len(sound)
    print(f"bulbul: {len(sound)} bytes of sound")


main()
