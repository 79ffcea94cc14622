//! The part of pocketsphinx 5prealpha that is used, behind a safe type.
//!
//! Signatures are those of Debian's `libpocketsphinx-dev` 0.8+5prealpha (`pocketsphinx.h`, `cmd_ln.h`,
//! `err.h`); the soname `.so.3` stands for them.

use std::ffi::{CStr, CString, c_char, c_int, c_short, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::rc::Rc;

use libloading::os::unix::Symbol;
use thiserror::Error;

use super::library::{Loaded, Missing, open, symbol};

/// Numbers in one frame of features (`-ceplen`).
pub const CEPSTRUM: usize = 13;

type Config = *mut c_void;
type RawDecoder = *mut c_void;
type RawSegment = *mut c_void;

/// Both libraries and the functions used of them.
pub struct Pocketsphinx {
    args: Symbol<unsafe extern "C" fn() -> *const c_void>,
    parse: Symbol<unsafe extern "C" fn(Config, *const c_void, c_int, *mut *mut c_char, c_int) -> Config>,
    free_config: Symbol<unsafe extern "C" fn(Config) -> c_int>,
    init: Symbol<unsafe extern "C" fn(Config) -> RawDecoder>,
    free: Symbol<unsafe extern "C" fn(RawDecoder) -> c_int>,
    add_word: Symbol<unsafe extern "C" fn(RawDecoder, *const c_char, *const c_char, c_int) -> c_int>,
    set_jsgf: Symbol<unsafe extern "C" fn(RawDecoder, *const c_char, *const c_char) -> c_int>,
    set_search: Symbol<unsafe extern "C" fn(RawDecoder, *const c_char) -> c_int>,
    start: Symbol<unsafe extern "C" fn(RawDecoder) -> c_int>,
    process: Symbol<unsafe extern "C" fn(RawDecoder, *const c_short, usize, c_int, c_int) -> c_int>,
    process_cepstra: Symbol<unsafe extern "C" fn(RawDecoder, *mut *mut f32, c_int, c_int, c_int) -> c_int>,
    end: Symbol<unsafe extern "C" fn(RawDecoder) -> c_int>,
    hypothesis: Symbol<unsafe extern "C" fn(RawDecoder, *mut c_int) -> *const c_char>,
    segments: Symbol<unsafe extern "C" fn(RawDecoder) -> RawSegment>,
    next_segment: Symbol<unsafe extern "C" fn(RawSegment) -> RawSegment>,
    segment_word: Symbol<unsafe extern "C" fn(RawSegment) -> *const c_char>,
    segment_frames: Symbol<unsafe extern "C" fn(RawSegment, *mut c_int, *mut c_int)>,
    segment_prob: Symbol<unsafe extern "C" fn(RawSegment, *mut c_int, *mut c_int, *mut c_int) -> c_int>,
    /// Unloaded last; the symbols point into them.
    libraries: [Loaded; 2],
}

/// A call that pocketsphinx answered with a failure. It logs why, but only to its own stderr.
#[derive(Debug, Error)]
#[error("pocketsphinx failed to {0}")]
pub struct Refused(&'static str);

impl Refused {
    /// For what cannot even be handed to the library; `what` completes "failed to".
    pub const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

/// A piece of the best path through an utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub word: String,
    /// First and last of the searched frames, 10 ms each.
    pub frames: (u32, u32),
    /// Posterior in the log base 1.0001; 0 (certain) where the search computes none.
    pub posterior: i32,
}

/// The best path of an utterance so far, see [`Decoder::segments`] for what is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hypothesis {
    /// Log likelihood of the whole path, in the decoder's own unit (log base 1.0001, scaled down by 1024).
    pub score: i32,
}

/// One decoder with its own search. Not `Send`.
pub struct Decoder {
    library: Rc<Pocketsphinx>,
    raw: RawDecoder,
}

#[expect(unsafe_code, reason = "loads libpocketsphinx")]
impl Pocketsphinx {
    /// Load the libraries and silence their log, which holds what callers say.
    pub fn load(dir: Option<&Path>) -> Result<Self, Missing> {
        let base = open("libsphinxbase.so.3", dir)?;
        let main = open("libpocketsphinx.so.3", dir)?;
        // SAFETY: every type, here and of the fields, is the header's declaration of that symbol. A null log
        // file is documented as "no log".
        unsafe {
            symbol::<unsafe extern "C" fn(*mut c_void)>(&base, "err_set_logfp")?(null_mut());
            Ok(Self {
                args: symbol(&main, "ps_args")?,
                parse: symbol(&base, "cmd_ln_parse_r")?,
                free_config: symbol(&base, "cmd_ln_free_r")?,
                init: symbol(&main, "ps_init")?,
                free: symbol(&main, "ps_free")?,
                add_word: symbol(&main, "ps_add_word")?,
                set_jsgf: symbol(&main, "ps_set_jsgf_string")?,
                set_search: symbol(&main, "ps_set_search")?,
                start: symbol(&main, "ps_start_utt")?,
                process: symbol(&main, "ps_process_raw")?,
                process_cepstra: symbol(&main, "ps_process_cep")?,
                end: symbol(&main, "ps_end_utt")?,
                hypothesis: symbol(&main, "ps_get_hyp")?,
                segments: symbol(&main, "ps_seg_iter")?,
                next_segment: symbol(&main, "ps_seg_next")?,
                segment_word: symbol(&main, "ps_seg_word")?,
                segment_frames: symbol(&main, "ps_seg_frames")?,
                segment_prob: symbol(&main, "ps_seg_prob")?,
                libraries: [base, main],
            })
        }
    }

    /// The files that were loaded.
    pub fn library_names(&self) -> Vec<String> {
        self.libraries.iter().map(|loaded| loaded.name.clone()).collect()
    }
}

#[expect(unsafe_code, reason = "calls into libpocketsphinx")]
impl Decoder {
    /// A decoder with these options, given as on pocketsphinx's command line (`-hmm`, directory, ...).
    pub fn new(library: &Rc<Pocketsphinx>, options: &[&CStr]) -> Result<Self, Refused> {
        let mut argv: Vec<CString> = vec![c"vox-engine".to_owned()];
        argv.extend(options.iter().map(|option| CString::from(*option)));
        let mut pointers: Vec<*mut c_char> = argv.iter().map(|arg| arg.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| Refused("read its options"))?;
        // SAFETY: `ps_args` is a static table. The arguments are read and copied, not written, during the
        // call. `ps_init` keeps its own reference to the configuration, so ours is released either way.
        let raw = unsafe {
            let config = (library.parse)(null_mut(), (library.args)(), count, pointers.as_mut_ptr(), 1);
            if config.is_null() {
                return Err(Refused("read its options"));
            }
            let raw = (library.init)(config);
            (library.free_config)(config);
            raw
        };
        if raw.is_null() {
            return Err(Refused("load its model"));
        }
        Ok(Self { library: Rc::clone(library), raw })
    }

    /// Add a pronunciation to the dictionary; takes effect with the next search that is set.
    pub fn add_word(&mut self, word: &CStr, phones: &CStr) -> Result<(), Refused> {
        // SAFETY: the decoder is live, both strings are copied.
        let id = unsafe { (self.library.add_word)(self.raw, word.as_ptr(), phones.as_ptr(), 0) };
        if id < 0 { Err(Refused("add a word to its dictionary")) } else { Ok(()) }
    }

    /// Search with this JSGF grammar from the next utterance on.
    pub fn use_grammar(&mut self, jsgf: &CStr) -> Result<(), Refused> {
        let name = c"expected";
        // SAFETY: the decoder is live, both strings are copied or parsed during the calls.
        let set = unsafe {
            (self.library.set_jsgf)(self.raw, name.as_ptr(), jsgf.as_ptr()) == 0
                && (self.library.set_search)(self.raw, name.as_ptr()) == 0
        };
        if set { Ok(()) } else { Err(Refused("use the grammar")) }
    }

    pub fn start_utterance(&mut self) -> Result<(), Refused> {
        // SAFETY: the decoder is live; starting twice is an error of the library and not undefined.
        if unsafe { (self.library.start)(self.raw) } < 0 {
            Err(Refused("start an utterance"))
        } else {
            Ok(())
        }
    }

    /// Search on with these samples; answers how many frames of 10 ms were searched.
    pub fn process(&mut self, pcm: &[i16]) -> Result<u32, Refused> {
        // SAFETY: the decoder is live, the samples are read only during the call.
        let frames = unsafe { (self.library.process)(self.raw, pcm.as_ptr(), pcm.len(), 0, 0) };
        u32::try_from(frames).map_err(|_| Refused("take audio"))
    }

    /// As [`Self::process`], with this cepstrum in each of so many frames.
    pub fn process_cepstrum(&mut self, cepstrum: &[f32; CEPSTRUM], frames: usize) -> Result<(), Refused> {
        let mut rows = vec![*cepstrum; frames];
        let mut pointers: Vec<*mut f32> = rows.iter_mut().map(|row| row.as_mut_ptr()).collect();
        let count = c_int::try_from(frames).map_err(|_| Refused("take so many frames"))?;
        // SAFETY: the decoder is live; `pointers` are that many rows of its features' length, and they are
        // only used during the call. The library's `mfcc_t` is `float`: Debian builds without fixed point.
        let searched =
            unsafe { (self.library.process_cepstra)(self.raw, pointers.as_mut_ptr(), count, 0, 0) };
        if searched < 0 { Err(Refused("take features")) } else { Ok(()) }
    }

    pub fn end_utterance(&mut self) -> Result<(), Refused> {
        // SAFETY: the decoder is live; ending without a start is an error of the library and not undefined.
        if unsafe { (self.library.end)(self.raw) } < 0 { Err(Refused("end an utterance")) } else { Ok(()) }
    }

    /// The best path so far; `None` if there is none (yet).
    pub fn hypothesis(&mut self) -> Option<Hypothesis> {
        let mut score = 0;
        // SAFETY: the decoder is live; the answer is null or the words, which are not read here.
        unsafe {
            let text = (self.library.hypothesis)(self.raw, &raw mut score);
            (!text.is_null()).then_some(Hypothesis { score })
        }
    }

    /// The pieces of the best path, silences included.
    pub fn segments(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        // SAFETY: the decoder is live; the iterator is null or live until `next` frees it at its end.
        unsafe {
            let mut raw = (self.library.segments)(self.raw);
            while !raw.is_null() {
                let (mut first, mut last, mut acoustic, mut lm, mut backoff) = (0, 0, 0, 0, 0);
                (self.library.segment_frames)(raw, &raw mut first, &raw mut last);
                let posterior =
                    (self.library.segment_prob)(raw, &raw mut acoustic, &raw mut lm, &raw mut backoff);
                let word = CStr::from_ptr((self.library.segment_word)(raw)).to_string_lossy().into_owned();
                let frames = (u32::try_from(first).unwrap_or(0), u32::try_from(last).unwrap_or(0));
                segments.push(Segment { word, frames, posterior });
                raw = (self.library.next_segment)(raw);
            }
        }
        segments
    }
}

#[expect(unsafe_code, reason = "frees what libpocketsphinx allocated")]
impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `ps_init`, is freed once and not used again.
        unsafe {
            (self.library.free)(self.raw);
        }
    }
}
