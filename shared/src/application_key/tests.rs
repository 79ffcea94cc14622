use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::*;

const PKCS8: &str = include_str!("../../../testkit/keys/application.pem");
const PKCS1: &str = include_str!("../../../testkit/keys/application-pkcs1.pem");
const PUBLIC: &[u8] = include_bytes!("../../../testkit/keys/application.pub.der");

#[test]
fn a_token_is_signed_by_the_key_and_says_whose_it_is_and_for_how_long() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    for pem in [PKCS8, PKCS1] {
        let token = ApplicationKey::from_pem(pem).unwrap().token("app-1", now).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC);
        key.verify(signed.as_bytes(), &signature).unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let read =
            |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
        assert_eq!(read(head), json!({"alg": "RS256", "typ": "JWT"}));
        let claims = read(claims);
        assert_eq!((&claims["application_id"], &claims["iat"]), (&json!("app-1"), &json!(1_800_000_000)));
        assert_eq!(claims["exp"], json!(1_800_000_060));
        assert!(claims["jti"].as_str().unwrap().len() > 20);
    }
}

#[test]
fn a_key_is_read_however_its_lines_were_broken() {
    for pem in [PKCS8.replace('\n', "\\n"), PKCS8.replace('\n', " "), format!("\n  {PKCS8}\n")] {
        assert!(ApplicationKey::from_pem(&pem).is_ok(), "{pem}");
    }
    for text in
        ["", "sk-0123456789", &PKCS8[..200], &PKCS8.replace("PRIVATE", "PUBLIC"), &PKCS8.replace('M', "N")]
    {
        assert_eq!(ApplicationKey::from_pem(text).err(), Some(BadKey), "{text}");
    }
}

#[test]
fn a_key_is_shown_by_nobody() {
    let key = ApplicationKey::from_pem(PKCS8).unwrap();
    let shown = format!("{key:?}");
    assert!(PKCS8.lines().filter(|line| line.len() > 60).all(|line| !shown.contains(line)), "{shown}");
}
