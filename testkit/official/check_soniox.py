"""Soniox's own client against the scripted server: URL and key are the arguments."""

import sys
import threading
import time

from soniox import SonioxClient
from soniox.errors import SonioxRealtimeError
from soniox.types import RealtimeSTTConfig

from tone import RATE, frames, silence, tone

CONFIG = dict(
    model="stt-rt-v5",
    audio_format="pcm_s16le",
    sample_rate=RATE,
    num_channels=1,
    language_hints=["en", "hi"],
    enable_endpoint_detection=True,
)


def connect(url: str, key: str, **changes):
    socket = url.replace("http", "ws", 1) + "/transcribe-websocket"
    client = SonioxClient(api_key=key, websocket_base_url=socket)
    return client.realtime.stt.connect(config=RealtimeSTTConfig(**{**CONFIG, **changes}))


def main() -> None:
    url, key = sys.argv[1:]
    try:
        with connect(url, "wrong"):
            raise AssertionError("a wrong key was accepted")
    except SonioxRealtimeError:
        pass
    with connect(url, key, model="stt-rt-v99") as session:
        event = next(iter(session.receive_events()))
        assert (event.error_code, event.error_message) == (400, "Invalid model specified."), event

    heard = []
    with connect(url, key) as session:
        reader = threading.Thread(target=lambda: heard.extend(session.receive_events()), daemon=True)
        reader.start()
        session.keep_alive()
        for frame in frames(silence(300) + tone(1500) + silence(1200) + tone(700) + silence(100), 100):
            session.send_byte_chunk(frame)
            time.sleep(0.1)
        session.finalize()
        time.sleep(0.3)
        session.finish()
        reader.join(5)
    assert heard[-1].finished, heard[-1]
    finals = [token.text for event in heard for token in event.tokens if token.is_final]
    assert "".join(finals) == " Hello, this is a test.<end> Good bye.<fin>", finals
    assert any(not token.is_final for event in heard for token in event.tokens), "no words before they are final"
    assert heard[-1].total_audio_proc_ms == 3800, heard[-1]
    print(f"soniox: {len(heard)} messages, {heard[-1].total_audio_proc_ms} ms")


main()
