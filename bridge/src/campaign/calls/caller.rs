//! The number that a callee is shown, and the trunk that it belongs to.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::SignedDuration;
use vox_shared::ids::{CarrierId, TenantId};
use vox_shared::phone::Number;

use super::CallDesk;
use crate::campaign::health::{RESTS_FOR, RestsWhy};
use crate::campaign::settings::Numbers;
use crate::store::contacts::Contact;
use crate::store::dids::Did;
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Numbers that are tried for one claim: the others are as full, most often.
pub(super) const MAX_TRIED: usize = 8;
/// Digits that a number has to share with the callee's to count as a neighbour, the country's code among them.
const NEIGHBOUR_DIGITS: usize = 4;
/// A new number is shown a fifth as often on its first day, two fifths on the second, …
const WARM_UP_DAYS: i64 = 5;
/// Two calls of a number that networks block within this time, and it rests.
const BLAMED_WITHIN: SignedDuration = SignedDuration::from_hours(48);
const MOST_BLAMES: usize = 10;
/// Tries of a change against others that write the same number.
const MAX_TRIES: usize = 8;

/// A number of the tenant's that can be called from.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub number: Number,
    pub carrier_id: CarrierId,
    /// LiveKit's outbound trunk.
    pub trunk: String,
    /// Calls a second that the carrier takes.
    pub per_second: f64,
    /// Calls at once.
    pub lines: u32,
    /// Since when the tenant has it.
    pub since: Stamp,
    /// It is shown to nobody until then.
    pub rests_until: Option<Stamp>,
    /// Others are shown first until then.
    pub spared_until: Option<Stamp>,
}

impl Line {
    /// How often it may be shown in a day.
    pub fn per_day(&self, set: &Numbers, now: Stamp) -> u32 {
        let days = now.0.duration_since(self.since.0).as_hours() / 24 + 1;
        let share = u64::try_from(days.clamp(1, WARM_UP_DAYS)).unwrap_or(1);
        let warm = u64::from(set.per_day) * share / u64::try_from(WARM_UP_DAYS).unwrap_or(1);
        u32::try_from(warm).unwrap_or(u32::MAX).max(1)
    }
}

/// The numbers of a pool that a contact may be shown, the best first; none of a trunk that is to be avoided.
pub(in crate::campaign) fn choose<'a>(
    lines: &'a [Line],
    set: &Numbers,
    (contact, callee): (&Contact, &Number),
    (now, avoid): (Stamp, &[String]),
) -> Vec<&'a Line> {
    let pool: Vec<Number> = set.pool().collect();
    let mut found: Vec<&Line> = lines
        .iter()
        .filter(|line| pool.is_empty() || pool.contains(&line.number.comparable()))
        .filter(|line| line.rests_until.is_none_or(|until| until <= now))
        .filter(|line| !avoid.contains(&line.trunk))
        .collect();
    let is_own = |line: &&Line| set.sticky && contact.from_number.as_deref() == Some(line.number.as_str());
    // The same contact begins at the same place of the row, and contacts are spread over it.
    let turn = |line: &&Line| {
        let mut hasher = DefaultHasher::new();
        (callee.as_str(), line.number.as_str()).hash(&mut hasher);
        hasher.finish()
    };
    let is_spared = |line: &&Line| line.spared_until.is_some_and(|until| until > now);
    let shared = |line: &&Line| if set.local { neighbours(&line.number, callee) } else { 0 };
    found.sort_by_cached_key(|line| {
        (!is_own(line), is_spared(line), std::cmp::Reverse(shared(line)), turn(line))
    });
    found.truncate(MAX_TRIED);
    found
}

/// How many digits two numbers begin with alike; 0 where it says nothing.
fn neighbours(one: &Number, other: &Number) -> usize {
    let same = one.as_str().bytes().zip(other.as_str().bytes()).take_while(|(a, b)| a == b).count();
    if same > NEIGHBOUR_DIGITS { same } else { 0 }
}

/// How a number and its callee's begin, if it counts as a neighbour.
pub(super) fn begin_alike<'a>(number: &'a Number, callee: &Number) -> Option<&'a str> {
    // With the sign before the digits.
    if neighbours(number, callee) > 0 { number.as_str().get(..=NEIGHBOUR_DIGITS) } else { None }
}

/// What a carrier that LiveKit knows takes.
struct Way {
    trunk: String,
    per_second: f64,
    lines: u32,
}

/// A tenant's numbers whose carriers LiveKit knows, as they are stored now.
pub(in crate::campaign) async fn lines_of(
    stores: &Stores,
    tenant: &TenantId,
) -> Result<Vec<Line>, StoreError> {
    let (mut lines, mut after) = (Vec::new(), None);
    let trunks = stores.trunks(tenant);
    let mut carriers: Vec<(CarrierId, Option<Way>)> = Vec::new();
    loop {
        let page = stores.dids(tenant).list_dids(MAX_PAGE, after).await?;
        for did in page.items {
            let did = did.value;
            if !carriers.iter().any(|(id, _)| *id == did.carrier_id) {
                let carrier = match stores.carriers(tenant).get_carrier(&did.carrier_id).await {
                    Ok(carrier) => Some(carrier.value.settings),
                    Err(StoreError::NotFound) => None,
                    Err(error) => return Err(error),
                };
                let trunk = trunks.of_carrier(&did.carrier_id).await?.outbound_id;
                let known = trunk.zip(carrier).map(|(trunk, carrier)| Way {
                    trunk,
                    per_second: carrier.outbound_cps,
                    lines: carrier.outbound_channels,
                });
                carriers.push((did.carrier_id.clone(), known));
            }
            let known =
                carriers.iter().find(|(id, _)| *id == did.carrier_id).and_then(|(_, known)| known.as_ref());
            lines.extend(known.map(|way| line(did, way)));
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            return Ok(lines);
        }
    }
}

impl CallDesk {
    /// The tenant's numbers whose carriers LiveKit knows. Remembered for some seconds.
    pub(super) async fn lines_of(&self, tenant: &TenantId) -> Result<Arc<Vec<Line>>, StoreError> {
        let now = self.now();
        if let Some(known) = self.board.lines(tenant, now) {
            return Ok(known);
        }
        let lines = Arc::new(lines_of(&self.stores, tenant).await?);
        self.board.keep_lines(tenant, lines.clone(), now);
        Ok(lines)
    }

    /// A network blocked a call for the number that was shown: after the second one it rests.
    pub(super) async fn blame(&self, number: &str) -> Result<(), StoreError> {
        let Ok(number) = number.parse::<Number>() else { return Ok(()) };
        let now = self.now();
        for _ in 0..MAX_TRIES {
            let Some(found) = self.stores.all_dids().find_number(&number).await? else { return Ok(()) };
            let tenant = found.value.tenant_id.clone();
            let changed = blamed(found, now);
            let rests = changed.value.rests_until == Some(now + RESTS_FOR);
            match self.stores.dids(&tenant).replace_did(changed).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
                Ok(written) => {
                    self.board.forget_lines(&tenant);
                    if rests {
                        self.tell_of_rest(&written).await;
                    }
                    return Ok(());
                }
            }
        }
        Err(StoreError::Conflict)
    }
}

fn blamed(mut did: Stored<Did>, now: Stamp) -> Stored<Did> {
    let value = &mut did.value;
    value.blamed_at.retain(|at| *at + BLAMED_WITHIN > now);
    value.blamed_at.push(now);
    if value.blamed_at.len() >= 2 {
        value.rests_until = Some(now + RESTS_FOR);
        value.health.rests_why = Some(RestsWhy::Blocked);
    }
    let over = value.blamed_at.len().saturating_sub(MOST_BLAMES);
    value.blamed_at.drain(..over);
    did
}

fn line(did: Did, way: &Way) -> Line {
    Line {
        number: did.number,
        carrier_id: did.carrier_id,
        trunk: way.trunk.clone(),
        per_second: way.per_second,
        lines: way.lines,
        since: did.created_at,
        rests_until: did.rests_until,
        spared_until: did.health.spared_until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Stamp {
        Stamp("2026-11-01T00:00:00Z".parse().unwrap()) + SignedDuration::from_hours(24 * day)
    }

    fn line(number: &str) -> Line {
        Line {
            number: number.parse().unwrap(),
            carrier_id: "car_1".parse().unwrap(),
            trunk: "ST_1".into(),
            per_second: 1.0,
            lines: 10,
            since: at(0),
            rests_until: None,
            spared_until: None,
        }
    }

    fn first(lines: &[Line], set: &Numbers, own: Option<&str>) -> Option<String> {
        let whose = ("ten_1".parse().unwrap(), "cmp_1".parse().unwrap(), 0);
        let mut contact = Contact::new(whose, Vec::new(), at(9));
        contact.from_number = own.map(str::to_owned);
        let callee = "+14155550123".parse().unwrap();
        choose(lines, set, (&contact, &callee), (at(9), &[])).first().map(|line| line.number.to_string())
    }

    #[test]
    fn a_contact_sees_its_own_number_then_a_neighbour() {
        let lines = ["+12125550100", "+14155550100", "+13055550100"].map(line);
        let local = Numbers { local: true, ..Numbers::default() };
        assert_eq!(first(&lines, &local, None).as_deref(), Some("+14155550100"));
        assert_eq!(first(&lines, &local, Some("+13055550100")).as_deref(), Some("+13055550100"));
        let pool = Numbers { from: vec!["+12125550100".into()], ..local };
        assert_eq!(first(&lines, &pool, Some("+13055550100")).as_deref(), Some("+12125550100"));
        let elsewhere = Numbers { from: vec!["+12125550199".into()], ..Numbers::default() };
        assert_eq!(first(&lines, &elsewhere, None), None);
    }

    #[test]
    fn a_number_that_rests_is_shown_to_nobody() {
        let mut lines = [line("+12125550100")];
        lines[0].rests_until = Some(at(10));
        assert_eq!(first(&lines, &Numbers::default(), Some("+12125550100")), None);
    }

    #[test]
    fn a_number_that_is_answered_less_is_shown_last_but_to_those_who_know_it() {
        let mut lines = ["+14155550100", "+12125550100"].map(line);
        let local = Numbers { local: true, ..Numbers::default() };
        lines[0].spared_until = Some(at(10));
        assert_eq!(first(&lines, &local, None).as_deref(), Some("+12125550100"));
        assert_eq!(first(&lines, &local, Some("+14155550100")).as_deref(), Some("+14155550100"));
        assert_eq!(first(&lines[..1], &local, None).as_deref(), Some("+14155550100"));
        lines[0].spared_until = Some(at(9));
        assert_eq!(first(&lines, &local, None).as_deref(), Some("+14155550100"), "the time is over");
    }

    #[test]
    fn numbers_that_begin_alike_are_known_by_how() {
        let of = |number: &str, callee: &str| {
            let number: Number = number.parse().unwrap();
            begin_alike(&number, &callee.parse().unwrap()).map(str::to_owned)
        };
        assert_eq!(of("+14155550100", "+14155559999").as_deref(), Some("+1415"));
        assert_eq!(of("+14155550100", "+14105559999"), None);
    }

    #[test]
    fn a_number_of_a_trunk_that_fails_is_left_for_another_one() {
        let mut lines = ["+12125550100", "+13055550100"].map(line);
        lines[1].trunk = "ST_2".into();
        let contact =
            Contact::new(("ten_1".parse().unwrap(), "cmp_1".parse().unwrap(), 0), Vec::new(), at(9));
        let callee = "+13055550123".parse().unwrap();
        let set = Numbers { local: true, ..Numbers::default() };
        let chosen = |avoid: &[&str]| -> Vec<String> {
            let avoid: Vec<String> = avoid.iter().map(|trunk| (*trunk).to_owned()).collect();
            let chosen = choose(&lines, &set, (&contact, &callee), (at(9), &avoid));
            chosen.into_iter().map(|line| line.trunk.clone()).collect()
        };
        assert_eq!(chosen(&[]), ["ST_2", "ST_1"], "the neighbour first");
        assert_eq!(chosen(&["ST_2"]), ["ST_1"]);
        assert_eq!(chosen(&["ST_1", "ST_2"]), [""; 0]);
    }

    #[test]
    fn a_new_number_is_shown_more_often_each_day() {
        let shown = |day| line("+12125550100").per_day(&Numbers::default(), at(day));
        assert_eq!([0, 1, 2, 3, 4, 60].map(shown), [20, 40, 60, 80, 100, 100]);
    }
}
