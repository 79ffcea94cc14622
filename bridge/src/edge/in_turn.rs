//! A handler's arguments, made one after the other from left to right. The framework makes them all at once, and then the
//! fault of a body could be told to somebody who may not even send one: who asks is settled first.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};

/// The arguments of a handler.
pub trait InTurn: Sized {
    fn in_turn(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Self, Error>>;
}

macro_rules! in_turn {
    ($($argument:ident)*) => {
        impl<$($argument: FromRequest),*> InTurn for ($($argument,)*) {
            async fn in_turn(_request: &HttpRequest, _payload: &mut Payload) -> Result<Self, Error> {
                Ok(($($argument::from_request(_request, _payload).await.map_err(Into::<Error>::into)?,)*))
            }
        }
    };
}

in_turn!();
in_turn!(A);
in_turn!(A B);
in_turn!(A B C);
in_turn!(A B C D);
in_turn!(A B C D E);
