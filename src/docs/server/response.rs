//! Responses: a file of the folder with its headers, or an error.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header, uri::Authority},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_128;

use super::host::Hosts;
use crate::local_file;

/// The served folder and its host names.
pub(super) struct Served {
    /// The canonical path of the folder, without symbolic links.
    pub(super) root: PathBuf,
    /// The host names that requests may use.
    pub(super) hosts: Hosts,
}

/// Responds to one request: with the file, with "not modified" if the browser has it, or with an error.
pub(super) async fn respond(
    State(site): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this is only to be read\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // At least one host must be named, and every named host must be known.
    let named = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let named: Vec<&str> = named.chain(uri.authority().map(Authority::as_str)).collect();
    if named.is_empty() || !named.iter().all(|host| site.hosts.know(host)) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this address is not known here; start the server with `--allowed-host` and its name to allow it\n",
        );
    }
    let root = &site.root;
    let path = inside(root, uri.path()).filter(|path| local_file::regular(path).is_ok());
    let Some(path) = path else { return plain(StatusCode::NOT_FOUND, "not found\n") };
    let Ok(bytes) = tokio::fs::read(&path).await else { return plain(StatusCode::NOT_FOUND, "not found\n") };
    let tag = format!("\"{:032x}\"", xxh3_128(&bytes));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let is_known = known.any(|one| one == "*" || one == tag);
    let kind = mime_guess::from_path(&path).first_or_octet_stream();
    let policy = if kind.subtype() == "html" { policy(&bytes) } else { "default-src 'none'".to_owned() };
    let mut response = if is_known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        // A HEAD response has the same headers; axum omits the body.
        Response::new(Body::from(bytes))
    };
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    for (name, value) in [
        (header::CONTENT_TYPE, format!("{kind}{charset}")),
        (header::ETAG, tag),
        // Always revalidate; most responses are "not modified".
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Returns the page's content security policy: it may run its inline scripts and its parts, and connect to
/// nothing else. The graph layout runs in a worker that the page creates from its own text.
fn policy(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let scripts = page.split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next());
    let hashes: Vec<String> =
        scripts.map(|script| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)))).collect();
    format!(
        "default-src 'none'; script-src 'self' blob: {}; worker-src blob:; style-src 'unsafe-inline'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hashes.join(" ")
    )
}

/// Maps a request's path to a file inside the folder. Paths that lead outside, even through a symbolic link,
/// are not found.
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
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use std::fs;

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

    #[test]
    fn a_page_runs_its_own_scripts_only() {
        let policy = policy(b"<script type=\"text/plain\">x</script><script>alert(1)</script>");
        // Computed with: printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert!(
            policy.contains("script-src 'self' blob: 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';"),
            "{policy}"
        );
    }
}
