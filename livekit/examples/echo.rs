//! Join a room and say back what is heard there.
//!
//!   cargo run -p vox-livekit --example echo -- ws://127.0.0.1:7880 KEY SECRET ROOM [SECONDS]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vox_livekit::{AccessToken, Event, Options, Publish, Rate, Room};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "a program for a terminal")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, key, secret, room, rest @ ..] = &arguments[..] else {
        return Err("usage: echo SERVER KEY SECRET ROOM [SECONDS]".into());
    };
    let seconds = rest.first().map_or(Ok(u64::MAX >> 1), |text| text.parse())?;
    #[expect(clippy::disallowed_methods, reason = "a token has a date")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let token = AccessToken::new(room, "echo").sign(key, secret, now, Duration::from_secs(600));

    let rate = Rate::Hz24000;
    let (room, mut events) = Room::join(server, &token, Options { hear: rate, ..Options::default() }).await?;
    let voice = room.publish(Publish { name: "echo".to_owned(), rate, ..Publish::default() }).await?;
    let mut sound = events.sound().ok_or("the sound was taken already")?;
    let echo = async {
        while let Some(heard) = sound.next().await {
            if voice.write(heard.mix).await.is_err() {
                return;
            }
        }
    };
    let tell = async {
        while let Some(event) = events.next().await {
            println!("{event:?}");
            if matches!(event, Event::Disconnected(_)) {
                return;
            }
        }
    };
    tokio::select! {
        () = echo => {}
        () = tell => {}
        () = tokio::time::sleep(Duration::from_secs(seconds)) => room.leave().await,
    }
    Ok(())
}
