//! A small blocking HTTP/1.1 client over TCP and Unix sockets: one request, one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The first header of that name (lower case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// GETs `http://127.0.0.1:PORT/path`.
pub(crate) fn get(url: &str) -> Response {
    try_get(url).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

pub(crate) fn try_get(url: &str) -> std::io::Result<Response> {
    request("GET", url, &[], b"")
}

pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    request("POST", url, headers, body).unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

/// Any request; `Host`, `Content-Length` and `Connection: close` are added unless given.
pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Response> {
    let (authority, path) = split_url(url);
    let stream = connect(authority)?;
    send(&stream, method, authority, path, headers, body)?;
    receive(stream)
}

/// Any request over a Unix socket.
pub(crate) fn unix_request(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Response> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(super::PATIENCE))?;
    send(&stream, method, "localhost", path, headers, body)?;
    receive(stream)
}

/// The lines of an endless answer (server-sent events), after its head. A read waits at most this
/// long.
pub(crate) fn stream(
    url: &str,
    patience: Duration,
) -> impl Iterator<Item = std::io::Result<String>> {
    let (authority, path) = split_url(url);
    let stream = connect(authority).expect("the server accepts");
    stream
        .set_read_timeout(Some(patience))
        .expect("a socket takes a timeout");
    send(&stream, "GET", authority, path, &[], b"").expect("the server reads");
    let mut reader = BufReader::new(stream);
    let (status, _) = head(&mut reader).expect("the server answers");
    assert_eq!(status, 200, "{url}");
    // Chunk sizes stay in between; they never look like a field of an event.
    reader.lines()
}

fn split_url(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("an http URL");
    let slash = rest.find('/').unwrap_or(rest.len());
    let path = &rest[slash..];
    (&rest[..slash], if path.is_empty() { "/" } else { path })
}

fn connect(authority: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(super::PATIENCE))?;
    stream.set_write_timeout(Some(super::PATIENCE))?;
    Ok(stream)
}

fn send(
    mut stream: impl Write,
    method: &str,
    authority: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<()> {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    let given = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !given("host") {
        text += &format!("Host: {authority}\r\n");
    }
    if !given("connection") {
        text += "Connection: close\r\n";
    }
    if !given("content-length") && (method == "POST" || !body.is_empty()) {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    stream.write_all(text.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

fn receive(stream: impl Read) -> std::io::Result<Response> {
    let mut reader = BufReader::new(stream);
    let (status, headers) = head(&mut reader)?;
    let header = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let mut body = Vec::new();
    if header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        read_chunks(&mut reader, &mut body)?;
    } else if let Some(length) = header("content-length").and_then(|v| v.parse::<usize>().ok()) {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}

fn head(reader: &mut impl BufRead) -> std::io::Result<(u16, Vec<(String, String)>)> {
    let bad = |line: &str| std::io::Error::other(format!("not an HTTP answer: {line:?}"));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let field = line.trim_end();
        if field.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = field.split_once(':').ok_or_else(|| bad(field))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let digits = line.trim().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).map_err(std::io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(());
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
