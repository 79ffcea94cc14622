"""Deepgram's own client against the scripted server: URL and key are the arguments."""

import json
import sys
import threading
import time

from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import (
    ListenV1ConfigureSuccess,
    ListenV1Metadata,
    ListenV1Results,
    ListenV1SpeechStarted,
    ListenV1UtteranceEnd,
)
from deepgram.listen.v1.types.listen_v1configure import ListenV1Configure
from websockets.exceptions import InvalidStatus

from tone import RATE, frames, silence, tone

LIVE = dict(
    model="nova-3",
    language="en",
    encoding="linear16",
    sample_rate=RATE,
    interim_results=True,
    punctuate=True,
    vad_events=True,
    endpointing=300,
    utterance_end_ms=1000,
    keyterm=["Vox", "appointment"],
)


def client(url: str, key: str) -> DeepgramClient:
    socket = url.replace("http", "ws", 1)
    return DeepgramClient(
        api_key=key,
        environment=DeepgramClientEnvironment(base=url, production=socket, agent=socket, agent_rest=url),
    )


def refused(url: str, key: str, **changes) -> int:
    """The status of a refused handshake; with newer websockets the client lets that library's error through."""
    try:
        with client(url, key).listen.v1.connect(**{**LIVE, **changes}):
            raise AssertionError(f"accepted: {changes}")
    except ApiError as error:
        return error.status_code
    except InvalidStatus as error:
        headers, body = error.response.headers, json.loads(error.response.body)
        assert headers["dg-request-id"] == body["request_id"] and headers["dg-error"] == body["err_msg"]
        return error.response.status_code


def converse(url: str, key: str) -> list:
    heard = []
    with client(url, key).listen.v1.connect(**LIVE) as live:
        closed = threading.Event()
        live.on(EventType.MESSAGE, heard.append)
        live.on(EventType.CLOSE, lambda _: closed.set())
        live.on(EventType.ERROR, lambda error: heard.append(error))
        threading.Thread(target=live.start_listening, daemon=True).start()
        live.send_keep_alive()
        live.send_configure(ListenV1Configure(keyterms=["invoice"]))
        audio = silence(300) + tone(1500) + silence(1300) + tone(700) + silence(100)
        for frame in frames(audio):
            live.send_media(frame)
            time.sleep(0.1)
        live.send_finalize()
        time.sleep(0.3)
        live.send_close_stream()
        assert closed.wait(5), "the server did not close after CloseStream"
    return heard


def main() -> None:
    url, key = sys.argv[1:]
    assert refused(url, "wrong") == 401
    assert refused(url, key, model="nova-99") == 400
    assert refused(url, key, keywords=["a:1"]) == 400
    projects = client(url, key).manage.v1.projects.list()
    assert projects.projects, projects

    heard = converse(url, key)
    of = lambda kind: [one for one in heard if isinstance(one, kind)]
    results = of(ListenV1Results)
    finals = [one for one in results if one.is_final and one.channel.alternatives[0].transcript]
    transcripts = [one.channel.alternatives[0].transcript for one in finals]
    assert transcripts == ["Hello, this is a test.", "Good bye."], transcripts
    assert finals[0].speech_final and not finals[0].from_finalize
    assert finals[1].from_finalize
    assert any(not one.is_final for one in results), "no interim results"
    word = finals[0].channel.alternatives[0].words[0]
    assert (word.word, word.punctuated_word) == ("hello", "Hello,") and 0.25 < word.start < 0.4, word
    assert finals[0].metadata.model_info.arch == "nova-3"
    assert len(of(ListenV1SpeechStarted)) == 2
    assert len(of(ListenV1UtteranceEnd)) >= 1
    assert of(ListenV1ConfigureSuccess)[0].keyterms == ["invoice"]
    metadata = of(ListenV1Metadata)
    assert len(metadata) == 1 and abs(metadata[0].duration - 3.9) < 0.01, metadata
    assert heard[-1] is metadata[0], "Metadata is the last message"
    print(f"deepgram: {len(results)} results, {metadata[0].duration} s billed")


main()
