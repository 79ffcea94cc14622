//! What the server's errors mean. A duplicate is code 11000 and nothing else; a code that is not known here is "unavailable", never
//! a conflict.

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::super::EngineError;

const DUPLICATE: i32 = 11_000;
/// Codes of writes that no other try will change: a bad value, a path through something that is no object, a type that does
/// not fit, a document that is too large (10334 and 17419 by MongoDB), a name that may not be stored.
const REFUSED: [i32; 7] = [2, 9, 14, 28, 52, 10_334, 17_419];

pub fn failed(error: Error) -> EngineError {
    match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref write)) => of_code(write.code, error.to_string()),
        ErrorKind::Command(ref command) => of_code(command.code, error.to_string()),
        ErrorKind::InvalidArgument { .. } | ErrorKind::Bson(_) => EngineError::Malformed(error.to_string()),
        _ => EngineError::Unavailable(error.to_string()),
    }
}

fn of_code(code: i32, text: String) -> EngineError {
    match code {
        DUPLICATE => EngineError::Duplicate,
        code if REFUSED.contains(&code) => EngineError::Malformed(text),
        _ => EngineError::Unavailable(text),
    }
}

/// How many documents a command of several updates found; the first that went wrong otherwise.
pub fn updated(answer: &Document) -> Result<usize, EngineError> {
    let (errors, concern) = (answer.get_array("writeErrors"), answer.get("writeConcernError"));
    if let Some(error) = errors.ok().and_then(|errors| errors.first()) {
        let code = error.as_document().and_then(|error| error.get_i32("code").ok()).unwrap_or_default();
        return Err(of_code(code, error.to_string()));
    }
    if let Some(concern) = concern {
        return Err(EngineError::Unavailable(concern.to_string()));
    }
    let found = answer.get_i32("n").map(i64::from).or_else(|_| answer.get_i64("n"));
    let found = found.ok().and_then(|n| usize::try_from(n).ok());
    found.ok_or_else(|| EngineError::Unavailable("an answer that makes no sense".into()))
}

/// The places that were refused as duplicates; any other refusal fails the batch.
pub fn insert_many_failed(error: Error) -> Result<Vec<usize>, EngineError> {
    let ErrorKind::InsertMany(ref many) = *error.kind else { return Err(failed(error)) };
    if many.write_concern_error.is_some() {
        return Err(EngineError::Unavailable(error.to_string()));
    }
    let mut refused = Vec::new();
    for write in many.write_errors.iter().flatten() {
        match of_code(write.code, error.to_string()) {
            EngineError::Duplicate => refused.push(write.index),
            other => return Err(other),
        }
    }
    refused.sort_unstable();
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{deserialize_from_document, doc};
    use mongodb::error::{CommandError, InsertManyError, WriteError};

    use super::*;

    fn of_write(code: i32) -> Error {
        let write: WriteError = deserialize_from_document(doc! { "code": code, "errmsg": "m" }).unwrap();
        ErrorKind::Write(WriteFailure::WriteError(write)).into()
    }

    fn of_command(code: i32) -> Error {
        let command: CommandError = deserialize_from_document(doc! { "code": code, "errmsg": "m" }).unwrap();
        ErrorKind::Command(command).into()
    }

    fn many(codes: &[i32], concern: Option<i32>) -> Error {
        let errors =
            codes.iter().zip(0..).map(|(code, at)| doc! { "index": at, "code": code, "errmsg": "m" });
        let mut all = doc! { "writeErrors": errors.collect::<Vec<Document>>() };
        if let Some(code) = concern {
            all.insert("writeConcernError", doc! { "code": code, "codeName": "n", "errmsg": "m" });
        }
        let many: InsertManyError = deserialize_from_document(all).unwrap();
        ErrorKind::InsertMany(many).into()
    }

    #[test]
    fn a_duplicate_is_one_code_and_a_code_that_is_not_known_is_unavailable() {
        for of in [of_write, of_command] {
            assert!(matches!(failed(of(11_000)), EngineError::Duplicate));
            assert!(matches!(failed(of(10_334)), EngineError::Malformed(_)));
            // Among them those that other servers and drivers take for duplicates or conflicts, and what nobody has ever sent.
            for code in
                [0, 1, -1, 11_001, 12_582, 112, 189, 91, 251, 10_107, 13, 18, 26, 67, 99_999, i32::MAX]
            {
                assert!(matches!(failed(of(code)), EngineError::Unavailable(_)), "{code}");
            }
        }
        let read = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(failed(read.into()), EngineError::Unavailable(_)));
    }

    #[test]
    fn several_updates_are_done_only_when_nothing_is_wrong_with_any() {
        assert_eq!(updated(&doc! { "ok": 1.0, "n": 3, "nModified": 3 }), Ok(3));
        assert_eq!(updated(&doc! { "ok": 1.0, "n": 3_i64 }), Ok(3));
        let with = |code: i32| {
            updated(&doc! { "ok": 1.0, "n": 3, "writeErrors": [{ "index": 1, "code": code, "errmsg": "m" }] })
        };
        assert_eq!(with(11_000), Err(EngineError::Duplicate));
        assert!(matches!(with(2), Err(EngineError::Malformed(_))));
        assert!(matches!(with(91), Err(EngineError::Unavailable(_))));
        let late = doc! { "ok": 1.0, "n": 3, "writeConcernError": { "code": 64, "errmsg": "m" } };
        for odd in [late, doc! { "ok": 1.0 }] {
            assert!(matches!(updated(&odd), Err(EngineError::Unavailable(_))), "{odd}");
        }
    }

    #[test]
    fn a_batch_has_its_duplicates_only_when_nothing_else_is_wrong() {
        assert_eq!(insert_many_failed(many(&[11_000, 11_000], None)).unwrap(), [0, 1]);
        for odd in [many(&[11_000, 99_999], None), many(&[11_000], Some(64)), of_write(99_999)] {
            assert!(matches!(insert_many_failed(odd), Err(EngineError::Unavailable(_))));
        }
        let bad = insert_many_failed(many(&[11_000, 2], None));
        assert!(matches!(bad, Err(EngineError::Malformed(_))));
    }
}
