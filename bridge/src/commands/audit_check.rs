//! `vox-bridge audit-check`: every tenant's audit log, entry by entry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use vox_shared::ids::TenantId;

use crate::audit::check::{Checker, Noted};
use crate::store::Stores;
use crate::store::audit::{Entry, Found, Link};

/// Begins without an end that are named for each tenant.
const MAX_UNFINISHED: usize = 20;

/// What to check beside the chain itself.
#[derive(Args)]
pub struct AuditCheckArguments {
    /// File with the last entries that an earlier check told (its whole output, or lines of TENANT SEQ HASH). Each must still be there. Without it a log whose end was cut
    /// off is not found.
    #[arg(long, value_name = "FILE")]
    noted: Option<PathBuf>,
}

impl AuditCheckArguments {
    /// What an earlier check told, by tenant.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has a line that is none of its output.
    pub fn noted(&self) -> anyhow::Result<BTreeMap<String, Noted>> {
        let Some(file) = &self.noted else { return Ok(BTreeMap::new()) };
        let name = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read '{name}'"))?;
        let lines =
            (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        lines.map(|(number, line)| read(line).with_context(|| format!("{name}, line {number}"))).collect()
    }
}

fn read(line: &str) -> anyhow::Result<(String, Noted)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [tenant, seq, hash] = words[..] else { bail!("a line is TENANT SEQ HASH") };
    let seq = seq.parse().with_context(|| format!("'{seq}' is no number of an entry"))?;
    Ok((tenant.to_owned(), Noted { seq, hash: hash.to_owned() }))
}

/// What was found: lines to be told, and what is broken.
#[derive(Debug, Default)]
pub struct Checked {
    pub told: String,
    pub broken: Vec<String>,
}

/// Look at every document of the collection.
///
/// # Errors
///
/// When the store cannot be read.
pub async fn check(stores: &Stores, noted: BTreeMap<String, Noted>) -> anyhow::Result<Checked> {
    let mut walk = Walk { noted, at: None, found: Checked::default() };
    let mut after = None;
    loop {
        let page = stores.all_audit().list_by_id(after.take()).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        page.into_iter().for_each(|document| walk.look(document));
    }
    Ok(walk.end())
}

struct Walk {
    noted: BTreeMap<String, Noted>,
    at: Option<At>,
    found: Checked,
}

/// The tenant whose entries are looked at.
struct At {
    tenant: String,
    checker: Checker,
    is_broken: bool,
}

impl Walk {
    fn look(&mut self, (id, stored): Found) {
        let tenant = id.rsplit_once('/').map_or(id.as_str(), |(tenant, _)| tenant);
        if self.at.as_ref().is_none_or(|at| at.tenant != tenant) {
            self.leave();
            self.enter(tenant);
        }
        let Some(at) = self.at.as_mut().filter(|at| !at.is_broken) else { return };
        let outcome = match stored {
            Ok(stored) if stored.value.id() == id => sound(&mut at.checker, &stored.value),
            Ok(_) => Err("is stored under another entry's number".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = outcome {
            at.is_broken = true;
            self.found.broken.push(format!("{}: {why} (document '{id}')", at.tenant));
        }
    }

    fn enter(&mut self, tenant: &str) {
        // What no tenant can be called has no chain; its first document is told.
        let id = tenant.parse::<TenantId>();
        let is_broken = id.is_err();
        if is_broken {
            self.found.broken.push(format!("'{tenant}': is no tenant's id"));
        }
        let start = Link::start(id.unwrap_or_else(|_| "unknown".parse().expect("a constant that is an id")));
        let checker = Checker::after(start, self.noted.remove(tenant));
        self.at = Some(At { tenant: tenant.to_owned(), checker, is_broken });
    }

    /// All entries of a tenant were looked at.
    fn leave(&mut self) {
        let Some(at) = self.at.take() else { return };
        if let (false, Err(fault)) = (at.is_broken, at.checker.end()) {
            self.found.broken.push(format!("{}: {fault}", at.tenant));
        }
        let (last, unfinished) = (at.checker.last(), at.checker.unfinished());
        if last.seq > 0 {
            // Writing to a text does not fail.
            let _ = writeln!(self.found.told, "{} {} {}", at.tenant, last.seq, last.hash());
        }
        if !unfinished.is_empty() {
            let some: Vec<String> = unfinished.iter().take(MAX_UNFINISHED).map(i64::to_string).collect();
            let more = if unfinished.len() > MAX_UNFINISHED { ", …" } else { "" };
            let (tenant, many) = (&at.tenant, unfinished.len());
            let _ = writeln!(
                self.found.told,
                "# {tenant}: begun and without an end: {many} ({}{more})",
                some.join(", ")
            );
        }
    }

    fn end(mut self) -> Checked {
        self.leave();
        for (tenant, noted) in std::mem::take(&mut self.noted) {
            self.found.broken.push(format!("{tenant}: has no entries, and entry {} was noted", noted.seq));
        }
        self.found
    }
}

fn sound(checker: &mut Checker, entry: &Entry) -> Result<(), String> {
    checker.look(entry).map_err(|fault| fault.to_string())
}
