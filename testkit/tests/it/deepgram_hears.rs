use std::time::Duration;

use serde_json::{Value, json};
use vox_testkit::vendor::deepgram::{Script, Server};

use crate::clients::{Next, Socket, silence, tone};

const RATE: u32 = 16_000;
const LIVE: &str = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&interim_results=true&punctuate=true\
                    &endpointing=300&utterance_end_ms=1000&vad_events=true";

async fn open(server: &Server, path: &str) -> Socket {
    let auth = format!("Token {}", server.api_key());
    Socket::open(&server.url(), path, &[("authorization", &auth)]).await.unwrap()
}

async fn speak(socket: &mut Socket, audio: &[Vec<u8>]) {
    for frame in audio.concat().chunks(RATE as usize / 5) {
        socket.binary(frame.to_vec()).await;
    }
}

fn transcript(results: &Value) -> &str {
    results["channel"]["alternatives"][0]["transcript"].as_str().unwrap()
}

fn of<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["type"] == kind).collect()
}

#[tokio::test]
async fn two_utterances_are_heard_where_they_were_spoken() {
    let server = Server::start(Script::saying(["Hello, big wide world.", "Good bye."])).await;
    let mut socket = open(&server, LIVE).await;
    let audio =
        [silence(RATE, 400), tone(RATE, 1_200), silence(RATE, 1_400), tone(RATE, 600), silence(RATE, 500)];
    speak(&mut socket, &audio).await;
    socket.text(json!({"type": "CloseStream"})).await;
    let (messages, end) = socket.read_out().await;
    assert_eq!(end, Next::Closed(Some(1000), String::new()));

    let results = of(&messages, "Results");
    let finals: Vec<_> =
        results.iter().filter(|one| one["is_final"] == true && !transcript(one).is_empty()).collect();
    assert_eq!(
        finals.iter().map(|one| transcript(one)).collect::<Vec<_>>(),
        ["Hello, big wide world.", "Good bye."]
    );
    assert!(finals.iter().all(|one| one["speech_final"] == true && one["from_finalize"] == false));
    assert!(results.iter().any(|one| one["is_final"] == false && transcript(one) == "Hello, big"));
    let first = &finals[0]["channel"]["alternatives"][0]["words"][0];
    assert_eq!((&first["word"], &first["punctuated_word"]), (&json!("hello"), &json!("Hello,")));
    assert_eq!(first["start"], 0.4);
    let info = &finals[0]["metadata"]["model_info"];
    assert_eq!((&info["name"], &info["arch"]), (&json!("general-nova-3"), &json!("nova-3")));

    assert_eq!(of(&messages, "SpeechStarted")[0]["timestamp"], 0.4);
    let end = of(&messages, "UtteranceEnd")[0];
    assert!(end["last_word_end"].as_f64().is_some_and(|at| (1.4..=1.6).contains(&at)), "{end}");
    let metadata = messages.last().unwrap();
    assert_eq!((&metadata["type"], &metadata["duration"]), (&json!("Metadata"), &json!(4.1)));

    let observed = server.observed();
    assert_eq!(observed.violations(), Vec::<String>::new());
    assert_eq!((observed.audio_samples(), observed.audio_bytes()), (65_600, 131_200));
    assert_eq!(observed.exchanges[0].parameter("model"), Some("nova-3"));
    server.assert_no_leftovers().await;
}

#[tokio::test]
async fn without_punctuation_the_text_is_bare() {
    let server = Server::start(Script::saying(["Hello, World."])).await;
    let mut socket =
        open(&server, "/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&endpointing=300").await;
    socket.binary(vec![0x80; 4_000]).await;
    socket.binary(vec![0xff; 4_000]).await;
    let results = socket.json().await;
    assert_eq!(transcript(&results), "hello world");
    assert!(results["channel"]["alternatives"][0]["words"][0].get("punctuated_word").is_none());
}

#[tokio::test]
async fn each_channel_is_heard_by_itself() {
    let server = Server::start(Script::saying(["left"])).await;
    let path = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&channels=2&multichannel=true&endpointing=300";
    let mut socket = open(&server, path).await;
    let mono = [tone(RATE, 400), silence(RATE, 400)].concat();
    let stereo = mono.chunks(2).flat_map(|sample| [sample[0], sample[1], 0, 0]).collect();
    socket.binary(stereo).await;
    let results = socket.json().await;
    assert_eq!((&results["channel_index"], transcript(&results)), (&json!([0, 2]), "left"));
}

#[tokio::test]
async fn finalize_answers_at_once_with_what_is_buffered() {
    let server = Server::start(Script::saying(["Yes please."])).await;
    let mut socket =
        open(&server, &LIVE.replace("interim_results=true&", "").replace("&utterance_end_ms=1000", "")).await;
    speak(&mut socket, &[tone(RATE, 500), silence(RATE, 100)]).await;
    socket.text(json!({"type": "Finalize"})).await;
    assert_eq!(socket.json().await["type"], "SpeechStarted");
    let results = socket.json().await;
    assert_eq!(transcript(&results), "Yes please.");
    assert_eq!((&results["from_finalize"], &results["is_final"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn an_empty_binary_frame_closes_the_stream() {
    let server = Server::start(Script::default()).await;
    let mut socket = open(&server, LIVE).await;
    socket.binary(Vec::new()).await;
    let (messages, end) = socket.read_out().await;
    assert_eq!(messages.last().unwrap()["type"], "Metadata");
    assert_eq!(end, Next::Closed(Some(1000), String::new()));
}

#[tokio::test]
async fn keyterms_are_configured_one_request_at_a_time() {
    let server = Server::start(Script { configure_delay_ms: 100, ..Script::default() }).await;
    let mut socket = open(&server, &format!("{LIVE}&keyterm=old")).await;
    socket.text(json!({"type": "Configure", "keyterms": ["Vox", "invoice"]})).await;
    socket.text(json!({"type": "Configure", "keyterms": []})).await;
    let success = socket.json().await;
    assert_eq!(
        (&success["type"], &success["keyterms"]),
        (&json!("ConfigureSuccess"), &json!(["Vox", "invoice"]))
    );
    let failure = socket.json().await;
    assert_eq!(failure["code"], "CONFIGURE_ALREADY_PENDING");
    let too_long = "x".repeat(3_000);
    socket.text(json!({"type": "Configure", "keyterms": [too_long]})).await;
    assert_eq!(socket.json().await["code"], "CONFIGURE_KEYTERM_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn keep_alive_keeps_a_silent_session_and_its_absence_ends_it() {
    let server = Server::start(Script { idle_timeout_ms: 1_000, ..Script::default() }).await;
    let mut socket = open(&server, LIVE).await;
    for _ in 0..2 {
        assert!(socket.is_quiet_for(Duration::from_millis(600)).await);
        socket.text(json!({"type": "KeepAlive"})).await;
    }
    let (messages, end) = socket.read_out().await;
    assert!(messages.is_empty(), "{messages:?}");
    let Next::Closed(Some(1011), reason) = end else { panic!("{end:?}") };
    assert!(reason.starts_with("NET-0001"), "{reason}");
    assert!(server.observed().violations()[0].contains("NET-0001"));
}

#[tokio::test]
async fn final_results_come_as_late_as_the_script_says() {
    let server = Server::start(Script { final_delay_ms: 250, ..Script::saying(["late"]) }).await;
    let mut socket =
        open(&server, "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&endpointing=300").await;
    let sent = tokio::time::Instant::now();
    speak(&mut socket, &[tone(RATE, 300), silence(RATE, 300)]).await;
    assert_eq!(transcript(&socket.json().await), "late");
    assert!(sent.elapsed() >= Duration::from_millis(250), "{:?}", sent.elapsed());
}
