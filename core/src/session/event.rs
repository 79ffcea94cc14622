//! What goes into the session and what comes out of it.

mod outcome;
mod tool;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vox_shared::wire::answers::Service;
use vox_shared::wire::order::Order;
use vox_shared::wire::result::{CallEvent, DisconnectedBy, TranscriptEntry, Usage};
use vox_shared::wire::supervision::Part;

use super::next_bot::NextBot;
use super::sources::Source;
use super::standing::{Did, Standing};
use super::verdict::AnsweringEvent;
use crate::provider::Failure;
use crate::provider::llm::{LlmEvent, LlmRequest, ToolCall};
use crate::provider::stt::SttEvent;
use crate::provider::tts::{UtteranceId, WordMark};
pub use outcome::{Notice, Outcome, Transfer};
pub use tool::{ToolAnswer, ToolStatus};

/// Names a request to the model; counted up.
pub type RequestId = u64;

/// Names a run of a tool; counted up.
pub type ToolRunId = u64;

/// Names a pause of the caller; counted up.
pub type PauseId = u64;

/// Names an order from outside; counted up.
pub type OrderId = u64;

/// Sub-levels of one detector window: 4 of 8 ms each.
pub const LEVELS_PER_WINDOW: usize = 4;

/// One 32 ms window of the caller's audio, as the detector saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Where the window ends on the media clock, which is also the recording's.
    pub ends_at: Duration,
    /// Speech probability, 0 to 1.
    pub probability: f32,
    /// Loudness of its four quarters, dBFS.
    pub levels_db: [f32; LEVELS_PER_WINDOW],
}

/// What a voice stream said, with audio as a length: the samples stay with the actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiceEvent {
    Ready,
    /// `ms` more of the utterance are queued for playout.
    Audio {
        utterance: UtteranceId,
        ms: u32,
    },
    Words {
        utterance: UtteranceId,
        words: Vec<WordMark>,
    },
    Done {
        utterance: UtteranceId,
    },
    Failed(Failure),
}

/// A stretch of the media clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

impl Span {
    /// What stands for the words of this sound while nobody has written them down.
    pub fn as_text(self) -> String {
        format!("[speech {}-{} ms]", self.from.as_millis(), self.to.as_millis())
    }
}

/// What a second human in the call does: an agent who leads while there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentEvent {
    /// Caller and agent hear each other from now on. Nothing before the answer and in the goodbye.
    Joined,
    /// The agent's sound.
    Window(Window),
    /// What the agent's own recogniser says.
    Stt(SttEvent),
    Left,
}

/// What supervisors do in the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupervisorEvent {
    /// This one has this part from now on, and may have had another until now.
    Joined {
        who: String,
        part: Part,
        /// The bot talks on although they talk aloud.
        bot_goes_on: bool,
    },
    Left {
        who: String,
        why: String,
    },
    /// The call goes on in other rooms than those that this one was given.
    Moved {
        who: String,
    },
    /// The sound of those who instruct the bot: who whisper to it, or talk aloud beside it.
    Window(Window),
    /// What the recogniser of that sound says.
    Stt(SttEvent),
}

/// What a model that hears and speaks by itself does beside the text, tools and end of [`Event::Llm`]. The text is what its
/// sound says, and comes no later than that sound; signs alone ("...") without sound are a deliberate silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelEvent {
    /// The reply has sound, and more may come. It waits for [`Command::Utter`].
    Speaks { request: RequestId },
    /// What the caller said in a span of [`Command::Ask`], be it long ago.
    Heard { span: Span, text: String },
}

/// What a line is to do with somebody who may take the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultOrder {
    /// Put the caller on hold, where they hear music, and ring this number. What the bot says from then on, and what it hears, is between
    /// the bot and whoever answers.
    Begin { to: String, ring_secs: u32 },
    /// Bring the caller and the person together.
    Join,
    /// Let the person go, and take the caller off hold: [`ConsultEvent::Back`] follows.
    End,
}

/// What becomes of somebody who may take the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultEvent {
    /// They are on the line and hear the bot.
    Answered,
    /// They pressed a key.
    Digit(char),
    /// They are gone, or never came. The caller is still on hold, or with the bot.
    Over { why: String },
    /// Caller and person hear each other.
    Joined,
    /// The caller hears the bot again, and the bot the caller.
    Back,
}

/// What came of [`Command::CallBot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotEvent {
    /// It can take the call over at any time: [`Command::ChangeBot`].
    Ready(Box<NextBot>),
    /// It will not come. The reason is for the model and the record.
    Missing { bot: String, why: String },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Media flows both ways; the bot may speak.
    Answered,
    Window(Window),
    Stt(SttEvent),
    /// A turn model has heard the pause of [`Command::JudgeTurn`]: the probability that the caller is done, 0 to 1.
    TurnJudged {
        id: PauseId,
        probability: f32,
    },
    Llm {
        request: RequestId,
        event: LlmEvent,
    },
    Voice(VoiceEvent),
    /// How the bot's vendors stand in this process; before the answer, and whenever that changes.
    Standing(Box<Standing>),
    /// Only where the bot's rules have no recogniser or no voice.
    Model(ModelEvent),
    /// Of a person who talks with the caller while the bot stays.
    Agent(AgentEvent),
    /// Only from a line in rooms.
    Supervisor(SupervisorEvent),
    /// What [`Command::Supervise`] asked for is done, or why not.
    Seated {
        id: OrderId,
        refused: Option<String>,
    },
    /// Of this utterance `played_ms` have left for the caller's ear; `audible` when the newest frame is not silence.
    Played {
        utterance: UtteranceId,
        played_ms: u32,
        audible: bool,
    },
    /// A tool that [`Command::RunTool`] started has answered.
    ToolDone {
        run: ToolRunId,
        answer: ToolAnswer,
    },
    /// What a server of the bot's said of its tools.
    Source(Source),
    /// The line did not press a key of [`Command::PressKey`], and will press no further ones of this row.
    KeyFailed {
        why: String,
    },
    /// Recognisers and voices were used for so much until now. Only where [`super::Session::is_metered`].
    Metered {
        usage: Vec<Usage>,
    },
    /// Somebody outside wants this; [`Command::OrderTaken`] or [`Command::OrderRefused`] follows.
    Order {
        id: OrderId,
        order: Order,
    },
    /// What [`Command::Transfer`] began has succeeded: the caller is somebody else's.
    Transferred,
    /// It has not; the caller is still here.
    TransferFailed {
        why: String,
    },
    /// The line has ended, and whether because of that nobody can say; [`Self::HungUp`] follows.
    TransferUnclear {
        why: String,
    },
    /// Of what [`Command::Consult`] began.
    Consult(ConsultEvent),
    /// Of a bot that is to take the call over.
    Bot(BotEvent),
    Dtmf(char),
    /// What the detector of answering machines has found. Only where [`super::Session::answering`] says so.
    Answering(AnsweringEvent),
    /// The line beeped as an answering machine does, and the beep ended so long ago. Only where [`super::Session::wants_beeps`].
    Beep {
        ago: Duration,
    },
    /// The caller wrote this.
    Typed(String),
    /// The line closed, or the carrier said so.
    HungUp {
        by: DisconnectedBy,
    },
    /// The caller's media broke in a way that cannot go on.
    LineFailed {
        why: String,
    },
    /// The process is going down: finish soon.
    Drain,
    /// A deadline of [`super::Session::next_deadline`] came.
    Tick,
}

/// What the agent's ear needs: as for the caller's, by the same list of recognisers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentCommand {
    OpenStt { provider: usize, replay: Duration },
    FinalizeStt,
    CloseStt,
}

/// Something to be done. The actor carries them out in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Open the recogniser with this index of the fallback list (0 is the bot's first) and feed it the last `replay` of
    /// the caller's audio before the live one.
    OpenStt {
        provider: usize,
        replay: Duration,
    },
    FinalizeStt,
    /// Let a turn model hear the caller's last eight seconds; [`Event::TurnJudged`] follows, or the words alone decide. Only
    /// where the bot's rules name one ([`super::rules::Rules::judges_turns`]).
    JudgeTurn {
        id: PauseId,
    },
    /// Nobody listens for a while: feed no recogniser until the next [`Command::OpenStt`].
    CloseStt,
    /// Only after [`AgentEvent::Joined`].
    Agent(AgentCommand),
    /// The same for the ear of [`SupervisorEvent::Window`].
    Supervisor(AgentCommand),
    /// Have the line give a supervisor a seat, or take it away; [`Event::Seated`] follows. Only for a line in rooms
    /// ([`super::rules::Rules::has_rooms`]).
    Supervise {
        id: OrderId,
        order: Order,
    },
    Ask {
        request: RequestId,
        provider: usize,
        ask: Box<LlmRequest>,
        /// For a model that hears by itself: the caller's turns, as sound, that the reply is to. In `ask` each is [`Span::as_text`]
        /// until its words are known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        heard: Vec<Span>,
    },
    /// Ask the same of the same model once more, beside the request that is under way: one of the two is cancelled when the other one
    /// answers.
    AskSecond {
        request: RequestId,
        provider: usize,
        ask: Box<LlmRequest>,
    },
    /// Nothing more of this request's reply is wanted, nor sound of it that waits for [`Command::Utter`].
    CancelAsk {
        request: RequestId,
    },
    /// Carry out a tool; [`Event::ToolDone`] follows, however late.
    RunTool {
        run: ToolRunId,
        call: ToolCall,
    },
    /// Nobody waits for this run, and it is to be given up: nothing follows of it.
    CancelTool {
        run: ToolRunId,
    },
    /// Have the line press a key of the telephone. Only for a line that can ([`super::rules::Rules::presses_keys`]); nothing follows
    /// unless it fails ([`Event::KeyFailed`]).
    PressKey {
        key: char,
    },
    OpenVoice {
        provider: usize,
    },
    /// Send a piece of a reply to the voice.
    Say {
        utterance: UtteranceId,
        text: String,
    },
    /// The reply has no more text.
    EndSay {
        utterance: UtteranceId,
    },
    /// Play a fixed phrase, from the cache when it is there, else by the voice (and keep it).
    Phrase {
        utterance: UtteranceId,
        text: String,
    },
    /// The sound of this request's reply is this utterance: play what is there and what comes, and tell of it as of a voice's
    /// ([`Event::Voice`]).
    Utter {
        request: RequestId,
        utterance: UtteranceId,
    },
    /// Have the model with this index, which speaks by itself, say exactly this, beside any request; tell of it as of a voice's.
    Recite {
        provider: usize,
        utterance: UtteranceId,
        text: String,
    },
    /// Stop playing and synthesising this utterance: fade out over `fade`, then silence.
    StopSaying {
        utterance: UtteranceId,
        fade: Duration,
    },
    /// The order is carried out.
    OrderTaken {
        id: OrderId,
    },
    /// The order is not possible now.
    OrderRefused {
        id: OrderId,
        why: String,
    },
    /// Have the line hand the caller over; [`Event::Transferred`] or [`Event::TransferFailed`] follows. Only for a line that
    /// says it can ([`super::rules::Rules::transfers`]).
    Transfer {
        to: String,
    },
    /// Only for a line that can ([`super::rules::Rules::consults`]).
    Consult(ConsultOrder),
    /// Make another bot of the tenant ready to go on with this call; [`Event::Bot`] follows. The newest one counts.
    CallBot {
        bot: String,
    },
    /// That bot has the call from now on: places of vendors, tools and phrases are its own in what follows.
    ChangeBot {
        bot: String,
    },
    /// The bot goes on in this one of its languages: recognisers and voices that are opened from now on are that language's.
    ChangeLanguage {
        language: String,
    },
    /// Let the caller hear that the line lives: a short soft tone that needs no vendor and is no speech of the bot's.
    HoldTone,
    /// What is said from now on is not heard before then.
    KeepSilent {
        until: Duration,
    },
    /// A vendor of the ladder of this service did something: for the books of the process.
    Vendor {
        service: Service,
        place: usize,
        did: Did,
    },
    /// Write to the journal.
    JournalTurn(TranscriptEntry),
    JournalEvent(CallEvent),
    /// Tell whoever watches (the talk protocol's text frames).
    Notify(Notice),
    /// End the call on the wire.
    HangUp {
        by: DisconnectedBy,
    },
    /// The conversation is over; nothing follows.
    Finish(Box<Outcome>),
}
