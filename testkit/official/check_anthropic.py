"""Anthropic's own client against the scripted server: URL, key, and the URL of a server that fails first."""

import sys

import anthropic
from anthropic import Anthropic

MODEL = "claude-haiku-5-5"
TOOLS = [
    {
        "name": "end_call",
        "description": "End the call.",
        "input_schema": {"type": "object", "properties": {"why": {"type": "string"}}},
    }
]


def raised(kind, call) -> Exception:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def ask(client: Anthropic, messages: list):
    with client.messages.stream(
        model=MODEL, max_tokens=100, system="Be brief.", messages=messages, tools=TOOLS
    ) as stream:
        for _ in stream:
            pass
        return stream.get_final_message()


def check_tools(client: Anthropic) -> None:
    messages = [{"role": "user", "content": "bye"}]
    answer = ask(client, messages)
    assert answer.stop_reason == "tool_use", answer
    text, call = answer.content
    assert (text.text, call.name, call.input) == ("One moment.", "end_call", {"why": "done"}), answer
    messages.append(
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": text.text},
                {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input},
            ],
        }
    )
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "ok"}]})
    assert ask(client, messages).content[0].text == "Good bye!"
    messages[-1]["content"][0]["tool_use_id"] = "toolu_other"
    error = raised(anthropic.BadRequestError, lambda: ask(client, messages))
    assert "tool_use_id" in error.message, error


def main() -> None:
    url, key, failing = sys.argv[1:]
    hours = [{"role": "user", "content": "What are your HOURS?"}]
    client = Anthropic(base_url=url, api_key=key)
    answer = ask(client, hours)
    assert answer.content[0].text == "We are open from nine to five.", answer
    assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 5, answer
    check_tools(client)
    assert any(model.id == MODEL for model in client.models.list())
    wrong = Anthropic(base_url=url, api_key="wrong", max_retries=0)
    error = raised(anthropic.AuthenticationError, lambda: ask(wrong, hours))
    assert error.request_id.startswith("req_"), error
    raised(anthropic.BadRequestError, lambda: ask(client, []))

    stubborn = Anthropic(base_url=failing, api_key=key, max_retries=2)
    assert ask(stubborn, hours).content
    print(f"anthropic: streamed {len(answer.content[0].text)} letters, called a tool, retried after a 429")


main()
