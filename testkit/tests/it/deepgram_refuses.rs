use serde_json::json;
use vox_testkit::vendor::{
    Ending,
    deepgram::{Script, Server},
};

use crate::clients::{Next, Socket, http};

const LIVE: &str = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000";

async fn open(server: &Server, path: &str) -> Socket {
    Socket::open(&server.url(), path, &[("authorization", "token test-key")]).await.unwrap()
}

#[tokio::test]
async fn a_wrong_key_is_refused_as_the_vendor_refuses_it() {
    let server = Server::start(Script::default()).await;
    for auth in ["Token wrong", "Bearer test-key", "Basic test-key", "test-key"] {
        let refused = Socket::open(&server.url(), LIVE, &[("authorization", auth)]).await.err().unwrap();
        assert_eq!(refused.status, 401, "{auth}");
        assert_eq!(refused.body["err_code"], "INVALID_AUTH");
        assert_eq!(refused.headers["dg-error"], "Invalid credentials.");
        assert_eq!(refused.headers["dg-request-id"].to_str().unwrap(), refused.body["request_id"]);
    }
    assert_eq!(Socket::open(&server.url(), LIVE, &[]).await.err().unwrap().status, 401);
    assert_eq!(server.observed().violations().len(), 5);
}

#[tokio::test]
async fn every_documented_way_of_giving_the_key_is_accepted() {
    let server = Server::start(Script { api_key: "k3y".into(), ..Script::default() }).await;
    for header in [("authorization", "Token k3y"), ("sec-websocket-protocol", "token, k3y")] {
        assert!(Socket::open(&server.url(), LIVE, &[header]).await.is_ok(), "{header:?}");
    }
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn bad_parameters_are_refused_in_the_handshake() {
    let server = Server::start(Script::default()).await;
    for (query, because) in [
        ("model=nova-77", "No such model"),
        ("model=nova-3&encoding=linear16", "sample_rate"),
        ("model=nova-3&keywords=vox:2", "Keywords"),
        ("model=nova-3&utterance_end_ms=1000", "interim_results"),
    ] {
        let path = format!("/v1/listen?{query}");
        let refused =
            Socket::open(&server.url(), &path, &[("authorization", "Token test-key")]).await.err().unwrap();
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.body["err_msg"].as_str().unwrap().contains(because), "{}", refused.body);
        assert!(refused.headers["dg-error"].to_str().unwrap().contains(because));
    }
}

#[tokio::test]
async fn text_that_is_no_control_message_is_answered_with_a_schema_error() {
    let server = Server::start(Script::default()).await;
    let mut socket = open(&server, LIVE).await;
    for text in ["{\"type\":\"Sing\"}", "not json"] {
        socket.text(text).await;
        let error = socket.json().await;
        assert_eq!((&error["type"], &error["variant"]), (&json!("Error"), &json!("SchemaError")));
        assert_eq!(error["message"], text);
    }
    assert_eq!(server.observed().violations().len(), 2);
    assert_eq!(server.observed().texts(), ["{\"type\":\"Sing\"}", "not json"]);
}

#[tokio::test]
async fn bytes_that_are_not_the_promised_audio_end_the_session() {
    let server = Server::start(Script::default()).await;
    let mut socket = open(&server, "/v1/listen?model=nova-3").await;
    socket.binary(vec![1, 2, 3, 4]).await;
    assert_eq!(socket.read_out().await.1, Next::Closed(Some(1008), "DATA-0000".into()));
    server.assert_no_leftovers().await;
    assert_eq!(server.observed().exchanges[0].ended, Some(Ending::ClosedByServer(1008)));
}

#[tokio::test]
async fn sloppy_clients_are_written_down() {
    let server = Server::start(Script::default()).await;
    let mut socket = open(&server, &format!("{LIVE}&keep_alive=true")).await;
    socket.binary(vec![0; 33]).await;
    socket.binary(b"{\"type\":\"KeepAlive\"}".to_vec()).await;
    socket.binary(vec![0; 32_000]).await;
    socket.text(json!({"type": "CloseStream"})).await;
    socket.read_out().await;
    let observed = server.observed();
    let all = observed.violations().join("\n");
    for expected in ["keep_alive", "inside a sample", "control message"] {
        assert!(all.contains(expected), "{all}");
    }
    assert!(observed.notes()[0].contains("250 ms"));
}

#[tokio::test]
async fn the_key_check_tells_good_from_bad() {
    let server = Server::start(Script::default()).await;
    let ask = async |key: &str| {
        let request = http().get(format!("{}/v1/projects", server.url())).header("authorization", key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask("Token test-key").await, ask("Token other").await), (200, 401));
}
