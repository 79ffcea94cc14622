//! What the calls showed, as a page.

use std::fmt::Write;

use vox_amd::Class;

use crate::call::{Callee, Reply, Seen, Voice, run};
use crate::figures::{Share, percentile};
use crate::hearing::{self, Ear};
use crate::random::Random;
use crate::recipe::Clip;
use crate::tones::Beeping;
use crate::voices::Word;

/// The recogniser as the figures want it: of its words 12 % are wrong, and of 40 % of calls nobody's list knows the wording.
const HEARS: Ear = Ear::Hears { errors: 0.12, unknown: 0.4 };
/// A voice's first sound, milliseconds.
const VOICE_MS: (f32, f32) = (150.0, 450.0);
/// Whoever has answered hears something by then, and so much is the line's own.
const OPEN_BY_MS: u64 = 12_000;
const LINE_MS: u64 = 100;
/// Nobody has spoken.
const SILENT_BY_MS: u64 = 6_000;
/// People are listened to for so long, and machines until they are done.
const LISTENED_MS: u64 = 15_000;
/// A message begins so long behind the beep.
const BEHIND_MS: std::ops::RangeInclusive<i64> = 150..=500;

/// A beep, and the message behind it.
#[derive(Clone, Copy, Debug)]
struct Dropped {
    glides: bool,
    /// From the beep's end to the message's beginning, milliseconds.
    behind: Option<i64>,
    is_left: bool,
}

/// A call without words.
#[derive(Clone, Copy, Debug)]
struct Deaf {
    is_silence: bool,
    silent_at: Option<u64>,
    /// When the bot spoke, or a machine was known.
    open_at: Option<u64>,
}

/// By how the bot's texts become sound.
#[derive(Default)]
struct Of {
    /// From the end of people's greetings to the bot's first sound, milliseconds; and how often it spoke into them, or never.
    delays: Vec<u32>,
    early: usize,
    never: usize,
    drops: Vec<Dropped>,
    /// Whether they were taken for machines in the end.
    people: Vec<bool>,
    machines: Vec<bool>,
}

/// What the calls showed.
#[derive(Default)]
pub struct Tally {
    kept: Of,
    made: Of,
    empty: Vec<Deaf>,
    dead: Vec<Deaf>,
}

impl Tally {
    /// A clip, in all calls that want it.
    pub fn take(&mut self, clip: &Clip) {
        let made = Random::new(clip.seed ^ 0x0A51).within(VOICE_MS.0, VOICE_MS.1) as u64;
        for (of, voice) in [(&mut self.kept, Voice::Kept), (&mut self.made, Voice::Made(made))] {
            if clip.class == Class::Human {
                of.greeted(clip, &run(callee(clip, HEARS), voice, LISTENED_MS));
            }
            if clip.class.is_machine() {
                let until = (clip.pcm.len() / 8) as u64;
                of.met_machine(clip, &run(callee(clip, HEARS), voice, until));
            }
        }
        for (of, ear) in [(&mut self.empty, Ear::Empty), (&mut self.dead, Ear::Dead)] {
            of.push(deaf(clip, &run(callee(clip, ear), Voice::Kept, LISTENED_MS)));
        }
    }

    /// All of it.
    pub fn page(&mut self) -> String {
        let mut text = HEAD.to_owned();
        let (kept, made) = (self.kept.rows(), self.made.rows());
        for ((name, kept), (_, made)) in kept.into_iter().zip(made) {
            let _ = writeln!(text, "| {name} | {kept} | {made} |");
        }
        text.push_str("\n| figure 31, without words | every transcript empty | the recogniser is dead |\n| --- | ---: | ---: |\n");
        for ((name, empty), (_, dead)) in rows(&self.empty).into_iter().zip(rows(&self.dead)) {
            let _ = writeln!(text, "| {name} | {empty} | {dead} |");
        }
        text
    }
}

impl Of {
    fn greeted(&mut self, clip: &Clip, seen: &Seen) {
        self.people.push(is_machine_in_the_end(seen));
        match seen.first_audio.map(|at| at as i64 - i64::from(clip.greeting_end_ms)) {
            None => self.never += 1,
            Some(early) if early < 0 => self.early += 1,
            Some(delay) => self.delays.push(delay as u32),
        }
    }

    fn met_machine(&mut self, clip: &Clip, seen: &Seen) {
        self.machines.push(is_machine_in_the_end(seen));
        let Some((beeping, ended)) = clip.beep else { return };
        self.drops.push(Dropped {
            glides: beeping == Beeping::Glide,
            behind: seen.messages.last().map(|at| *at as i64 - i64::from(ended)),
            is_left: seen.is_left,
        });
    }

    fn rows(&mut self) -> Vec<(&'static str, String)> {
        let mut delay =
            |percent| percentile(&mut self.delays, percent).map_or("–".into(), |ms| format!("{ms} ms"));
        let (median, most) = (delay(50), delay(99));
        let all = self.delays.len() + self.early + self.never;
        let steady: Vec<Dropped> = self.drops.iter().copied().filter(|one| !one.glides).collect();
        let in_time = |one: &Dropped| one.behind.is_some_and(|behind| BEHIND_MS.contains(&behind));
        let early = |one: &Dropped| one.behind.is_some_and(|behind| behind < *BEHIND_MS.start());
        let share =
            |drops: &[Dropped], is_one: &dyn Fn(&Dropped) -> bool| Share::of(drops, is_one).to_string();
        vec![
            ("33: end of a person's greeting to the bot's first sound, p50 (0.9 s at most)", median),
            ("33: the same, p99 (1.9 s at most)", most),
            ("the bot spoke into the greeting", format!("{} of {all}", self.early)),
            ("the bot said nothing within 15 s", format!("{} of {all}", self.never)),
            ("35: the message begins 150–500 ms behind the beep's end (95 %)", share(&self.drops, &in_time)),
            ("the same of beeps that do not glide", share(&steady, &in_time)),
            ("it begins before, and is begun no more", share(&self.drops, &early)),
            ("35: the message is heard to its end (98 %)", share(&self.drops, &|one| one.is_left)),
            ("people taken for machines in the end", Share::of(&self.people, |machine| *machine).to_string()),
            (
                "machines taken for people in the end",
                Share::of(&self.machines, |machine| !*machine).to_string(),
            ),
        ]
    }
}

fn callee(clip: &Clip, ear: Ear) -> Callee {
    let said = |words: &[Word], seed: u64| hearing::results(words, ear, &mut Random::new(clip.seed ^ seed));
    let speaks = |words: &[Word]| words.iter().map(|word| (word.from, word.to)).collect();
    let reply = clip.reply.as_ref().map(|reply| Reply {
        pcm: reply.pcm.clone(),
        said: said(&reply.words, 0x2E91),
        speaks: speaks(&reply.words),
        after_ms: Random::new(clip.seed ^ 0xA57E).within(300.0, 1_300.0) as u64,
    });
    let (heard, spoken) = (said(&clip.words, 0x5EED), speaks(&clip.words));
    Callee { pcm: clip.pcm.clone(), said: heard, speaks: spoken, rang: None, reply }
}

/// Whether a verdict, as the session tells it, is of a machine.
fn is_machine(what: &str) -> bool {
    !["a person", "silence", "not found out", "no verdict"].iter().any(|word| what.starts_with(word))
}

fn is_machine_in_the_end(seen: &Seen) -> bool {
    seen.verdicts.last().is_some_and(|(_, what)| is_machine(what))
}

fn deaf(clip: &Clip, seen: &Seen) -> Deaf {
    let first = |is_one: &dyn Fn(&str) -> bool| {
        seen.verdicts.iter().find(|(_, what)| is_one(what)).map(|(at, _)| *at)
    };
    let machine = first(&is_machine);
    Deaf {
        is_silence: clip.class == Class::Silent,
        silent_at: first(&|what| what.starts_with("silence")),
        open_at: seen.first_audio.into_iter().chain(machine).min(),
    }
}

fn rows(calls: &[Deaf]) -> Vec<(&'static str, String)> {
    let lines: Vec<&Deaf> = calls.iter().filter(|call| call.is_silence).collect();
    let silent = Share::of(&lines, |call| call.silent_at.is_some_and(|at| at <= SILENT_BY_MS + LINE_MS));
    let open = Share::of(calls, |call| call.open_at.is_some_and(|at| at <= OPEN_BY_MS + LINE_MS));
    let latest = calls.iter().filter_map(|call| call.open_at).max();
    vec![
        ("a silent line is `silent` by 6 s", silent.to_string()),
        ("the bot speaks, or a machine is known, by 12 s", open.to_string()),
        ("the latest of them", latest.map_or("–".into(), |ms| format!("{ms} ms"))),
    ]
}

const HEAD: &str = "# Calls that were placed: measured

Written by `just bench amd-calls`. Every call has the worker's own detector, session and mouth, in virtual time; its line, recogniser, voice and \
model are scripts. What is heard are the clips of `docs/benchmarks-amd.md`, both parts, whose head says what they are not; words come as there (12 % \
wrong, the wording known for 60 % of calls), and the detector is told of no ring time. The detector of speech is told when the callee speaks; \
people answer the bot with a reply of their own, as there, and do not hear it before. The bot's fixed texts are kept as sound, or a voice makes them, whose first sound comes 150 to 450 ms after it was asked.

Figures 31, 33 and 35 are those of the acceptance; their targets stand in brackets.

| figure | texts are kept as sound | a voice makes them |
| --- | ---: | ---: |
";
