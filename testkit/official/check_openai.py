"""OpenAI's own client against the scripted server: URL, key, and the URL of a server that fails first."""

import sys

import openai
from openai import OpenAI

TOOLS = [
    {
        "type": "function",
        "function": {"name": "end_call", "parameters": {"type": "object", "properties": {"why": {"type": "string"}}}},
    }
]


def ask(text: str) -> list:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def raised(kind, call) -> Exception:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def check_stream(client: OpenAI) -> str:
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=ask("What are your HOURS?"),
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=100,
    )
    text, reasons, usage = "", [], None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    assert text == "We are open from nine to five.", text
    assert reasons == ["stop"] and usage.completion_tokens > 5 and usage.total_tokens > usage.prompt_tokens
    return text


def check_tools(client: OpenAI) -> None:
    messages = ask("bye")
    with client.chat.completions.stream(model="gpt-4o-mini", messages=messages, tools=TOOLS) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion().choices[0]
    assert answer.finish_reason == "tool_calls", answer
    call = answer.message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("end_call", '{"why":"done"}'), call
    messages.append(answer.message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
    messages[-1]["tool_calls"] = [
        {"id": call.id, "type": "function", "function": {"name": "end_call", "arguments": call.function.arguments}}
    ]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})
    whole = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS)
    assert whole.choices[0].message.content == "Good bye!", whole
    messages[-1]["tool_call_id"] = "call_other"
    error = raised(
        openai.BadRequestError, lambda: client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    )
    assert "tool_call_id" in error.message, error


def main() -> None:
    url, key, failing = sys.argv[1:]
    client = OpenAI(base_url=f"{url}/v1", api_key=key)
    text = check_stream(client)
    check_tools(client)
    assert any(model.id == "gpt-4o-mini" for model in client.models.list())
    wrong = OpenAI(base_url=f"{url}/v1", api_key="wrong")
    error = raised(openai.AuthenticationError, lambda: wrong.models.list())
    assert error.code == "invalid_api_key" and error.request_id, error
    create = client.chat.completions.create
    assert raised(openai.NotFoundError, lambda: create(model="gpt-0", messages=ask("hi"))).code == "model_not_found"
    error = raised(openai.BadRequestError, lambda: create(model="gpt-5.5", messages=ask("hi"), max_tokens=5))
    assert error.param == "max_tokens", error
    raised(openai.BadRequestError, lambda: create(model="gpt-4o-mini", messages=[]))

    stubborn = OpenAI(base_url=f"{failing}/v1", api_key=key, max_retries=2)
    answer = stubborn.chat.completions.create(model="gpt-4o-mini", messages=ask("hours"))
    assert answer.choices[0].message.content, answer
    hasty = OpenAI(base_url=f"{failing}/v1", api_key=key, max_retries=0)
    hasty.chat.completions.create(model="gpt-4o-mini", messages=ask("hours"))
    print(f"openai: streamed {len(text)} letters, called a tool, retried after a 429")


main()
