//! The application's parts, as extractors find them.

use actix_web::HttpRequest;
use actix_web::web::Data;

/// A part, as it was registered at start.
pub fn part<T: 'static>(request: &HttpRequest) -> &T {
    request.app_data::<Data<T>>().expect("every part is registered with every surface")
}
