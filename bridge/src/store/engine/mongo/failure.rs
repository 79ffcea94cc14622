//! What the server's errors mean. A duplicate is code 11000 and nothing else; a code that is not known here is "unavailable", never
//! a conflict.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::super::EngineError;

const DUPLICATE: i32 = 11_000;
/// Codes of writes that no other try will change: a bad value, a path through something that is no object, a type that does
/// not fit, a document that is too large (10334 and 17419 by MongoDB), a name that may not be stored.
const REFUSED: [i32; 7] = [2, 9, 14, 28, 52, 10_334, 17_419];

pub fn failed(error: Error) -> EngineError {
    match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref write)) => of_code(write.code, &error),
        ErrorKind::Command(ref command) => of_code(command.code, &error),
        ErrorKind::InvalidArgument { .. } | ErrorKind::Bson(_) => EngineError::Malformed(error.to_string()),
        _ => EngineError::Unavailable(error.to_string()),
    }
}

fn of_code(code: i32, error: &Error) -> EngineError {
    match code {
        DUPLICATE => EngineError::Duplicate,
        code if REFUSED.contains(&code) => EngineError::Malformed(error.to_string()),
        _ => EngineError::Unavailable(error.to_string()),
    }
}

/// The places that were refused as duplicates; any other refusal fails the batch.
pub fn insert_many_failed(error: Error) -> Result<Vec<usize>, EngineError> {
    let ErrorKind::InsertMany(ref many) = *error.kind else { return Err(failed(error)) };
    if many.write_concern_error.is_some() {
        return Err(EngineError::Unavailable(error.to_string()));
    }
    let mut refused = Vec::new();
    for write in many.write_errors.iter().flatten() {
        match of_code(write.code, &error) {
            EngineError::Duplicate => refused.push(write.index),
            other => return Err(other),
        }
    }
    refused.sort_unstable();
    Ok(refused)
}
