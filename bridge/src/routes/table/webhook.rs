//! Endpoints that events are sent to.

use actix_web::http::Method;

use crate::api::webhooks;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

const LIST: &str = "/api/v1/webhooks";
const ONE: &str = "/api/v1/webhooks/{webhook_id}";
const TAG: &str = "webhooks";

pub(super) fn routes() -> Vec<Route> {
    endpoints().into_iter().chain(deliveries()).collect()
}

fn endpoints() -> Vec<Route> {
    use webhooks::view::{IssuedWebhook, WebhookPage, WebhookView};
    let (read, edit) = (Access::with::<may::ReadWebhooks>(), Access::with::<may::EditWebhooks>());
    vec![
        row(
            (Method::GET, LIST),
            read,
            webhooks::list::list,
            Doc::new(TAG, "List webhooks")
                .query::<webhooks::list::ListQuery>()
                .answers::<WebhookPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, LIST),
            edit,
            webhooks::create::create,
            Doc::new(TAG, "Create a webhook")
                .body::<webhooks::create::WebhookRequest>()
                .answers::<IssuedWebhook>("201", "The endpoint, with its secret this once")
                .refuses("409", "`too_many_webhooks`: the tenant has 20"),
        ),
        row(
            (Method::GET, ONE),
            read,
            webhooks::read::read,
            Doc::new(TAG, "Read a webhook").answers::<WebhookView>("200", "The endpoint, without its secret"),
        ),
        row(
            (Method::PATCH, ONE),
            edit,
            webhooks::change::change,
            Doc::new(TAG, "Change a webhook")
                .body::<webhooks::change::WebhookChange>()
                .answers::<WebhookView>("200", "The endpoint as it is now"),
        ),
        row(
            (Method::DELETE, ONE),
            edit,
            webhooks::delete::delete,
            Doc::new(TAG, "Delete a webhook").answers_empty("204", "What waited for it is not sent"),
        ),
        row(
            (Method::POST, "/api/v1/webhooks/{webhook_id}/rotate"),
            edit,
            webhooks::rotate::rotate,
            Doc::new(TAG, "Give a webhook a new secret").answers::<IssuedWebhook>(
                "200",
                "The endpoint with its new secret; the old one signs too for 24 hours",
            ),
        ),
    ]
}

fn deliveries() -> Vec<Route> {
    use webhooks::view::{DeliveryPage, DeliveryView};
    const DISABLED: &str = "`webhook_disabled`: switch it on first";
    let (read, edit) = (Access::with::<may::ReadWebhooks>(), Access::with::<may::EditWebhooks>());
    vec![
        row(
            (Method::POST, "/api/v1/webhooks/{webhook_id}/test"),
            edit,
            webhooks::test::test,
            Doc::new(TAG, "Try a webhook")
                .answers::<DeliveryView>("202", "The delivery of a `webhook.test`")
                .refuses("409", DISABLED),
        ),
        row(
            (Method::POST, "/api/v1/webhooks/{webhook_id}/replay"),
            edit,
            webhooks::replay_range::replay_range,
            Doc::new(TAG, "Send the events of a stretch of time again")
                .body::<webhooks::replay_range::ReplayRequest>()
                .answers::<crate::api::jobs::view::JobView>("202", "The job that does it")
                .refuses("409", DISABLED),
        ),
        row(
            (Method::GET, "/api/v1/webhooks/{webhook_id}/deliveries"),
            read,
            webhooks::deliveries::deliveries,
            Doc::new(TAG, "List deliveries")
                .query::<webhooks::deliveries::ListQuery>()
                .answers::<DeliveryPage>("200", "Newest first, with their attempts"),
        ),
        row(
            (Method::POST, "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"),
            edit,
            webhooks::replay::replay,
            Doc::new(TAG, "Send a delivery again")
                .answers::<DeliveryView>("202", "The delivery, due now")
                .refuses("409", DISABLED),
        ),
    ]
}
