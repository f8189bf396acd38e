//! Small texts that the lake stores for the project next to its tables, such as the columns detected in a
//! source. They are at `_headwater/<kind>/<name>.json`; the last writer wins.

use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path as Location};

use super::{
    error::{LakeError, READ, WRITE},
    layout::OWN,
    store::Lake,
};

impl Lake {
    /// Returns a recorded text, if there is one.
    pub async fn recorded(&self, kind: &str, name: &str) -> Result<Option<String>, LakeError> {
        let (store, location, place) = self.record_location(kind, name)?;
        let read = |error| LakeError::of_store(READ, &place, error);
        let bytes = match store.get(&location).await {
            Ok(found) => found.bytes().await.map_err(read)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(read(error)),
        };
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Records a text and replaces any earlier one.
    pub async fn record(&self, kind: &str, name: &str, text: String) -> Result<(), LakeError> {
        let (store, location, place) = self.record_location(kind, name)?;
        let put = store.put(&location, PutPayload::from(text.into_bytes())).await;
        put.map(drop).map_err(|error| LakeError::of_store(WRITE, &place, error))
    }

    fn record_location(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<(Arc<dyn ObjectStore>, Location, String), LakeError> {
        let place = format!("{}/{OWN}/{kind}/{name}.json", self.root_display().trim_end_matches('/'));
        let log_store = self
            .log_store(Arc::clone(self.store()), self.root().mount().clone())
            .map_err(|error| LakeError::of(READ, &place, error))?;
        let file = format!("{name}.json");
        Ok((log_store.object_store(None), Location::from_iter([OWN, kind, &file]), place))
    }
}
