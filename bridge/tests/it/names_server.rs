//! A real DNS server whose names lead elsewhere each time they are asked for, doors that count who came, and a program in a root
//! directory of its own, so that this server is the one that its machine names. Wants root: for `chroot`, and for port 53.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What a name says, answer by answer and then from the beginning.
pub type Says = Vec<Vec<IpAddr>>;

/// Where clouds tell machines of themselves, credentials included.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Names that lead to an inner address, by turns, beside an allowed one or alone, in every notation.
pub fn lies(allowed: Ipv4Addr, inner: Ipv4Addr) -> BTreeMap<String, Says> {
    let ips = |ips: &[Ipv4Addr]| ips.iter().copied().map(IpAddr::from).collect::<Vec<_>>();
    BTreeMap::from([
        // Allowed when it is looked at, and another time not.
        ("flip.test".to_owned(), vec![ips(&[allowed]), ips(&[inner])]),
        // Both at once, in either order.
        ("both.test".to_owned(), vec![ips(&[inner, allowed]), ips(&[allowed, inner])]),
        ("inner.test".to_owned(), vec![ips(&[inner])]),
        ("metadata.test".to_owned(), vec![ips(&[METADATA])]),
        ("mapped.test".to_owned(), vec![vec![IpAddr::from(inner.to_ipv6_mapped())]]),
        ("six.test".to_owned(), vec![vec!["::1".parse().unwrap()]]),
    ])
}

/// A DNS server whose answers live for no time.
pub struct Names {
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Names {
    /// At port 53 of this address.
    pub async fn start(at: Ipv4Addr, names: BTreeMap<String, Says>) -> Self {
        let socket = UdpSocket::bind((at, 53)).await.unwrap_or_else(|error| {
            panic!("no DNS server for the tests at {at}:53: {error}; run them as root, as those with MongoDB")
        });
        let asked: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let counted = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
                let answer = answer(&names, &counted, question);
                socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        Self { asked }
    }

    /// How often its addresses were asked for.
    pub fn asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().get(name).copied().unwrap_or_default()
    }
}

fn answer(
    names: &BTreeMap<String, Says>,
    asked: &Mutex<BTreeMap<String, usize>>,
    question: Message,
) -> Message {
    let mut message = question.into_response();
    let Some(query) = message.queries.first().cloned() else { return message };
    let name = query.name().to_ascii().trim_end_matches('.').to_owned();
    let Some(says) = names.get(&name) else {
        message.metadata.response_code = ResponseCode::NXDomain;
        return message;
    };
    let mut asked = asked.lock().unwrap();
    let times = asked.entry(name).or_default();
    // A resolver asks for both kinds at once; what it says turns with the first.
    let turn = &says[times.saturating_sub(usize::from(query.query_type() == RecordType::AAAA)) % says.len()];
    *times += usize::from(query.query_type() == RecordType::A);
    for ip in turn {
        let data = match (ip, query.query_type()) {
            (IpAddr::V4(v4), RecordType::A) => RData::A((*v4).into()),
            (IpAddr::V6(v6), RecordType::AAAA) => RData::AAAA((*v6).into()),
            _ => continue,
        };
        message.add_answer(Record::from_rdata(query.name().clone(), 0, data));
    }
    message
}

/// A server that takes every request and closes the connection; counts them.
pub struct Door {
    came: Arc<AtomicUsize>,
}

impl Door {
    pub async fn open(at: (Ipv4Addr, u16)) -> (Self, u16) {
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came: Arc<AtomicUsize> = Arc::default();
        let counted = came.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        (Self { came }, port)
    }

    pub fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// An address of loopback for a DNS server of this process alone, should another run be under way.
pub fn own_address() -> Ipv4Addr {
    let place = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 77, place[2], place[3] | 1)
}

/// A program with what it needs to run, and no file of the machine beside it. It is there under its own name.
pub fn furnish(root: &Path, program: &Path, nameserver: Ipv4Addr) {
    let needs = std::process::Command::new("ldd").arg(program).output().expect("ldd is there");
    let needs = String::from_utf8(needs.stdout).unwrap();
    let libraries = needs.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new);
    for file in libraries {
        let place = root.join(file.strip_prefix("/").unwrap());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(file, place).unwrap();
    }
    for dir in ["etc/ssl/certs", "data", "tmp"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    // It does not start where it would trust nobody.
    let authorities = "etc/ssl/certs/ca-certificates.crt";
    std::fs::copy(Path::new("/").join(authorities), root.join(authorities)).unwrap();
    let at_hand = root.join(program.file_name().unwrap());
    if std::fs::hard_link(program, &at_hand).is_err() {
        std::fs::copy(program, &at_hand).unwrap();
    }
    let resolver = format!("nameserver {nameserver}\noptions timeout:2 attempts:2\n");
    std::fs::write(root.join("etc/resolv.conf"), resolver).unwrap();
    std::fs::write(root.join("etc/nsswitch.conf"), "hosts: dns\n").unwrap();
}
