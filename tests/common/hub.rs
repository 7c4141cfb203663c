//! A hub on this machine, as small as it can be: a list of files, and the files, whole or from a byte on.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The commit that the hub tells.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file in the repository `org/tiny`.
#[derive(Clone)]
pub struct File {
    /// Its path.
    pub name: String,
    /// What is sent.
    pub content: Vec<u8>,
    /// What the list tells of it.
    pub entry: Value,
}

impl File {
    /// A file of git's.
    pub fn plain(name: &str, content: &[u8]) -> Self {
        let hash = format!("{:040x}", name.len());
        Self {
            name: name.into(),
            content: content.into(),
            entry: json!({"rfilename": name, "size": content.len(), "blobId": hash}),
        }
    }

    /// A file in large file storage.
    pub fn large(name: &str, content: &[u8]) -> Self {
        let mut hash = String::new();
        for byte in Sha256::digest(content) {
            std::fmt::Write::write_fmt(&mut hash, format_args!("{byte:02x}")).unwrap();
        }
        let lfs = json!({"sha256": hash, "size": content.len(), "pointerSize": 135});
        Self { entry: json!({"rfilename": name, "size": content.len(), "lfs": lfs}), ..Self::plain(name, content) }
    }
}

/// What goes wrong.
#[derive(Clone, Default)]
pub struct Trouble {
    /// Only this token may read.
    pub token: Option<String>,
    /// Files are sent so far and no further, so many times.
    pub cut: Option<(usize, usize)>,
    /// As `cut`, but the connection stays open, and silent.
    pub stall: Option<(usize, usize)>,
    /// Between the tenths of a file.
    pub pause: Duration,
}

/// A running hub.
pub struct Server {
    /// What `HF_ENDPOINT` must be.
    pub endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves until the process ends.
    pub fn start(files: Vec<File>, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut left = [trouble.cut, trouble.stall].map(|trouble| trouble.map_or(0, |(_, times)| times));
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                if answer(&stream, &files, &trouble, &mut left, &seen) == Connection::Silent {
                    silent.push(stream);
                }
            }
        });
        Self { endpoint, requests }
    }

    /// `path` or `path from byte` of each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// What becomes of a connection.
#[derive(PartialEq, Eq)]
enum Connection {
    Closed,
    /// It is kept, and nothing more is sent.
    Silent,
}

fn answer(
    stream: &TcpStream,
    files: &[File],
    trouble: &Trouble,
    [cuts, stalls]: &mut [usize; 2],
    seen: &Mutex<Vec<String>>,
) -> Connection {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return Connection::Closed };
    let header = |name: &str| {
        let found =
            lines.iter().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.to_owned())
    };
    let from = header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    seen.lock().unwrap().push(from.map_or_else(|| path.to_owned(), |from| format!("{path} from {from}")));
    let allowed = trouble.token.as_ref().is_none_or(|token| header("authorization") == Some(format!("Bearer {token}")));
    if !allowed {
        return send(stream, "401 Unauthorized", b"{}", 2);
    }
    if path == "/api/models/org/tiny/revision/main?blobs=true" {
        let siblings: Vec<&Value> = files.iter().map(|file| &file.entry).collect();
        let body = json!({"sha": COMMIT, "siblings": siblings}).to_string();
        return send(stream, "200 OK", body.as_bytes(), body.len());
    }
    let name = path.strip_prefix(&format!("/org/tiny/resolve/{COMMIT}/"));
    let Some(file) = files.iter().find(|file| Some(file.name.as_str()) == name) else {
        return send(stream, "404 Not Found", b"", 0);
    };
    let rest = &file.content[from.unwrap_or(0)..];
    let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
    let due = |of: Option<(usize, usize)>, left: &mut usize| {
        let (bytes, _) = of.filter(|(bytes, _)| *left > 0 && rest.len() > *bytes)?;
        *left -= 1;
        Some(bytes)
    };
    if let Some(bytes) = due(trouble.cut, cuts) {
        return send(stream, status, &rest[..bytes], rest.len());
    }
    if let Some(bytes) = due(trouble.stall, stalls) {
        send(stream, status, &rest[..bytes], rest.len());
        return Connection::Silent;
    }
    let (first, others) = rest.split_at(rest.len() / 10);
    send(stream, status, first, rest.len());
    for part in others.chunks(first.len().max(1)) {
        std::thread::sleep(trouble.pause);
        // A client that went away is what some tests are about.
        let _ = (&*stream).write_all(part);
    }
    Connection::Closed
}

fn send(mut stream: &TcpStream, status: &str, body: &[u8], promised: usize) -> Connection {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {promised}\r\nconnection: close\r\n\r\n");
    // As above.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    Connection::Closed
}
