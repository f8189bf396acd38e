//! HTTP server for the site: read-only access to the files of one folder.
//!
//! Slow or idle clients are disconnected, and no client can delay shutdown.

mod host;
mod response;

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use self::{
    host::Hosts,
    response::{Served, respond},
};

/// The maximum number of concurrent connections; others wait to be accepted.
const CONNECTIONS: usize = 256;

/// The time limit for receiving a request's headers, restarted for each request of a connection.
const HEADERS: Duration = Duration::from_secs(10);

/// The maximum lifetime of a connection: a page takes seconds, and slow readers can reconnect.
const LIFE: Duration = Duration::from_mins(5);

/// The time that pending responses get at shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// The limits on a request's headers: their size in bytes, and their number.
const HEADER_BYTES: usize = 32 << 10;
const HEADER_COUNT: usize = 64;

/// A server for one folder.
pub struct Server {
    listener: TcpListener,
    root: PathBuf,
    allowed: Vec<String>,
}

impl Server {
    /// Binds to an address, on any free port if the given one is in use. Requests must address the server by
    /// that address, by a loopback address, by `localhost`, or by a name in `allowed`.
    ///
    /// # Errors
    /// If the folder doesn't exist, or no port can be bound.
    pub async fn bind(root: &Path, host: IpAddr, port: u16, allowed: &[String]) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let listener = match TcpListener::bind((host, port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind((host, 0)).await?,
            other => other?,
        };
        Ok(Self { listener, root, allowed: allowed.to_vec() })
    }

    /// Returns the bound address.
    ///
    /// # Errors
    /// If the socket is closed.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves requests until `stop` completes, then gives pending responses two seconds to finish.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
        let hosts = Hosts::new(self.address()?, &self.allowed);
        let router = Router::new().fallback(respond).with_state(Arc::new(Served { root: self.root, hosts }));
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (ending, ended) = watch::channel(());
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let stream = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) if is_of_one_connection(&error) => continue,
                    // For example, no file handles are left: connections that end will free some.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            while connections.try_join_next().is_some() {}
            let (router, ended) = (router.clone(), ended.clone());
            connections.spawn(async move {
                let _ = timeout(LIFE, connection(stream, router, ended)).await;
                drop(place);
            });
        }
        drop(ending);
        let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

/// Serves one connection until it ends or the server shuts down.
async fn connection(stream: TcpStream, router: Router, mut ended: watch::Receiver<()>) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_COUNT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(serving);
    tokio::select! {
        // A disconnecting client is not an error.
        _ = serving.as_mut() => {}
        _ = ended.changed() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// Returns whether an accept error affects only one connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        net::Ipv4Addr,
    };

    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_gives_way_to_a_free_one() {
        let folder = tempfile::tempdir().unwrap();
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = Server::bind(folder.path(), host, 0, &[]).await.unwrap();
        let port = first.address().unwrap().port();
        let second = Server::bind(folder.path(), host, port, &[]).await.unwrap();
        assert_ne!(second.address().unwrap().port(), port);
    }

    /// Sends a request and returns the response as text.
    fn ask(address: SocketAddr, request: &str, header: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_are_answered_with_their_types_and_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "<p>héllo").unwrap();
        let server = Server::bind(folder.path(), IpAddr::V4(Ipv4Addr::LOCALHOST), 0, &[]).await.unwrap();
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
        assert!(outside.contains("content-security-policy: default-src 'none'"), "{outside}");
        assert!(put.starts_with("HTTP/1.1 405") && put.contains("allow: GET, HEAD"), "{put}");
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn half_a_request_holds_nobody_up_and_foreign_names_are_not_answered() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "<p>hello").unwrap();
        let server = Server::bind(folder.path(), IpAddr::V4(Ipv4Addr::LOCALHOST), 0, &[]).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        let (half, foreign, huge) = tokio::task::spawn_blocking(move || {
            let mut half = std::net::TcpStream::connect(address).unwrap();
            write!(half, "GET / HTTP/1.1\r\nHost: loc").unwrap();
            let mut foreign = std::net::TcpStream::connect(address).unwrap();
            write!(foreign, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").unwrap();
            let mut response = String::new();
            foreign.read_to_string(&mut response).unwrap();
            let second = ask(address, "GET /", "Host: evil.example\r\n");
            assert!(!second.contains("hello"), "{second}");
            (half, response, ask(address, "GET /", &format!("X: {}\r\n", "x".repeat(HEADER_BYTES / 4))))
        })
        .await
        .unwrap();
        assert!(foreign.starts_with("HTTP/1.1 421") && !foreign.contains("hello"), "{foreign}");
        assert!(huge.starts_with("HTTP/1.1 200"), "{huge}");
        stop.send(()).unwrap();
        timeout(GRACE + Duration::from_secs(3), serving).await.unwrap().unwrap().unwrap();
        drop(half);
    }
}
