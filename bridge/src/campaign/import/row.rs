//! One row as a contact, or what is wrong with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use vox_shared::ids::{CampaignId, ContactId, ImportId, TenantId};
use vox_shared::phone::Number;

use super::super::phone::{self, PhoneFault};
use super::super::settings::{Settings, is_region};
use super::super::zones::is_zone;
use super::csv::Row;
use super::mapping::Role;
use super::shape::instant;
use crate::auth::secret_token::hex;
use crate::store::Stamp;
use crate::store::contacts::{
    Class, ConsentRecord, Contact, ContactNumber, ContactStatus, MAX_NUMBERS, MAX_PRIO, Written, lane,
};

/// Most bytes of a contact's variables, as JSON.
const MAX_VARIABLES: usize = 16 * 1024;

/// What a list says of somebody, before it is looked at. The body of a row of the API.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// 1 to 5 numbers; the first is rung first.
    #[schema(example = json!(["+919876543210"]))]
    pub phones: Vec<String>,
    /// The country of numbers without a country code, two letters; the campaign's by default.
    #[serde(default)]
    pub region: Option<String>,
    /// IANA; several are separated by commas. The zones of the number hold as well.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// One of the campaign's.
    #[serde(default)]
    pub language: Option<String>,
    /// One of the campaign's.
    #[serde(default)]
    pub prompt: Option<String>,
    /// RFC 3339, or a date: nobody is called after it.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// 0 to 999, the greater the sooner.
    #[serde(default)]
    pub priority: Option<String>,
    /// Tells contacts of the campaign apart; the first number does by default.
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    pub consent_source: Option<String>,
    /// RFC 3339, or a date.
    #[serde(default)]
    pub consent_at: Option<String>,
    #[serde(default)]
    pub consent_until: Option<String>,
    /// What the bot is told, by names.
    #[serde(default)]
    pub variables: Map<String, Value>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// A word, for programs and for the counts.
    pub code: &'static str,
    /// What to do.
    pub detail: String,
    /// The field of the draft that it is about.
    pub field: &'static str,
}

impl RowFault {
    fn new(field: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field }
    }
}

/// A row's place among the contacts, and the contact.
pub type Made = (ContactId, Contact);

/// For which campaign rows are read.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    pub tenant: &'a TenantId,
    pub campaign: &'a CampaignId,
    pub settings: &'a Settings,
    pub partitions: u32,
    pub now: Timestamp,
    /// The file that they are from.
    pub import: Option<&'a ImportId>,
}

/// The cells of a row by the roles of their columns.
pub fn draft(roles: &[Role], row: &Row) -> Result<Draft, RowFault> {
    if row.is_cut
        || row.cells.len() > roles.len()
            && row.cells[roles.len()..].iter().any(|cell| !cell.trim().is_empty())
    {
        let detail =
            "more cells than the header has, or a cell above 4 kB: is a quote or a separator missing?";
        return Err(RowFault::new("row", "malformed_row", detail));
    }
    let mut draft = Draft::default();
    let mut keys: Vec<&str> = Vec::new();
    for (role, cell) in roles.iter().zip(&row.cells) {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        let one = || Some(cell.to_owned());
        match role {
            Role::Phone => draft.phones.push(cell.to_owned()),
            Role::Region => draft.region = one(),
            Role::TimeZone => draft.time_zone = one(),
            Role::Language => draft.language = one(),
            Role::Prompt => draft.prompt = one(),
            Role::ExpiresAt => draft.expires_at = one(),
            Role::Priority => draft.priority = one(),
            Role::Key => keys.push(cell),
            Role::ConsentSource => draft.consent_source = one(),
            Role::ConsentAt => draft.consent_at = one(),
            Role::ConsentUntil => draft.consent_until = one(),
            Role::Variable(name) => drop(draft.variables.insert(name.clone(), cell.into())),
            Role::Ignore => {}
        }
    }
    draft.key = (!keys.is_empty()).then(|| keys.join("\u{1f}"));
    Ok(draft)
}

impl Maker<'_> {
    /// The contact of a draft.
    pub fn make(&self, draft: Draft) -> Result<Made, RowFault> {
        let numbers = self.numbers(&draft)?;
        let key = draft.key.as_deref().unwrap_or(numbers[0].number.as_str());
        let id = contact_id(self.tenant, self.campaign, key);
        let zones = zones(draft.time_zone.as_deref())?;
        self.check_choices(&draft)?;
        let expires_at = instant_of("expires_at", draft.expires_at.as_deref())?;
        if expires_at.is_some_and(|at| at <= self.now) {
            return Err(RowFault::new("expires_at", "expired", "its time is over already"));
        }
        let prio = match draft.priority.as_deref() {
            None => 0,
            Some(text) => text.trim().parse().ok().filter(|prio| *prio <= MAX_PRIO).ok_or_else(|| {
                RowFault::new("priority", "bad_priority", format!("must be a whole number, 0 to {MAX_PRIO}"))
            })?,
        };
        let consent = match draft.consent_source {
            None => None,
            Some(source) => Some(ConsentRecord {
                source: source.chars().take(200).collect(),
                given_at: instant_of("consent_at", draft.consent_at.as_deref())?.map(Stamp),
                expires_at: instant_of("consent_until", draft.consent_until.as_deref())?.map(Stamp),
            }),
        };
        if serde_json::to_vec(&draft.variables).map_or(usize::MAX, |json| json.len()) > MAX_VARIABLES {
            return Err(RowFault::new(
                "variables",
                "too_long",
                format!("at most {MAX_VARIABLES} bytes in all"),
            ));
        }
        if let Some(name) = draft.variables.keys().find(|name| name.starts_with('_')) {
            return Err(RowFault::new(
                "variables",
                "bad_variable",
                format!("'{name}': names that begin with _ are the dialler's own"),
            ));
        }
        let now = Stamp(self.now);
        let place = (self.tenant.clone(), self.campaign.clone(), partition(&id, self.partitions));
        let contact = Contact {
            lane: Some(lane(Class::Fresh, prio)),
            prio,
            expires_at: expires_at.map(Stamp),
            zones,
            variables: draft.variables,
            language: draft.language,
            prompt: draft.prompt,
            consent,
            written: self.import.map(|import| Written { import: import.clone(), added: true }),
            ..Contact::new(place, numbers, now)
        };
        Ok((id, contact))
    }

    fn numbers(&self, draft: &Draft) -> Result<Vec<ContactNumber>, RowFault> {
        let region = match draft.region.as_deref().map(str::trim) {
            None => self.settings.region.clone(),
            Some(text) => {
                let region = text.to_ascii_uppercase();
                if !is_region(&region) || !phone::is_known_region(&region) {
                    let detail = "must be the two letters of a country, like IN or DE";
                    return Err(RowFault::new("region", "bad_region", detail));
                }
                Some(region)
            }
        };
        if draft.phones.len() > MAX_NUMBERS {
            return Err(RowFault::new("phones", "too_many_numbers", format!("at most {MAX_NUMBERS}")));
        }
        let mut numbers: Vec<ContactNumber> = Vec::new();
        let mut first_fault = None;
        for text in &draft.phones {
            match phone::read(text, region.as_deref()) {
                Ok(phone) => {
                    if !numbers.iter().any(|known| known.number == phone.number) {
                        let region = phone.region.to_owned();
                        numbers.push(ContactNumber {
                            number: phone.number,
                            region,
                            kind: phone.kind,
                            stopped: None,
                        });
                    }
                }
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        // One good number is enough; of a row without any the first fault is told.
        if numbers.is_empty() {
            let fault = first_fault.unwrap_or(PhoneFault::NoPhone);
            return Err(RowFault::new("phones", fault.code(), fault.to_string()));
        }
        Ok(numbers)
    }

    fn check_choices(&self, draft: &Draft) -> Result<(), RowFault> {
        if draft.language.as_ref().is_some_and(|language| !self.settings.knows_language(language)) {
            let detail = "no language of the campaign: add it to `languages` or `choices`";
            return Err(RowFault::new("language", "unknown_language", detail));
        }
        if draft.prompt.as_ref().is_some_and(|prompt| !self.settings.knows_prompt(prompt)) {
            return Err(RowFault::new(
                "prompt",
                "unknown_prompt",
                "no prompt of the campaign: add it to `choices`",
            ));
        }
        Ok(())
    }
}

fn zones(text: Option<&str>) -> Result<Vec<String>, RowFault> {
    let names = text
        .into_iter()
        .flat_map(|text| text.split([',', ';']))
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| match is_zone(name) {
            true => Ok(name.to_owned()),
            false => Err(RowFault::new("time_zone", "unknown_time_zone", "must be a name like Asia/Kolkata")),
        })
        .collect()
}

fn instant_of(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, RowFault> {
    let wrong = || RowFault::new(field, "bad_time", "must be like 2026-12-01 or 2026-12-01T18:00:00Z");
    text.map(|text| instant(text).ok_or_else(wrong)).transpose()
}

/// The id of whoever has this key in a campaign: a row that comes again is the same contact.
pub fn contact_id(tenant: &TenantId, campaign: &CampaignId, key: &str) -> ContactId {
    let hash = hex(&Sha256::digest(format!("{tenant}\u{1f}{campaign}\u{1f}{key}")));
    format!("{}_{}", ContactId::PREFIX, &hash[..32]).parse().expect("hex is an id")
}

/// The partition of a contact: its id's CRC-32 (IEEE 802.3), modulo their number.
fn partition(id: &ContactId, partitions: u32) -> u32 {
    let mut hash = flate2::Crc::new();
    hash.update(id.as_str().as_bytes());
    hash.sum() % partitions.max(1)
}

/// Rows by what came of them; it always adds up to the rows that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    pub rows: u64,
    pub created: u64,
    /// Known ones whose data were other ones; nothing of their attempts was changed.
    pub updated: u64,
    pub unchanged: u64,
    /// The same contact stood further up in the file.
    pub duplicate: u64,
    /// Rows that were refused, by reason.
    #[serde(default)]
    pub refused: BTreeMap<String, u64>,
}

impl Counts {
    /// Whether nothing was lost.
    pub fn add_up(&self) -> bool {
        let refused: u64 = self.refused.values().sum();
        self.rows == self.created + self.updated + self.unchanged + self.duplicate + refused
    }

    pub fn refuse(&mut self, code: &str) {
        *self.refused.entry(code.to_owned()).or_default() += 1;
    }
}

/// Put what a list says anew into a contact that is known; answers whether that changed it. Attempts, status and times stay, but for one
/// that was blocked for what its list lacked: it is ready again.
pub fn renew(known: &mut Contact, said: Contact) -> bool {
    let before = known.clone();
    // What was learned of a number stays with it.
    let stopped: BTreeMap<Number, String> = known
        .numbers
        .iter()
        .filter_map(|number| Some((number.number.clone(), number.stopped.clone()?)))
        .collect();
    let rung = known.numbers.get(known.number_at).map(|number| number.number.clone());
    known.numbers = said.numbers;
    for number in &mut known.numbers {
        number.stopped = stopped.get(&number.number).cloned();
    }
    // It goes on with the number that it was at, wherever that is now.
    let at = known.numbers.iter().position(|number| Some(&number.number) == rung.as_ref());
    known.number_at = at.unwrap_or_default();
    (known.zones, known.variables, known.language, known.prompt) =
        (said.zones, said.variables, said.language, said.prompt);
    (known.expires_at, known.consent) = (said.expires_at, said.consent);
    if known.prio != said.prio {
        known.prio = said.prio;
        known.lane = known.lane.map(|_| lane(known.class, said.prio));
    }
    let is_changed = *known != before;
    if is_changed {
        known.updated_at = said.updated_at;
        known.written = said.written.map(|written| Written { added: false, ..written });
        if known.status == ContactStatus::Blocked && !known.is_unwilling() {
            // What it lacked may be there now: the claim looks at it.
            known.reason = None;
            known.ready(known.class, said.updated_at);
        }
    }
    is_changed
}

#[cfg(test)]
mod tests {
    use super::super::csv::rows;
    use super::super::mapping::Mapping;
    use super::*;

    fn made(text: &str) -> Vec<Result<Made, RowFault>> {
        let settings: Settings = serde_json::from_value(serde_json::json!({
            "region": "IN", "languages": ["hi", "en"], "choices": [{"prompt": "soft", "bot_id": "bot_soft"}],
        }))
        .unwrap();
        let (tenant, campaign) = ("ten_a".parse().unwrap(), "cmp_a".parse().unwrap());
        let maker = Maker {
            tenant: &tenant,
            campaign: &campaign,
            settings: &settings,
            partitions: 16,
            now: "2026-11-30T12:00:00Z".parse().unwrap(),
            import: None,
        };
        let mut rows = rows(text, ',').into_iter();
        let header = rows.next().unwrap().cells;
        let rows: Vec<Row> = rows.collect();
        let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
        let roles = Mapping::guess(&header, &cells, Some("IN")).columns(&header);
        rows.iter().map(|row| draft(&roles, row).and_then(|draft| maker.make(draft))).collect()
    }

    fn refused(text: &str, expected: &[&str]) {
        let codes: Vec<_> =
            made(text).into_iter().map(|made| made.map_or_else(|fault| fault.code, |_| "")).collect();
        assert_eq!(codes, expected, "{text}");
    }

    #[test]
    fn a_row_is_a_contact() {
        let made = made(
            "phone,phone 2,name,language,prompt,time zone,priority,expires,consent\n\
             9876543210,+14155552671,Asha,hi,soft,Asia/Kolkata,7,2026-12-24,web form\n",
        );
        let (id, contact) = made.into_iter().next().unwrap().unwrap();
        assert_eq!(
            contact.numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(),
            ["+919876543210", "+14155552671"]
        );
        assert_eq!(contact.variables["name"], "Asha");
        assert_eq!(
            (contact.language.as_deref(), contact.prompt.as_deref(), contact.prio),
            (Some("hi"), Some("soft"), 7)
        );
        assert_eq!(
            contact.expires_at.map(|at| at.to_string()).as_deref(),
            Some("2026-12-25T00:00:00.000000Z")
        );
        assert_eq!(contact.consent.map(|consent| consent.source).as_deref(), Some("web form"));
        assert_eq!(id, contact_id(&contact.tenant_id, &contact.campaign_id, "+919876543210"));
        assert!(contact.partition < 16 && contact.lane.is_some());
    }

    #[test]
    fn what_is_wrong_has_a_reason() {
        refused(
            "phone,language\n9876543210,xx\n9876543210,en\n,en\n9.87E+9,hi\n12,hi\n",
            &["unknown_language", "", "no_phone", "damaged_by_spreadsheet", "invalid_number"],
        );
        refused("phone,expires\n9876543210,2026-11-01\n9876543211,soon\n", &["expired", "bad_time"]);
        refused("phone,time zone\n9876543210,Kolkata\n", &["unknown_time_zone"]);
        refused("phone,prompt\n9876543210,hard\n", &["unknown_prompt"]);
        refused("phone,prio\n9876543210,1000\n9876543210,3\n", &["bad_priority", ""]);
        refused("phone,country\n4155552671,us\n4155552671,Narnia\n", &["", "bad_region"]);
        refused("phone\n9876543210,x\n9876543210,,\n", &["malformed_row", ""]);
    }

    #[test]
    fn a_known_contact_keeps_what_was_done() {
        let mut both = made("phone,name,prio\n9876543210,Asha,1\n09876543210,Asha K.,5\n").into_iter();
        let ((id, mut known), (same, said)) = (both.next().unwrap().unwrap(), both.next().unwrap().unwrap());
        assert_eq!(id, same);
        known.att = 3;
        known.numbers[0].stopped = Some("invalid_number".into());
        assert!(!renew(&mut known.clone(), known.clone()));
        assert!(renew(&mut known, said));
        assert_eq!((known.att, known.prio, known.lane), (3, 5, Some(lane(Class::Fresh, 5))));
        assert_eq!(known.numbers[0].stopped.as_deref(), Some("invalid_number"));
    }

    #[test]
    fn a_list_that_orders_the_numbers_anew_does_not_move_what_is_rung() {
        let (_, mut known) =
            made("phone,phone 2\n9876543210,9876543211\n").into_iter().next().unwrap().unwrap();
        known.number_at = 1;
        let said = |numbers: [usize; 2]| {
            let numbers = numbers.map(|at| known.numbers[at].clone()).to_vec();
            Contact { numbers, ..known.clone() }
        };
        let (turned, other) = (said([1, 0]), said([0, 0]));
        let mut renewed = known.clone();
        assert!(renew(&mut renewed, turned));
        assert_eq!(renewed.number_at, 0, "it is the same number");
        assert!(renew(&mut known, other));
        assert_eq!(known.number_at, 0, "the list has it no more");
    }

    #[test]
    fn whoever_was_blocked_for_want_of_a_zone_is_ready_when_the_list_has_one() {
        let blocked = |reason: &str| {
            let (_, mut known) = made("phone\n+18005550100\n").into_iter().next().unwrap().unwrap();
            known.end(ContactStatus::Blocked, Some(reason.into()));
            known
        };
        let said = || made("phone,time zone\n+18005550100,America/New_York\n");
        let renewed = |mut known: Contact| {
            let (_, said) = said().into_iter().next().unwrap().unwrap();
            assert!(renew(&mut known, said));
            (known.status, known.lane.is_some(), known.reason)
        };
        assert_eq!(renewed(blocked("zone_unknown")), (ContactStatus::Ready, true, None));
        for reason in ["opt_out", "do_not_call"] {
            let kept = (ContactStatus::Blocked, false, Some(reason.to_owned()));
            assert_eq!(renewed(blocked(reason)), kept);
        }
        let mut same = blocked("zone_unknown");
        let said = same.clone();
        assert!(!renew(&mut same, said));
        assert_eq!(same.status, ContactStatus::Blocked, "the list says nothing new");
    }
}
