//! The site over HTTP: the files of one folder, to read and nothing else.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use xxhash_rust::xxh3::xxh3_128;

/// A folder that is served.
pub struct Server {
    listener: TcpListener,
    root: PathBuf,
}

impl Server {
    /// Listens at an address. If its port is another's, at any port that is free.
    ///
    /// # Errors
    /// If the folder is not there, or nothing can be listened to.
    pub async fn bind(root: &Path, host: IpAddr, port: u16) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let listener = match TcpListener::bind((host, port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind((host, 0)).await?,
            other => other?,
        };
        Ok(Self { listener, root })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is done.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let router = Router::new().fallback(answer).with_state(Arc::new(self.root));
        axum::serve(self.listener, router).with_graceful_shutdown(stop).await
    }
}

/// Answers one request: with the file, with nothing new if the browser has it, or with why not.
async fn answer(
    State(root): State<Arc<PathBuf>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this is only to be read\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(path) = inside(&root, uri.path()) else { return plain(StatusCode::NOT_FOUND, "not found\n") };
    let Ok(bytes) = tokio::fs::read(&path).await else { return plain(StatusCode::NOT_FOUND, "not found\n") };
    let tag = format!("\"{:032x}\"", xxh3_128(&bytes));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let is_known = known.any(|one| one == "*" || one == tag);
    let mut response = if is_known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        // The answer to HEAD is this one's headers; axum leaves the body out.
        Response::new(Body::from(bytes))
    };
    let kind = mime_guess::from_path(&path).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    for (name, value) in [
        (header::CONTENT_TYPE, format!("{kind}{charset}")),
        (header::ETAG, tag),
        // Asked each time, answered with nothing new most of the time.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The file that a request's path means, if it lies in the folder: what leads out of it, over a link too, is not found.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let relative = Path::new(path.trim_start_matches('/'));
    if path.contains(['\\', '\0']) || !relative.components().all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let mut file = root.join(relative);
    if file.is_dir() {
        file.push("index.html");
    }
    file.canonicalize().ok().filter(|file| file.starts_with(root) && file.is_file())
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        net::Ipv4Addr,
    };

    use super::*;

    #[test]
    fn only_what_lies_inside_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("docs");
        fs::create_dir_all(root.join("parts")).unwrap();
        for file in ["index.html", "parts/0.js", "a b.html"] {
            fs::write(root.join(file), "x").unwrap();
        }
        fs::write(folder.path().join("secret"), "x").unwrap();
        let root = root.canonicalize().unwrap();
        for (path, found) in [
            ("/", Some("index.html")),
            ("/index.html", Some("index.html")),
            ("/parts/0.js", Some("parts/0.js")),
            ("//parts/0.js", Some("parts/0.js")),
            ("/a%20b.html", Some("a b.html")),
            ("/parts", None),
            ("/../secret", None),
            ("/%2e%2e/secret", None),
            ("/parts/..%2f..%2fsecret", None),
            ("/..%5csecret", None),
            ("/nothing", None),
            ("/%ff", None),
            ("/index.html%00", None),
        ] {
            assert_eq!(inside(&root, path), found.map(|found| root.join(found)), "{path}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
            assert_eq!(inside(&root, "/link"), None);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_gives_way_to_a_free_one() {
        let folder = tempfile::tempdir().unwrap();
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = Server::bind(folder.path(), host, 0).await.unwrap();
        let port = first.address().unwrap().port();
        let second = Server::bind(folder.path(), host, port).await.unwrap();
        assert_ne!(second.address().unwrap().port(), port);
    }

    /// What comes back on a request, as text.
    fn ask(address: SocketAddr, request: &str, header: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_are_answered_with_their_types_and_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "<p>héllo").unwrap();
        let server = Server::bind(folder.path(), IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        let answers = tokio::task::spawn_blocking(move || {
            let first = ask(address, "GET /", "");
            let tag = first.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
            let head = ask(address, "HEAD /", "");
            let again = ask(address, "GET /", &format!("If-None-Match: W/\"other\", {tag}\r\n"));
            let other = ask(address, "GET /", "If-None-Match: \"other\"\r\n");
            [first, head, again, other, ask(address, "GET /../index.html", ""), ask(address, "PUT /", "")]
        });
        let [first, head, again, other, outside, put] = answers.await.unwrap();
        assert!(first.starts_with("HTTP/1.1 200") && first.ends_with("<p>héllo"), "{first}");
        assert!(first.contains("content-type: text/html; charset=utf-8"), "{first}");
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("<p>"), "{head}");
        assert!(again.starts_with("HTTP/1.1 304") && !again.contains("<p>"), "{again}");
        assert!(other.starts_with("HTTP/1.1 200"), "{other}");
        assert!(outside.starts_with("HTTP/1.1 404"), "{outside}");
        assert!(put.starts_with("HTTP/1.1 405") && put.contains("allow: GET, HEAD"), "{put}");
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    }
}
