use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};
use vox_testkit::vendor::{Cut, Ending, Faults, Lie, deepgram, elevenlabs, openai};

use crate::clients::{Next, Socket, http};

const LISTEN: &str = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000";
const AUTH: (&str, &str) = ("authorization", "Token test-key");

async fn deepgram(faults: Faults) -> deepgram::Server {
    deepgram::Server::start(deepgram::Script { faults, ..deepgram::Script::default() }).await
}

async fn listen(server: &deepgram::Server) -> Socket {
    Socket::open(&server.url(), LISTEN, &[AUTH]).await.unwrap()
}

/// Asks for one answer that the server must give at once.
async fn provoke(socket: &mut Socket) {
    socket.text(json!({"type": "Configure", "keyterms": ["vox"]})).await;
}

#[tokio::test]
async fn a_slow_server_answers_late() {
    let faults = Faults { accept_delay_ms: 120, first_byte_delay_ms: 150, ..Faults::default() };
    let server = deepgram(faults).await;
    let began = Instant::now();
    let mut socket = listen(&server).await;
    assert!(began.elapsed() >= Duration::from_millis(120), "{:?}", began.elapsed());
    provoke(&mut socket).await;
    socket.json().await;
    assert!(began.elapsed() >= Duration::from_millis(120 + 145), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_silent_server_accepts_and_says_nothing() {
    let script = deepgram::Script {
        idle_timeout_ms: 50,
        faults: Faults { silent: true, ..Faults::default() },
        ..deepgram::Script::default()
    };
    let server = deepgram::Server::start(script).await;
    let mut socket = listen(&server).await;
    provoke(&mut socket).await;
    assert!(socket.is_quiet_for(Duration::from_millis(200)).await, "not even the time-out is announced");
    let chat = openai::Server::start(openai::Script {
        faults: Faults { silent: true, ..Faults::default() },
        ..openai::Script::default()
    })
    .await;
    let request = http().post(format!("{}/v1/chat/completions", chat.url())).bearer_auth("test-key");
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    let answer = request.json(&body).timeout(Duration::from_millis(200)).send().await;
    assert!(answer.unwrap_err().is_timeout());
    chat.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_half_open_server_stops_reading() {
    let server = deepgram(Faults { half_open: true, ..Faults::default() }).await;
    let mut socket = listen(&server).await;
    let flood = async {
        loop {
            socket.binary(vec![0; 64 * 1024]).await;
        }
    };
    let blocked = tokio::time::timeout(Duration::from_millis(500), flood).await.is_err();
    assert!(blocked);
    assert_eq!(server.observed().audio_bytes(), 0, "nothing was read");
}

#[tokio::test]
async fn a_connection_is_cut_after_messages_bytes_or_time() {
    for cut in [Cut::Messages(1), Cut::Bytes(400), Cut::Ms(80)] {
        let server = deepgram(Faults { cut_after: Some(cut), ..Faults::default() }).await;
        let mut socket = listen(&server).await;
        provoke(&mut socket).await;
        for _ in 0..2 {
            provoke(&mut socket).await;
        }
        let (messages, end) = socket.read_out().await;
        assert_eq!(end, Next::Gone, "{cut:?}");
        if cut == Cut::Messages(1) {
            assert!(messages.len() <= 1, "{messages:?}");
        }
        server.assert_no_leftovers().await;
    }
}

#[tokio::test]
async fn a_scripted_close_code_takes_the_place_of_the_reset() {
    let server = deepgram(Faults { close_code: Some(1011), ..Faults::default() }).await;
    assert_eq!(listen(&server).await.read_out().await.1, Next::Closed(Some(1011), String::new()));
    let faults = Faults { close_code: Some(4000), cut_after: Some(Cut::Messages(2)), ..Faults::default() };
    server.set_faults(faults);
    let mut socket = listen(&server).await;
    provoke(&mut socket).await;
    provoke(&mut socket).await;
    let (messages, end) = socket.read_out().await;
    assert_eq!((messages.len(), end), (2, Next::Closed(Some(4000), String::new())));
    server.assert_no_leftovers().await;
    let endings: Vec<_> = server.observed().exchanges.iter().map(|one| one.ended.clone()).collect();
    assert_eq!(endings, [Some(Ending::ClosedByServer(1011)), Some(Ending::ClosedByServer(4000))]);
}

#[tokio::test]
async fn refusals_are_scripted_with_each_vendors_own_body() {
    for (status, code) in
        [(402, "ASR_PAYMENT_REQUIRED"), (429, "TOO_MANY_REQUESTS"), (500, "INTERNAL_SERVER_ERROR")]
    {
        let server = deepgram(Faults { status: Some(status), ..Faults::default() }).await;
        let refused = Socket::open(&server.url(), LISTEN, &[AUTH]).await.err().unwrap();
        assert_eq!((refused.status, &refused.body["err_code"]), (status, &json!(code)));
    }
    let faults = Faults { status: Some(429), ..Faults::default() };
    let server =
        elevenlabs::Server::start(elevenlabs::Script { faults, ..elevenlabs::Script::default() }).await;
    let path = "/v1/text-to-speech/v/multi-stream-input?output_format=pcm_8000";
    let refused = Socket::open(&server.url(), path, &[("xi-api-key", "test-key")]).await.err().unwrap();
    assert_eq!(
        (refused.status, &refused.body["detail"]["status"]),
        (429, &json!("too_many_concurrent_requests"))
    );
}

#[tokio::test]
async fn only_the_chosen_requests_suffer() {
    let faults = Faults { status: Some(503), ..Faults::default() }.after(1).fail_first(1);
    let server = deepgram(faults).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let opened = Socket::open(&server.url(), LISTEN, &[AUTH]).await;
        statuses.push(opened.err().map_or(101, |refused| refused.status));
    }
    assert_eq!(statuses, [101, 503, 101]);
}

#[tokio::test]
async fn a_liar_mixes_falsehoods_with_the_truth() {
    let faults =
        Faults { lies: vec![Lie::MalformedJson, Lie::UnknownEvent, Lie::WrongTypes], ..Faults::default() };
    let server = deepgram(faults).await;
    let mut socket = listen(&server).await;
    for _ in 0..3 {
        provoke(&mut socket).await;
    }
    let mut said = Vec::new();
    for _ in 0..6 {
        said.push(socket.next().await);
    }
    assert!(matches!(&said[0], Next::Garbage(half) if half.starts_with('{')), "{said:?}");
    assert!(matches!(&said[2], Next::Json(event) if event["type"] == "Prophecy"), "{said:?}");
    assert!(matches!(&said[4], Next::Json(event) if event["request_id"].is_number()), "{said:?}");
    for truth in [1, 3, 5] {
        assert!(
            matches!(&said[truth], Next::Json(event) if event["type"] == "ConfigureSuccess" && event["request_id"].is_string())
        );
    }
}

#[tokio::test]
async fn a_stream_of_a_lying_model_still_holds_its_answer() {
    let lies = vec![Lie::UnknownContext, Lie::Duplicate, Lie::WrongSequence, Lie::MalformedJson];
    let faults = Faults { lies, oversized_mb: Some(2), ..Faults::default() };
    let server =
        openai::Server::start(openai::Script { faults, ..openai::Script::saying("The truth.") }).await;
    let request = http().post(format!("{}/v1/chat/completions", server.url())).bearer_auth("test-key");
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let text = request.json(&body).send().await.unwrap().text().await.unwrap();
    let events: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert!(events[0].len() > 2 * 1024 * 1024, "the oversized one comes first");
    assert!(events.iter().any(|event| serde_json::from_str::<Value>(event).is_err() && *event != "[DONE]"));
    assert!(events.iter().any(|event| event.contains("not for you")));
    assert!(events.iter().any(|event| event.contains(" truth") || event.contains(" trut")));
    assert_eq!(events.last(), Some(&"[DONE]"));
}

#[tokio::test]
async fn a_dripping_answer_takes_its_time() {
    let faults = Faults { drip_bytes_per_s: Some(8_000), ..Faults::default() };
    let server =
        openai::Server::start(openai::Script { faults, ..openai::Script::saying("word ".repeat(20)) }).await;
    let request = http().post(format!("{}/v1/chat/completions", server.url())).bearer_auth("test-key");
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let began = Instant::now();
    let size = request.json(&body).send().await.unwrap().text().await.unwrap().len();
    let least = Duration::from_secs_f64((size as f64 / 8_000.0) * 0.8);
    assert!(began.elapsed() >= least, "{size} bytes in {:?}", began.elapsed());
}

#[tokio::test]
async fn an_http_stream_breaks_off_in_its_middle() {
    let faults = Faults { cut_after: Some(Cut::Messages(3)), ..Faults::default() };
    let server = openai::Server::start(openai::Script { faults, ..openai::Script::default() }).await;
    let request = http().post(format!("{}/v1/chat/completions", server.url())).bearer_auth("test-key");
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let mut stream = request.json(&body).send().await.unwrap().bytes_stream();
    let (mut text, mut broke) = (String::new(), false);
    while let Some(part) = stream.next().await {
        match part {
            Ok(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Err(_) => broke = true,
        }
    }
    assert!(broke, "the body must not look complete");
    assert_eq!(text.matches("data: ").count(), 3, "{text}");
    server.assert_no_leftovers().await;
    assert_eq!(server.observed().exchanges[0].ended, Some(Ending::Cut));
}

#[tokio::test]
async fn a_model_may_fail_in_the_middle_of_its_answer() {
    let faults = Faults { cut_after: Some(Cut::Messages(2)), close_code: Some(503), ..Faults::default() };
    let server = openai::Server::start(openai::Script { faults, ..openai::Script::default() }).await;
    let request = http().post(format!("{}/v1/chat/completions", server.url())).bearer_auth("test-key");
    let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let text = request.json(&body).send().await.unwrap().text().await.unwrap();
    let last = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).last().unwrap();
    assert_eq!(serde_json::from_str::<Value>(last).unwrap()["error"]["type"], "server_error");
}

#[tokio::test]
async fn the_faults_of_one_request_do_not_outlive_it() {
    let faults = Faults { drip_bytes_per_s: Some(2_000), ..Faults::default() }.fail_first(1);
    let server =
        openai::Server::start(openai::Script { faults, ..openai::Script::saying("word ".repeat(20)) }).await;
    let client = http();
    let mut times = Vec::new();
    for _ in 0..2 {
        let request = client.post(format!("{}/v1/chat/completions", server.url())).bearer_auth("test-key");
        let body = json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
        let began = Instant::now();
        request.json(&body).send().await.unwrap().text().await.unwrap();
        times.push(began.elapsed());
    }
    assert!(times[1] * 3 < times[0], "the second answer came over the same connection: {times:?}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_jitter() {
    let run = async |seed: u64| {
        let server = deepgram(Faults { seed, jitter_ms: 5, ..Faults::default() }).await;
        let mut socket = listen(&server).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            provoke(&mut socket).await;
            ids.push(socket.json().await["request_id"].clone());
        }
        ids
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

#[tokio::test]
async fn stopping_the_server_ends_its_sessions() {
    let server = deepgram(Faults::default()).await;
    let socket = listen(&server).await;
    drop(server);
    assert_eq!(socket.read_out().await.1, Next::Gone);
}

#[tokio::test]
#[should_panic(expected = "still open")]
async fn a_leftover_session_fails_the_test_that_left_it() {
    let server = deepgram(Faults::default()).await;
    let _socket = listen(&server).await;
    server.assert_no_leftovers().await;
}
