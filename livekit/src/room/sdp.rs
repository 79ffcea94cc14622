//! What a session description of the server says about its sections (RFC 8866, RFC 8830).

use std::collections::BTreeMap;

/// One section of sound that the server sends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub mid: String,
    /// `TR_…`
    pub track: String,
}

/// The sections in which the server sends sound, with their tracks: by the map that came along, else by the section's `msid`.
pub(crate) fn voices(sdp: &str, by_mid: &BTreeMap<String, String>) -> Vec<Section> {
    let mut voices = Vec::new();
    for section in sdp.split("\nm=").skip(1) {
        let mut lines = section.lines().map(str::trim_end);
        let mut first = lines.next().unwrap_or_default().split(' ');
        let is_audio = first.next() == Some("audio");
        let is_stopped = first.next() == Some("0");
        let (mut mid, mut named, mut sends) = ("", None, true);
        for line in lines {
            if let Some(value) = line.strip_prefix("a=mid:") {
                mid = value;
            } else if let Some(value) = line.strip_prefix("a=msid:") {
                named = value.split(' ').nth(1);
            } else if line == "a=recvonly" || line == "a=inactive" {
                sends = false;
            }
        }
        let track = by_mid.get(mid).map(String::as_str).or(named).unwrap_or_default();
        // In the server's answers the sections that we send in carry our own name for the track.
        if is_audio && !is_stopped && sends && track.starts_with("TR_") {
            voices.push(Section { mid: mid.to_owned(), track: track.to_owned() });
        }
    }
    voices
}

/// Take the words about sending out of sections that do not send: the server pairs them with tracks that wait for theirs.
pub(crate) fn without_idle_senders(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len());
    for (at, section) in sdp.split("\r\nm=").enumerate() {
        if at > 0 {
            out.push_str("\r\nm=");
        }
        let is_idle = section.lines().any(|line| line == "a=recvonly" || line == "a=inactive");
        if at == 0 || !is_idle {
            out.push_str(section);
            continue;
        }
        let kept: Vec<_> = section
            .split("\r\n")
            .filter(|line| !line.starts_with("a=msid:") && !line.starts_with("a=ssrc:"))
            .collect();
        out.push_str(&kept.join("\r\n"));
    }
    out
}

/// Put the plain codec before its redundant form (RFC 2198) in every section of sound: what is first is what the server takes a track
/// to be sent in, and ours is plain.
pub(crate) fn plain_first(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len());
    for (at, section) in sdp.split("\r\nm=").enumerate() {
        if at > 0 {
            out.push_str("\r\nm=");
        }
        let redundant = section.lines().find_map(|line| {
            let (format, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.to_ascii_lowercase().starts_with("red/").then_some(format)
        });
        let (Some(redundant), Some((first, rest))) = (redundant, section.split_once("\r\n")) else {
            out.push_str(section);
            continue;
        };
        let mut words: Vec<&str> = first.split(' ').collect();
        // Kind, port, protocol; then the formats.
        if let Some(found) = words.iter().skip(3).position(|word| *word == redundant) {
            let word = words.remove(found + 3);
            words.push(word);
        }
        out.push_str(&words.join(" "));
        out.push_str("\r\n");
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:1\r\na=sendrecv\r\na=msid:PA_a|TR_a TR_a\r\na=ssrc:1 cname:x\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=recvonly\r\na=msid:PA_b|TR_b TR_b\r\na=ssrc:2 cname:x\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=sendonly\r\na=msid:PA_c|TR_c TR_c\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:4\r\na=sendonly\r\na=msid:PA_d|TR_d TR_d\r\n";

    fn section(mid: &str, track: &str) -> Section {
        Section { mid: mid.to_owned(), track: track.to_owned() }
    }

    #[test]
    fn only_sections_that_send_sound_are_voices() {
        assert_eq!(voices(OFFER, &BTreeMap::new()), [section("1", "TR_a")]);
        let map = BTreeMap::from([("1".to_owned(), "TR_z".to_owned())]);
        assert_eq!(voices(OFFER, &map), [section("1", "TR_z")]);
        assert_eq!(voices("", &map), []);
        assert_eq!(voices("v=0\nm=audio 9 X 1\na=mid:1\na=msid:our mic\n", &BTreeMap::new()), []);
    }

    #[test]
    fn idle_sections_lose_their_senders_and_nothing_else() {
        let stripped = without_idle_senders(OFFER);
        assert!(!stripped.contains("TR_b") && !stripped.contains("a=ssrc:2"));
        assert!(stripped.contains("a=msid:PA_a|TR_a TR_a\r\na=ssrc:1 cname:x"));
        assert_eq!(stripped.lines().count(), OFFER.lines().count() - 2);
        assert!(stripped.ends_with("\r\n") && stripped.starts_with("v=0\r\n"));
    }
    #[test]
    fn the_plain_codec_goes_first() {
        let sdp = "v=0\r\nm=audio 9 X 63 111\r\na=rtpmap:63 red/48000/2\r\nm=audio 9 X 111\r\nm=audio 63 X 5 63 111\r\n\
            a=rtpmap:63 RED/48000/2\r\n";
        let expected = "v=0\r\nm=audio 9 X 111 63\r\na=rtpmap:63 red/48000/2\r\nm=audio 9 X 111\r\nm=audio 63 X 5 111 63\r\n\
            a=rtpmap:63 RED/48000/2\r\n";
        assert_eq!(plain_first(sdp), expected);
        assert_eq!(plain_first("v=0\r\n"), "v=0\r\n");
    }
}
