//! A bridge for unit tests of whoever asks one: it answers by what it reads.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The address of a bridge. `answer` has the head and the body of each request, and gives a status and a body; requests are answered one
/// after the other. It is there until the process ends.
///
/// # Panics
/// When loopback has no port left.
pub fn scripted_bridge(mut answer: impl FnMut(&str, &[u8]) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who does not finish a request, or does not wait for its answer, gets none.
            let _gone = serve(&stream, &mut answer);
        }
    });
    url
}

fn serve(mut stream: &TcpStream, answer: &mut impl FnMut(&str, &[u8]) -> (u16, String)) -> io::Result<()> {
    let (head, body) = asked(stream)?;
    let (status, text) = answer(&head, &body);
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", text.len());
    stream.write_all(format!("{head}connection: close\r\n\r\n{text}").as_bytes())
}

fn asked(stream: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_request_is_answered_by_what_it_says() {
        let mut count = 0;
        let url = scripted_bridge(move |head, body| {
            count += 1;
            let path = head.split_whitespace().nth(1).unwrap_or_default();
            (200 + count, format!("{path} {}", String::from_utf8_lossy(body)))
        });
        let first = said(&url, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nfoo");
        assert!(first.starts_with("HTTP/1.1 201 ") && first.ends_with("\r\n\r\n/a foo"), "{first}");
        drop(TcpStream::connect(url.trim_start_matches("http://")).unwrap());
        let second = said(&url, "GET /b HTTP/1.1\r\n\r\n");
        assert!(second.starts_with("HTTP/1.1 202 ") && second.ends_with("\r\n\r\n/b "), "{second}");
    }
}
