//! Prices.

use actix_web::http::Method;

use crate::api::prices;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use prices::view::{PricePage, PriceView};
    const LIST: &str = "/api/v1/prices";
    vec![
        row(
            (Method::GET, LIST),
            Access::with::<may::ReadPrices>(),
            prices::list::list,
            Doc::new("prices", "List prices")
                .query::<prices::list::ListQuery>()
                .answers::<PricePage>("200", "The latest `effective_from` first"),
        ),
        row(
            (Method::POST, LIST),
            Access::with::<may::EditPrices>(),
            prices::add::add,
            Doc::new("prices", "Add a price")
                .body::<prices::add::PriceRequest>()
                .answers::<PriceView>("201", "The price"),
        ),
    ]
}
