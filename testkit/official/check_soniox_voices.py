"""Soniox' own client against its scripted voices: URL and key are the arguments."""

import sys

from soniox import SonioxClient
from soniox.errors import SonioxRealtimeError
from soniox.types.realtime import RealtimeTTSConfig


def client(url: str, key: str) -> SonioxClient:
    address = url.replace("http", "ws", 1) + "/tts-websocket"
    return SonioxClient(api_key=key, tts_websocket_base_url=address)


def config(stream: str) -> RealtimeTTSConfig:
    return RealtimeTTSConfig(
        stream_id=stream,
        model="tts-rt-v2",
        language="en",
        voice="Adrian",
        audio_format="pcm_s16le",
        sample_rate=16_000,
        speed=1.0,
    )


def main() -> None:
    url, key = sys.argv[1:]
    try:
        with client(url, "wrong").realtime.tts.connect(config=config("s")):
            raise AssertionError("a wrong key was accepted")
    except SonioxRealtimeError:
        pass

    with client(url, key).realtime.tts.connect(config=config("s1")) as live:
        live.keep_alive()
        live.send_text_chunks(iter(["Good morning. ", "How are you? "]))
        sound = b"".join(live.receive_audio_chunks())
        assert len(sound) == len("Good morning. How are you? ") * 960 * 2, len(sound)

    with client(url, key).realtime.tts.connect(config=config("s2")) as live:
        live.send_text_chunk("A long sentence that nobody wants to hear to its end. ")
        live.cancel()
        events = list(live.receive_events())
        assert events[-1].terminated, events[-1]
    print(f"soniox voices: {len(sound)} bytes of sound")


main()
