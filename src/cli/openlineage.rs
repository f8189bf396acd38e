//! The destination of lineage events, from the environment variables of OpenLineage's own clients.

use std::path::Path;

use super::{environment, failure};
use crate::{
    report::{Endpoint, LineageParent},
    secret::{hide, hide_credentials},
};

/// The default namespace of jobs.
const NAMESPACE: &str = "default";

/// The default path of a service's URL.
const PATH: &str = "api/v1/lineage";

/// The settings in the environment.
pub(super) struct OpenLineageSettings {
    pub(super) endpoint: Endpoint,
    pub(super) namespace: String,
    pub(super) parent: Option<LineageParent>,
}

/// Returns whether the environment says anything of lineage events.
pub(super) fn is_mentioned() -> bool {
    environment::mentions("OPENLINEAGE")
}

/// Returns the settings, or `None` if lineage events aren't configured. File paths are relative to the
/// working directory. Invalid settings give a warning on stderr, and no events are sent.
pub(super) fn wanted() -> Option<OpenLineageSettings> {
    let is_off = set("OPENLINEAGE_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if is_off {
        return None;
    }
    Some(OpenLineageSettings {
        endpoint: endpoint()?,
        namespace: set("OPENLINEAGE_NAMESPACE").unwrap_or_else(|| NAMESPACE.to_owned()),
        parent: set("OPENLINEAGE_PARENT_ID").and_then(|text| parent(&text)),
    })
}

fn endpoint() -> Option<Endpoint> {
    let transport = set("OPENLINEAGE__TRANSPORT__TYPE").map(|kind| kind.to_ascii_lowercase());
    match transport.as_deref() {
        Some("file") => {
            let path = set("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH");
            if path.is_none() {
                failure::warn(
                    "OPENLINEAGE__TRANSPORT__TYPE is file, but OPENLINEAGE__TRANSPORT__LOG_FILE_PATH isn't set",
                );
            }
            path.map(|path| Endpoint::File(Path::new(&path).to_path_buf()))
        }
        Some("http") | None => {
            let url = set("OPENLINEAGE_URL").or_else(|| set("OPENLINEAGE__TRANSPORT__URL"))?;
            let path = set("OPENLINEAGE_ENDPOINT").or_else(|| set("OPENLINEAGE__TRANSPORT__ENDPOINT"));
            let path = path.unwrap_or_else(|| PATH.to_owned());
            let api_key = set("OPENLINEAGE_API_KEY").or_else(|| set("OPENLINEAGE__TRANSPORT__AUTH__APIKEY"));
            if let Some(key) = &api_key {
                hide(key);
            }
            hide_credentials(&url);
            Some(Endpoint::Http {
                url: format!("{}/{}", url.trim_end_matches('/'), path.trim_start_matches('/')),
                api_key,
            })
        }
        Some(other) => {
            failure::warn(&format!("OPENLINEAGE__TRANSPORT__TYPE is {other}; expected file or http"));
            None
        }
    }
}

/// `namespace/job/run`
fn parent(text: &str) -> Option<LineageParent> {
    let mut parts = text.rsplitn(3, '/');
    let (run_id, job, namespace) = (parts.next(), parts.next(), parts.next());
    let found = run_id.zip(job).zip(namespace).map(|((run_id, job), namespace)| LineageParent {
        namespace: namespace.to_owned(),
        job: job.to_owned(),
        run_id: run_id.to_owned(),
    });
    if found.is_none() {
        failure::warn(&format!("OPENLINEAGE_PARENT_ID is `{text}`, which is not namespace/job/run"));
    }
    found
}

fn set(name: &str) -> Option<String> {
    environment::variable(name).filter(|text| !text.is_empty())
}
