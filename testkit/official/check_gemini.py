"""Google's own client against the scripted server: URL, key, and the private key of its service account (PKCS#8, DER)."""

import base64
import sys
from collections.abc import Callable

from google import genai
from google.genai import errors, types
from google.oauth2 import service_account

MODEL = "gemini-3.5-flash-lite"
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="end_call",
            description="End the call.",
            parameters_json_schema={"type": "object", "properties": {"why": {"type": "string"}}},
        )
    ]
)
CONFIG = types.GenerateContentConfig(
    system_instruction="Be brief.",
    tools=[TOOL],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    thinking_config=types.ThinkingConfig(thinking_level="MINIMAL"),
)


def key_file(url: str, private_key: str) -> dict:
    with open(private_key, "rb") as file:
        key = base64.encodebytes(file.read()).decode()
    return {
        "type": "service_account",
        "project_id": "vox-test",
        "private_key_id": "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
        "private_key": f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n",
        "client_email": "scripted@vox-test.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }


def user(text: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


def ask(client: genai.Client, contents: list) -> tuple[str, list, object]:
    text, calls, usage = "", [], None
    for chunk in client.models.generate_content_stream(model=MODEL, contents=contents, config=CONFIG):
        usage = chunk.usage_metadata or usage
        for part in chunk.candidates[0].content.parts:
            text += part.text or ""
            calls += [part] if part.function_call else []
    return text, calls, usage


def check(client: genai.Client) -> int:
    text, _, usage = ask(client, [user("What are your HOURS?")])
    assert text == "We are open from nine to five.", text
    assert usage.candidates_token_count > 5, usage
    text, calls, _ = ask(client, [user("bye")])
    assert text == "One moment." and len(calls) == 1, (text, calls)
    call = calls[0].function_call
    assert (call.name, call.args) == ("end_call", {"why": "done"}), call
    answer = types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"ok": True}))
    contents = [user("bye"), types.Content(role="model", parts=calls), types.Content(role="user", parts=[answer])]
    assert ask(client, contents)[0] == "Good bye!"
    return len(text)


def check_kept(client: genai.Client) -> None:
    """A prompt is kept, asked with by its name, renewed and deleted."""
    prompt = types.CreateCachedContentConfig(
        display_name="bot", system_instruction="Be kind. " * 600, tools=[TOOL], ttl="300s"
    )
    kept = client.caches.create(model=MODEL, config=prompt)
    config = types.GenerateContentConfig(cached_content=kept.name)
    asked = client.models.generate_content_stream(model=MODEL, contents=[user("hours?")], config=config)
    usage = list(asked)[-1].usage_metadata
    assert 1000 < usage.cached_content_token_count < usage.prompt_token_count, usage
    renewed = client.caches.update(name=kept.name, config=types.UpdateCachedContentConfig(ttl="600s"))
    assert renewed.expire_time > kept.expire_time, (renewed, kept)
    client.caches.delete(name=kept.name)
    gone = refused(lambda: client.caches.get(name=kept.name))
    assert gone.code == 403, gone


def refused(asking: Callable[[], object]) -> errors.ClientError:
    try:
        asking()
    except errors.ClientError as error:
        return error
    raise AssertionError("it was not refused")


def main() -> None:
    url, key, private_key = sys.argv[1:]
    options = types.HttpOptions(base_url=url)
    client = genai.Client(api_key=key, http_options=options)
    letters = check(client)
    check_kept(client)
    stranger = genai.Client(api_key="wrong", http_options=options)
    wrong = refused(lambda: ask(stranger, [user("hours")]))
    assert (wrong.code, wrong.status) == (400, "INVALID_ARGUMENT"), wrong

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    account = service_account.Credentials.from_service_account_info(key_file(url, private_key), scopes=scopes)
    vertex = genai.Client(
        vertexai=True, project="vox-test", location="europe-west4", credentials=account, http_options=options
    )
    check(vertex)
    check_kept(vertex)
    print(f"gemini: streamed {letters} letters, called a tool, had its prompt kept, and the same as Vertex by the token of a service account")


main()
