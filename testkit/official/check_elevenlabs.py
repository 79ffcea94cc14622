"""ElevenLabs' own client against the scripted server: URL and key are the arguments.

The client speaks HTTP and the single-context WebSocket. The multi-context endpoint is driven over a plain WebSocket
with the client's own message types. The client always dials wss://; its base address is set to the plain one.
"""

import array
import base64
import json
import math
import sys

from elevenlabs import VoiceSettings
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.core.unchecked_base_model import construct_type
from elevenlabs.types.audio_output_multi import AudioOutputMulti
from elevenlabs.types.final_output_multi import FinalOutputMulti
from elevenlabs.types.initialize_connection_multi import InitializeConnectionMulti
from elevenlabs.types.send_text_multi import SendTextMulti
from elevenlabs.types.flush_context import FlushContext
from elevenlabs.types.close_context import CloseContext
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

VOICE = "21m00Tcm4TlvDq8ikWAM"
MODEL = "eleven_flash_v2_5"
TEXT = "Good morning, how can I help you today? "


def loudness(pcm: bytes) -> float:
    samples = array.array("h", pcm)
    return math.sqrt(sum(one * one for one in samples) / len(samples))


def check_audio(pcm: bytes, text: str) -> None:
    seconds = len(pcm) / 2 / 16_000
    assert abs(seconds - 0.06 * len(text)) < 0.05, (seconds, len(text))
    assert loudness(pcm) > 500, loudness(pcm)


def check_http(client: ElevenLabs) -> None:
    spoken = client.text_to_speech.stream(VOICE, text=TEXT, model_id=MODEL, output_format="pcm_16000")
    check_audio(b"".join(spoken), TEXT)
    timed = list(
        client.text_to_speech.stream_with_timestamps(VOICE, text=TEXT, model_id=MODEL, output_format="pcm_16000")
    )
    check_audio(b"".join(base64.b64decode(one.audio_base_64) for one in timed), TEXT)
    assert "".join(c for one in timed for c in one.alignment.characters) == TEXT
    assert abs(timed[-1].alignment.character_end_times_seconds[-1] - 0.06 * len(TEXT)) < 0.01
    assert client.user.get().user_id
    assert client.voices.get(VOICE).voice_id == VOICE


def check_single(client: ElevenLabs, url: str) -> None:
    client.text_to_speech._ws_base_url = url
    audio = client.text_to_speech.convert_realtime(
        VOICE,
        text=iter(["Good morning, ", "how can I help", " you today? "]),
        model_id=MODEL,
        output_format="pcm_16000",
        voice_settings=VoiceSettings(stability=0.5, similarity_boost=0.75, style=0.0, use_speaker_boost=True),
    )
    pcm = b"".join(audio)
    assert loudness(pcm) > 500 and len(pcm) / 32_000 > 2.0, len(pcm)


def multi(url: str, key: str, **query):
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    address = f"{url.replace('http', 'ws', 1)}/v1/text-to-speech/{VOICE}/multi-stream-input?{pairs}"
    return connect(address, additional_headers={"xi-api-key": key})


def say(socket, message) -> None:
    socket.send(json.dumps(message.dict(exclude_none=True, by_alias=False)))


def check_multi(url: str, key: str) -> None:
    with multi(url, key, model_id=MODEL, output_format="pcm_16000", sync_alignment="true") as socket:
        for name in ("one", "two"):
            say(socket, InitializeConnectionMulti(text=" ", context_id=name))
            say(socket, SendTextMulti(text=TEXT, context_id=name))
            say(socket, FlushContext(context_id=name, flush=True))
            say(socket, CloseContext(context_id=name, close_context=True))
        audio, letters, finished = {"one": b"", "two": b""}, {"one": "", "two": ""}, []
        while len(finished) < 2:
            raw = json.loads(socket.recv(timeout=10))
            if raw.get("isFinal"):
                finished.append(construct_type(type_=FinalOutputMulti, object_=raw).context_id)
                continue
            message = construct_type(type_=AudioOutputMulti, object_=raw)
            audio[message.context_id] += base64.b64decode(message.audio)
            letters[message.context_id] += "".join(message.alignment.chars)
            assert message.alignment.char_start_times_ms[0] == 0
            assert len(message.alignment.char_durations_ms) == len(message.alignment.chars)
        assert sorted(finished) == ["one", "two"]
        for name in audio:
            check_audio(audio[name], TEXT)
            assert letters[name] == TEXT, letters
        socket.send(json.dumps({"close_socket": True}))
        try:
            socket.recv(timeout=5)
            raise AssertionError("a message after close_socket")
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1000, closed


def refusal(connecting, *messages) -> tuple:
    frame = {}
    with connecting as socket:
        try:
            for message in messages:
                socket.send(json.dumps(message))
            while True:
                frame = json.loads(socket.recv(timeout=5))
        except ConnectionClosed as closed:
            return closed.rcvd.code, frame.get("error")


def check_refusals(url: str, key: str) -> None:
    good = dict(model_id=MODEL, output_format="pcm_16000")
    openings = [{"text": " ", "context_id": f"c{n}"} for n in range(6)]
    late = {"text": "a ", "context_id": "c0", "voice_settings": {"stability": 0.2}}
    assert refusal(multi(url, "wrong", **good)) == (1008, "invalid_api_key")
    assert refusal(multi(url, key, **good), *openings) == (1008, "max_active_conversations")
    assert refusal(multi(url, key, **good), openings[0], late)[0] == 1008
    assert refusal(multi(url, key, **{**good, "output_format": "pcm_1"}))[0] == 1008
    try:
        list(ElevenLabs(base_url=url, api_key="wrong").text_to_speech.stream(VOICE, text="hi"))
        raise AssertionError("the wrong key was accepted")
    except ApiError as error:
        assert error.status_code == 401 and error.body["detail"]["status"] == "invalid_api_key", error


def main() -> None:
    url, key = sys.argv[1:]
    client = ElevenLabs(base_url=url, api_key=key)
    check_http(client)
    check_single(client, url)
    check_multi(url, key)
    check_refusals(url, key)
    print("elevenlabs: HTTP, single-context and multi-context speech, refusals")


main()
