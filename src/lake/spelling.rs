//! The spelling of a table's name in the lake: names compare without case, and folders have one spelling.

use object_store::{ObjectStore, path::Path as Location};

use super::{error::LakeError, mount, operation::LakeOperation, store::Lake};
use crate::name::Relation;

impl Lake {
    /// Returns the name of the table that a relation means, as the lake spells it. Returns `None` if there is
    /// no such table. The same spelling comes before others.
    ///
    /// # Errors
    /// If the lake can't be listed.
    pub async fn spelled(&self, relation: &Relation) -> Result<Option<Relation>, LakeError> {
        let root = Location::from_url_path(self.root().mount().path());
        let root = root.map_err(|error| self.unlisted(error.into()))?;
        let mut found = Vec::new();
        for (schema, folder) in self.folders(&root, &relation.schema).await? {
            for (name, _) in self.folders(&folder, &relation.name).await? {
                found.push(Relation::new(&schema, name));
            }
        }
        let at = found.iter().position(|spelled| spelled == relation).unwrap_or_default();
        Ok(found.into_iter().nth(at))
    }

    /// Returns the folders in a folder that have this name in any case, each with its location.
    async fn folders(&self, above: &Location, name: &str) -> Result<Vec<(String, Location)>, LakeError> {
        let listed = match self.store().list_with_delimiter(Some(above)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed.map_err(|error| self.unlisted(error))?,
        };
        let is_local = self.root().folder().is_some();
        let named = listed.common_prefixes.into_iter().filter_map(|folder| {
            let own = folder.filename()?;
            let own = if is_local { mount::decode(own) } else { own.to_owned() };
            (own.to_lowercase() == name.to_lowercase()).then_some((own, folder))
        });
        Ok(named.collect())
    }

    fn unlisted(&self, error: object_store::Error) -> LakeError {
        LakeError::of_store(LakeOperation::Read, &self.root_display(), error)
    }
}
