//! Endpoints that events are sent to, under the words of the API and under those of other programs.

use actix_web::http::Method;

use crate::api::webhooks;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

/// Where the routes are.
struct At {
    tag: &'static str,
    list: &'static str,
    one: &'static str,
    rotate: &'static str,
    test: &'static str,
    replay: &'static str,
    deliveries: &'static str,
    again: &'static str,
}

const API: At = At {
    tag: "webhooks",
    list: "/api/v1/webhooks",
    one: "/api/v1/webhooks/{webhook_id}",
    rotate: "/api/v1/webhooks/{webhook_id}/rotate",
    test: "/api/v1/webhooks/{webhook_id}/test",
    replay: "/api/v1/webhooks/{webhook_id}/replay",
    deliveries: "/api/v1/webhooks/{webhook_id}/deliveries",
    again: "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
};

const ALIAS: At = At {
    tag: "aliases",
    list: "/v1/webhooks",
    one: "/v1/webhooks/{webhook_id}",
    rotate: "/v1/webhooks/{webhook_id}/rotate",
    test: "/v1/webhooks/{webhook_id}/test",
    replay: "/v1/webhooks/{webhook_id}/replay",
    deliveries: "/v1/webhooks/{webhook_id}/deliveries",
    again: "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
};

pub(super) fn routes() -> Vec<Route> {
    [API, ALIAS].iter().flat_map(|at| endpoints(at).into_iter().chain(deliveries(at))).collect()
}

fn endpoints(at: &At) -> Vec<Route> {
    use webhooks::view::{IssuedWebhook, WebhookPage, WebhookView};
    let (read, edit) = (Access::with::<may::ReadWebhooks>(), Access::with::<may::EditWebhooks>());
    vec![
        row(
            (Method::GET, at.list),
            read,
            webhooks::list::list,
            Doc::new(at.tag, "List webhooks")
                .query::<webhooks::list::ListQuery>()
                .answers::<WebhookPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, at.list),
            edit,
            webhooks::create::create,
            Doc::new(at.tag, "Create a webhook")
                .body::<webhooks::create::WebhookRequest>()
                .answers::<IssuedWebhook>("201", "The endpoint, with its secret this once")
                .refuses("409", "`too_many_webhooks`: the tenant has 20"),
        ),
        row(
            (Method::GET, at.one),
            read,
            webhooks::read::read,
            Doc::new(at.tag, "Read a webhook")
                .answers::<WebhookView>("200", "The endpoint, without its secret"),
        ),
        row(
            (Method::PATCH, at.one),
            edit,
            webhooks::change::change,
            Doc::new(at.tag, "Change a webhook")
                .body::<webhooks::change::WebhookChange>()
                .answers::<WebhookView>("200", "The endpoint as it is now"),
        ),
        row(
            (Method::DELETE, at.one),
            edit,
            webhooks::delete::delete,
            Doc::new(at.tag, "Delete a webhook").answers_empty("204", "What waited for it is not sent"),
        ),
        row(
            (Method::POST, at.rotate),
            edit,
            webhooks::rotate::rotate,
            Doc::new(at.tag, "Give a webhook a new secret").answers::<IssuedWebhook>(
                "200",
                "The endpoint with its new secret; the old one signs too for 24 hours",
            ),
        ),
    ]
}

fn deliveries(at: &At) -> Vec<Route> {
    use webhooks::view::{DeliveryPage, DeliveryView};
    const DISABLED: &str = "`webhook_disabled`: switch it on first";
    let (read, edit) = (Access::with::<may::ReadWebhooks>(), Access::with::<may::EditWebhooks>());
    vec![
        row(
            (Method::POST, at.test),
            edit,
            webhooks::test::test,
            Doc::new(at.tag, "Try a webhook")
                .answers::<DeliveryView>("202", "The delivery of a `webhook.test`")
                .refuses("409", DISABLED),
        ),
        row(
            (Method::POST, at.replay),
            edit,
            webhooks::replay_range::replay_range,
            Doc::new(at.tag, "Send the events of a stretch of time again")
                .body::<webhooks::replay_range::ReplayRequest>()
                .answers::<crate::api::jobs::view::JobView>("202", "The job that does it")
                .refuses("409", DISABLED),
        ),
        row(
            (Method::GET, at.deliveries),
            read,
            webhooks::deliveries::deliveries,
            Doc::new(at.tag, "List deliveries")
                .query::<webhooks::deliveries::ListQuery>()
                .answers::<DeliveryPage>("200", "Newest first, with their attempts"),
        ),
        row(
            (Method::POST, at.again),
            edit,
            webhooks::replay::replay,
            Doc::new(at.tag, "Send a delivery again")
                .answers::<DeliveryView>("202", "The delivery, due now")
                .refuses("409", DISABLED),
        ),
    ]
}
