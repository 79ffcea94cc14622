//! A handler's arguments, made one after the other from left to right. The framework makes them all at once, and then the
//! fault of a body could be told to somebody who may not even send one: who asks is settled first.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};

/// The arguments of a handler. The first of them settles who asks; `settled` is awaited after it, and nothing else is looked at
/// when it refuses.
pub trait InTurn: Sized {
    fn in_turn(
        request: &HttpRequest,
        payload: &mut Payload,
        settled: impl Future<Output = Result<(), Error>>,
    ) -> impl Future<Output = Result<Self, Error>>;
}

macro_rules! in_turn {
    ($first:ident $($argument:ident)*) => {
        impl<$first: FromRequest, $($argument: FromRequest),*> InTurn for ($first, $($argument,)*) {
            async fn in_turn(
                request: &HttpRequest,
                payload: &mut Payload,
                settled: impl Future<Output = Result<(), Error>>,
            ) -> Result<Self, Error> {
                let first = $first::from_request(request, payload).await.map_err(Into::<Error>::into)?;
                settled.await?;
                Ok((first, $($argument::from_request(request, payload).await.map_err(Into::<Error>::into)?,)*))
            }
        }
    };
}

impl InTurn for () {
    async fn in_turn(
        _: &HttpRequest,
        _: &mut Payload,
        settled: impl Future<Output = Result<(), Error>>,
    ) -> Result<Self, Error> {
        settled.await
    }
}

in_turn!(A);
in_turn!(A B);
in_turn!(A B C);
in_turn!(A B C D);
in_turn!(A B C D E);
