//! Spoken calls of real workers in rooms whose network is bad: what is understood, what is resumed, how they end.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;
use vox_caller::{Clip, EndedBy, Hearing, Outcome, Step, Talker, Wav};
use vox_engines::EngineBinary;
use vox_shared::wire::result::{CallResult, Speaker};
use vox_testkit::vendor::{Server, openai};

use super::{
    MeasureError, Settings,
    trouble::{self, Trouble},
    words::{self, Kept},
};
use crate::calls::{Machine, Nursery, Plane, Rooms, Stay, Summons, Worker, checked, random_hex};
use ground::Ground;

mod ground;

/// Rows of words that a caller says.
const ROWS: u32 = 8;
/// The row during which the trouble begins, and how long after its first word.
const TROUBLED_ROW: usize = 3;
const INTO_THE_ROW: Duration = Duration::from_millis(700);
/// The bot has spoken and is silent for this long: the caller's turn.
const POLITE: Duration = Duration::from_millis(700);
const GREETING_WITHIN: Duration = Duration::from_secs(10);
/// A caller who hears nothing for so long goes on.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The bot's own wait for the caller to go on: a hole in a bad line must not end the caller's turn.
const ENDPOINT_SECS: f64 = 0.7;
/// A hole of this length within the bot's speech counts.
const HOLE_MS: u32 = 100;
const RECORD_WITHIN: Duration = Duration::from_secs(40);
/// Calls at once: they wait more than they compute.
const AT_ONCE: usize = 4;
/// The last byte of the address of the first row's proxy.
const FIRST_HOST: u8 = 20;
/// Said by the bot first; a row as the others are.
const GREETING: &str = "seven zero four two nine one six three";
/// What the worker's log says when its line to the room is lost.
const WORKER_LOST: &str = "the connection to a LiveKit room is lost";

/// All rows, and where they were measured.
#[derive(Clone, Debug, Serialize)]
pub struct Impaired {
    pub machine: Machine,
    pub rows: Vec<Row>,
}

/// One call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    pub trouble: String,
    /// Of the caller's words, understood by the worker.
    pub to_bot: Kept,
    /// Of the bot's words, understood at the caller's ear.
    pub to_caller: Kept,
    /// Packets for the caller that were not there when their turn came, and frames that were invented for them.
    pub packets: u64,
    pub lost: u64,
    pub invented: u64,
    /// Pauses within the bot's utterances that the caller heard; a voice has some by itself.
    pub holes: usize,
    /// The longest time in which nobody was heard by the caller.
    pub longest_silence_ms: f64,
    /// The caller's session and the worker's: times that they lost the room.
    pub caller_lost: u32,
    pub caller_resumed: u32,
    pub caller_rejoined: u32,
    pub worker_lost: u32,
    /// Packets that went through the proxy: media that goes around it would make all other figures worthless.
    pub through_proxy: u64,
    /// How the caller's call ended, in words.
    pub ended: String,
    /// What the record says of it.
    pub record: String,
    /// The record itself: what was understood when, and why the bot spoke.
    pub result: Option<CallResult>,
}

/// What all rows stand on.
struct Stage {
    engine: EngineBinary,
    rows: Vec<String>,
    clips: Vec<Clip>,
    plane: Plane,
    nursery: Nursery,
    script: PathBuf,
    work: TempDir,
    _model: openai::Server,
}

/// Put calls through everything; `progress` is told what is being done.
///
/// # Errors
/// When a program, the weights or the local engines are missing, or something does not start. What happens to calls are figures.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Impaired, MeasureError> {
    let stage = Box::pin(Stage::prepare(settings)).await?;
    progress("calls in rooms over bad lines");
    let wanted = |trouble: &Trouble| settings.only.as_ref().is_none_or(|only| trouble.name() == *only);
    let calls = trouble::all()
        .into_iter()
        .filter(wanted)
        .zip(FIRST_HOST..)
        .map(|(trouble, host)| Box::pin(stage.call(trouble, host)));
    let rows = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
    Ok(Impaired { machine: Machine::here(&settings.calls.programs), rows })
}

impl Stage {
    async fn prepare(settings: &Settings) -> Result<Self, MeasureError> {
        let (core, models) = checked(&settings.calls)?;
        let engine = EngineBinary::beside_current_exe().ok_or(MeasureError::NoEngine)?;
        let rows = words::rows(ROWS);
        let mut clips = Vec::with_capacity(rows.len());
        for row in &rows {
            clips.push(words::spoken(&engine, row).await?);
        }
        let work = TempDir::new()?;
        let model = Server::start(openai::Script::saying("{user}")).await;
        let secret = SecretString::from(random_hex());
        let plane = Plane::start(secret.clone(), config(&model)).await?;
        let bridge_url = plane.url().to_owned();
        let logs = work.path().to_owned();
        let nursery = Nursery { core, models, logs, bridge_url, secret, more: Vec::new() };
        Ok(Self { engine, rows, clips, plane, nursery, script: settings.script.clone(), work, _model: model })
    }

    /// One call from its greeting to its record.
    async fn call(&self, trouble: Trouble, host: u8) -> Result<Row, MeasureError> {
        let mut ground = Box::pin(Ground::lay(&self.script, trouble, host)).await?;
        let data = self.work.path().join(format!("data-{host}"));
        let nursery = Nursery { more: ground.workers.settings(), ..self.nursery.clone() };
        let worker = nursery.start(1, &data, &self.plane).await?.remove(0);
        let saved = self.work.path().join(format!("heard-{host}.wav"));
        let heard = Box::pin(self.talk(&worker, &mut ground, trouble, &saved)).await?;
        let ours = |result: &CallResult| result.worker_id.as_ref() == Some(&worker.id);
        self.plane.wait_for(RECORD_WITHIN, |told| told.results.iter().any(ours)).await;
        let result = self.plane.result_of(&worker.id);
        let mut row = match heard {
            Ok((report, stay)) => {
                let mut row = of_call(&report, &stay);
                if let Ok(wav) = Wav::read(&saved) {
                    let understood = words::understood(&self.engine, right(&wav), &report.tracks.bot).await?;
                    row.to_caller = words::kept(&lines(result.as_ref(), Speaker::Bot), &understood);
                }
                row
            }
            Err(why) => Row { ended: format!("no call: {why}"), ..Row::default() },
        };
        row.trouble = trouble.name();
        row.to_bot = words::kept(&self.rows.join(" "), &lines(result.as_ref(), Speaker::Caller));
        row.record = record(result.as_ref());
        row.worker_lost = self.lost_by(&nursery, &worker);
        row.through_proxy = ground.relay.passed();
        row.result = result;
        ground.clear_away().await;
        Ok(row)
    }

    /// The call itself, as its caller knows it; or in a word why none came about.
    async fn talk(
        &self,
        worker: &Worker,
        ground: &mut Ground,
        trouble: Trouble,
        saved: &Path,
    ) -> Result<Result<(vox_caller::Report, Stay), String>, MeasureError> {
        let rooms = Rooms::new(ground.callers.clone(), ground.pid(), self.nursery.secret.clone())?;
        let hearing = Hearing { save: Some(saved.to_owned()), hangover_ms: HOLE_MS, ..Hearing::default() };
        let summons = Summons::Worker(worker.address.clone());
        let in_room = match Box::pin(rooms.call(&summons, hearing)).await {
            Ok(in_room) => in_room,
            Err(why) => return Ok(Err(why)),
        };
        Box::pin(self.converse(&in_room.call, ground, trouble)).await?;
        let (report, stay, _) = in_room.finish().await;
        Ok(Ok((report, stay)))
    }

    async fn converse(
        &self,
        call: &vox_caller::Call,
        ground: &mut Ground,
        trouble: Trouble,
    ) -> Result<(), MeasureError> {
        let mut talker = Talker::new(call);
        let reply = |within| Step::AwaitReply { quiet: POLITE, within };
        talker.act(reply(GREETING_WITHIN)).await;
        for (row, clip) in self.clips.iter().enumerate() {
            let said = if row == TROUBLED_ROW {
                let begins = async {
                    sleep(INTO_THE_ROW).await;
                    ground.happens(trouble).await
                };
                let (said, happened) = tokio::join!(talker.act(Step::Say(clip.clone())), begins);
                happened?;
                said
            } else {
                talker.act(Step::Say(clip.clone())).await
            };
            if said == Outcome::CallEnded || talker.act(reply(ANSWER_WITHIN)).await == Outcome::CallEnded {
                break;
            }
        }
        Ok(())
    }

    /// How often a worker's log says that it lost the room.
    fn lost_by(&self, nursery: &Nursery, worker: &Worker) -> u32 {
        let log = fs::read_to_string(nursery.log_of(&worker.id)).unwrap_or_default();
        log.lines().filter(|line| line.contains(WORKER_LOST)).count() as u32
    }
}

/// A bot that says again what it understood, with the local recogniser and the local voice.
fn config(model: &openai::Server) -> Value {
    json!({
        "webhook_url": "",
        "system_prompt": "You say again what you hear.",
        "opening_message": GREETING,
        "max_call_duration_seconds": 600,
        "turn": {"complete_secs": ENDPOINT_SECS, "incomplete_secs": ENDPOINT_SECS},
        "stt": {"provider": "pocketsphinx", "language": "en", "extra": {"expected": [words::DIGITS]}},
        "llm": {
            "provider": "openai", "api_key": model.api_key(), "model": "gpt-5.4-mini",
            "extra": {"base_url": format!("{}/v1", model.url())}
        },
        "tts": {"provider": "flite", "voice": "slt"}
    })
}

/// The record's lines of one speaker.
fn lines(result: Option<&CallResult>, speaker: Speaker) -> String {
    let lines = result.iter().flat_map(|result| &result.transcript);
    lines.filter(|line| line.speaker == speaker).map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The bot's channel of a recording.
fn right(wav: &Wav) -> &[i16] {
    wav.channels.get(1).map_or(&[], Vec::as_slice)
}

/// How a record says that the call ended.
fn record(result: Option<&CallResult>) -> String {
    let Some(result) = result else { return "none came".to_owned() };
    let by = result.disconnected_by.as_str();
    result.error.as_ref().map_or_else(|| by.to_owned(), |error| format!("{by}: {error}"))
}

/// What the caller knows of a call.
fn of_call(report: &vox_caller::Report, stay: &Stay) -> Row {
    let ended = match (&stay.ended, report.end.by) {
        (Some(why), _) => why.clone(),
        (None, EndedBy::Caller) => "the caller hung up".to_owned(),
        (None, by) => format!("{by:?}: {}", report.end.reason),
    };
    Row {
        packets: stay.counts.received,
        lost: stay.counts.lost,
        invented: stay.counts.invented,
        holes: words::holes(&report.tracks.bot),
        longest_silence_ms: report.heard.longest_silence_ms,
        caller_lost: stay.lost,
        caller_resumed: stay.resumed,
        caller_rejoined: stay.rejoined,
        ended,
        ..Row::default()
    }
}
