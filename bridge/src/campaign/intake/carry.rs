//! Reads the rows of a file into its campaign, a chunk after the other. What each chunk came to is stored with the import, so whoever goes
//! on begins behind the last one; a chunk that was stored and not told is stored again, which changes nothing, and counts as it would have.

use futures_util::TryStreamExt;
use serde_json::json;
use vox_shared::ids::{ImportId, TenantId};

use super::super::import::csv::{Reader, Row};
use super::super::import::mapping::Role;
use super::super::import::row::{Maker, RowFault, draft};
use super::super::import::text::Decoder;
use super::super::import::{CHUNK, MAX_ROWS};
use super::super::turns;
use super::{Intake, Seen, id_of, keep, key_of, maker, now, open};
use crate::error::with_source;
use crate::jobs::runner::Failure;
use crate::objects::{ByteStream, ObjectError};
use crate::store::campaign_imports::{Import, ImportState, RefusedRow};
use crate::store::campaigns::Campaign;
use crate::store::events::Event;
use crate::store::jobs::Job;
use crate::store::{StoreError, Stored};

/// Most rows of an import that are kept with what is wrong with them; the counts have all.
const MAX_KEPT: u64 = 50_000;
/// So much of a refused row is kept, characters of a cell, and cells.
const KEPT_CHARS: usize = 200;
const KEPT_CELLS: usize = 30;

/// Read a file's rows.
pub async fn carry_out(intake: Intake, job: Stored<Job>) -> Result<(), Failure> {
    let tenant = &job.value.tenant_id;
    let id: ImportId = (job.value.arguments.get("import_id").and_then(|id| id.as_str()))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Failure::ForGood("the job names no import".into()))?;
    let Some(import) = intake.stores.campaign_imports(tenant).find_import(&id).await? else {
        // The file was not taken, or its campaign was deleted meanwhile.
        intake.archive.objects.delete(key_of(&id)?).await?;
        return Ok(());
    };
    if import.value.state != ImportState::Reading {
        return is_over(&intake, (tenant, &id), &import.value).await;
    }
    if job.value.tries > super::MAX_TRIES {
        let lost = "whoever read it was lost, every time; send the file again".to_owned();
        return end(&intake, (tenant, &id), Some(lost)).await;
    }
    let campaigns = intake.stores.campaigns(tenant);
    let Some(campaign) = campaigns.find_campaign(&import.value.campaign_id).await? else {
        return end(&intake, (tenant, &id), Some("its campaign was deleted".into())).await;
    };
    let read = Box::pin(read(&intake, (&id, import), &campaign)).await;
    let error = match &read {
        Ok(()) => None,
        Err(Failure::ForGood(why)) => Some(why.clone()),
        Err(_) if job.value.tries >= super::MAX_TRIES => {
            Some("it could not be read; send the file again".into())
        }
        Err(_) => return read,
    };
    end(&intake, (tenant, &id), error).await?;
    // Whatever it was, it is over: a further try has nothing to do.
    read.map_err(|failure| Failure::ForGood(with_source(&failure)))
}

/// The import came to its end.
async fn end(
    intake: &Intake,
    (tenant, id): (&TenantId, &ImportId),
    error: Option<String>,
) -> Result<(), Failure> {
    let imports = intake.stores.campaign_imports(tenant);
    let Some(mut import) = imports.find_import(id).await? else { return Ok(()) };
    let now = now(&intake.clock);
    import.value.state = if error.is_some() { ImportState::Failed } else { ImportState::Done };
    (import.value.error, import.value.updated_at) = (error, now);
    let import = imports.replace_import(import).await?;
    is_over(intake, (tenant, id), &import.value).await
}

/// What follows the end of an import: repeated until it is done.
async fn is_over(
    intake: &Intake,
    (tenant, id): (&TenantId, &ImportId),
    import: &Import,
) -> Result<(), Failure> {
    intake.archive.objects.delete(key_of(id)?).await?;
    let data = json!({
        "campaign_id": import.campaign_id,
        "import_id": id,
        "state": import.state,
        "counts": import.counts,
    });
    let event = Event::of_tenant(tenant, "campaign.imported", data, import.updated_at);
    let once = Event::id_of(&format!("campaign.imported {id}")).to_string();
    Ok(intake.stores.all_events().insert_events(vec![(once, event)]).await?)
}

async fn read(
    intake: &Intake,
    (id, import): (&ImportId, Stored<Import>),
    campaign: &Stored<Campaign>,
) -> Result<(), Failure> {
    let tenant = &campaign.value.tenant_id;
    let found = intake.archive.find(Some(tenant), key_of(id)?).await?;
    let gone = || Failure::ForGood("the file is gone; send it again".into());
    let found = found.ok_or_else(gone)?;
    let content = intake.archive.get(&found, 0..found.size_bytes).await?.ok_or_else(gone)?;
    let campaign_id = id_of(campaign)?;
    let roles = import.value.mapping.columns(&import.value.header);
    let maker = Maker { import: Some(id), ..maker(&campaign.value, &campaign_id, intake.clock.now()) };
    let (separator, encoding) = (import.value.separator, import.value.encoding);
    let skip = import.value.counts.rows;
    let mut reading =
        Reading { intake, id, import, roles, maker, seen: Seen::default(), skip, rows: Vec::new() };
    let mut file = Pieces { content, decoder: Decoder::new(encoding), reader: Some(Reader::new(separator)) };
    let mut rows = Vec::new();
    let mut has_header = false;
    while file.next(&mut rows).await? {
        for row in rows.drain(..) {
            if !std::mem::replace(&mut has_header, true) {
                continue;
            }
            reading.rows.push(row);
            if reading.rows.len() == CHUNK {
                Box::pin(reading.chunk()).await?;
            }
        }
    }
    Box::pin(reading.chunk()).await
}

/// A file's rows as its bytes come.
struct Pieces {
    content: ByteStream,
    decoder: Decoder,
    /// Absent at the end.
    reader: Option<Reader>,
}

impl Pieces {
    /// Rows of the next piece; `false` when there was none.
    async fn next(&mut self, rows: &mut Vec<Row>) -> Result<bool, Failure> {
        let Some(mut reader) = self.reader.take() else { return Ok(false) };
        let cut = |source| Failure::from(ObjectError::Unavailable { doing: "read an import", source });
        let mut text = String::new();
        match self.content.try_next().await.map_err(cut)? {
            Some(piece) => {
                self.decoder.decode(&piece, &mut text);
                reader.read(&text, rows);
                self.reader = Some(reader);
            }
            None => {
                let decoder = std::mem::replace(&mut self.decoder, Decoder::new(Default::default()));
                decoder.finish(&mut text);
                reader.read(&text, rows);
                reader.finish(rows);
            }
        }
        Ok(true)
    }
}

struct Reading<'a> {
    intake: &'a Intake,
    id: &'a ImportId,
    import: Stored<Import>,
    roles: Vec<Role>,
    maker: Maker<'a>,
    seen: Seen,
    /// Rows that were in before.
    skip: u64,
    rows: Vec<Row>,
}

impl Reading<'_> {
    /// Store what was gathered, and what it came to.
    async fn chunk(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
        // Of each chunk its own: contacts are listed and called in the order of the file, and the indexes by time grow at their ends. With
        // one time for all of a large file each chunk would change pages all over them.
        self.maker.now = self.intake.clock.now();
        let mut first_line = None;
        let (mut made, mut refused) = (Vec::new(), Vec::new());
        let mut counts = self.import.value.counts.clone();
        let mut lines = std::collections::HashMap::new();
        for row in rows {
            let contact = draft(&self.roles, &row).and_then(|draft| self.maker.make(draft));
            let first = contact.as_ref().ok().and_then(|(id, _)| self.seen.before(id, row.line));
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            counts.rows += 1;
            first_line.get_or_insert(row.line);
            if counts.rows > MAX_ROWS {
                return Err(Failure::ForGood(format!("the file has more than {MAX_ROWS} rows; split it")));
            }
            match (contact, first) {
                (Err(fault), _) => refused.push(self.kept_row(&row, fault)),
                (Ok(_), Some(line)) => {
                    counts.duplicate += 1;
                    let (code, detail) = ("duplicate", format!("the same contact as in line {line}"));
                    let field = if self.has_cell(&row, &Role::Key) { "key" } else { "phones" };
                    refused.push(self.kept_row(&row, RowFault { code, detail, field }));
                }
                (Ok(contact), None) => {
                    made.push((row.line, contact));
                    lines.insert(row.line, row);
                }
            }
        }
        let tenant = self.import.value.tenant_id.clone();
        let kept = keep::keep(&self.intake.stores, &tenant, made).await?;
        counts.created += kept.created;
        counts.updated += kept.updated;
        counts.unchanged += kept.unchanged;
        let barred = kept.barred.iter().filter_map(|line| lines.get(line));
        refused.extend(barred.map(|row| self.kept_row(row, keep::barred())));
        refused.sort_by_key(|row| row.line);
        let duplicate = |row: &&RefusedRow| row.code == "duplicate";
        refused.iter().filter(|row| !duplicate(row)).for_each(|row| counts.refuse(&row.code));
        let Some(first_line) = first_line else { return Ok(()) };
        let before: u64 = self.import.value.counts.refused.values().sum();
        let imports = self.intake.stores.campaign_imports(&tenant);
        if before + self.import.value.counts.duplicate < MAX_KEPT {
            imports.keep_refused((self.id, first_line), refused).await?;
        }
        turns::go_on_if_fed(&self.intake.stores, &self.import.value.campaign_id, now(&self.intake.clock))
            .await?;
        // Whether it may take them still: a campaign that was stopped meanwhile takes no more.
        let campaigns = self.intake.stores.campaigns(&tenant);
        let campaign = campaigns.find_campaign(&self.import.value.campaign_id).await?;
        self.intake.count(&self.import.value.counts, &counts);
        let mut import = self.import.clone();
        (import.value.counts, import.value.updated_at) = (counts, now(&self.intake.clock));
        self.import = imports.replace_import(import).await?;
        let closed = |error: super::IntakeError| Failure::ForGood(error.to_string());
        campaign.map_or(Err(StoreError::NotFound.into()), |campaign| open(&campaign.value).map_err(closed))
    }

    fn kept_row(&self, row: &Row, fault: RowFault) -> RefusedRow {
        let cell = |cell: &String| cell.chars().take(KEPT_CHARS).collect();
        RefusedRow {
            line: row.line,
            code: fault.code.to_owned(),
            column: self.column(row, fault.field).to_owned(),
            detail: fault.detail,
            cells: row.cells.iter().take(KEPT_CELLS).map(cell).collect(),
        }
    }

    /// The header of the column that is a field of the draft: of several the first that says something in this row. Empty for what is not
    /// one column's.
    fn column(&self, row: &Row, field: &str) -> &str {
        let word = if field == "phones" { "phone" } else { field };
        let is_it = |role: &Role| role.text() == word;
        let columns = || self.roles.iter().zip(&self.import.value.header).enumerate();
        let said = columns().find(|(at, (role, _))| is_it(role) && is_said(row, *at));
        let column = said.or_else(|| columns().find(|(_, (role, _))| is_it(role)));
        column.map_or("", |(_, (_, name))| name.as_str())
    }

    fn has_cell(&self, row: &Row, role: &Role) -> bool {
        self.roles.iter().enumerate().any(|(at, of)| of == role && is_said(row, at))
    }
}

fn is_said(row: &Row, at: usize) -> bool {
    row.cells.get(at).is_some_and(|cell| !cell.trim().is_empty())
}

impl From<super::IntakeError> for Failure {
    fn from(error: super::IntakeError) -> Self {
        Self::Now(with_source(&error))
    }
}
