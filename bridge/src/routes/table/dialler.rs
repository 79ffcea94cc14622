//! What diallers ask. The shapes are described in `docs/campaigns-protocol.md`.

use actix_web::http::Method;

use crate::api::dialler::{attempts, campaigns, claims, leases, permits, recoveries, rooms};
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

const JSON: &str = "application/json";
const FENCED: &str = "`fenced`: the epoch is not that of the attempt or the partition any more";

pub(super) fn routes() -> Vec<Route> {
    let inside = Access::Internal;
    let mut rows = vec![
        row(
            (Method::GET, "/api/v1/dialler/campaigns"),
            inside,
            campaigns::campaigns,
            Doc::new("dialler", "Campaigns that have something to do").answers_with(
                "200",
                JSON,
                "`CampaignsNow`, of all tenants",
            ),
        ),
        row(
            (Method::POST, "/api/v1/dialler/candidates"),
            inside,
            campaigns::candidates,
            Doc::new("dialler", "Whom to ring next").json_body("`CandidatesRequest`").answers_with(
                "200",
                JSON,
                "`Candidates`, the first the first",
            ),
        ),
        row(
            (Method::POST, "/api/v1/dialler/ticks"),
            inside,
            campaigns::tick,
            Doc::new("dialler", "Say what a dialler does").json_body("`Tick`").answers_with(
                "200",
                JSON,
                "`Ticked`: what is to stop",
            ),
        ),
        row(
            (Method::POST, "/api/v1/dialler/claims"),
            inside,
            claims::claim,
            Doc::new("dialler", "Claim a contact").json_body("`ClaimRequest`").answers_with(
                "200",
                JSON,
                "`Claim`: `claimed`, or `refused` and why",
            ),
        ),
        row(
            (Method::POST, "/api/v1/dialler/recoveries"),
            inside,
            recoveries::recoveries,
            Doc::new("dialler", "What an owner before left behind")
                .json_body("`RecoveriesRequest`")
                .answers_with("200", JSON, "`Recoveries`")
                .refuses("409", FENCED),
        ),
        row(
            (Method::POST, "/api/v1/dialler/permits/renew"),
            inside,
            permits::renew,
            Doc::new("dialler", "Keep the permits of running calls")
                .json_body("`PermitsRequest`")
                .answers_with("200", JSON, "`PermitsRenewed`: calls that are to end"),
        ),
        row(
            (Method::POST, "/api/v1/dialler/rooms"),
            inside,
            rooms::rooms,
            Doc::new("dialler", "Say which rooms the media server has")
                .json_body("`RoomsRequest`")
                .answers_with("200", JSON, "`RoomsSeen`: those that there should not be"),
        ),
    ];
    rows.extend(of_leases());
    rows.extend(of_attempts());
    rows.extend(of_what_is_left());
    rows
}

fn of_leases() -> Vec<Route> {
    let inside = Access::Internal;
    vec![
        row(
            (Method::POST, "/api/v1/dialler/leases/renew"),
            inside,
            leases::renew,
            Doc::new("dialler", "Renew leases").json_body("`RenewRequest`").answers_with(
                "200",
                JSON,
                "`Renewed`: those that are lost",
            ),
        ),
        row(
            (Method::POST, "/api/v1/dialler/leases/take"),
            inside,
            leases::take,
            Doc::new("dialler", "Take a partition")
                .json_body("`TakeRequest`")
                .answers_with("200", JSON, "`TakenLease`: the epoch")
                .refuses("409", "`lease_taken`: somebody else has it"),
        ),
        row(
            (Method::POST, "/api/v1/dialler/leases/release"),
            inside,
            leases::release,
            Doc::new("dialler", "Let a partition go")
                .json_body("`ReleaseRequest`")
                .answers_empty("204", "It is nobody's, or somebody else's"),
        ),
    ]
}

fn of_attempts() -> Vec<Route> {
    let inside = Access::Internal;
    vec![
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/commit"),
            inside,
            attempts::commit,
            Doc::new("dialler", "Commit a dial")
                .json_body("`Fenced`")
                .answers_with("200", JSON, "`Commit`: dial now and once, or wait")
                .refuses("409", "`fenced`, `paused`, or `barred`: nothing is dialled"),
        ),
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/live"),
            inside,
            attempts::live,
            Doc::new("dialler", "Say that a dial was answered")
                .json_body("`Live`")
                .answers_empty("204", "It is noted")
                .refuses("409", FENCED),
        ),
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/abort"),
            inside,
            attempts::abort,
            Doc::new("dialler", "Give a claim back")
                .json_body("`Abort`")
                .answers_empty("204", "The contact is ready again; the attempt does not count")
                .refuses("409", "`fenced`: it was committed, or is somebody else's"),
        ),
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/result"),
            inside,
            attempts::result,
            Doc::new("dialler", "Say how a dial ended")
                .json_body("`ResultRequest`")
                .answers_with("200", JSON, "`ResultNoted`")
                .refuses("409", FENCED),
        ),
    ]
}

fn of_what_is_left() -> Vec<Route> {
    let inside = Access::Internal;
    vec![
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/adopt"),
            inside,
            attempts::adopt,
            Doc::new("dialler", "Adopt a call that runs")
                .json_body("`Fenced`")
                .answers_empty("204", "It is the new owner's")
                .refuses("409", FENCED),
        ),
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/recover"),
            inside,
            attempts::recover,
            Doc::new("dialler", "Begin to find out what became of a dial")
                .json_body("`Fenced`")
                .answers_empty("204", "Nobody else changes it any more")
                .refuses("409", FENCED),
        ),
        row(
            (Method::POST, "/api/v1/dialler/attempts/{attempt_id}/lost"),
            inside,
            attempts::lost,
            Doc::new("dialler", "Say that a dial was lost")
                .json_body("`Lost`")
                .answers_empty("204", "It has its result")
                .refuses("409", FENCED),
        ),
    ]
}
