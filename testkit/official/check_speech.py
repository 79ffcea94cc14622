"""OpenAI's own client against the scripted speech server: URL and key are the arguments."""

import sys

from openai import AuthenticationError, NotFoundError, OpenAI

SPEECH = dict(model="gpt-4o-mini-tts", voice="alloy", input="Good morning.", response_format="pcm")


def refused(client: OpenAI, kind, **changes) -> None:
    try:
        client.audio.speech.create(**{**SPEECH, **changes})
    except kind:
        return
    raise AssertionError(f"accepted: {changes}")


def main() -> None:
    url, key = sys.argv[1:]
    client = OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)
    refused(OpenAI(api_key="wrong", base_url=f"{url}/v1", max_retries=0), AuthenticationError)
    refused(client, NotFoundError, model="tts-99")
    with client.audio.speech.with_streaming_response.create(
        **SPEECH, instructions="Calmly.", speed=2.0
    ) as answer:
        sound = b"".join(answer.iter_bytes())
    assert len(sound) == len("Good morning.") * 720 * 2, len(sound)
    file = client.audio.speech.create(**{**SPEECH, "response_format": "wav"}).content
    assert file[:4] == b"RIFF" and len(file) == 44 + len("Good morning.") * 1440 * 2, len(file)
    print(f"speech: {len(sound)} bytes of sound")


main()
