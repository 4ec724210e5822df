//! MIB modules: from the files of a vendor to the draft of a profile.
//!
//! A draft asks for everything that the modules define and names it as they do; its owner deletes
//! what nobody needs. Files come from anywhere: they are bounded, and read on a stack of their own.

mod column;
mod draft;
mod standard;
mod wording;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mib_rs::mib::UnresolvedKind;
use mib_rs::types::{DiagnosticReport, Severity};
use mib_rs::{LoadError, Loader, Mib};

pub use draft::Draft;
pub use wording::profile_name;

/// A longer file is no MIB module.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Imports of imports and so on come out of so many folders at most.
const FOLDERS_MAX: usize = 32;
/// What nests deeper than this is written to do harm.
const NESTING_MAX: usize = 200;
/// More errors of modules are not told.
const ERRORS_MAX: usize = 20;
/// The reader calls itself for what is nested.
const STACK_BYTES: usize = 64 << 20;

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pub files: Vec<PathBuf>,
    /// Of the files' modules only this one.
    pub module: Option<String>,
    /// Where imported modules may lie, beside the folders of the files.
    pub folders: Vec<PathBuf>,
}

/// Reads the modules and drafts a profile of this name. The error says what is wrong and what to
/// do, one thing per line.
pub fn import(order: Order, name: Option<String>) -> Result<Draft, String> {
    let reader = std::thread::Builder::new()
        .name("mib".into())
        .stack_size(STACK_BYTES)
        .spawn(move || read(&order, name.as_deref()))
        .map_err(|error| format!("cannot start reading: {error}"))?;
    let ended = reader.join();
    ended.unwrap_or_else(|_| Err("the reader of MIB modules failed on these files".into()))
}

fn read(order: &Order, name: Option<&str>) -> Result<Draft, String> {
    for file in &order.files {
        check_file(file)?;
    }
    let own = mib_rs::source::files(&order.files).map_err(|error| {
        format!("{error}: a MIB module begins with `NAME DEFINITIONS ::= BEGIN`")
    })?;
    let mut modules = own.list_modules().map_err(|error| error.to_string())?;
    modules.sort();
    if let Some(wanted) = &order.module {
        if !modules.contains(wanted) {
            return Err(format!(
                "no file holds the module {wanted}; there is {}",
                modules.join(", ")
            ));
        }
        modules = vec![wanted.clone()];
    }
    let folders = folders(order);
    let mut loader = Loader::new().source(own).modules(modules.clone());
    for folder in &folders {
        if let Ok(source) = mib_rs::source::dir(folder) {
            loader = loader.source(source);
        }
    }
    let standard = mib_rs::source::memory_modules(standard::modules());
    let mib = loader.source(standard).load().map_err(|e| explain(&e))?;
    missing(&mib, &folders)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => profile_name(modules.first().map_or("mib", String::as_str)),
    };
    let mut draft = Draft::of(&mib, &modules, &name)?;
    draft.doubts = errors(&mib.diagnostic_report(), &modules);
    Ok(draft)
}

fn explain(error: &LoadError) -> String {
    match error {
        LoadError::DiagnosticThreshold { report } => {
            let mut lines = vec!["the modules cannot be understood:".to_owned()];
            lines.extend(errors(report, &[]));
            lines.join("\n")
        }
        other => other.to_string(),
    }
}

/// What is wrong with these modules, or with all when none is named; with places.
fn errors(report: &DiagnosticReport, modules: &[String]) -> Vec<String> {
    report
        .iter()
        .filter(|entry| entry.diagnostic().severity <= Severity::Error)
        .filter(|entry| {
            let module = entry.diagnostic().module.as_ref();
            modules.is_empty() || module.is_none_or(|m| modules.contains(m))
        })
        .filter_map(|entry| entry.render().ok())
        .take(ERRORS_MAX)
        .collect()
}

/// Refuses what cannot be a MIB module before anybody tries to understand it.
fn check_file(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let metadata = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if !metadata.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(format!(
            "{shown} is longer than {} MiB: no MIB module is",
            FILE_BYTES_MAX >> 20
        ));
    }
    let octets = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut depth = 0usize;
    let mut line = 1;
    for octet in octets {
        match octet {
            b'\n' => line += 1,
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            0 => return Err(format!("{shown}:{line}: not text")),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(format!(
                "{shown}:{line}: more than {NESTING_MAX} brackets are open"
            ));
        }
    }
    Ok(())
}

/// Where imports are looked for: beside the files, in the folders given, and where net-snmp keeps
/// its own.
fn folders(order: &Order) -> Vec<PathBuf> {
    let beside = order.files.iter().filter_map(|file| file.parent());
    let beside = beside.map(|folder| match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_owned(),
    });
    let usual = mib_rs::searchpath::discover_system_paths();
    let usual = usual.into_iter().map(PathBuf::from);
    let mut folders = Vec::new();
    for folder in order.folders.iter().cloned().chain(beside).chain(usual) {
        if folder.is_dir() && !folders.contains(&folder) && folders.len() < FOLDERS_MAX {
            folders.push(folder);
        }
    }
    folders
}

/// Names the modules that are imported from and that are nowhere.
fn missing(mib: &Mib, folders: &[PathBuf]) -> Result<(), String> {
    let mut missing: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for module in mib.modules() {
        for import in module.imports() {
            if mib.module(&import.module).is_none() {
                let symbol = import.symbols.first().map_or("", |s| s.name.as_str());
                missing
                    .entry(&import.module)
                    .or_insert((module.name(), symbol));
            }
        }
    }
    // What the standards' modules have beyond the types that are built in.
    for unresolved in mib.unresolved() {
        let importer = mib.module(&unresolved.module);
        let mut imports = importer.into_iter().flat_map(|m| m.imports());
        let has = |symbols: &[_]| {
            symbols
                .iter()
                .any(|s: &mib_rs::mib::ImportSymbol| s.name == unresolved.symbol)
        };
        if unresolved.kind == UnresolvedKind::Import
            && let Some(import) = imports.find(|import| has(&import.symbols))
        {
            missing
                .entry(&import.module)
                .or_insert((&unresolved.module, &unresolved.symbol));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut said = String::new();
    for (name, (by, symbol)) in missing {
        said += &format!("the module {name} is missing: {by} imports {symbol} from it\n");
    }
    said +=
        "put the files that hold them beside yours, or name their folder with --path; looked in ";
    let looked: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    Err(said + &looked.join(", "))
}
