//! The widget's files and the page that shows it.

use actix_web::http::Method;

use crate::api::demo;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        row(
            (Method::GET, "/demo/{bot_id}"),
            Access::Public,
            demo::page::page,
            Doc::new("widget", "A page with a bot's widget, for trying")
                .query::<demo::page::DemoQuery>()
                .answers_with("200", "text/html", "The page")
                .refuses("404", "The widget is not built here (`widget_not_built`), or there is no such bot with a widget (`widget_off`)"),
        ),
        row(
            (Method::GET, "/widget/{file}"),
            Access::Public,
            demo::file::file,
            Doc::new("widget", "A file of the widget, for any page")
                .answers_with("200", "text/javascript", "A script or a style")
                .refuses("404", "There is no such file, or the widget is not built here (`widget_not_built`)"),
        ),
    ]
}
