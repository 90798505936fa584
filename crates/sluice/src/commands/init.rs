//! `sluice init`: a small commented organisation to start from.

use std::path::PathBuf;

use clap::Args;

use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Arguments of `sluice init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder to write into; made when it does not exist
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the files, and none over an existing one.
pub(crate) fn run(arguments: &InitArgs) -> Outcome {
    let files = sluice_organisation::init_template();
    let taken = files.iter().map(|(path, _)| arguments.dir.join(path)).find(|path| path.exists());
    if let Some(path) = taken {
        return Err(Failure::new(
            format!("`{}` exists, nothing was written", path.display()),
            "choose another folder, or remove the file first",
        ));
    }
    for (path, text) in files {
        let path = arguments.dir.join(path);
        let parent = path.parent().map(std::fs::create_dir_all).transpose();
        parent
            .and_then(|_| std::fs::write(&path, text))
            .map_err(|error| Failure::file("write", &path, &error))?;
        output::note(&format!("wrote {}", path.display()));
    }
    let dir = arguments.dir.display();
    output::note(&format!("edit them, then `sluice check {dir}` and `sluice apply {dir}`"));
    Ok(exit::OK)
}
