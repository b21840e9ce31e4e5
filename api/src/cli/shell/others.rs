//! The other images that the steps of a recipe name: here they are files.

use std::{fs::File, io::Read, sync::Arc};

use common::{Failure, Recipe};

/// Their bytes, in the order of the steps.
pub(super) fn read(recipe: &Recipe, max_file_bytes: u64) -> Result<Vec<Arc<[u8]>>, Failure> {
    let one = |(argument, path): (String, &str)| {
        let mut bytes = Vec::new();
        // The engine refuses what is too large; a file that size need not be read first.
        File::open(path)
            .and_then(|file| file.take(max_file_bytes.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| Failure::invalid(argument, format!("{path}: {error}.")))?;
        Ok(bytes.into())
    };
    recipe.others().map(one).collect()
}
