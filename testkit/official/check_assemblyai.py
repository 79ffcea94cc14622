"""AssemblyAI's own client against the scripted server: URL and key are the arguments."""

import sys
import time

from assemblyai.streaming.v3 import (
    RealTimeEvents,
    RealTimeParameters,
    RealTimeTranscriber,
    RealTimeTranscriberOptions,
    SpeechModel,
)

from tone import RATE, frames, silence, tone

LIVE = dict(
    sample_rate=RATE,
    speech_model=SpeechModel.universal_streaming_english,
    format_turns=True,
    keyterms_prompt=["Vox", "appointment"],
    min_turn_silence=400,
)


def transcriber(url: str, key: str, heard: list) -> RealTimeTranscriber:
    host = url.replace("http", "ws", 1)
    client = RealTimeTranscriber(RealTimeTranscriberOptions(api_host=host, api_key=key))
    for event in RealTimeEvents:
        client.on(event, lambda _, message: heard.append(message))
    return client


def refused(url: str, key: str, **changes) -> int:
    heard = []
    client = transcriber(url, key, heard)
    client.connect(RealTimeParameters(**{**LIVE, **changes}))
    deadline = time.monotonic() + 5
    while not heard and time.monotonic() < deadline:
        time.sleep(0.05)
    client.disconnect()
    return heard[0].code if hasattr(heard[0], "code") else heard[0].error_code


def main() -> None:
    url, key = sys.argv[1:]
    assert refused(url, "wrong") == 1008
    assert refused(url, key, speech_model=SpeechModel.u3_rt_pro_beta_1, format_turns=None) == 3006

    heard = []
    client = transcriber(url, key, heard)
    client.connect(RealTimeParameters(**LIVE))
    for frame in frames(silence(300) + tone(1500) + silence(1000) + tone(700), 100):
        client.stream(frame)
        time.sleep(0.1)
    client.keep_alive()
    client.force_endpoint()
    time.sleep(0.4)
    client.disconnect(terminate=True)

    kinds = [one.type for one in heard]
    assert kinds[0] == "Begin" and "SpeechStarted" in kinds and kinds[-1] == "Termination", kinds
    turns = [one for one in heard if one.type == "Turn"]
    ends = [one.transcript for one in turns if one.end_of_turn and one.turn_is_formatted]
    assert ends == ["Hello, this is a test.", "Good bye."], ends
    assert any(not one.end_of_turn for one in turns), "no words before the end"
    assert heard[-1].audio_duration_seconds == 4, heard[-1]
    print(f"assemblyai: {len(turns)} messages about 2 turns")


main()
