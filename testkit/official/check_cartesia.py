"""Cartesia's own client against the scripted Cartesia: URL and key are the arguments."""

import base64
import sys

from cartesia import Cartesia
from websockets.exceptions import InvalidStatus

RATE = 16_000
FORMAT = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE}


def client(url: str, key: str) -> Cartesia:
    return Cartesia(api_key=key, base_url=url, websocket_base_url=url.replace("http", "ws", 1))


def main() -> None:
    url, key = sys.argv[1:]
    try:
        with client(url, "wrong").tts.websocket_connect():
            raise AssertionError("a wrong key was accepted")
    except InvalidStatus as error:
        assert error.response.status_code == 401, error

    with client(url, key).tts.websocket_connect() as connection:
        context = connection.context(
            "first",
            model_id="sonic-3.6",
            voice={"id": "a0e99841-438c-4a64-b679-ae501e7d6091"},
            output_format=FORMAT,
            language="en",
            add_timestamps=True,
            max_buffer_delay_ms=0,
            generation_config={"speed": 1.2},
        )
        context.push("Good morning. ", flush=True)
        context.push("How are you? ", flush=True)
        context.no_more_inputs()
        heard = list(context.receive())
        sound = b"".join(one.audio or base64.b64decode(one.data) for one in heard if one.type == "chunk")
        expected = len("Good morning. How are you? ") * 0.06 / 1.2 * RATE * 2
        assert abs(len(sound) / expected - 1) < 0.05, (len(sound), expected)
        words = [word for one in heard if one.type == "timestamps" for word in one.word_timestamps.words]
        assert words == ["Good", "morning.", "How", "are", "you?"], words
        assert heard[-1].type == "done", heard[-1]
        assert [one.flush_id for one in heard if one.type == "flush_done"] == [1, 2]

        refused = connection.context("second", model_id="sonic-99", voice={"id": "v"}, output_format=FORMAT)
        refused.push("Hello. ")
        error = next(one for one in refused.receive() if one.type == "error")
        assert error.status_code == 400, error
    print(f"cartesia: {len(heard)} messages of a context")


main()
