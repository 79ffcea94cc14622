"""OpenAI's own client against the scripted transcription server: URL and key are the arguments."""

import io
import sys
import wave

import openai

from tone import RATE, silence, tone


def file(audio: bytes) -> tuple[str, bytes]:
    held = io.BytesIO()
    with wave.open(held, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(audio)
    return "audio.wav", held.getvalue()


def main() -> None:
    url, key = sys.argv[1:]
    spoken = file(silence(200) + tone(1500) + silence(500))
    client = openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)
    try:
        wrong = openai.OpenAI(api_key="wrong", base_url=f"{url}/v1", max_retries=0)
        wrong.audio.transcriptions.create(model="whisper-1", file=spoken)
        raise AssertionError("a wrong key was accepted")
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key", error
    try:
        client.audio.transcriptions.create(model="whisper-9", file=spoken)
        raise AssertionError("a wrong model was accepted")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error
    try:
        client.audio.transcriptions.create(model="gpt-transcribe", file=spoken, response_format="verbose_json")
        raise AssertionError("a format that the model does not have was accepted")
    except openai.BadRequestError as error:
        assert error.param == "response_format", error

    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=spoken,
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.text == "Hello, this is a test.", answer
    assert [word.word for word in answer.words] == answer.text.split(), answer.words
    assert 0.15 < answer.words[0].start < 0.3 and answer.words[-1].end < 1.75, answer.words
    assert answer.segments[0].no_speech_prob < 0.5 and abs(answer.duration - 2.2) < 0.01, answer
    print(f"transcription: {len(answer.words)} words, {answer.duration} s")


main()
