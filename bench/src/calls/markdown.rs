//! The page of the documentation.

use super::{Report, table};

impl Report {
    /// `docs/benchmarks.md`.
    pub fn to_markdown(&self) -> String {
        let parts = [
            "# Benchmarks\n\nWritten by `just bench calls`; do not edit by hand.\n".to_owned(),
            self.surroundings(),
            format!("## Against the targets\n\n{}", table::bars(&self.bars()).markdown()),
            self.beginnings(),
            format!("## By calls at once\n\n{}", table::levels(self).markdown()),
            format!("## Who used the machine\n\n{}\n{OF_THE_MACHINE}", table::machine(self).markdown()),
            self.method(),
            self.limits(),
        ];
        parts.join("\n")
    }

    fn surroundings(&self) -> String {
        let machine = &self.machine;
        format!(
            "| machine | |\n| --- | --- |\n| processor | {}, {} cores |\n| memory | {:.0} GiB |\n| kernel | {} |\n\
             | commit | `{}`, {} profile |\n| date | {} |\n\n\
             To repeat: `just bench calls`, or with other levels `vox-bench calls --levels 1,5,20,50 --seconds 60 \
             --markdown docs/benchmarks.md` (`--json` prints every figure).\n",
            machine.processor,
            machine.cores,
            machine.memory_gib,
            machine.kernel,
            machine.commit,
            machine.profile,
            machine.date,
        )
    }

    fn beginnings(&self) -> String {
        let once = &self.once;
        let mut lines = vec![
            format!(
                "* A worker answers `/health` {:.1} ms (slowest of {}: {:.1} ms) after its process was started, for {:.1} ms \
                 of CPU time. Its program ({:.1} MiB) and the weights are in the page cache.",
                once.cold_start_ms.p50,
                once.cold_start_ms.count,
                once.cold_start_ms.max,
                once.cold_start_cpu_ms.p50,
                once.program_mib,
            ),
            format!(
                "* Answer to first audio: {:.0} ms (slowest of {}: {:.0} ms) with the greeting in the cache; {} for the first \
                 call ever, whose greeting the voice has to speak.",
                once.cached_greeting_ms.p50,
                once.cached_greeting_ms.count,
                once.cached_greeting_ms.max,
                once.first_greeting_ms.map_or_else(|| "not heard".to_owned(), |ms| format!("{ms:.0} ms")),
            ),
        ];
        lines.push(match &once.detector {
            Some(detector) => format!(
                "* Silero takes {:.1} us a window at 8 kHz (P99 {:.1} us; {:.1} us with cold caches) with the {} kernel. All \
                 rates and kernels: `cargo run --release -p vox-core --example silero_bench`.",
                detector.warm_p50_us, detector.warm_p99_us, detector.cold_p50_us, detector.kernel,
            ),
            None => "* Silero: see `cargo run --release -p vox-core --example silero_bench`.".to_owned(),
        });
        format!("## Once\n\n{}\n", lines.join("\n"))
    }

    fn method(&self) -> String {
        let delays = &self.delays;
        format!(
            "## How it is measured\n\n\
             Each call has a worker process of its own, as in production, a caller over `/{}`, and a recogniser, a model and \
             a voice that are scripted servers in processes of their own. Config and results go to a control plane in \
             memory. Callers speak with {}, answer the bot after 0.3 to 0.8 s, and speak over it every third turn. Calls \
             begin spread over one turn; CPU time is counted while all of them talk ({} s, level by level), \
             memory is the most seen in that time.\n\n\
             Four delays of every turn are known beforehand: the bot's wait for the caller to go on ({:.0} ms), the \
             recogniser's final ({:.0} ms), the model until its first sentence is certain ({:.1} ms, as measured on the idle \
             machine) and the voice's first audio ({:.0} ms): {:.1} ms in all. *Platform time* is what a turn took beyond \
             them. The *worker's account* is its own `platform_ms`, with the vendors' parts as the worker timed them: what \
             it read late counts as the vendor's. *By the known delays* believes none of that: the worker's total, from the \
             end of speech to the first audible frame, less the known delays; late vendors, the network and the detector's \
             own lag count as the platform's. *At the caller's ear* does the same between audible samples at the caller; \
             there the packing of frames (up to 20 ms on `/ws`) is included, and a faint end of speech that one side hears \
             and the other does not.\n\n\
             *Barge-in from the onset* begins with the caller's first sound and so includes the bot's own wait for three words \
             or 0.4 s of speech, which keeps a cough from stopping it. *From the decision* is what follows it: the fade of \
             80 ms, the queue and the line.\n",
            self.protocol.split(':').next().unwrap_or_default(),
            self.voice,
            self.windows(),
            delays.endpoint_ms,
            delays.recogniser_ms,
            delays.model_ms,
            delays.voice_ms,
            delays.sum_ms(),
        )
    }

    /// The windows of the levels, in their order.
    fn windows(&self) -> String {
        let seconds = self.levels.iter().map(|level| format!("{:.0}", level.window_seconds));
        seconds.collect::<Vec<_>>().join(", ")
    }

    fn limits(&self) -> String {
        let mut limits = vec![
            "The vendors are spoken to without TLS, on the same machine: encryption is not in the CPU figures, nor a real \
             network in the latencies.",
            "There is no turn model yet: a turn ends by the detector and silence.",
            "Callers, vendors and workers share the cores. When they are all busy the workers' figures suffer from the \
             load of the others; the table above tells how busy they were.",
            "Bursts of hours, memory that grows over long calls and lossy lines are not shown.",
            "With one worker alone the pages of its program count as private; from two on they are shared.",
        ];
        if self.levels.iter().any(|level| level.talk.platform_ms.count < PERCENTILE_TURNS) {
            limits.push("Where fewer than 100 turns were measured, P99 is the slowest turn.");
        }
        if self.machine.profile != "release" {
            limits.push("These figures are not of the release profile: they say nothing about production.");
        }
        let list: Vec<String> = limits.into_iter().map(|limit| format!("* {limit}")).collect();
        format!("## What the figures do not show\n\n{}\n", list.join("\n"))
    }
}

const PERCENTILE_TURNS: u64 = 100;

const OF_THE_MACHINE: &str = "*Everything else* was not started by the benchmark. What the host of a virtual machine takes for others makes frames late \
    whatever the workers do: where it is much, or the callers' own timers are late, the machine was too busy to judge them.\n";
