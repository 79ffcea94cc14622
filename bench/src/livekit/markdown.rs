//! The pages of the documentation.

use super::{Impaired, Report, table};

impl Report {
    /// `docs/benchmarks-livekit.md`.
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![
            "# Benchmarks: calls in LiveKit rooms\n\nWritten by `just bench livekit`; do not edit by hand. What becomes of calls on bad \
             networks is in `docs/benchmarks-impaired.md`.\n"
                .to_owned(),
            self.machine.surroundings("livekit"),
            format!("## Beside calls over a WebSocket\n\n{}\n{}", table::pairs(self).markdown(), table::ratios(self).markdown()),
            format!("## How calls in rooms begin\n\n{}\n{OF_THE_BEGIN}", table::entries(self).markdown()),
            self.vendors(),
            format!("## Who used the machine\n\n{}", table::machine(self).markdown()),
            self.method(),
        ];
        if self.machine.profile != "release" {
            parts.push(
                "These figures are not of the release profile: they say nothing about production.\n"
                    .to_owned(),
            );
        }
        parts.join("\n")
    }

    /// The vendor's agent.
    fn vendors(&self) -> String {
        let head = "## Beside the vendor's own agent\n\n";
        match &self.agents {
            None => format!(
                "{head}It was not measured in this run: `scripts/livekit/agent/install.sh DIRECTORY` installs it, `--agent DIRECTORY` \
                 measures it.\n"
            ),
            Some(agents) => format!(
                "{head}{}\n{} It talks to the same scripted vendors with the plugins for them, and with its own detector (Silero, the same \
                 network); its turns end after the same silence. One process takes the jobs and one more runs each; as many are kept \
                 ready as there are calls. Memory is private pages, by the number of calls: while it waits those of all its \
                 processes, with calls those of the one that takes them and of those that run them. Its times begin with the visitor's first \
                 request. The recogniser is asked as the plugin asks it, for a final text after 25 ms of silence.\n",
                table::agents(self, &agents.levels).markdown(),
                agents.versions,
            ),
        }
    }

    fn method(&self) -> String {
        let delays = &self.delays;
        format!(
            "## How it is measured\n\n\
             As in `docs/benchmarks.md`: a worker process for each call, scripted vendors in processes of their own, a control plane in \
             memory, callers that speak with {} and interrupt every third turn. In a room each caller is a visitor with our own client, in \
             the benchmark's process: it joins a room of its own, its media stands, and then the worker is ordered there \
             (`POST /livekit/widget`). The LiveKit server is a real one on the same machine, over UDP on loopback; it is counted apart.\n\n\
             {:.1} ms of every turn are known beforehand (the bot's wait of {:.0} ms, recogniser {:.0} ms, model {:.1} ms, voice {:.0} ms). \
             At the caller's ear everything else counts: in a room two jitter buffers, each of at least 20 ms, the packing into frames at \
             either end, Opus' look-ahead, and the server; over `/{}` the packing alone. *Worker's account* leaves out what the line \
             adds on the way to the caller. Holes are those of the line: in a room the jitter buffer fills them, and tells.\n",
            self.voice,
            delays.sum_ms(),
            delays.endpoint_ms,
            delays.recogniser_ms,
            delays.model_ms,
            delays.voice_ms,
            self.protocol,
        )
    }
}

impl Impaired {
    /// `docs/benchmarks-impaired.md`.
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![
            "# Calls in LiveKit rooms on bad networks\n\nWritten by `just bench livekit-impaired`; do not edit by hand.\n".to_owned(),
            self.machine.surroundings("livekit-impaired"),
            format!("{}\n{OF_TROUBLE}", table::impaired(self).markdown()),
        ];
        if let Some(around) = self.rows.iter().find(|row| row.through_proxy == 0) {
            parts.push(format!(
                "**In the row \"{}\" no packet went through the proxy: its figures are worthless.**\n",
                around.trouble
            ));
        }
        parts.join("\n")
    }
}

const OF_THE_BEGIN: &str = "The visitor is there before the order is given, so that all of it is the worker's and the server's: the room is made, \
    joined, media negotiated, the config asked for, the voice published and subscribed to. For the vendor's agent, which comes by itself, \
    the same times run from the visitor's first request.\n";

const OF_TROUBLE: &str = "A real worker with the local recogniser and the local voice talks with a visitor in a room: the caller says 8 \
    rows of 8 digits, the bot says each row again as it understood it. Words are compared one by one by the fewest changes, so an invented \
    word counts against a row as a lost one does; the bot's words are understood by the same recogniser from what the caller's ear got. \
    The first row is the measure for all others. Voice goes by Opus with forward error correction, as calls have it, without redundant copies.\n\n\
    The network is a proxy in the way of the media, at the address that the server names as its own; the server answers and asks nobody (ICE \
    lite), so no packet goes around it. Loss is each packet's own, both ways of a line, requests to send again included; lateness is random \
    for each packet, so they overtake one another. What happens once happens 0.7 s into the fourth row. On another network the server \
    sees a side's packets come from another address, what goes to the old one is lost, and its signalling is cut; the client's own sockets \
    stay. *Pauses* of 100 ms and more within the bot's utterances: the voice has some by itself. *Frames invented* are the decoder's, at the \
    caller; the worker's own buffer is not asked. The caller hangs up when all is said; *the record* is what the worker delivered.\n";
