//! Ringing a telephone: by which trunk, and what comes of it.

use std::pin::Pin;
use std::sync::Arc;

use crate::bridge::Bridge;
use crate::transport::livekit::server::{DialError, LiveKit, Wanted};

/// A request to the server that is on its way.
pub(super) type Asked<E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send>>;

/// Ring it, and wait until it is answered or will not be.
pub(super) async fn dial(livekit: Arc<LiveKit>, bridge: Bridge, wanted: Wanted) -> Result<(), DialError> {
    let trunk = trunk(&livekit, &bridge, wanted.from.as_deref()).await?;
    Ok(livekit.dial(trunk, wanted).await?)
}

/// The trunk of the number that calls; of a call without one the deployment's own.
async fn trunk(livekit: &LiveKit, bridge: &Bridge, from: Option<&str>) -> Result<String, DialError> {
    let none = |why: &str| DialError::NoTrunk(why.to_owned());
    let Some(from) = from else {
        let why = "no number to call from was named, and LIVEKIT_OUTBOUND_TRUNK is not set";
        return livekit.outbound_trunk.clone().ok_or_else(|| none(why));
    };
    match bridge.outbound_trunk(from).await {
        Ok(Some(trunk)) => trunk.trunk_id.ok_or_else(|| {
            none("the carrier of the number to call from is not known to LiveKit yet: sync it")
        }),
        Ok(None) => Err(none("the number to call from is no carrier's: add it to one")),
        Err(error) => Err(none(&error.to_string())),
    }
}

/// The same for somebody who is asked to take the call. They see the number that the caller called, where a trunk of ours has it, and else
/// the deployment's own.
pub(super) async fn dial_third(
    livekit: Arc<LiveKit>,
    bridge: Bridge,
    wanted: Wanted,
) -> Result<(), DialError> {
    let found = trunk(&livekit, &bridge, wanted.from.as_deref()).await;
    let (trunk, from) = match (found, &livekit.outbound_trunk) {
        (Ok(trunk), _) => (trunk, wanted.from.clone()),
        (Err(_), Some(own)) => (own.clone(), None),
        (Err(error), None) => return Err(error),
    };
    Ok(livekit.dial(trunk, Wanted { from, ..wanted }).await?)
}
