//! Small texts that the lake stores for the project next to its tables, such as the columns detected in a
//! source. They are at `_headwater/<kind>/<name>.json`; the last writer wins.

use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path as Location};

use super::{
    error::LakeError,
    error_cause::{causes, is_denied},
    layout::OWN,
    operation::LakeOperation,
    store::Lake,
    writer::LakeWriter,
};

/// The words of the local store's error about a folder in the place of a file.
const FOLDER: &str = "is directory";

impl Lake {
    /// Returns a recorded text, if there is one.
    pub async fn recorded(&self, kind: &str, name: &str) -> Result<Option<String>, LakeError> {
        let (store, location, place) = self.record_location(kind, name)?;
        let read = |error: object_store::Error| {
            let (operation, place) = (LakeOperation::Read, place.clone());
            if causes(&error).any(is_denied) {
                LakeError::Denied { operation, place, source: Box::new(error) }
            } else {
                LakeError::Storage { operation, place, source: Box::new(error) }
            }
        };
        let bytes = match store.get(&location).await {
            Ok(found) => found.bytes().await.map_err(read)?,
            Err(object_store::Error::NotFound { source, .. }) if source.to_string() != FOLDER => {
                return Ok(None);
            }
            Err(object_store::Error::NotFound { .. }) => {
                let source = Box::from("a folder is in its place");
                return Err(LakeError::Storage { operation: LakeOperation::Read, place, source });
            }
            Err(error) => return Err(read(error)),
        };
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Returns the place of a recorded text, for messages.
    #[must_use]
    pub fn record_place(&self, kind: &str, name: &str) -> String {
        format!("{}/{OWN}/{kind}/{name}.json", self.root_display().trim_end_matches('/'))
    }

    fn record_location(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<(Arc<dyn ObjectStore>, Location, String), LakeError> {
        let place = self.record_place(kind, name);
        let log_store = self
            .log_store(Arc::clone(self.store()), self.root().mount().clone())
            .map_err(|error| LakeError::of(LakeOperation::Read, &place, error))?;
        let file = format!("{name}.json");
        Ok((log_store.object_store(None), Location::from_iter([OWN, kind, &file]), place))
    }
}

impl LakeWriter {
    /// Records a text and replaces any earlier one.
    pub async fn record(&self, kind: &str, name: &str, text: String) -> Result<(), LakeError> {
        let (store, location, place) = self.lake().record_location(kind, name)?;
        let put = store.put(&location, PutPayload::from(text.into_bytes())).await;
        put.map(drop).map_err(|error| LakeError::of_store(LakeOperation::Write, &place, error))
    }
}
