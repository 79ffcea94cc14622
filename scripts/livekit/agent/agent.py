"""The vendor's agent as a user of it writes one, on the benchmark's scripted vendors: `vox-bench livekit --agent`.

Joins every room of its server, greets, listens (Silero, Deepgram), thinks (OpenAI), speaks (ElevenLabs). Where those are, and how long a
caller may pause, comes in variables BENCH_…; LIVEKIT_… are the agent framework's own.
"""

import os

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess, cli
from livekit.plugins import deepgram, elevenlabs, openai, silero

ENDPOINT = float(os.environ["BENCH_ENDPOINT_SECONDS"])

server = AgentServer(
    num_idle_processes=int(os.environ["BENCH_CALLS"]),
    # All calls come to this one, however busy the machine is: a server offers none to an agent that says it is.
    load_fnc=lambda: 0.0,
    initialize_process_timeout=120,
    host="127.0.0.1",
    port=0,
)


def prewarm(process: JobProcess) -> None:
    process.userdata["vad"] = silero.VAD.load(min_silence_duration=ENDPOINT)


server.setup_fnc = prewarm


@server.rtc_session()
async def talk(job: JobContext) -> None:
    # The benchmark reads this.
    print(f"vox-bench job in process {os.getpid()}", flush=True)
    session = AgentSession(
        vad=job.proc.userdata["vad"],
        stt=deepgram.STT(
            model="nova-3",
            language="en",
            base_url=os.environ["BENCH_RECOGNISER_URL"] + "/v1/listen",
            api_key=os.environ["BENCH_RECOGNISER_KEY"],
        ),
        llm=openai.LLM(
            model="gpt-5.4-mini",
            base_url=os.environ["BENCH_MODEL_URL"] + "/v1",
            api_key=os.environ["BENCH_MODEL_KEY"],
        ),
        tts=elevenlabs.TTS(
            model="eleven_flash_v2_5",
            voice_id="21m00Tcm4TlvDq8ikWAM",
            base_url=os.environ["BENCH_VOICE_URL"] + "/v1",
            api_key=os.environ["BENCH_VOICE_KEY"],
            # The scripted voice does not make MP3, which is what the plugin asks for by itself.
            encoding="pcm_16000",
        ),
        turn_handling={
            "turn_detection": "vad",
            "endpointing": {"min_delay": ENDPOINT},
            "interruption": {"mode": "vad"},
        },
    )
    await session.start(agent=Agent(instructions="You answer the telephone of a shop. Be brief."), room=job.room)
    await session.say(os.environ["BENCH_GREETING"])


if __name__ == "__main__":
    cli.run_app(server)
