//! The part of flite 2.x that is used, behind a safe type.
//!
//! Layouts and signatures are those of Debian's `flite1-dev` 2.2 (`flite.h`, `cst_audio.h`, `cst_wave.h`,
//! `cst_voice.h`); the library's soname `.so.1` stands for them.

use std::ffi::{CStr, c_char, c_float, c_int, c_short, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::null;

use libloading::os::unix::Symbol;

use super::library::{Loaded, Missing, open, symbol};

/// Samples that flite collects before it hands them on: 20 ms at 8 kHz.
const STREAM_SAMPLES: c_int = 160;

const STREAM_STOP: c_int = -1;
const STREAM_CONTINUE: c_int = 0;

/// `cst_wave`.
#[repr(C)]
struct Wave {
    kind: *const c_char,
    sample_rate: c_int,
    num_samples: c_int,
    num_channels: c_int,
    samples: *mut c_short,
}

/// `cst_audio_streaming_info`.
#[repr(C)]
struct StreamingInfo {
    min_buffsize: c_int,
    callback: Option<StreamCallback>,
    utterance: *const c_void,
    item: *const c_void,
    userdata: *mut c_void,
}

type StreamCallback = unsafe extern "C" fn(*const Wave, c_int, c_int, c_int, *mut StreamingInfo) -> c_int;

/// The first two members of `cst_voice`; only reached through a pointer from the library.
#[repr(C)]
struct Voice {
    name: *const c_char,
    features: *mut c_void,
}

struct Api {
    synth_text: Symbol<unsafe extern "C" fn(*const c_char, *mut Voice) -> *mut c_void>,
    delete_utterance: Symbol<unsafe extern "C" fn(*mut c_void)>,
    relation_present: Symbol<unsafe extern "C" fn(*const c_void, *const c_char) -> c_int>,
    relation: Symbol<unsafe extern "C" fn(*const c_void, *const c_char) -> *mut c_void>,
    relation_head: Symbol<unsafe extern "C" fn(*mut c_void) -> *const c_void>,
    item_next: Symbol<unsafe extern "C" fn(*const c_void) -> *const c_void>,
    item_daughter: Symbol<unsafe extern "C" fn(*const c_void) -> *const c_void>,
    feature_string: Symbol<unsafe extern "C" fn(*const c_void, *const c_char) -> *const c_char>,
    feature_float: Symbol<unsafe extern "C" fn(*const c_void, *const c_char) -> c_float>,
}

/// A token of the text, as flite cut it, and when it is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// With its punctuation, without spaces.
    pub text: String,
    /// Seconds from the start of this synthesis; `None` if nothing of it is spoken.
    pub span: Option<(f32, f32)>,
}

/// Whether a synthesis shall go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// Takes what a synthesis yields while it runs.
pub trait Sink {
    /// All tokens of the text, once, before its first audio.
    fn tokens(&mut self, tokens: Vec<Token>);
    /// The next samples.
    fn audio(&mut self, rate: u32, pcm: &[i16]) -> Flow;
}

/// flite gave no utterance for a text.
#[derive(Debug)]
pub struct NoUtterance;

/// flite with one voice. Not `Send`: the library keeps global state.
pub struct Flite {
    api: Api,
    voice: *mut Voice,
    streaming: *mut StreamingInfo,
    /// Unloaded last; `api`, `voice` and `streaming` point into them.
    libraries: Vec<Loaded>,
    one_thread: PhantomData<*mut c_void>,
}

/// What the stream callback finds behind `userdata`.
struct Session<'a> {
    api: &'a Api,
    sink: &'a mut dyn Sink,
    tokens_told: bool,
}

#[expect(unsafe_code, reason = "calls into libflite")]
impl Flite {
    /// Load flite and the voice `cmu_us_<name>`.
    pub fn load(name: &str, dir: Option<&Path>) -> Result<Self, Missing> {
        let voice_library = format!("libflite_cmu_us_{name}.so.1");
        let names = ["libflite.so.1", "libflite_usenglish.so.1", "libflite_cmulex.so.1", &voice_library];
        let libraries = names.iter().map(|name| open(name, dir)).collect::<Result<Vec<_>, _>>()?;
        let [core, .., voice_library] = &libraries[..] else {
            unreachable!("four names give four libraries")
        };
        // SAFETY: every type below is the header's declaration of that symbol.
        let (api, init, register, new_streaming, streaming_value, set_feature) = unsafe {
            (
                Api::load(core)?,
                symbol::<unsafe extern "C" fn() -> c_int>(core, "flite_init")?,
                symbol::<unsafe extern "C" fn(*const c_char) -> *mut Voice>(
                    voice_library,
                    &format!("register_cmu_us_{name}"),
                )?,
                symbol::<unsafe extern "C" fn() -> *mut StreamingInfo>(core, "new_audio_streaming_info")?,
                symbol::<unsafe extern "C" fn(*mut StreamingInfo) -> *mut c_void>(
                    core,
                    "audio_streaming_info_val",
                )?,
                symbol::<unsafe extern "C" fn(*mut c_void, *const c_char, *mut c_void)>(core, "feat_set")?,
            )
        };
        // SAFETY: `flite_init` comes first, as the manual asks. The registered voice and the streaming info
        // live until the process ends; the library checks its own allocations and exits when out of memory,
        // so neither pointer is null. The feature takes ownership of the value, which refers to `streaming`.
        let (voice, streaming) = unsafe {
            init();
            let voice = register(null());
            let streaming = new_streaming();
            (*streaming).min_buffsize = STREAM_SAMPLES;
            (*streaming).callback = Some(on_audio);
            set_feature((*voice).features, c"streaming_info".as_ptr(), streaming_value(streaming));
            (voice, streaming)
        };
        Ok(Self { api, voice, streaming, libraries, one_thread: PhantomData })
    }

    /// The files that were loaded.
    pub fn library_names(&self) -> Vec<String> {
        self.libraries.iter().map(|loaded| loaded.name.clone()).collect()
    }

    /// Speak one text into `sink`; returns when all of it was handed over or the sink said stop.
    pub fn speak(&mut self, text: &CStr, sink: &mut dyn Sink) -> Result<(), NoUtterance> {
        let mut session = Session { api: &self.api, sink, tokens_told: false };
        // SAFETY: `session` outlives the synthesis, which is the only time the callback runs, on this thread;
        // `userdata` is cleared before it goes. `text` is copied by the library. The utterance is ours to
        // delete, and nothing of it is kept.
        unsafe {
            (*self.streaming).userdata = (&raw mut session).cast();
            let utterance = (self.api.synth_text)(text.as_ptr(), self.voice);
            (*self.streaming).userdata = std::ptr::null_mut();
            if utterance.is_null() {
                return Err(NoUtterance);
            }
            (self.api.delete_utterance)(utterance);
        }
        Ok(())
    }
}

#[expect(unsafe_code, reason = "walks an utterance inside libflite")]
impl Api {
    /// # Safety
    /// `core` must be libflite 2.x.
    unsafe fn load(core: &Loaded) -> Result<Self, Missing> {
        // SAFETY: the fields' types are the header's declarations of these symbols.
        unsafe {
            Ok(Self {
                synth_text: symbol(core, "flite_synth_text")?,
                delete_utterance: symbol(core, "delete_utterance")?,
                relation_present: symbol(core, "utt_relation_present")?,
                relation: symbol(core, "utt_relation")?,
                relation_head: symbol(core, "relation_head")?,
                item_next: symbol(core, "item_next")?,
                item_daughter: symbol(core, "item_daughter")?,
                feature_string: symbol(core, "ffeature_string")?,
                feature_float: symbol(core, "ffeature_float")?,
            })
        }
    }

    /// # Safety
    /// `utterance` must be a live utterance whose segments have their times.
    unsafe fn tokens(&self, utterance: *const c_void) -> Vec<Token> {
        let mut tokens = Vec::new();
        // SAFETY: the relation is asked for only where it is present; items are walked while they are not
        // null and live as long as the utterance.
        unsafe {
            if (self.relation_present)(utterance, c"Token".as_ptr()) == 0 {
                return tokens;
            }
            let mut item = (self.relation_head)((self.relation)(utterance, c"Token".as_ptr()));
            while !item.is_null() {
                let parts = [c"prepunctuation", c"name", c"punc"].map(|path| self.string(item, path));
                tokens.push(Token { text: parts.concat(), span: self.span(item) });
                item = (self.item_next)(item);
            }
        }
        tokens
    }

    /// # Safety
    /// `item` must be a live item.
    unsafe fn string(&self, item: *const c_void, path: &CStr) -> String {
        // SAFETY: the answer is a C string that lives as long as the item. An absent feature reads "0", which
        // no punctuation is; a token's name is always there.
        let value = unsafe { CStr::from_ptr((self.feature_string)(item, path.as_ptr())) };
        let absent = value == c"0" && path != c"name";
        if absent { String::new() } else { value.to_string_lossy().into_owned() }
    }

    /// When the words of a token start and end.
    ///
    /// # Safety
    /// `token` must be a live item of the Token relation.
    unsafe fn span(&self, token: *const c_void) -> Option<(f32, f32)> {
        let (mut start, mut end) = (None, 0.0_f32);
        // SAFETY: as in `tokens`; a path that leads nowhere reads as 0.
        unsafe {
            let mut word = (self.item_daughter)(token);
            while !word.is_null() {
                let first = c"R:SylStructure.daughter1.daughter1.R:Segment.p.end";
                let last = c"R:SylStructure.daughtern.daughtern.R:Segment.end";
                let word_end = (self.feature_float)(word, last.as_ptr());
                if word_end > 0.0 {
                    start = start.or(Some((self.feature_float)(word, first.as_ptr())));
                    end = end.max(word_end);
                }
                word = (self.item_next)(word);
            }
        }
        start.map(|start| (start, end))
    }
}

/// flite's audio callback: hands the new samples on, and the tokens before the first of them.
#[expect(unsafe_code, reason = "called by libflite")]
unsafe extern "C" fn on_audio(
    wave: *const Wave,
    start: c_int,
    size: c_int,
    _last: c_int,
    info: *mut StreamingInfo,
) -> c_int {
    // SAFETY: flite passes a live wave and the info that was registered; `userdata` is the session of the
    // `speak` that is running (see there), or null outside of one. `start` and `size` lie inside the wave's
    // buffer, which flite does not touch while this runs.
    unsafe {
        let Some(session) = (*info).userdata.cast::<Session<'_>>().as_mut() else { return STREAM_STOP };
        if !session.tokens_told && !(*info).utterance.is_null() {
            session.tokens_told = true;
            session.sink.tokens(session.api.tokens((*info).utterance));
        }
        let (Ok(start), Ok(size)) = (usize::try_from(start), usize::try_from(size)) else {
            return STREAM_STOP;
        };
        let rate = u32::try_from((*wave).sample_rate).unwrap_or(0);
        if size == 0 {
            return STREAM_CONTINUE;
        }
        let pcm = std::slice::from_raw_parts((*wave).samples.add(start), size);
        match session.sink.audio(rate, pcm) {
            Flow::Continue => STREAM_CONTINUE,
            Flow::Stop => STREAM_STOP,
        }
    }
}
