//! What is said of a file beside it.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::campaign::import::mapping::Mapping;
use crate::campaign::intake::FileWish;
use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, typed};

/// How a file is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    /// The file's name, to know it by.
    name: Option<String>,
    /// `,`, `;`, `|` or `tab`; found by default.
    separator: Option<String>,
    /// What the columns are: a JSON object of roles by headers. By default what was said of the last file with the same header, else
    /// guessed.
    mapping: Option<String>,
}

impl FileQuery {
    pub fn wish(self) -> ApiResult<FileWish> {
        let mut faults = Vec::new();
        let separator = self.separator.and_then(|text| match text.as_str() {
            "tab" | "\t" => Some('\t'),
            "," | ";" | "|" => text.chars().next(),
            _ => {
                faults.push(FieldError::new("separator", "must be `,`, `;`, `|` or `tab`"));
                None
            }
        });
        let mapping = self.mapping.and_then(|text| {
            let read = serde_json::from_str(&text)
                .map_err(|_| FieldError::new(".", "must be a JSON object of roles by headers"))
                .and_then(typed::<Mapping>);
            let read = read.map_err(|fault| match fault.path.as_str() {
                "." => FieldError::new("mapping", fault.message),
                path => FieldError::new(format!("mapping.{path}"), fault.message),
            });
            read.map_err(|fault| faults.push(fault)).ok()
        });
        if !faults.is_empty() {
            return Err(ApiError::invalid(faults));
        }
        Ok(FileWish { name: self.name.unwrap_or_default(), mapping, separator })
    }
}
