//! Packages in git repositories, checked out with the system's `git`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::secret::scrubbed;

/// A failed checkout: what git said.
pub(super) type GitError = String;

/// Checks out a revision (a branch, a tag or a commit) into a new folder, and returns the commit.
pub(super) fn checkout(url: &str, revision: &str, folder: &Path) -> Result<String, GitError> {
    if url.starts_with('-') || revision.starts_with('-') {
        return Err("an address or a revision can't begin with `-`".to_owned());
    }
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    git(folder, &["init", "-q"])?;
    git(folder, &["remote", "add", "origin", url])?;
    // A server may refuse to give a single commit, and never gives one by the beginning of its digest.
    let is_shallow = git(folder, &["fetch", "-q", "--depth", "1", "origin", revision]).is_ok();
    if is_shallow {
        git(folder, &["checkout", "-q", "--detach", "FETCH_HEAD"])?;
    } else {
        git(folder, &["fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"])?;
        git(folder, &["checkout", "-q", "--detach", revision])?;
    }
    let commit = git(folder, &["rev-parse", "HEAD"])?;
    std::fs::remove_dir_all(folder.join(".git")).map_err(|error| error.to_string())?;
    Ok(commit.trim().to_owned())
}

fn git(folder: &Path, args: &[&str]) -> Result<String, GitError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            "git isn't installed, or isn't on the path".to_owned()
        } else {
            error.to_string()
        }
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(scrubbed(String::from_utf8_lossy(&output.stderr).trim()).into_owned())
}
