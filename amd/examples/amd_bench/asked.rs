//! What benchmarks of the set are asked for: which of its clips, and where the figures go.

use std::iter::StepBy;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::texts::Part;

/// The arguments that all of them have.
pub struct Asked {
    markdown: Option<PathBuf>,
    pub parts: Vec<Part>,
    of: usize,
}

impl Default for Asked {
    /// All clips of both parts, and no file.
    fn default() -> Self {
        Self { markdown: None, parts: vec![Part::Tuning, Part::HeldOut], of: 1 }
    }
}

impl Asked {
    pub const NAMES: &str = "--markdown, --part, --of";

    /// Take an argument, and its value; whether it is one of these.
    pub fn takes(
        &mut self,
        name: &str,
        mut value: impl FnMut() -> anyhow::Result<String>,
    ) -> anyhow::Result<bool> {
        match name {
            "--markdown" => self.markdown = Some(value()?.into()),
            "--of" => self.of = value()?.parse::<usize>()?.max(1),
            "--part" => {
                self.parts = vec![match value()?.as_str() {
                    "tuning" => Part::Tuning,
                    "held-out" => Part::HeldOut,
                    other => bail!("{other} is no part: tuning or held-out"),
                }];
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The numbers of the clips of a kind, of which there are so many: each part has one half of them.
    pub fn numbers(&self, part: Part, count: usize) -> StepBy<Range<usize>> {
        let half = count / 2;
        let numbers = if part == Part::Tuning { 0..half } else { half..count };
        numbers.step_by(self.of)
    }

    /// Print the figures, and write them where they are wanted.
    pub fn publish(&self, text: &str) -> anyhow::Result<()> {
        println!("{text}");
        let Some(path) = &self.markdown else { return Ok(()) };
        std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
    }
}
