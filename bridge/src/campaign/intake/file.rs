//! Files: looked at before they are taken, and taken.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use vox_shared::ids::{ImportId, JobId, TenantId};

use super::super::import::csv::{self, Row};
use super::super::import::mapping::{Mapping, fingerprint, header_faults};
use super::super::import::row::{Counts, Made, RowFault, draft};
use super::super::import::text::{Decoder, Encoding, Sniffer};
use super::super::import::{MAX_BYTES, row};
use super::{Intake, IntakeError, KIND, id_of, key_of, maker, now, open};
use crate::error::with_source;
use crate::fields::FieldError;
use crate::objects::{ByteStream, Expected};
use crate::store::Stored;
use crate::store::campaign_imports::{Import, ImportState};
use crate::store::campaigns::Campaign;
use crate::store::jobs::{Job, Queue};

/// So much of a file's beginning is looked at, bytes.
const HEAD: usize = 256 * 1024;
/// Rows that are shown.
const SHOWN: usize = 20;
/// Rows by which columns are guessed.
const GUESSED_BY: usize = 200;

/// No file is on its way here for longer: its request ends long before.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(1);

/// What is said of a file.
#[derive(Clone, Debug, Default)]
pub struct FileWish {
    pub name: String,
    /// What its columns are; what was said of the last file with this header by default, else what they look like.
    pub mapping: Option<Mapping>,
    /// Found by default.
    pub separator: Option<char>,
}

/// A file's beginning.
#[derive(Debug)]
pub struct Looked {
    pub encoding: Encoding,
    pub separator: char,
    pub header: Vec<String>,
    pub fingerprint: String,
    pub mapping: Mapping,
    /// The mapping is that of an earlier file.
    pub is_remembered: bool,
    /// What is wrong with header or mapping.
    pub faults: Vec<FieldError>,
    pub rows: Vec<LookedRow>,
}

/// A row of a file, and what would become of it.
#[derive(Debug)]
pub struct LookedRow {
    pub line: u64,
    pub cells: Vec<String>,
    pub made: Result<Made, RowFault>,
}

/// What was heard of a file while it went by.
#[derive(Default)]
struct Heard {
    sniffer: Sniffer,
    head: Vec<u8>,
    is_longer: bool,
}

impl Heard {
    fn hear(&mut self, piece: &[u8]) {
        self.sniffer.hear(piece);
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        self.is_longer |= piece.len() > room;
    }
}

impl Intake {
    /// Look at a file, or at the beginning of one.
    pub async fn look(
        &self,
        campaign: &Stored<Campaign>,
        bytes: &[u8],
        wish: FileWish,
    ) -> Result<Looked, IntakeError> {
        let mut heard = Heard::default();
        heard.hear(bytes);
        let encoding = heard.sniffer.encoding_so_far();
        self.looked(campaign, &heard, encoding, wish).await
    }

    /// Take a file whole. Its rows are read by a job, which is laid first: of a file that is not taken after all, whoever broke off, it
    /// finds no import, and deletes what is there.
    pub async fn accept(
        &self,
        (campaign, author): (&Stored<Campaign>, &str),
        content: ByteStream,
        wish: FileWish,
    ) -> Result<Stored<Import>, IntakeError> {
        open(&campaign.value)?;
        let (tenant, id) = (&campaign.value.tenant_id, ImportId::generate());
        let job = self.lay_job(tenant, &id).await?;
        let taken = Box::pin(self.keep_file((campaign, author), &id, (content, wish))).await;
        if taken.is_err()
            && let Err(error) = self.archive.objects.delete(key_of(&id)?).await
        {
            let error = with_source(&error);
            tracing::warn!(import.id = %id, error, "a file that was not taken is deleted by its job");
        }
        if let Err(error) = self.stores.jobs(tenant).hurry(&job, now(&self.clock)).await {
            tracing::warn!(import.id = %id, error = with_source(&error), "a file is read later");
        }
        taken
    }

    async fn keep_file(
        &self,
        (campaign, author): (&Stored<Campaign>, &str),
        id: &ImportId,
        (content, wish): (ByteStream, FileWish),
    ) -> Result<Stored<Import>, IntakeError> {
        let tenant = &campaign.value.tenant_id;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let hears = heard.clone();
        let content = content.inspect(move |piece| {
            if let Ok(piece) = piece {
                hears.lock().unwrap_or_else(PoisonError::into_inner).hear(piece);
            }
        });
        let expected = Expected { max_bytes: MAX_BYTES, sha256: None };
        let written = self.archive.put(Some(tenant), key_of(id)?, content.boxed(), expected).await?;
        let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        let encoding = heard.sniffer.encoding();
        let name: String = wish.name.chars().take(200).collect();
        let looked = self.looked(campaign, &heard, encoding, wish).await?;
        if !looked.faults.is_empty() {
            return Err(IntakeError::Invalid(looked.faults));
        }
        let now = now(&self.clock);
        let import = Import {
            tenant_id: tenant.clone(),
            campaign_id: id_of(campaign)?,
            created_at: now,
            updated_at: now,
            created_by: author.to_owned(),
            name,
            size_bytes: written.size_bytes,
            sha256: written.sha256,
            encoding,
            separator: looked.separator,
            header: looked.header,
            fingerprint: looked.fingerprint,
            mapping: looked.mapping,
            state: ImportState::Reading,
            error: None,
            counts: Counts::default(),
        };
        self.stores.campaign_imports(tenant).insert_import(id, &import).await?;
        Ok(Stored { id: id.to_string(), version: 1, value: import })
    }

    /// The job of a file that is on its way here.
    async fn lay_job(&self, tenant: &TenantId, id: &ImportId) -> Result<JobId, IntakeError> {
        let arguments = Map::from_iter([("import_id".to_owned(), Value::from(id.as_str()))]);
        let now = now(&self.clock);
        let due_at = Some(now + ON_ITS_WAY);
        let job = Job { due_at, ..Job::new(tenant.clone(), (Queue::Default, KIND), arguments, now) };
        let job_id: JobId = Job::id_of(&format!("{KIND} {id}"));
        self.stores.jobs(tenant).insert_job(&job_id, &job).await?;
        Ok(job_id)
    }

    async fn looked(
        &self,
        campaign: &Stored<Campaign>,
        heard: &Heard,
        encoding: Encoding,
        wish: FileWish,
    ) -> Result<Looked, IntakeError> {
        let mut text = String::new();
        let mut decoder = Decoder::new(encoding);
        decoder.decode(&heard.head, &mut text);
        let separator = wish.separator.unwrap_or_else(|| csv::separator(&text));
        let mut rows = csv::rows(&text, separator);
        if heard.is_longer {
            // Its end is not here.
            rows.pop();
        }
        let mut rows = rows.into_iter();
        let first = rows.next().unwrap_or_default();
        let header: Vec<String> = first.cells.iter().map(|name| name.trim().to_owned()).collect();
        let rows: Vec<Row> = rows.take(GUESSED_BY).collect();
        let fingerprint = fingerprint(&header);
        let tenant = &campaign.value.tenant_id;
        let remembered = match wish.mapping {
            Some(_) => None,
            None => self.stores.campaign_imports(tenant).find_mapping(&fingerprint).await?,
        };
        let is_remembered = remembered.is_some();
        let mapping = wish.mapping.or(remembered).unwrap_or_else(|| {
            let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
            Mapping::guess(&header, &cells, campaign.value.settings.region.as_deref())
        });
        let mut faults = header_faults(&header);
        if first.is_cut {
            let told = "the first line has a name above 4 kB, or more than 200 columns: is a quote missing?";
            faults.push(FieldError::new("file", told));
        }
        if faults.is_empty() {
            faults = mapping.faults(&header, campaign.value.settings.region.as_deref());
        }
        let (id, roles) = (id_of(campaign)?, mapping.columns(&header));
        let maker = maker(&campaign.value, &id, self.clock.now());
        let verdict = |row: Row| {
            let made = draft(&roles, &row).and_then(|draft: row::Draft| maker.make(draft));
            LookedRow { line: row.line, cells: row.cells, made }
        };
        let rows = rows.into_iter().take(SHOWN).map(verdict).collect();
        Ok(Looked { encoding, separator, header, fingerprint, mapping, is_remembered, faults, rows })
    }
}
