//! Secrets by reference: read from where they lie, within bounds, and never printed.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::inventory::{Secret, SecretRef};

/// How much a command may say, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    pub(super) deadline: Duration,
}

/// Those of a secret. A command that asks a person something would wait for ever.
const SECRET: Bounds = Bounds {
    bytes: 64 << 10,
    deadline: Duration::from_secs(5),
};

/// The value of a reference. The error is one sentence without the secret.
pub(super) fn resolve(root: &Path, reference: &SecretRef) -> Result<Secret, String> {
    let bytes = match reference {
        SecretRef::Env(name) => std::env::var_os(name)
            .ok_or_else(|| format!("the environment variable {name} is not set"))?
            .into_encoded_bytes(),
        SecretRef::File(path) => read_private(&expand(root, path)?)?,
        SecretRef::Cred(name) => read_credential(name)?,
        SecretRef::Cmd(words) => run(root, words, SECRET)?,
    };
    let mut text = String::from_utf8(bytes).map_err(|_| "the secret is not UTF-8 text")?;
    // Editors and `echo` end a file with a newline that is not part of the secret.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err("the secret is empty".into());
    }
    Ok(Secret::new(text))
}

/// The absolute path of a private key that can be read and that others cannot.
pub(super) fn key_file(root: &Path, path: &str) -> Result<String, String> {
    let full = expand(root, path)?;
    open_private(&full)?;
    full.into_os_string()
        .into_string()
        .map_err(|_| "the path is not UTF-8 text".into())
}

/// `~/x` below the user's home directory, other relative paths below `root`.
fn expand(root: &Path, path: &str) -> Result<PathBuf, String> {
    match path.strip_prefix("~/") {
        Some(rest) => std::env::var_os("HOME")
            .map(|home| Path::new(&home).join(rest))
            .ok_or_else(|| format!("HOME is not set, so {path} means nothing")),
        None => Ok(root.join(path)),
    }
}

fn open_private(path: &Path) -> Result<fs::File, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("cannot read {shown}: {error}");
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    let file = fs::File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if about.uid() == own_uid() && about.mode() & 0o077 != 0 {
        return Err(format!(
            "{shown} can be read by others (mode {:04o}): run `chmod 600 {shown}`",
            about.mode() & 0o7777
        ));
    }
    Ok(file)
}

fn read_private(path: &Path) -> Result<Vec<u8>, String> {
    read_bounded(open_private(path)?, SECRET.bytes)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn read_credential(name: &str) -> Result<Vec<u8>, String> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(format!("`{name}` is not the name of a systemd credential"));
    }
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        format!(
            "CREDENTIALS_DIRECTORY is not set: `cred:{name}` needs `LoadCredential={name}:…` in the systemd unit"
        )
    })?;
    read_private(&Path::new(&directory).join(name))
}

fn read_bounded(from: impl Read, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("longer than {} KiB", most >> 10));
    }
    Ok(bytes)
}

/// What the command prints. It gets no input and no terminal; its own complaints are not shown,
/// since they might repeat the secret.
pub(super) fn run(root: &Path, words: &[String], bounds: Bounds) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot run `{program}`: {error}"))?;
    let output = child.stdout.take().ok_or("the command has no output")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // The receiver is gone when the deadline has passed.
        let _ = sender.send(read_bounded(output, bounds.bytes));
    });
    let read = receiver.recv_timeout(bounds.deadline);
    let Ok(read) = read else {
        end(&mut child);
        return Err(format!(
            "`{program}` did not finish within {} s",
            bounds.deadline.as_secs()
        ));
    };
    let bytes = read.inspect_err(|_| end(&mut child))?;
    let status = wait(&mut child).ok_or_else(|| {
        end(&mut child);
        format!("`{program}` closed its output but did not end")
    })?;
    if !status.success() {
        return Err(format!(
            "`{program}` failed ({status}): run it by hand as the user that eider runs as"
        ));
    }
    Ok(bytes)
}

/// The status of a child that has closed its output and so is about to end.
fn wait(child: &mut Child) -> Option<std::process::ExitStatus> {
    for _ in 0..100 {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Kills the command with everything it started, and reaps it.
fn end(child: &mut Child) {
    if let Ok(group) = i32::try_from(child.id()) {
        // Only the kernel can signal a whole group; the group is ours (process_group above) and
        // its leader is not reaped yet, so the number cannot belong to anyone else.
        #[allow(unsafe_code)]
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
    }
    let _ = child.wait();
}

fn own_uid() -> u32 {
    // A call without arguments that cannot fail.
    #[allow(unsafe_code)]
    unsafe {
        libc::geteuid()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    fn command(words: &[&str]) -> Result<Secret, String> {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        resolve(Path::new("/"), &SecretRef::Cmd(words))
    }

    #[test]
    fn a_command_gives_what_it_prints() {
        assert_eq!(command(&["echo", "s3cret"]).unwrap().expose(), "s3cret");
        let error = command(&["sh", "-c", "echo s3cret; exit 3"]).unwrap_err();
        assert!(error.contains("exit status: 3") && !error.contains("s3cret"));
        assert!(command(&["/does/not/exist"]).is_err());
        assert!(command(&["true"]).unwrap_err().contains("empty"));
        assert!(
            command(&["cat", "/dev/zero"])
                .unwrap_err()
                .contains("64 KiB")
        );
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let begun = Instant::now();
        let error = command(&["sh", "-c", "sleep 60 & sleep 60"]).unwrap_err();
        assert!(error.contains("did not finish within 5 s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "s3cret\n").unwrap();
        let reference = SecretRef::File("secret".into());
        for (mode, good) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match resolve(directory.path(), &reference) {
                Ok(secret) => assert!(good && secret.expose() == "s3cret"),
                Err(error) => assert!(!good && error.contains("chmod 600"), "{error}"),
            }
        }
        assert!(
            key_file(directory.path(), "secret")
                .unwrap()
                .starts_with('/')
        );
        assert!(key_file(directory.path(), "none").is_err());
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = resolve(Path::new("/"), &SecretRef::Env("EIDER_NO_SUCH".into())).unwrap_err();
        assert!(error.contains("EIDER_NO_SUCH"));
        assert!(resolve(Path::new("/"), &SecretRef::Cred("../x".into())).is_err());
    }
}
