//! `vox-dialler --check`: whether campaigns could run here, said in a few lines.

use std::fmt::Write as _;

use crate::desk::Desk;
use crate::fuse;

/// What was found, for people, and whether all of it is well.
pub async fn check(desk: &Desk) -> (String, bool) {
    let (mut told, mut good) = (String::new(), true);
    let mut say = |what: &str, found: Result<String, String>| {
        good &= found.is_ok();
        let (word, text) = match &found {
            Ok(text) => ("ok  ", text),
            Err(text) => ("FAIL", text),
        };
        writeln!(told, "{word} {what}: {text}").expect("a string takes any text");
    };
    say(
        "the bridge",
        match desk.bridge.campaigns().await {
            Ok(told) => Ok(format!("{} campaigns have something to do", told.campaigns.len())),
            Err(error) => Err(format!("{error}; look at VOX_BRIDGE_URL and VOXCORE_SECRET")),
        },
    );
    say(
        "LiveKit's API",
        match desk.livekit.list_rooms(&[]).await {
            Ok(rooms) => Ok(format!("{} rooms", rooms.len())),
            Err(error) => {
                Err(format!("{error}; look at LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET"))
            }
        },
    );
    say(
        "outbound trunks",
        match desk.livekit.list_outbound_trunks().await {
            Ok(trunks) if trunks.is_empty() => Err("there is none: make one (docs/sip.md)".to_owned()),
            Ok(trunks) => Ok(trunks.len().to_string()),
            Err(error) if error.is_without_redis() => {
                Err("the server runs without Redis, and so without telephones".to_owned())
            }
            Err(error) => Err(error.to_string()),
        },
    );
    say(
        "the fuse",
        match fuse::is_on(desk).await {
            Ok(true) => Ok("rooms have to be made before they are joined".to_owned()),
            Ok(false) => Err(fuse::WHAT_TO_DO.to_owned()),
            Err(error) => Err(error.to_string()),
        },
    );
    (told, good)
}
