"""Deepgram's own client against the scripted Flux: URL and key are the arguments."""

import sys
import threading
import time

from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from websockets.exceptions import InvalidStatus

from tone import RATE, frames, silence, tone

LIVE = dict(
    model="flux-general-en",
    encoding="linear16",
    sample_rate=RATE,
    eot_threshold=0.7,
    eager_eot_threshold=0.5,
    keyterm=["Vox", "appointment"],
)


def client(url: str, key: str) -> DeepgramClient:
    socket = url.replace("http", "ws", 1)
    return DeepgramClient(
        api_key=key,
        environment=DeepgramClientEnvironment(base=url, production=socket, agent=socket, agent_rest=url),
    )


def refused(url: str, key: str, **changes) -> int:
    try:
        with client(url, key).listen.v2.connect(**{**LIVE, **changes}):
            raise AssertionError(f"accepted: {changes}")
    except ApiError as error:
        return error.status_code
    except InvalidStatus as error:
        return error.response.status_code


def main() -> None:
    url, key = sys.argv[1:]
    assert refused(url, "wrong") == 401
    assert refused(url, key, model="flux-99") == 400
    assert refused(url, key, eager_eot_threshold=0.9) == 400

    heard = []
    with client(url, key).listen.v2.connect(**LIVE) as live:
        live.on(EventType.MESSAGE, heard.append)
        live.on(EventType.ERROR, lambda error: heard.append(error))
        threading.Thread(target=live.start_listening, daemon=True).start()
        for frame in frames(silence(240) + tone(1600) + silence(960) + tone(800), 80):
            live.send_media(frame)
            time.sleep(0.08)
        live.send_configure({"type": "Configure", "thresholds": {"eot_threshold": 0.8}, "keyterms": ["invoice"]})
        live.send_force_end_turn()
        time.sleep(0.3)
        live.send_close_stream()
        time.sleep(0.3)

    kinds = [getattr(one, "type", None) for one in heard]
    assert kinds[0] == "Connected" and "ConfigureSuccess" in kinds, kinds
    turns = [one for one in heard if getattr(one, "type", None) == "TurnInfo"]
    ends = [one for one in turns if one.event == "EndOfTurn"]
    assert [one.transcript for one in ends] == ["Hello, this is a test.", "Good bye."], ends
    assert [one.turn_index for one in ends] == [0, 1]
    assert any(one.event == "EagerEndOfTurn" for one in turns), "no likely end"
    assert turns[0].event == "StartOfTurn" and turns[0].transcript
    numbers = [one.sequence_id for one in heard if hasattr(one, "sequence_id")]
    assert numbers == list(range(len(numbers))), numbers
    print(f"flux: {len(turns)} messages about 2 turns")


main()
