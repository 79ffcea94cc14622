//! What the bridge refuses in a message, so that a worker keeps to it: a result that is refused is set aside on the worker's
//! disk, and nobody sees the call.

/// Largest result of a call, bytes of JSON.
pub const MAX_RESULT_BYTES: usize = 8 * 1024 * 1024;
/// Largest other JSON body, bytes.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Deepest nesting of JSON from outside. It is stored inside documents and sent on inside messages, and whoever reads
/// those must not meet the parser's own limit of 127.
pub const MAX_JSON_LEVELS: usize = 64;
