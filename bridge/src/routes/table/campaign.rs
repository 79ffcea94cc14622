//! Campaigns.

use actix_web::http::Method;

use crate::api::campaigns;
use crate::auth::permission as may;
use crate::edge::UPLOAD_DEADLINE;
use crate::routes::doc::Doc;
use crate::routes::row::{row, slow_row};
use crate::routes::{Access, Route};

const TAG: &str = "campaigns";
const ALL: &str = "/api/v1/campaigns";
const ONE: &str = "/api/v1/campaigns/{campaign_id}";
const STATE: &str = "`campaign_state`: not in this state; the detail says what can be done";
const NOT_READY: &str = "`campaign_state`, or `campaign_not_ready`: the detail says what is in the way";

pub(super) fn routes() -> Vec<Route> {
    [made(), orders(), people(), cards(), looked_at(), proved()].into_iter().flatten().collect()
}

fn made() -> Vec<Route> {
    use campaigns::view::{CampaignPage, CampaignView};
    let (see, edit) = (Access::with::<may::ReadCampaigns>(), Access::with::<may::EditCampaigns>());
    vec![
        // Before the campaigns by their ids: none is called like this.
        row(
            (Method::GET, "/api/v1/campaigns/cards"),
            Access::with::<may::AnswerCards>(),
            campaigns::cards::list::list,
            Doc::new(TAG, "List campaigns that have cards")
                .query::<crate::edge::params::PageQuery>()
                .answers::<campaigns::cards::list::CardCampaignPage>(
                    "200",
                    "Those that run, in which people let calls through",
                ),
        ),
        row(
            (Method::GET, ALL),
            see,
            campaigns::list::list,
            Doc::new(TAG, "List campaigns")
                .query::<campaigns::list::ListQuery>()
                .answers::<CampaignPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, ALL),
            edit,
            campaigns::create::create,
            Doc::new(TAG, "Make a campaign")
                .header("Idempotency-Key", "A repeat finds the campaign that the first request made")
                .body::<campaigns::create::NewCampaign>()
                .answers::<CampaignView>("201", "A draft"),
        ),
        row(
            (Method::GET, ONE),
            see,
            campaigns::read::read,
            Doc::new(TAG, "Read a campaign").answers::<CampaignView>("200", "With its contacts counted"),
        ),
        row(
            (Method::PATCH, ONE),
            edit,
            campaigns::change::change,
            Doc::new(TAG, "Change a draft")
                .header("If-Match", "The version that the change expects; without one the last write wins")
                .body::<campaigns::change::CampaignChange>()
                .answers::<CampaignView>("200", "The campaign")
                .refuses("409", "`campaign_locked`: it was started; or `conflict`: it was changed meanwhile"),
        ),
        slow_row(
            (Method::DELETE, ONE),
            edit,
            (campaigns::delete::delete, UPLOAD_DEADLINE),
            Doc::new(TAG, "Delete a campaign")
                .answers_empty("204", "It is gone, with its contacts, attempts and imports; its calls stay")
                .refuses(
                    "409",
                    "`campaign_not_archived`: archive it first; or `campaign_under_way`: a call of it runs or has no result yet, or a file is being read",
                ),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/clone"),
            edit,
            campaigns::copy::copy,
            Doc::new(TAG, "Clone a campaign")
                .body::<campaigns::copy::CampaignCopy>()
                .answers::<CampaignView>("201", "A draft with the same settings and no contacts"),
        ),
    ]
}

fn orders() -> Vec<Route> {
    use campaigns::order;
    use campaigns::view::CampaignView;
    let edit = Access::with::<may::EditCampaigns>();
    let doc = |summary, told, refused| {
        Doc::new(TAG, summary).answers::<CampaignView>("200", told).refuses("409", refused)
    };
    vec![
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/start"),
            edit,
            order::start,
            doc("Start a campaign", "It calls", NOT_READY),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/pause"),
            edit,
            order::pause,
            doc("Pause a campaign", "It begins no more calls from now on; those that run go on", STATE),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/resume"),
            edit,
            order::resume,
            doc(
                "Resume a campaign",
                "It calls again: after a pause, a drain, or a failure that was mended",
                NOT_READY,
            ),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/stop"),
            edit,
            order::stop,
            doc(
                "Stop a campaign",
                "It is over, and calls that ring or run are ended within seconds; to let them go on, drain it",
                STATE,
            ),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/drain"),
            edit,
            order::drain,
            doc(
                "Drain a campaign",
                "It begins no more calls, and completes when the last one has ended",
                STATE,
            ),
        ),
        // Each contact of a long list is written.
        slow_row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/restart"),
            edit,
            (order::restart, UPLOAD_DEADLINE),
            doc("Restart a campaign", "It calls those again who were not reached", NOT_READY),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/archive"),
            edit,
            order::archive,
            doc("Archive a campaign", "It is kept to be read", STATE),
        ),
    ]
}

fn people() -> Vec<Route> {
    use campaigns::contacts::{add, list, read, view};
    use campaigns::imports;
    use campaigns::imports::view::{ImportPage, ImportPreview, ImportView};
    let (see, edit) = (Access::with::<may::ReadCampaigns>(), Access::with::<may::EditCampaigns>());
    const CONTACTS: &str = "/api/v1/campaigns/{campaign_id}/contacts";
    const IMPORTS: &str = "/api/v1/campaigns/{campaign_id}/imports";
    const CLOSED: &str = "`campaign_closed`: it has ended, or drains; the detail says what to do";
    vec![
        row(
            (Method::GET, CONTACTS),
            see,
            list::list,
            Doc::new(TAG, "List contacts")
                .query::<list::ContactQuery>()
                .answers::<view::ContactPage>("200", "In the order in which they were added"),
        ),
        row(
            (Method::POST, CONTACTS),
            edit,
            add::add,
            Doc::new(TAG, "Add contacts")
                .body::<add::NewContacts>()
                .answers::<add::AddedContacts>("200", "What became of each row")
                .refuses("409", CLOSED),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/contacts/{contact_id}"),
            see,
            read::read,
            Doc::new(TAG, "Read a contact")
                .answers::<view::ContactView>("200", "With why it is not called yet, and when next"),
        ),
        row(
            (Method::GET, IMPORTS),
            see,
            imports::list::list,
            Doc::new(TAG, "List imports")
                .query::<crate::edge::params::PageQuery>()
                .answers::<ImportPage>("200", "Newest first"),
        ),
        slow_row(
            (Method::POST, IMPORTS),
            edit,
            (imports::upload::upload, UPLOAD_DEADLINE),
            Doc::new(TAG, "Import a file of contacts")
                .query::<imports::query::FileQuery>()
                .bytes_body("text/csv")
                .answers::<ImportView>("202", "It is kept; its rows are being read")
                .refuses("409", CLOSED),
        ),
        // Before the imports by their ids: none is called like this.
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/imports/preview"),
            edit,
            imports::look::look,
            Doc::new(TAG, "Look at a file before it is imported")
                .query::<imports::query::FileQuery>()
                .bytes_body("text/csv")
                .answers::<ImportPreview>(
                    "200",
                    "What its columns are, and what would become of its first rows",
                ),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/imports/{import_id}"),
            see,
            imports::read::read,
            Doc::new(TAG, "Read an import").answers::<ImportView>("200", "How it goes"),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/imports/{import_id}/errors"),
            see,
            imports::errors::errors,
            Doc::new(TAG, "Rows of an import that were refused").answers_with(
                "200",
                "text/csv",
                "Line, reason, what to do, and the row as it stood there",
            ),
        ),
    ]
}

fn cards() -> Vec<Route> {
    use campaigns::cards::{accept, next, skip, view};
    let may = Access::with::<may::AnswerCards>();
    const NO_CARDS: &str = "`campaign_not_preview`, or `campaign_state`: it begins no calls now";
    const OVER: &str = "`card_over`: it is not one's own, or its time is over; or as for the next card";
    vec![
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/cards/next"),
            may,
            next::next,
            Doc::new(TAG, "Take the next card of a campaign")
                .answers::<view::NextCard>("200", "A contact, or why there is none now")
                .refuses("409", NO_CARDS),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/cards/{contact_id}/accept"),
            may,
            accept::accept,
            Doc::new(TAG, "Let the call of a card through")
                .answers::<view::AcceptedCard>("200", "It is dialled now")
                .refuses(
                    "409",
                    "`may_not_be_called`: not any more, or not now; `card_over`; or as for the next card",
                ),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/cards/{contact_id}/skip"),
            may,
            skip::skip,
            Doc::new(TAG, "Skip a card")
                .answers::<view::SkippedCard>("200", "It is behind the others, or waits for a person")
                .refuses("409", OVER),
        ),
    ]
}

fn proved() -> Vec<Route> {
    use crate::api::audit::verify::VerifyQuery;
    use crate::api::proofs::{export, verify};
    let may = Access::with::<may::ReadProofs>();
    vec![
        row(
            (Method::GET, "/api/v1/proofs"),
            may,
            export::export,
            Doc::new(TAG, "All proofs of campaigns as JSON lines")
                .query::<export::ExportQuery>()
                .answers_with("200", "application/x-ndjson", "An entry in each line, in their order"),
        ),
        row(
            (Method::GET, "/api/v1/proofs/verify"),
            may,
            verify::verify,
            Doc::new(TAG, "Verify the chain of proofs of campaigns")
                .query::<VerifyQuery>()
                .answers::<verify::VerifiedProofs>("200", "Whether it is as it was written, and where it is not"),
        ),
    ]
}

fn looked_at() -> Vec<Route> {
    use campaigns::attempts::{list, table, view};
    use campaigns::{preflight, status, test_call};
    let see = Access::with::<may::ReadCampaigns>();
    vec![
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/attempts"),
            see,
            list::list,
            Doc::new(TAG, "List attempts")
                .query::<crate::edge::params::PageQuery>()
                .answers::<view::AttemptPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/attempts.csv"),
            see,
            table::table,
            Doc::new(TAG, "All attempts as a table").answers_with("200", "text/csv", "A line for each"),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/preflight"),
            see,
            preflight::preflight,
            Doc::new(TAG, "Look at a campaign before it begins")
                .answers::<crate::campaign::preflight::Preflight>(
                    "200",
                    "What is in its way, who will be called when, who will not, and how long it will take",
                )
                .refuses("503", "`busy`: four preflights are under way; or a store does not answer"),
        ),
        row(
            (Method::GET, "/api/v1/campaigns/{campaign_id}/status"),
            see,
            status::status,
            Doc::new(TAG, "How a campaign goes")
                .answers::<crate::campaign::status::CampaignStatus>("200", "As it stands now"),
        ),
        slow_row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/dry-run"),
            Access::with::<may::EditCampaigns>(),
            (campaigns::dry_run::dry_run, UPLOAD_DEADLINE),
            Doc::new(TAG, "Rehearse a campaign in virtual time")
                .answers::<crate::campaign::rehearsal::DryRun>(
                    "200",
                    "What it would come to; nobody was called",
                )
                .refuses("503", "`busy`: another dry run is under way; or a store does not answer"),
        ),
        row(
            (Method::POST, "/api/v1/campaigns/{campaign_id}/test-call"),
            Access::with::<may::PlaceCalls>(),
            test_call::test_call,
            Doc::new(TAG, "Have a campaign's bot call a number")
                .header("Idempotency-Key", "A repeat finds the call that the first request placed")
                .body::<test_call::CampaignTestCall>()
                .answers::<test_call::CampaignTestCallView>("200", "The call was placed")
                .refuses(
                    "403",
                    "The credential does not open this, or the number is on the do-not-call list",
                ),
        ),
    ]
}
