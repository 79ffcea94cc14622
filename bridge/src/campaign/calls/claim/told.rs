//! What a claim writes of its attempt, and tells its dialler.

use serde_json::{Map, Value, json};
use vox_shared::ids::SessionId;
use vox_shared::redact::Redacted;
use vox_shared::wire::dialler::attempt::Stage;
use vox_shared::wire::dialler::claim::{Claimed, Slot};

use super::super::caller::Line;
use super::Plan;
use crate::fleet::reserve::Reserved;
use crate::store::Stamp;
use crate::store::attempts::{Attempt, Caller};
use crate::store::contacts::Contact;

pub(super) fn attempt(
    plan: &Plan<'_>,
    contact: &Contact,
    (line, reserved): (&Line, &Reserved),
    claim_ends_at: Stamp,
) -> Attempt {
    Attempt {
        tenant_id: plan.campaign.tenant_id.clone(),
        campaign_id: plan.ask.campaign.clone(),
        contact_id: plan.ask.contact.clone(),
        partition: plan.ask.partition,
        att: contact.att,
        run: plan.campaign.run_number,
        epoch: plan.ask.epoch,
        stage: Stage::Claimed,
        worker: plan.ask.worker.clone(),
        number: plan.cleared.number.number.to_string(),
        caller: Caller {
            number: line.number.to_string(),
            carrier_id: line.carrier_id.clone(),
            trunk: line.trunk.clone(),
        },
        bot_id: plan.bot.clone(),
        session_id: SessionId::generate(),
        reservation_id: reserved.id.clone(),
        claimed_at: plan.now,
        claim_ends_at,
        dial_at: None,
        answered_at: None,
        ended_at: None,
        open_since: Some(plan.now),
        waits_until: None,
        unproved_since: None,
        ended: None,
        word: None,
        result: None,
        counts: None,
        tally: None,
        set_up: None,
        aborted: None,
        proof: proof(plan, contact, line),
    }
}

/// By which rules it is rung, and why it sees that number.
fn proof(plan: &Plan<'_>, contact: &Contact, line: &Line) -> Value {
    let mut proof = plan.cleared.proof.clone();
    let is_own = contact.from_number.as_deref() == Some(line.number.as_str());
    proof["caller"] = json!(if is_own { "as before" } else { "of the pool" });
    proof
}

pub(super) fn claimed(
    plan: &Plan<'_>,
    contact: &Contact,
    (attempt, reserved): (&Attempt, &Reserved),
) -> Claimed {
    let settings = &plan.campaign.settings;
    let headers = [("X-Vox-Attempt".to_owned(), Value::from(plan.id.as_str()))];
    Claimed {
        attempt: plan.id.clone(),
        campaign: plan.ask.campaign.clone(),
        tenant_id: plan.campaign.tenant_id.clone(),
        contact: plan.ask.contact.clone(),
        att: contact.att,
        number: Redacted::new(attempt.number.clone()),
        from_number: attempt.caller.number.clone(),
        trunk: attempt.caller.trunk.clone(),
        room: plan.id.to_string(),
        ring_secs: settings.ring_secs,
        max_secs: settings.max_secs,
        bot_id: plan.bot.clone(),
        session_id: attempt.session_id.clone(),
        slot: Slot {
            reservation: reserved.id.clone(),
            address: reserved.reservation.address.trim_end_matches('/').to_owned(),
        },
        connected_event: event(plan, contact, attempt),
        display_name: settings.display_name.clone(),
        x_headers: headers.into_iter().collect(),
        deadline_at: attempt.claim_ends_at.0,
    }
}

/// What the bot is told: the row's own columns, and what belongs to the dialler over them.
fn event(plan: &Plan<'_>, contact: &Contact, attempt: &Attempt) -> Map<String, Value> {
    let mut event = contact.variables.clone();
    let machines = &plan.campaign.settings.machines;
    let mut told = json!({
        "_campaign_session_id": attempt.session_id,
        "_campaign_id": plan.ask.campaign,
        "_campaign_call_id": plan.id,
        "_campaign_attempt": contact.counted + 1,
        "_campaign_run_number": plan.campaign.run_number,
        "_campaign_machines": machines,
        // One message in so many days, whatever the campaign says.
        "_campaign_leave_message": plan.cleared.takes_message,
    });
    if let Some(language) = &contact.language {
        told["language"] = json!(language);
    }
    if let Value::Object(told) = told {
        event.extend(told);
    }
    event
}
